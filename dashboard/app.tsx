import { useEffect, useRef } from 'preact/hooks'
import { listen, live } from './data/live.ts'
import { route, type Route } from './data/route.ts'
import { session } from './data/session.ts'
import { useStore } from './data/store.ts'
import { ActivityPage } from './pages/activity.tsx'
import { AgentsPage } from './pages/agents.tsx'
import { NoSession } from './pages/no-session.tsx'
import { OperationPage } from './pages/operation.tsx'
import { OverviewPage } from './pages/overview.tsx'
import { SpacePage } from './pages/space.tsx'
import { Announcer } from './parts/announcer.tsx'
import { Sidebar } from './parts/sidebar.tsx'

/** The whole page. */
export function App() {
  const state = useStore(session)
  if (state === 'unknown') return null
  return state === 'none' ? <NoSession /> : <Dashboard />
}

function Dashboard() {
  const where = useStore(route)
  const main = useRef<HTMLElement>(null)
  const isFirst = useRef(true)
  useEffect(listen, [])
  const place = placeOf(where)
  useEffect(() => {
    if (isFirst.current) isFirst.current = false
    else main.current?.querySelector('h1')?.focus()
  }, [place])
  useTitle(where)
  return (
    <div class='page'>
      <a
        class='skip'
        href='#main'
        onClick={(event) => {
          event.preventDefault()
          main.current?.focus()
        }}
      >
        Skip to content
      </a>
      <Sidebar where={where} />
      <main ref={main} id='main' tabIndex={-1}>
        <Connection />
        <Page where={where} />
      </main>
      <Announcer />
    </div>
  )
}

/** What counts as another page: its heading is read out then. A section of the same space is none. */
const placeOf = (where: Route): string =>
  where.page === 'space' ? where.space : where.page === 'operation' ? where.operation : where.page

function useTitle(where: Route): void {
  const { overview } = useStore(live)
  const name = 'space' in where ? overview?.spaces.find(({ id }) => id === where.space)?.name : undefined
  const what = {
    overview: 'Overview',
    activity: 'Activity',
    agents: 'Agents',
    space: name,
    operation: 'Operation',
  }[where.page]
  const title = `${what ?? 'Space'} · Hanse`
  useEffect(() => {
    document.title = title
  }, [title])
}

function Page({ where }: { readonly where: Route }) {
  switch (where.page) {
    case 'overview':
      return <OverviewPage />
    case 'activity':
      return <ActivityPage />
    case 'agents':
      return <AgentsPage />
    case 'space':
      return <SpacePage id={where.space} section={where.section} path={where.path} />
    case 'operation':
      return <OperationPage space={where.space} operation={where.operation} />
  }
}

/** Says when what is shown is no longer what is. */
function Connection() {
  const { state, overview } = useStore(live)
  if (state !== 'lost') return null
  return (
    <p class='trouble' role='alert'>
      The node does not answer{overview === null ? '' : ': what is shown is how it was'}. This page goes on
      trying.
    </p>
  )
}
