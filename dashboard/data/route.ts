import { createStore } from './store.ts'

/** The sections of a space. */
export const SECTIONS = ['sync', 'items', 'conflicts', 'authority', 'refused', 'forks', 'log'] as const
export type Section = (typeof SECTIONS)[number]

/** Where somebody is on the page, as its address says. */
export type Route =
  | { readonly page: 'overview' | 'activity' | 'agents' }
  | { readonly page: 'space'; readonly space: string; readonly section: Section; readonly path: string }
  | { readonly page: 'operation'; readonly space: string; readonly operation: string }

/** Reads the fragment of an address; what it does not know is the overview. */
export function parseRoute(hash: string): Route {
  const [place = '', query = ''] = hash.replace(/^#\/?/, '').split('?')
  const [page, space = '', section = '', operation = ''] = place.split('/').map(decodeURIComponent)
  if (page === 'activity' || page === 'agents') return { page }
  if (page !== 'space' || space === '') return { page: 'overview' }
  if (section === 'operation') return { page: 'operation', space, operation }
  const path = new URLSearchParams(query).get('path') ?? ''
  return { page, space, section: SECTIONS.find((one) => one === section) ?? 'sync', path }
}

export const spaceLink = (space: string, section: Section = 'sync', path = ''): string =>
  `#/space/${space}/${section}${path === '' ? '' : `?${new URLSearchParams({ path }).toString()}`}`

export const operationLink = (space: string, operation: string): string =>
  `#/space/${space}/operation/${operation}`

export const route = createStore<Route>(parseRoute(window.location.hash))
