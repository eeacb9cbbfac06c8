import { describe, expect, it } from 'vitest'
import { addToCounter, clearCounter } from '../../src/core/types/counter/change.ts'
import { makeClaim, releaseClaim } from '../../src/core/types/claim/change.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { editSet } from '../../src/core/types/set/change.ts'
import type { ElementRef } from '../../src/core/changes/change.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { alice, bob, bobToken, carol, createHome, dave, forge, grants, type Home } from '../cast.ts'
import { revokeDelegation } from '../../src/core/changes/verdict.ts'

interface Work {
  /** Operations read, and bodies read. */
  entries: number
  bodies: number
}

/** What receiving operations costs a node. */
async function workOf({ hosted: { store, replica } }: Home, operations: readonly Operation[]): Promise<Work> {
  const work: Work = { entries: 0, bodies: 0 }
  const { at, operation } = store
  store.at = (ordinal) => {
    work.entries++
    return at.call(store, ordinal)
  }
  store.operation = (ordinal) => {
    work.bodies++
    return operation.call(store, ordinal)
  }
  const outcomes = await replica.receive(operations, 'a peer')
  store.at = at
  store.operation = operation
  expect(outcomes.filter(({ kind }) => kind !== 'admitted')).toEqual([])
  return work
}

/** A log of bob's: each body from the element that the operation before it wrote. */
function bobsLog(count: number, bodyOf: (i: number, before: ElementRef) => Uint8Array): Operation[] {
  const made: Operation[] = []
  for (let i = 0; i < count; i++) {
    const prev = made.at(-1)
    const before = { id: (prev ?? grants).id, index: 0 }
    made.push(forge({ author: bob, ...(prev === undefined ? {} : { prev }), body: [bodyOf(i, before)] }))
  }
  return made
}

/** Somebody writes at the same time, so that nothing can be said of what has seen everything. */
const bystander = forge({ author: dave, body: [setRegister('elsewhere', 1)] })

const STORMS: Readonly<Record<string, (i: number, before: ElementRef) => Uint8Array>> = {
  'a counter that is counted and deleted by turns': (i) =>
    i % 2 === 0 ? addToCounter('a', 1) : clearCounter('a'),
  'a member that is added and removed by turns': (i, before) =>
    i % 2 === 0 ? editSet('a', { add: ['m'] }) : editSet('a', { remove: { m: [before] } }),
  'a claim that is made and released by turns': (i, before) =>
    i % 2 === 0 ? makeClaim('a', i) : releaseClaim('a', [before]),
}

describe('a storm of removals', () => {
  it.each(Object.entries(STORMS))('costs operations and not their square: %s', async (_, bodyOf) => {
    const costs: Work[] = []
    for (const count of [100, 200, 400]) {
      const home = await createHome([bystander])
      costs.push(await workOf(home, bobsLog(count, bodyOf)))
      expect(home.hosted.store.cellsAt('a').filter(({ cell }) => !cell.removed)).toEqual([])
    }
    const [first, , last] = costs as [Work, Work, Work]
    expect(last.entries).toBeLessThan(6 * first.entries)
    expect(last.bodies).toBeLessThanOrEqual(400)
  })

  it('that come one by one reads the body of what shows, and no other', async () => {
    const home = await createHome([bystander])
    const members = bobsLog(50, () => editSet('a', { add: ['m'] }))
    await workOf(home, members)
    let prev = members.at(-1) as Operation
    for (const { id } of members.toReversed()) {
      const body = [editSet('a', { remove: { m: [{ id, index: 0 }] } })]
      prev = forge({ author: bob, prev, body })
      expect((await workOf(home, [prev])).bodies).toBeLessThanOrEqual(1)
    }
    expect(home.hosted.store.cellsAt('a').map(({ cell }) => cell.removed)).toEqual([true])
  })
})

describe('a counter', () => {
  it('keeps what a deletion has not seen, by whoever, in one transaction or in many', async () => {
    const base = forge({ author: bob, body: [addToCounter('a', 100)] })
    const concurrent = forge({ author: carol, body: [addToCounter('a', 7)] })
    const clear = forge({ author: bob, prev: base, body: [clearCounter('a'), addToCounter('a', 20)] })
    const again = forge({ author: bob, prev: clear, body: [addToCounter('a', 3), clearCounter('a')] })
    const operations = [base, concurrent, clear, again]
    const together = await createHome(operations)
    const apart = await createHome()
    for (const operation of operations) await apart.hosted.replica.receive([operation], 'a peer')
    for (const { hosted } of [together, apart])
      expect(hosted.store.cell({ path: 'a', type: 'counter', field: '' })?.value).toEqual(Uint8Array.of(10))
    expect(together.hosted.replica.stateRoot()).toEqual(apart.hosted.replica.stateRoot())
  })
})

describe('a revocation of somebody who has written one item very often', () => {
  it('takes its effect, also where more cells are touched than a call has room for arguments', async () => {
    const members = (from: number) => Array.from({ length: 45_000 }, (_, i) => (from + i).toString(36))
    const written: Operation[] = []
    for (const from of [0, 45_000, 90_000]) {
      const prev = written.at(-1)
      const body = [editSet('a', { add: members(from) })]
      written.push(forge({ author: bob, ...(prev === undefined ? {} : { prev }), body }))
    }
    const home = await createHome(written)
    const body = [revokeDelegation({ target: bobToken.digest, cut: [] })]
    const header = { command: '/cap/revoke' }
    await workOf(home, [forge({ author: alice, prev: grants, body, header })])
    expect(home.hosted.store.cells({ prefix: '', limit: 10 })).toEqual([])
  })

  it('costs the writes and not their square, though somebody else wrote at the same time', async () => {
    const costs: number[] = []
    for (const count of [200, 400, 800]) {
      const aside = forge({ author: dave, body: [setRegister('a', 'aside')] })
      const written = bobsLog(count, (i) => setRegister('a', i))
      const home = await createHome([aside, ...written])
      const middle = written[count / 2] as Operation
      const revocation = forge({
        author: alice,
        prev: grants,
        deps: [middle],
        body: [revokeDelegation({ target: bobToken.digest, cut: [middle.id] })],
        header: { command: '/cap/revoke' },
      })
      costs.push((await workOf(home, [revocation])).entries)
      expect(home.hosted.store.siblings({ path: 'a', type: 'register', field: '' })).toHaveLength(1)
    }
    expect(costs[2]).toBeLessThan(6 * (costs[0] as number))
  })
})
