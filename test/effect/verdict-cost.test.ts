import { describe, expect, test } from 'vitest'
import { judge } from '../../simulation/oracle/oracle.ts'
import { toHex } from '../../src/core/bytes.ts'
import { encodeChange } from '../../src/core/changes/change.ts'
import { putDelegations } from '../../src/core/changes/control.ts'
import { revokeDelegation } from '../../src/core/changes/verdict.ts'
import type { Revocation } from '../../src/core/effect/revocation.ts'
import type { Entry } from '../../src/core/graph.ts'
import { CUTS_READ_MAX, REVOCATIONS_PER_OPERATION_MAX } from '../../src/core/limits.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import type { VerifiedDelegation } from '../../src/core/ucan/delegation.ts'
import {
  alice,
  beginning,
  bob,
  bobToken,
  carol,
  createHome,
  delegate,
  forge,
  grants,
  type Home,
  ownerToken,
  signerNamed,
  spaceKey,
} from '../cast.ts'

interface Work {
  /** Operations read. */
  reads: number
  /** Times it was asked whether a cut keeps an operation. */
  cuts: number
  /** Times it was asked whether a revocation is effective. */
  standings: number
  /** Times all that reaches an operation was gone through. */
  judged: number
}

/** Counts from now on what the verdicts of a replica cost. */
function countWork({ hosted: { store, replica } }: Home): Work {
  const work: Work = { reads: 0, cuts: 0, standings: 0, judged: 0 }
  const { verdicts } = replica
  const { at } = store
  const { isKept, isEffective, isMasked } = verdicts
  store.at = (ordinal) => {
    work.reads++
    return at.call(store, ordinal)
  }
  verdicts.isKept = (revocation, entry) => {
    work.cuts++
    return isKept.call(verdicts, revocation, entry)
  }
  verdicts.isEffective = (entry) => {
    work.standings++
    return isEffective.call(verdicts, entry)
  }
  verdicts.isMasked = (entry) => {
    work.judged++
    return isMasked.call(verdicts, entry)
  }
  return work
}

async function receive({ hosted }: Home, operations: readonly Operation[]): Promise<void> {
  const outcomes = await hosted.replica.receive(operations, 'the test')
  expect(outcomes.filter(({ kind }) => kind !== 'admitted')).toEqual([])
}

const entryOf = ({ hosted }: Home, { id }: Operation): Entry => hosted.store.find(id) as Entry
const isMasked = (home: Home, operation: Operation): boolean =>
  home.hosted.store.mask(entryOf(home, operation).ordinal) !== undefined
const last = (operations: readonly Operation[]): Operation => operations.at(-1) as Operation

const revokes = ({ digest }: VerifiedDelegation, cut: readonly Operation[]): Uint8Array =>
  revokeDelegation({ target: digest, cut: cut.map(({ id }) => id) })

/** What an author's log goes on with after `prev`, having seen `seen`: an operation that revokes for each body. */
function revokeByTurns(
  author: typeof alice,
  prev: Operation,
  seen: Operation,
  bodies: readonly (readonly Uint8Array[])[],
): readonly Operation[] {
  const made: Operation[] = []
  for (const body of bodies) {
    const deps = made.length === 0 ? [seen] : []
    const before = made.at(-1) ?? prev
    made.push(forge({ author, prev: before, deps, body, header: { command: '/cap/revoke' } }))
  }
  return made
}

const times = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i))

/** Bob's other way to the same right. */
const otherToken = delegate(alice, bob, { nonce: 'the other one' })
const otherGrant = forge({
  author: alice,
  prev: grants,
  body: [putDelegations([otherToken.bytes])],
  header: { command: '/cap/grant' },
})

/** Bob writes, with every second operation by the other chain where he is to alternate. */
function bobsLog(count: number, isAlternating: boolean): readonly Operation[] {
  const made: Operation[] = []
  for (let i = 0; i < count; i++) {
    const token = isAlternating && i % 2 === 1 ? otherToken : bobToken
    const caps = [ownerToken.digest, token.digest]
    const place = made.length === 0 ? { deps: [otherGrant] } : { prev: last(made) }
    made.push(forge({ author: bob, ...place, body: [setRegister(`b/${i}`, i)], header: { caps } }))
  }
  return made
}

describe('many revocations that keep everything', () => {
  test.each([
    ['of a log that was written by one chain', false],
    ['of a log that goes from one chain to another and back', true],
  ])('cost their ends, and not what they keep: %s', async (_, isAlternating) => {
    const log = bobsLog(600, isAlternating)
    const home = await createHome([otherGrant, ...log])
    const keepAll = times(REVOCATIONS_PER_OPERATION_MAX, () => revokes(bobToken, [last(log)]))
    const rulings = revokeByTurns(
      alice,
      otherGrant,
      last(log),
      times(40, () => keepAll),
    )
    // The first one has the store read once.
    await receive(home, rulings.slice(0, 1))
    const work = countWork(home)
    for (const ruling of rulings.slice(1)) await receive(home, [ruling])
    const count = 39 * REVOCATIONS_PER_OPERATION_MAX
    expect(log.filter((operation) => isMasked(home, operation))).toEqual([])
    expect(work.cuts).toBeLessThan(3 * count)
    expect(work.reads).toBeLessThan(40 * count)
  })

  test('cost nothing where they do not reach', async () => {
    const log = bobsLog(20, false)
    const bodies = times(20, () => times(REVOCATIONS_PER_OPERATION_MAX, () => revokes(bobToken, [last(log)])))
    const rulings = revokeByTurns(alice, otherGrant, last(log), bodies)
    const home = await createHome([otherGrant, ...log, ...rulings])
    const work = countWork(home)
    const byCarol = forge({ author: carol, deps: [grants, last(rulings)], body: [setRegister('c', 1)] })
    await receive(home, [byCarol])
    expect(isMasked(home, byCarol)).toBe(false)
    expect(work).toMatchObject({ cuts: 0, standings: 0 })
    // And a late one whom they reach, the first of them.
    const late = forge({ author: bob, prev: last(log), body: [setRegister('b', 1)] })
    await receive(home, [late])
    expect(isMasked(home, late)).toBe(true)
    expect(work.cuts).toBeLessThan(10)
  })

  test('do not hide one that ends what came after its cut, by that chain and no other', async () => {
    const log = bobsLog(40, true)
    const home = await createHome([otherGrant, ...log])
    const [, , kept] = log as [Operation, Operation, Operation]
    const bodies = [[revokes(bobToken, [last(log)])], [revokes(bobToken, [kept])]]
    await receive(home, revokeByTurns(alice, otherGrant, last(log), bodies))
    const masked = log.map((operation) => isMasked(home, operation))
    expect(masked).toEqual(log.map((__, i) => i > 2 && i % 2 === 0))
  })
})

test('many revocations that lose their effect at once have each operation judged once', async () => {
  const key = signerNamed('whom bob let in')
  const token = delegate(bob, key)
  const grant = forge({
    author: bob,
    body: [putDelegations([token.bytes])],
    header: { command: '/cap/grant' },
  })
  const caps = [ownerToken, bobToken, token].map(({ digest }) => digest)
  const log: Operation[] = []
  for (let i = 0; i < 30; i++) {
    const place = i === 0 ? { deps: [grant] } : { prev: last(log) }
    log.push(forge({ author: key, ...place, body: [setRegister(`k/${i}`, i)], header: { caps } }))
  }
  const bodies = times(20, () => times(REVOCATIONS_PER_OPERATION_MAX, () => revokes(token, [])))
  const rulings = revokeByTurns(bob, grant, last(log), bodies)
  const home = await createHome([grant, ...log, ...rulings])
  expect(log.every((operation) => isMasked(home, operation))).toBe(true)
  const work = countWork(home)
  const [above] = revokeByTurns(alice, grants, last(rulings), [[revokes(bobToken, [last(log)])]])
  await receive(home, [above as Operation])
  expect(rulings.every((operation) => isMasked(home, operation))).toBe(true)
  expect(log.filter((operation) => isMasked(home, operation))).toEqual([])
  expect(work.judged).toBeLessThan(2 * log.length)
})

describe('cuts', () => {
  const count = CUTS_READ_MAX + 9
  const log = bobsLog(count, false)
  /** In no order: the cut of the i-th revocation keeps the log up to this place. */
  const places = times(count, (i) => (i * 29) % count)
  const cutAt = (place: number) => revokes(bobToken, [log[place] as Operation])
  const rulings = revokeByTurns(
    alice,
    otherGrant,
    last(log),
    places.map((place) => [cutAt(place)]),
  )

  async function homeOfAll(): Promise<[Home, readonly Revocation[]]> {
    const home = await createHome([otherGrant, ...log, ...rulings])
    const { caps } = entryOf(home, last(log))
    return [home, [...home.hosted.replica.verdicts.reaching(caps)]]
  }

  test('that are read again keep what they kept', async () => {
    expect(new Set(places).size).toBe(count)
    const [home, revocations] = await homeOfAll()
    expect(revocations.length).toBe(count)
    const { verdicts } = home.hosted.replica
    // Twice, and in both directions, so that each is forgotten in between whatever is kept.
    for (const operations of [log, log.toReversed(), log]) {
      for (const operation of operations) {
        const place = log.indexOf(operation)
        const masking = new Set(
          verdicts.masking(entryOf(home, operation)).map(({ entry }) => toHex(entry.id)),
        )
        const expected = rulings.filter((__, i) => (places[i] as number) < place).map(({ id }) => toHex(id))
        expect(masking).toEqual(new Set(expected))
        expect(isMasked(home, operation)).toBe(expected.length > 0)
      }
    }
  })

  test('are forgotten beyond those that are kept, the least recently used first', async () => {
    const [home, [first, ...others]] = (await homeOfAll()) as [Home, [Revocation, ...Revocation[]]]
    const { verdicts } = home.hosted.replica
    const entry = entryOf(home, log[0] as Operation)
    const work = countWork(home)
    const readsOf = (revocation: Revocation): number => {
      const before = work.reads
      expect(verdicts.isKept(revocation, entry)).toBe(true)
      return work.reads - before
    }
    for (const other of others.slice(0, CUTS_READ_MAX)) readsOf(other)
    const cold = readsOf(first)
    const warm = readsOf(first)
    expect(warm).toBeLessThan(cold)
    for (const other of others.slice(0, CUTS_READ_MAX - 1)) readsOf(other)
    expect(readsOf(first)).toBe(warm)
    for (const other of others.slice(0, CUTS_READ_MAX)) readsOf(other)
    expect(readsOf(first)).toBe(cold)
  })
})

describe('one operation', () => {
  const keys = times(REVOCATIONS_PER_OPERATION_MAX + 1, (i) => signerNamed(`let in ${i}`))
  const tokens = keys.map((key) => delegate(bob, key))
  const grant = forge({
    author: bob,
    body: [putDelegations(tokens.map(({ bytes }) => bytes))],
    header: { command: '/cap/grant' },
  })
  const written = keys.map((author, i) => {
    const caps = [ownerToken, bobToken, tokens[i] as VerifiedDelegation].map(({ digest }) => digest)
    return forge({ author, deps: [grant], body: [setRegister(`k/${i}`, i)], header: { caps } })
  })
  const inOne = (body: readonly Uint8Array[]): Operation =>
    forge({ author: bob, prev: grant, deps: written.slice(0, 4), body, header: { command: '/cap/revoke' } })

  /** Which of the keys have lost what they wrote, as the replica and the oracle of the simulation say alike. */
  async function lostAfter(ruling: Operation): Promise<readonly boolean[]> {
    const all = [grant, ...written, ruling]
    const home = await createHome(all)
    const lost = written.map((operation) => isMasked(home, operation))
    const judgement = judge([...beginning, ...all], spaceKey.publicKey)
    expect(written.map(({ id }) => judgement?.masked.has(toHex(id)))).toEqual(lost)
    return lost
  }

  test('makes as many revocations as the limit says, and the next is void', async () => {
    const body = tokens.map((token) => revokes(token, []))
    expect(await lostAfter(inOne(body))).toEqual(tokens.map((__, i) => i < REVOCATIONS_PER_OPERATION_MAX))
    // The order in the body counts, and nothing else.
    expect(await lostAfter(inOne(body.toReversed()))).toEqual(tokens.map((__, i) => i > 0))
  })

  test('has those counted that are well-formed, also where they are void for their cut', async () => {
    const unseen = revokes(tokens[0] as VerifiedDelegation, [last(written)])
    const misshapen = encodeChange({ type: 'cap.revoke', version: 1, path: '', payload: { cut: [] } })
    const most = tokens.slice(0, REVOCATIONS_PER_OPERATION_MAX).map((token) => revokes(token, []))
    expect(await lostAfter(inOne([misshapen, misshapen, ...most]))).toEqual(
      tokens.map((__, i) => i < REVOCATIONS_PER_OPERATION_MAX),
    )
    expect(await lostAfter(inOne([unseen, ...most]))).toEqual(
      tokens.map((__, i) => i < REVOCATIONS_PER_OPERATION_MAX - 1),
    )
  })
})
