import { render } from 'preact'
import { beginSession } from './data/session.ts'
import { parseRoute, route } from './data/route.ts'
import { App } from './app.tsx'

/** A link opened in a page that is there already changes only the fragment. */
async function onHash(): Promise<void> {
  if (window.location.hash.startsWith('#link=')) await beginSession()
  route.set(parseRoute(window.location.hash))
}

window.addEventListener('hashchange', () => void onHash())
void beginSession().then(() => route.set(parseRoute(window.location.hash)))
render(<App />, document.querySelector('#app') as HTMLElement)
