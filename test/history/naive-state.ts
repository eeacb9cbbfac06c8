import { compareBytes, toHex } from '../../src/core/bytes.ts'
import { parseEdgeField } from '../../src/core/types/edge/change.ts'
import { formatDid } from '../../src/core/principal.ts'
import type { CellType } from '../../src/core/types/cell.ts'
import { compareText } from '../../src/storage/cell-order.ts'
import type { Deed, Meant } from './random-items.ts'

/*
 * What items are, from the set of operations and as stupidly as can be: the oracle for src/node/history. Given the effective
 * operations that count, in any order.
 */

export interface Made {
  readonly deed: Deed
  readonly edit: Meant
}

export const cellOf = ({ path, type, field }: Meant): string => `${path} ${type} ${field}`
export const nameOf = ({ deed, edit }: Made): string => `${deed.id}/${edit.index}`

/** Before, in the order of last writer wins. */
export function compareMade(a: Made, b: Made): number {
  const [x, y] = [a.deed.operation, b.deed.operation]
  return (
    x.header.time - y.header.time ||
    x.header.lamport - y.header.lamport ||
    compareBytes(x.id, y.id) ||
    a.edit.index - b.edit.index
  )
}

/** True where `later` settles `earlier`: whoever made it had seen it, or wrote there again in the same operation. */
export function hasSeen(later: Made, earlier: Made): boolean {
  return later.deed === earlier.deed
    ? later.edit.kind === 'set' && later.edit.index > earlier.edit.index
    : later.deed.past.has(earlier.deed.id)
}

/** All edits at a path, by cell. */
export function cellsAt(path: string, deeds: readonly Deed[]): ReadonlyMap<string, readonly Made[]> {
  const all = deeds.flatMap((deed) => deed.edits.map((edit) => ({ deed, edit })))
  return Map.groupBy(
    all.filter(({ edit }) => edit.path === path),
    ({ edit }) => cellOf(edit),
  )
}

export function removedIn(made: readonly Made[]): ReadonlySet<string> {
  return new Set(
    made.flatMap(({ edit }) => edit.observed?.map(({ id, index }) => `${toHex(id)}/${index}`) ?? []),
  )
}

export interface Shown {
  /** The write it is the work of; of a counter the last addition. */
  readonly winner: Made
  readonly value: unknown
}

/** What a cell shows. */
export function naiveCell(made: readonly Made[]): Shown | null {
  const removed = removedIn(made)
  const writes = made.filter(({ edit }) => edit.kind === 'set').toSorted(compareMade)
  const standing = writes.filter((write) => !removed.has(nameOf(write)))
  switch (made[0]?.edit.type) {
    case 'counter': {
      const clears = made.filter(({ edit }) => edit.kind === 'clear')
      const adds = made
        .filter((add) => add.edit.kind === 'add' && !clears.some((clear) => clear.deed.past.has(add.deed.id)))
        .toSorted(compareMade)
      const winner = adds.at(-1)
      const value = adds.reduce((sum, { edit }) => sum + (edit.by ?? 0), 0)
      return winner === undefined ? null : { winner, value }
    }
    case 'set':
      return toShown(standing.at(-1))
    case 'claim':
      return toShown(standing[0])
    default: {
      const last = writes.at(-1)
      return last === undefined || removed.has(nameOf(last)) ? null : toShown(last)
    }
  }
}

const toShown = (winner: Made | undefined): Shown | null =>
  winner === undefined ? null : { winner, value: winner.edit.value }

/** The items at a path, by type. */
export function naiveItems(path: string, deeds: readonly Deed[]): ReadonlyMap<CellType, unknown> {
  const shown = [...cellsAt(path, deeds).values()].flatMap((made) => naiveCell(made) ?? [])
  const items = new Map<CellType, unknown>()
  for (const [type, of] of Map.groupBy(shown, ({ winner }) => winner.edit.type)) {
    const ordered = of.toSorted((a, b) => compareText(a.winner.edit.field, b.winner.edit.field))
    items.set(type, valueOf(type, ordered))
  }
  return items
}

function valueOf(type: CellType, shown: readonly Shown[]): unknown {
  const [{ winner, value }] = shown as readonly [Shown]
  switch (type) {
    case 'map':
      return Object.fromEntries(shown.map((one) => [one.winner.edit.field, one.value]))
    case 'set':
      return shown.map((one) => one.winner.edit.field)
    case 'edge':
      return shown.map((one) => ({ ...parseEdgeField(one.winner.edit.field), value: one.value }))
    case 'log':
      return shown.map((one) => ({
        id: one.winner.deed.id,
        index: one.winner.edit.index,
        author: formatDid(one.winner.deed.operation.header.author),
        time: one.winner.deed.operation.header.time,
        value: one.value,
      }))
    case 'claim': {
      const author = formatDid(winner.deed.operation.header.author)
      return { value, author, operation: winner.deed.id, final: false }
    }
    default:
      return value
  }
}
