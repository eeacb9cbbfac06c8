import { FaultError } from '../../node/fault-error.ts'
import type { Space } from '../../node/space/space.ts'
import { wholeId } from './choose-operation.ts'

/** What is said of points in the help of commands that take one. */
export const POINT_HELP = `
A point is an operation's id as "hanse log" shows it (what its author had seen, and the operation), the id with ^ behind it (before
it), a time such as 2026-11-21T14:05 or ms since 1970 (by the authors' clocks), or now.`

/** A point in history as the library takes it: the beginning of an id becomes the whole id. */
export function wholePoint(space: Space, text: string): string {
  const [, id, before] = /^([0-9a-f]{4,64})(\^?)$/i.exec(text.trim()) ?? []
  if (id === undefined) return text
  try {
    return `${wholeId(space, id)}${before ?? ''}`
  } catch (error) {
    // Digits alone may be the beginning of an id, or a time.
    const isNone = error instanceof FaultError && error.code === 'NOT_FOUND'
    if (isNone && before === '' && /^\d{9,16}$/.test(id)) return id
    throw error
  }
}
