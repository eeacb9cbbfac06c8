import { createStore } from './store.ts'

/** Whether this browser is the operator's: `none` with a reason where a link did not work. */
export const session = createStore<'unknown' | 'operator' | 'none'>('unknown')

/** Why the last link was not taken; empty where none was tried. */
export const linkProblem = createStore('')

const LINK = '#link='

/** Takes the secret of a one-time link out of the address, and out of the browser's history, and turns it into a session. */
export async function beginSession(): Promise<void> {
  const { hash, pathname } = window.location
  if (hash.startsWith(LINK)) {
    window.history.replaceState(null, '', pathname)
    const response = await fetch('/v1/session', {
      method: 'POST',
      credentials: 'same-origin',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ secret: decodeURIComponent(hash.slice(LINK.length)) }),
    })
    linkProblem.set(response.ok ? '' : ((await response.json()) as { detail: string }).detail)
  }
  const response = await fetch('/v1/whoami', { credentials: 'same-origin' })
  session.set(response.ok ? 'operator' : 'none')
}

/** Ends the session of this browser, here and on the node. */
export async function endSession(): Promise<void> {
  await fetch('/v1/session', { method: 'DELETE', credentials: 'same-origin' })
  linkProblem.set('')
  session.set('none')
}
