import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { equalBytes, toHex } from '../../../src/core/bytes.ts'
import { encodeCanonical } from '../../../src/core/canonical-cbor.ts'
import { type Cell, type CellEdit, CELL_TYPES, compareStamps } from '../../../src/core/types/cell.ts'
import { foldCell, type StampedEdit } from '../../../src/core/types/fold-cell.ts'
import {
  type Fold,
  foldIncrement,
  foldOf,
  foldRemoval,
  foldWrite,
  isContestable,
} from '../../../src/core/types/fold.ts'

const FOLDS: readonly Exclude<Fold, 'text'>[] = ['latest', 'kept', 'first', 'sum']

/** Ids of few operations; that of a forked author's branches differ like anybody's. */
const idOf = (byte: number) => new Uint8Array(32).fill(byte)
const KEY = { path: 'a', type: 'register', field: '' } as const

/** Edits of one cell: distinct elements, removals that name some of them or what nobody wrote; a tally has increments alone. */
const histories = (fold: Fold) =>
  fc
    .uniqueArray(
      fc.record({
        time: fc.nat(2),
        lamport: fc.nat(2),
        byte: fc.nat(5),
        index: fc.nat(2),
        kind:
          fold === 'sum'
            ? fc.constant('add' as const)
            : fc.constantFrom('set' as const, 'set' as const, 'remove' as const),
        names: fc.array(fc.record({ byte: fc.nat(5), index: fc.nat(2) }), { maxLength: 4 }),
        number: fc.integer(),
      }),
      { selector: ({ byte, index }) => `${byte} ${index}`, maxLength: 14 },
    )
    .map((drawn) =>
      drawn.map(({ time, lamport, byte, index, kind, names, number }): StampedEdit => {
        // One operation has one time and one lamport.
        const stamp = { time: (time + byte) % 3, lamport: (lamport + byte) % 1, id: idOf(byte), index }
        const edit: CellEdit =
          kind === 'set'
            ? { ...KEY, index, kind, value: encodeCanonical(number) }
            : kind === 'add'
              ? { ...KEY, index, kind, by: number }
              : {
                  ...KEY,
                  index,
                  kind,
                  observed: names.map((name) => ({ id: idOf(name.byte), index: name.index })),
                }
        return { stamp, edit }
      }),
    )

const textOf = (cell: Cell | undefined) =>
  cell === undefined
    ? null
    : [cell.time, cell.lamport, toHex(cell.id), cell.index, toHex(cell.value), cell.removed]

const shuffled = (edits: readonly StampedEdit[], order: readonly number[]) =>
  edits
    .map((edit, i) => ({ edit, at: order[i % order.length] as number }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ edit }) => edit)

const orders = fc.array(fc.nat(), { minLength: 1, maxLength: 14 })
const none = () => false

describe.each(FOLDS)('the fold %s', (fold) => {
  it('comes to the same bytes in whatever order the edits are given', () => {
    fc.assert(
      fc.property(histories(fold), orders, (edits, order) => {
        expect(textOf(foldCell(fold, shuffled(edits, order), none))).toEqual(
          textOf(foldCell(fold, edits, none)),
        )
      }),
    )
  })

  it('takes writes and removals that come twice as if they came once', () => {
    // An increment is an element of one operation, which the store admits once.
    fc.assert(
      fc.property(histories(fold), orders, (edits, order) => {
        const once = edits.filter(({ edit }) => edit.kind !== 'add')
        const twice = shuffled([...once, ...once], order)
        expect(textOf(foldCell(fold, twice, none))).toEqual(textOf(foldCell(fold, once, none)))
      }),
    )
  })

  it('comes to the same one by one, as they are admitted, wherever no folding again is asked for', () => {
    let again = 0
    fc.assert(
      fc.property(histories(fold), (edits) => {
        let cell: Cell | undefined
        const removed = new Set<string>()
        for (const [count, { stamp, edit }] of edits.entries()) {
          const name = `${toHex(stamp.id)} ${stamp.index}`
          if (edit.kind === 'set')
            cell = foldWrite(fold, cell, { ...stamp, value: edit.value }, removed.has(name))
          else if (edit.kind === 'add') cell = foldIncrement(cell, stamp, edit.by)
          else if (edit.kind === 'remove') {
            for (const { id, index } of edit.observed) removed.add(`${toHex(id)} ${index}`)
            const next = foldRemoval(fold, cell, edit.observed)
            if (next === 'again') again++
            cell = next === 'again' ? foldCell(fold, edits.slice(0, count + 1), none) : next
          }
          // A tally and a removal never meet in one cell: counters are cleared.
          if (edits.some((one) => one.edit.kind === 'add') && edits.some((one) => one.edit.kind !== 'add'))
            return
          expect(textOf(cell)).toEqual(textOf(foldCell(fold, edits.slice(0, count + 1), none)))
        }
      }),
      { numRuns: 1_000 },
    )
    expect(again > 0).toBe(fold === 'kept' || fold === 'first')
  })
})

describe('what shows', () => {
  const writesOf = (edits: readonly StampedEdit[]) =>
    edits.filter(({ edit }) => edit.kind === 'set').toSorted((a, b) => compareStamps(a.stamp, b.stamp))
  const isNamed = ({ stamp }: StampedEdit, edits: readonly StampedEdit[]) =>
    edits.some(
      ({ edit }) =>
        edit.kind === 'remove' &&
        edit.observed.some(({ id, index }) => index === stamp.index && equalBytes(id, stamp.id)),
    )

  it.each(['latest', 'kept', 'first'] as const)('by the fold %s is what its law says', (fold) => {
    fc.assert(
      fc.property(histories(fold), (edits) => {
        const cell = foldCell(fold, edits, none)
        const writes = writesOf(edits)
        const open = writes.filter((write) => !isNamed(write, edits))
        const winner = fold === 'latest' ? writes.at(-1) : fold === 'kept' ? open.at(-1) : open[0]
        const isShown = winner !== undefined && !isNamed(winner, edits)
        expect(cell !== undefined && !cell.removed).toBe(isShown)
        if (isShown) expect(cell).toMatchObject(winner.stamp)
      }),
    )
  })

  it('by the fold sum is all that no clearing has in its past, and nothing where that is nothing', () => {
    fc.assert(
      fc.property(histories('sum'), fc.nat(5), (edits, cleared) => {
        const cell = foldCell('sum', edits, ({ stamp }) => (stamp.id[0] as number) <= cleared)
        const counted = edits.filter(({ stamp }) => (stamp.id[0] as number) > cleared)
        const sum = counted.reduce((all, { edit }) => all + (edit.kind === 'add' ? edit.by : 0), 0)
        expect(cell === undefined ? null : toHex(cell.value)).toBe(
          counted.length === 0 ? null : toHex(encodeCanonical(sum)),
        )
      }),
    )
  })
})

describe('a type of item', () => {
  it('has one fold, and its losers are kept for people where writes push each other out', () => {
    expect(CELL_TYPES.map((type) => [type, foldOf(type), isContestable(type)])).toEqual([
      ['register', 'latest', true],
      ['map', 'latest', true],
      ['edge', 'latest', true],
      ['log', 'latest', false],
      ['set', 'kept', false],
      ['counter', 'sum', false],
      ['blob', 'latest', true],
      ['claim', 'first', true],
      ['text', 'text', false],
    ])
  })
})
