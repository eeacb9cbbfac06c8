import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toHex } from '../../src/core/bytes.ts'
import { SIBLINGS_MAX } from '../../src/core/limits.ts'
import { makeClaim, releaseClaim } from '../../src/core/types/claim/change.ts'
import { deleteRegister, setRegister } from '../../src/core/types/register/change.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { bob, carol, createHome, dave, forge, GENESIS_MS, grants, mallory } from '../cast.ts'
import { arrivals, arrive } from '../history/arrival.ts'
import { cellsAt, hasSeen, type Made, naiveCell, nameOf, removedIn } from '../history/naive-state.ts'
import { makeDeeds, PATHS, steps } from '../history/random-items.ts'

const CONTESTABLE = new Set(['register', 'map', 'edge', 'blob', 'claim'])

/** What must be and what may be among the siblings of a cell: invariants 1 and 2, by the letter. */
function siblingsByTheLetter(made: readonly Made[]): {
  readonly exactly: Set<string>
  readonly atMost: Set<string>
} {
  const writes = made.filter(({ edit }) => edit.kind === 'set')
  const removed = removedIn(made)
  if (made[0]?.edit.type === 'claim') {
    const holder = naiveCell(made)?.winner
    const others = writes.filter((write) => write !== holder && !removed.has(nameOf(write)))
    const names = new Set(others.map(nameOf))
    return { exactly: names, atMost: names }
  }
  const winner = naiveCell(writes)?.winner
  const losers = writes.filter((write) => write !== winner)
  const exactly = losers.filter((write) => !made.some((later) => hasSeen(later, write)))
  const atMost = losers.filter(
    (write) => !writes.some((later) => hasSeen(later, write)) && !removed.has(nameOf(write)),
  )
  return { exactly: new Set(exactly.map(nameOf)), atMost: new Set(atMost.map(nameOf)) }
}

describe('the siblings of a cell', () => {
  test('are the losers that nobody has settled, whatever order and bodies came in, forks and masks included', async () => {
    const seen = { siblings: 0, claims: 0, masked: 0, contested: 0 }
    await fc.assert(
      fc.asyncProperty(steps(35), arrivals, async (planned, arrival) => {
        const { home, admitted, effective } = await arrive(makeDeeds(planned), arrival)
        const { store } = home.hosted
        seen.masked += admitted.length - effective.length
        const contested: string[] = []
        for (const path of PATHS) {
          for (const made of cellsAt(path, effective).values()) {
            const [{ edit: key }] = made as [Made]
            const found = store
              .siblings(key)
              .map(({ ordinal, index }) => `${toHex(store.at(ordinal).id)}/${index}`)
            if (!CONTESTABLE.has(key.type)) {
              expect(found).toEqual([])
              continue
            }
            const { exactly, atMost } = siblingsByTheLetter(made)
            expect([...exactly].filter((name) => !found.includes(name))).toEqual([])
            expect(found.filter((name) => !atMost.has(name))).toEqual([])
            seen.siblings += found.length
            if (key.type === 'claim') seen.claims += found.length
            if (found.length > 0) contested.push(`${key.path} ${key.type} ${key.field}`)
          }
        }
        seen.contested += contested.length
        const listed = store.contested(null, 1_000).map(({ path, type, field }) => `${path} ${type} ${field}`)
        expect(listed.toSorted()).toEqual(contested.toSorted())
      }),
      { numRuns: 150 },
    )
    // The histories do what they are for.
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(10)
  })

  test('keep the value that lost, and lose it once somebody who saw both writes again', async () => {
    const first = forge({ author: bob, body: [setRegister('a', 'of bob')], header: { time: GENESIS_MS + 1 } })
    const second = forge({
      author: carol,
      body: [setRegister('a', 'of carol')],
      header: { time: GENESIS_MS + 2 },
    })
    const { hosted } = await createHome([second, first])
    const key = { path: 'a', type: 'register', field: '' } as const
    expect(hosted.store.siblings(key).map(({ ordinal }) => hosted.store.at(ordinal).id)).toEqual([first.id])
    const settled = forge({ author: dave, deps: [first, second], body: [setRegister('a', 'both')] })
    await hosted.replica.receive([settled], 'the test')
    expect(hosted.store.siblings(key)).toEqual([])
  })

  test('lose what a deletion had seen, and keep what it had not', async () => {
    const at = (ms: number) => ({ time: GENESIS_MS + ms })
    const first = forge({ author: bob, body: [setRegister('a', 1)], header: at(1) })
    const second = forge({ author: carol, body: [setRegister('a', 2)], header: at(2) })
    const unseen = forge({ author: mallory, body: [setRegister('mallory', 3)], header: at(1) })
    const erased = forge({
      author: dave,
      deps: [first, second],
      body: [deleteRegister('a', [{ id: second.id, index: 0 }])],
    })
    const { hosted } = await createHome([first, second, unseen, erased])
    const key = { path: 'a', type: 'register', field: '' } as const
    expect(hosted.store.siblings(key)).toEqual([])
    const late = forge({ author: carol, prev: second, body: [setRegister('a', 4)], header: at(2) })
    const later = forge({ author: bob, prev: first, body: [setRegister('a', 5)], header: at(1) })
    await hosted.replica.receive([late, later], 'the test')
    expect(hosted.store.cell(key)).toMatchObject({ id: late.id, removed: false })
    expect(hosted.store.siblings(key).map(({ ordinal }) => hosted.store.at(ordinal).id)).toEqual([later.id])
  })

  test('of a claim go by being released, and not by being seen', async () => {
    const claims = [bob, carol, dave].map((author, i) =>
      forge({ author, body: [makeClaim('a', i)], header: { time: GENESIS_MS + i } }),
    )
    const [held, second, third] = claims as [Operation, Operation, Operation]
    const release = forge({
      author: bob,
      prev: held,
      deps: [second, third],
      body: [releaseClaim('a', [{ id: third.id, index: 0 }])],
    })
    const { hosted } = await createHome([...claims, release])
    const key = { path: 'a', type: 'claim', field: '' } as const
    expect(hosted.store.cell(key)?.id).toEqual(held.id)
    expect(hosted.store.siblings(key).map(({ ordinal }) => hosted.store.at(ordinal).id)).toEqual([second.id])
  })

  test('of one operation are its last write alone, and no deletion of the same operation settles it', async () => {
    const body = [setRegister('a', 1), setRegister('a', 2), deleteRegister('a', [])]
    const twice = forge({ author: bob, body, header: { time: GENESIS_MS } })
    const winner = forge({ author: carol, body: [setRegister('a', 3)], header: { time: GENESIS_MS + 1 } })
    for (const order of [
      [twice, winner],
      [winner, twice],
    ]) {
      const { hosted } = await createHome(order)
      const siblings = hosted.store.siblings({ path: 'a', type: 'register', field: '' })
      expect(siblings.map(({ ordinal, index }) => [hosted.store.at(ordinal).id, index])).toEqual([
        [twice.id, 1],
      ])
    }
  })

  test.each([
    ['registers', (value: number) => setRegister('mallory', value), 'register'],
    ['claims', (value: number) => makeClaim('mallory', value), 'claim'],
  ] as const)('of %s are kept up to SIBLINGS_MAX, the latest admitted ones', async (_what, write, type) => {
    // A fork storm: every branch is concurrent to every other.
    const root = forge({ author: mallory, deps: [grants] })
    const branches = Array.from({ length: SIBLINGS_MAX + 2 }, (_, i) =>
      forge({ author: mallory, prev: root, body: [write(i)], header: { time: GENESIS_MS + 100 - i } }),
    )
    const { hosted } = await createHome([root, ...branches])
    const key = { path: 'mallory', type, field: '' } as const
    const siblings = hosted.store.siblings(key)
    expect(siblings).toHaveLength(SIBLINGS_MAX)
    const winner = type === 'register' ? branches[0] : branches.at(-1)
    expect(toHex(hosted.store.cell(key)?.id as Uint8Array)).toBe(toHex(winner?.id as Uint8Array))
    const others = branches.filter((branch) => branch !== winner)
    expect(siblings.map(({ ordinal }) => toHex(hosted.store.at(ordinal).id))).toEqual(
      others.slice(-SIBLINGS_MAX).map(({ id }) => toHex(id)),
    )
  })
})
