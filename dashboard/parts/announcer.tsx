import { createStore, useStore } from '../data/store.ts'

const said = createStore('')

/** Says something to screen readers when they are done with what they are saying. */
export function announce(text: string): void {
  said.set(text)
}

/** The one place from which things are announced. */
export function Announcer() {
  return (
    <p class='hidden' role='status' aria-live='polite'>
      {useStore(said)}
    </p>
  )
}
