import { useEffect } from 'preact/hooks'
import { live, NOTHING } from '../data/live.ts'
import { parseRoute, route } from '../data/route.ts'
import { linkProblem } from '../data/session.ts'
import { useStore } from '../data/store.ts'
import { Trouble } from '../parts/text.tsx'

/** What a browser sees that is not the operator's: nothing of the node, and how to become one. */
export function NoSession() {
  // A page whose session has ended shows nothing of what it knew, in its title and address neither.
  useEffect(() => {
    live.set(NOTHING)
    document.title = 'Hanse'
    window.history.replaceState(null, '', window.location.pathname)
    route.set(parseRoute(''))
  }, [])
  return (
    <main class='gate' id='main'>
      <img src='/dashboard/icon.svg' width='44' height='44' alt='' />
      <h1>Hanse</h1>
      <Trouble text={useStore(linkProblem)} />
      <p>This page shows a node to whoever runs it. On the machine where the node runs, ask for a link:</p>
      <pre>hanse dashboard</pre>
      <p class='quiet'>
        The link works once and for ten minutes, and makes this browser the operator’s for twelve hours.
      </p>
    </main>
  )
}
