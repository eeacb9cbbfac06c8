import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Branches } from '../../src/core/branches.ts'
import { equalBytes, toHex } from '../../src/core/bytes.ts'
import { putDelegations } from '../../src/core/changes/control.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { revokeDelegation } from '../../src/core/changes/verdict.ts'
import type { Entry } from '../../src/core/graph.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import type { VerifiedDelegation } from '../../src/core/ucan/delegation.ts'
import { HostedSpace } from '../../src/node/space/hosted-space.ts'
import { createMemorySpaceStore } from '../../src/storage/memory-space-store.ts'
import type { SpaceStore } from '../../src/storage/space-store.ts'
import {
  alice,
  beginning,
  bob,
  bobToken,
  createHome,
  delegate,
  forge,
  grants,
  mallory,
  malloryToken,
  NOW_MS,
  ownerToken,
  signerNamed,
  spaceId,
  spaceKey,
  verifier,
} from '../cast.ts'
import { makeHistory, plans } from '../random-history.ts'

const body = (n: number) => [setRegister('mallory/a', n)]

/** A chain of `count` operations by mallory. */
function chain(count: number): readonly Operation[] {
  const made: Operation[] = []
  for (let i = 0; i < count; i++)
    made.push(forge({ author: mallory, prev: made.at(-1) ?? null, body: body(i) }))
  return made
}

const SHAPES: Readonly<Record<string, (count: number) => readonly Operation[]>> = {
  'many branches from one operation': (count) => {
    const trunk = chain(1)
    const branches = Array.from({ length: count - 1 }, (_, i) =>
      forge({ author: mallory, prev: trunk[0] as Operation, body: body(i) }),
    )
    return [...trunk, ...branches]
  },
  'many beginnings': (count) =>
    Array.from({ length: count }, (_, i) => forge({ author: mallory, body: body(i) })),
  'a chain, and then a branch from each of its operations, the last first': (count) => {
    const trunk = chain(count / 2)
    const branches = trunk.map((prev, i) => forge({ author: mallory, prev, body: body(100_000 + i) }))
    return [...trunk, ...branches.toReversed()]
  },
  'two branches that go on, seen by bob by turns': (count) => {
    const made: Operation[] = [forge({ author: mallory, body: body(0) })]
    let left = forge({ author: mallory, prev: made[0] as Operation, body: body(1) })
    let right = forge({ author: mallory, prev: made[0] as Operation, body: body(2) })
    let byBob = forge({ author: bob, deps: [grants], body: [setRegister('b', 0)] })
    made.push(left, right, byBob)
    while (made.length < count) {
      left = forge({ author: mallory, prev: left, deps: [byBob], body: body(made.length) })
      byBob = forge({ author: bob, prev: byBob, deps: [left], body: [setRegister('b', made.length)] })
      right = forge({ author: mallory, prev: right, body: body(made.length + 1) })
      made.push(left, byBob, right)
    }
    return made
  },
}

/** How many operations a fresh replica reads while it admits these, in batches as sync brings them. */
async function readsToAdmit(operations: readonly Operation[]): Promise<number> {
  const store = createMemorySpaceStore({ spaceId, spaceKey: spaceKey.publicKey })
  const { replica } = new HostedSpace(store, verifier, () => NOW_MS)
  await replica.receive(beginning, 'the test')
  const reads = countReads(store)
  for (let i = 0; i < operations.length; i += 1_024) {
    const outcomes = await replica.receive(operations.slice(i, i + 1_024), 'the test')
    expect(outcomes.filter(({ kind }) => kind !== 'admitted')).toEqual([])
  }
  return reads.count
}

/** Counts from now on how often an entry is read, whole heads lists counted by their length. */
function countReads(store: SpaceStore): { count: number } {
  const reads = { count: 0 }
  const { at, heads, firstAfter } = store
  store.at = (ordinal) => {
    reads.count++
    return at.call(store, ordinal)
  }
  store.heads = (author) => {
    const found = heads.call(store, author)
    reads.count += found.length
    return found
  }
  store.firstAfter = (author, prev) => {
    reads.count++
    return firstAfter.call(store, author, prev)
  }
  return reads
}

describe('a fork storm', () => {
  test.each(Object.keys(SHAPES))(
    'costs what as many operations of one unforked author would, and a little: %s',
    async (shape) => {
      const count = 3_000
      const plain = await readsToAdmit(chain(count))
      const storm = await readsToAdmit((SHAPES[shape] as (count: number) => readonly Operation[])(count))
      // Quadratic behaviour would make it thousands of times as many.
      expect(storm).toBeLessThan(20 * plain)
    },
    60_000,
  )

  test('leaves nothing to compare and nothing to build on once it is cut off', async () => {
    const storm = (SHAPES['many branches from one operation'] as (count: number) => readonly Operation[])(200)
    const cut = forge({
      author: alice,
      prev: grants,
      deps: [storm[0] as Operation],
      body: [revokeDelegation({ target: malloryToken.digest, cut: [(storm[0] as Operation).id] })],
      header: { command: '/cap/revoke' },
    })
    const { hosted } = await createHome([...storm, cut])
    const lean = await createHome([storm[0] as Operation, cut])
    expect(hosted.replica.clock.heads(mallory.publicKey).map(({ seq }) => seq)).toEqual([0])
    expect(hosted.replica.clockRoot()).toEqual(lean.hosted.replica.clockRoot())
    expect(hosted.replica.stateRoot()).toEqual(lean.hosted.replica.stateRoot())
    expect(hosted.replica.frontier().map(({ id }) => toHex(id))).toEqual([toHex(cut.id)])
    // The revocation can be taken back by those above alice: everything is still here.
    expect(hosted.store.count()).toBe(lean.hosted.store.count() + 199)
    const voided = forge({
      author: spaceKey,
      prev: beginning[0] as Operation,
      deps: [cut],
      body: [
        revokeDelegation({
          target: cut.header.caps[0] as Uint8Array,
          cut: [grants.id, ...storm.slice(1).map(({ id }) => id)].slice(0, 1),
        }),
      ],
      header: { command: '/cap/revoke' },
    })
    const [outcome] = await hosted.replica.receive([voided], 'the test')
    expect(outcome?.kind).toBe('admitted')
    // Alice's revocation came after the cut: it is masked, and so, for the same reason, is all that mallory wrote after it.
    expect(hosted.store.mask((hosted.store.find(cut.id) as Entry).ordinal)).toBeDefined()
  })
})

test('many revocations of old operations cost what they reach, and not the history since', async () => {
  const count = 60
  const keys = Array.from({ length: count }, (_, i) => signerNamed(`of the crowd ${i}`))
  const tokens = keys.map((key) => delegate(bob, key))
  const grant = forge({
    author: bob,
    body: [putDelegations(tokens.map(({ bytes }) => bytes))],
    header: { command: '/cap/grant' },
  })
  const early = keys.map((author, i) => {
    const caps = [ownerToken, bobToken, tokens[i] as VerifiedDelegation].map(({ digest }) => digest)
    return forge({ author, deps: [grant], body: [setRegister(`x/${i}`, i)], header: { caps } })
  })
  const since = chain(3_000)
  const revocations: Operation[] = []
  for (const { digest } of tokens) {
    const body = [revokeDelegation({ target: digest, cut: [] })]
    const prev = revocations.at(-1) ?? grant
    const deps = prev === grant ? [since.at(-1) as Operation] : []
    revocations.push(forge({ author: bob, prev, deps, body, header: { command: '/cap/revoke' } }))
  }
  const { hosted } = await createHome([grant, ...early, ...since])
  // The first one has the store read once.
  await hosted.replica.receive(revocations.slice(0, 1), 'the test')
  const reads = countReads(hosted.store)
  for (const operation of revocations.slice(1)) await hosted.replica.receive([operation], 'the test')
  expect([...hosted.store.masked()].length).toBe(count)
  expect(reads.count).toBeLessThan(3_000)
})

describe('what is remembered of branches', () => {
  test('gives the same verdicts when it forgets', async () => {
    await fc.assert(
      fc.asyncProperty(
        plans(40),
        fc.array(fc.nat(1_000), { minLength: 1, maxLength: 8 }),
        async (planned, picks) => {
          const { hosted } = await createHome(makeHistory(planned).map(({ operation }) => operation))
          const { store } = hosted
          const remembering = new Branches(store)
          const forgetful = new Branches(store, 1, 1)
          for (const { author, heads } of store.authors()) {
            for (const [i, pick] of picks.entries()) {
              const prev = i % 3 === 0 ? null : (heads[pick % heads.length] as Entry)
              const parents = picks.slice(i).map((one) => store.at(one % store.count()))
              const all = prev === null ? parents : [prev, ...parents]
              const expected = isOneChain(store, author, prev, all)
              expect(remembering.areOneChain(author, prev, all)).toBe(expected)
              expect(forgetful.areOneChain(author, prev, all)).toBe(expected)
            }
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  /** Every operation of the past, one by one. */
  function isOneChain(
    store: SpaceStore,
    author: Uint8Array,
    prev: Entry | null,
    from: readonly Entry[],
  ): boolean {
    const inChain = new Set<number>()
    for (let at = prev; at !== null; at = at.prev === null ? null : store.at(at.prev)) inChain.add(at.ordinal)
    const seen = new Set<number>()
    const open = [...from]
    for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
      if (seen.has(entry.ordinal)) continue
      seen.add(entry.ordinal)
      if (equalBytes(entry.author, author) && !inChain.has(entry.ordinal)) return false
      open.push(...entry.parents.map((ordinal) => store.at(ordinal)))
    }
    return true
  }
})

test('revoking somebody else’s token leaves a storm as it is', async () => {
  const storm = (SHAPES['many beginnings'] as (count: number) => readonly Operation[])(20)
  const other = forge({
    author: alice,
    prev: grants,
    body: [revokeDelegation({ target: bobToken.digest, cut: [] })],
    header: { command: '/cap/revoke' },
  })
  const { hosted } = await createHome([...storm, other])
  expect([...hosted.store.masked()]).toEqual([])
  expect(hosted.replica.clock.heads(mallory.publicKey).length).toBe(20)
})
