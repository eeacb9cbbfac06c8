import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeMessage, encodeMessage } from '../../protocols/sync/message-codec.ts'
import { compareBytes, concatBytes, equalBytes, toHex } from '../../src/core/bytes.ts'
import {
  LEAVES_CHECK_BYTES,
  LEAVES_TRIED_MAX,
  PUSHED_OPERATIONS_MAX,
  SHORT_DIGEST_BYTES,
} from '../../src/core/limits.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { packBits } from '../../src/core/sync/bits.ts'
import { leavesOf, recogniseLeaves } from '../../src/core/sync/leaves.ts'
import type { SyncMessage } from '../../src/core/sync/message.ts'
import { SyncSession, type SyncEffect } from '../../src/core/sync/session.ts'
import { SharedHeads } from '../../src/core/sync/shared-heads.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import {
  beginning,
  bob,
  carol,
  createHome,
  dave,
  forge,
  grants,
  type Home,
  mallory,
  spaceId,
} from '../cast.ts'
import { closure, makeHistory, plans } from '../random-history.ts'
import { converse, type Conversation, picksFrom } from './simulated-channel.ts'

const pathOf = (author: typeof bob) => (author === mallory ? 'mallory/x' : 'x')
function logOf(author: typeof bob, length: number, onto: Operation | null = null): readonly Operation[] {
  const log: Operation[] = []
  for (let i = 0; i < length; i++)
    log.push(forge({ author, prev: log.at(-1) ?? onto, body: [setRegister(pathOf(author), i)] }))
  return log
}

const BOBS = logOf(bob, 12)
const CAROLS = logOf(carol, 12)
const DAVES = logOf(dave, 4)
const fork = forge({ author: bob, prev: BOBS[5] as Operation, body: [setRegister('x', 'forked')] })

const idsOf = ({ hosted }: Home) =>
  hosted.store
    .entriesFrom(0, 100_000)
    .map(({ id }) => toHex(id))
    .toSorted()
const kindsOf = ({ crossings }: Conversation) => crossings.map(({ kind }) => kind)

describe('leaves', () => {
  const ascending = [bob.publicKey, carol.publicKey, dave.publicKey].toSorted(compareBytes)
  const listed = async (operations: readonly Operation[], authors = ascending) => {
    const { hosted } = await createHome(operations)
    return leavesOf(hosted.view().clock, authors) as Uint8Array
  }
  const recognised = async (operations: readonly Operation[], leaves: Uint8Array, authors = ascending) => {
    const { hosted } = await createHome(operations)
    return recogniseLeaves(hosted.view(), authors, leaves)?.map(({ id }) => toHex(id)) ?? null
  }

  test('are recognised some operations later, each as the head it was, in the order in which they are listed', async () => {
    const heads = [BOBS[3], CAROLS[7], DAVES[0]] as Operation[]
    const before = [...BOBS.slice(0, 4), ...CAROLS.slice(0, 8), ...DAVES.slice(0, 1)]
    const after = [...BOBS, ...CAROLS, ...DAVES]
    const inOrder = ascending.map((key) => heads.find(({ header }) => equalBytes(header.author, key)))
    expect(await recognised(after, await listed(before))).toEqual(
      inOrder.map((head) => toHex((head as Operation).id)),
    )
  })

  test('are recognised all or not at all: not one too many, one twice, or one of a branch or an author that is not here', async () => {
    const leaves = await listed([...BOBS.slice(0, 4), ...CAROLS.slice(0, 4), ...DAVES.slice(0, 2)])
    const after = [...BOBS, ...CAROLS, ...DAVES]
    const strange = new Uint8Array(SHORT_DIGEST_BYTES).fill(9)
    expect(await recognised(after, leaves)).toHaveLength(3)
    expect(await recognised(after, concatBytes(leaves, strange))).toBe(null)
    expect(await recognised(after, concatBytes(leaves, leaves))).toBe(null)
    expect(await recognised([...BOBS, ...CAROLS], leaves)).toBe(null)
    const onBranch = await listed([...BOBS.slice(0, 6), fork], [bob.publicKey])
    expect(await recognised(BOBS, onBranch, [bob.publicKey])).toBe(null)
    // Bob has forked here, so that he has no one head to go back from.
    const ofBob = await listed(BOBS.slice(0, 4), [bob.publicKey])
    expect(await recognised([...BOBS, fork], ofBob, [bob.publicKey])).toBe(null)
    // What is the head here too would not differ.
    expect(await recognised(BOBS, await listed(BOBS, [bob.publicKey]), [bob.publicKey])).toBe(null)
  })

  test('are looked for among so many operations and no more', async () => {
    const log = logOf(bob, LEAVES_TRIED_MAX + 2)
    const { hosted } = await createHome(log)
    const leafAt = async (seq: number) => {
      const one = await createHome(log.slice(0, seq + 1))
      return leavesOf(one.hosted.view().clock, [bob.publicKey]) as Uint8Array
    }
    const find = (leaves: Uint8Array) => recogniseLeaves(hosted.view(), [bob.publicKey], leaves)
    expect(find(await leafAt(1))?.[0]?.seq).toBe(1)
    expect(find(await leafAt(0))).toBe(null)
  })

  test('are listed of no author that has forked, of none at all, and of no more than may be sent unasked', async () => {
    const { hosted } = await createHome([...BOBS, fork, ...CAROLS])
    const { clock } = hosted.view()
    expect(leavesOf(clock, [carol.publicKey])).toHaveLength(SHORT_DIGEST_BYTES)
    expect(leavesOf(clock, [bob.publicKey, carol.publicKey])).toBe(null)
    expect(leavesOf(clock, [])).toBe(null)
    const many = (length: number) => Array.from({ length }, () => carol.publicKey)
    expect(leavesOf(clock, many(PUSHED_OPERATIONS_MAX))).not.toBe(null)
    expect(leavesOf(clock, many(PUSHED_OPERATIONS_MAX + 1))).toBe(null)
  })
})

describe('two sessions of which one is a little behind', () => {
  const common = [...BOBS.slice(0, 4), ...CAROLS.slice(0, 4)]

  test('name no head: leaves are listed, recognised, and what came after is sent', async () => {
    const [left, right] = [
      await createHome([...BOBS.slice(0, 6), ...CAROLS.slice(0, 9)]),
      await createHome(common),
    ]
    const conversation = await converse([left.hosted, right.hosted], undefined, [1])
    expect(kindsOf(conversation)).toEqual([
      ...['compare', 'compare', 'nodes', 'nodes', 'leaves'],
      ...['entries', 'offer', 'operations', 'eose', 'offer', 'eose', 'compare', 'ack', 'compare'],
    ])
    expect(conversation.reports.map(({ inSync, gained }) => [inSync, gained])).toEqual([
      [true, 0],
      [true, 7],
    ])
    expect(idsOf(right)).toEqual(idsOf(left))
  })

  test('name no head either where the one that is ahead has ended the walk: it lets the other list first', async () => {
    const [left, right] = [
      await createHome([...BOBS.slice(0, 6), ...CAROLS.slice(0, 9)]),
      await createHome(common),
    ]
    const conversation = await converse([left.hosted, right.hosted], undefined, [0])
    expect(kindsOf(conversation)).toEqual([
      ...['compare', 'compare', 'nodes', 'nodes', 'spell', 'leaves'],
      ...['entries', 'offer', 'operations', 'eose', 'offer', 'eose', 'compare', 'ack', 'compare'],
    ])
    expect(conversation.reports.every(({ inSync, rounds }) => inSync && rounds === 2)).toBe(true)
    expect(idsOf(right)).toEqual(idsOf(left))
  })

  test('name all heads where the one that is ahead does not know a leaf, at the cost of a turn', async () => {
    const [left, right] = [
      await createHome([...BOBS, ...CAROLS.slice(0, 4)]),
      await createHome([...common, ...CAROLS.slice(4, 6)]),
    ]
    const conversation = await converse([left.hosted, right.hosted], undefined, [1])
    expect(kindsOf(conversation).slice(4, 8)).toEqual(['leaves', 'spell', 'entries', 'entries'])
    expect(conversation.violations).toEqual([])
    expect(conversation.reports.every(({ inSync, rounds }) => inSync && rounds === 2)).toBe(true)
    expect(conversation.sent.map(({ length }) => length)).toEqual([8, 2])
    expect(idsOf(right)).toEqual(idsOf(left))
  })

  test('end with the union whatever either has, by leaves, by leaves spelled out, and without', async () => {
    const seen = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(
        plans(40),
        fc.array(fc.nat(200), { maxLength: 2 }),
        fc.array(fc.nat(200), { minLength: 3, maxLength: 8 }),
        fc.nat(),
        async (planned, few, more, seed) => {
          const events = makeHistory(planned)
          const of = (tips: readonly number[]) => closure(events, tips).map(({ operation }) => operation)
          const [left, right] = [await createHome(of([...few, ...more])), await createHome(of(few))]
          if (seed % 3 === 0) {
            const own = forge({ author: dave, deps: [grants], body: [setRegister('mallory/own', seed)] })
            await right.hosted.replica.receive([own], 'here')
          }
          const union = new Set([...idsOf(left), ...idsOf(right)])
          const conversation = await converse([left.hosted, right.hosted], picksFrom(seed), [
            seed % 2 === 0 ? 1 : 0,
          ])
          const kinds = new Set(kindsOf(conversation))
          for (const kind of ['leaves', 'spell'])
            if (kinds.has(kind as SyncMessage['kind'])) seen.set(kind, (seen.get(kind) ?? 0) + 1)
          expect(conversation.violations).toEqual([])
          expect(conversation.reports.every(({ inSync }) => inSync)).toBe(true)
          expect(idsOf(left)).toEqual([...union].toSorted())
          expect(idsOf(right)).toEqual([...union].toSorted())
          expect(conversation.sent[0].length + conversation.sent[1].length).toBeLessThanOrEqual(union.size)
        },
      ),
      { numRuns: 150 },
    )
    // Otherwise the property is about something else.
    expect(seen.get('leaves') ?? 0).toBeGreaterThan(10)
    expect(seen.get('spell') ?? 0).toBeGreaterThan(0)
  })

  test('lose no more than a round where a leaf is taken for another: nothing is looked at, nobody is blamed, and heads are named in full', async () => {
    const [left, right] = [await createHome([...BOBS, ...CAROLS]), await createHome(common)]
    const view = right.hosted.view()
    // As if both had made leaves that begin like each other's.
    const { clock } = view
    const swapped = Object.assign(Object.create(clock) as typeof clock, {
      digest: () => clock.digest(),
      digestAt: (prefix: readonly number[]) => clock.digestAt(prefix),
      authorsAt: (prefix: readonly number[]) => clock.authorsAt(prefix),
      heads: (author: Uint8Array) => clock.heads(author),
      authorWith: (start: Uint8Array) => clock.authorWith(start),
      digestOf: (author: Uint8Array) => {
        if (equalBytes(author, bob.publicKey)) return clock.digestOf(carol.publicKey)
        if (equalBytes(author, carol.publicKey)) return clock.digestOf(bob.publicKey)
        return clock.digestOf(author)
      },
    })
    const outcomes: string[] = []
    const { replica } = right.hosted
    const receive = replica.receive.bind(replica)
    replica.receive = async (...given: Parameters<typeof receive>) => {
      const received = await receive(...given)
      outcomes.push(...received.map(({ kind }) => kind))
      return received
    }
    const conversation = await converse([left.hosted, right.hosted], undefined, [1], undefined, [
      left.hosted.view(),
      { ...view, clock: swapped },
    ])
    expect(conversation.violations).toEqual([])
    expect(kindsOf(conversation).filter((kind) => kind === 'leaves' || kind === 'operations')).toEqual([
      'leaves',
      'operations',
      'operations',
    ])
    expect(new Set(outcomes)).toEqual(new Set(['admitted']))
    expect(conversation.reports.map(({ inSync, rounds }) => [inSync, rounds])).toEqual([
      [true, 3],
      [true, 3],
    ])
    expect(idsOf(right)).toEqual(idsOf(left))
  })
})

describe('a batch to who has listed leaves', () => {
  const [first, second] = CAROLS as [Operation, Operation]
  const [ofBob] = BOBS as [Operation]
  const headOf = ({ header, id }: Operation) => ({ ...header, id })
  const message = (shared: SharedHeads): SyncMessage => ({
    kind: 'operations',
    operations: [second],
    shared,
    faults: [],
  })
  const mine = new SharedHeads([headOf(first)], true)

  test('is read where both mean the same heads', () => {
    const decoded = decodeMessage(encodeMessage(message(mine)), spaceId, mine)
    expect(
      decoded.ok && decoded.value.kind === 'operations' && decoded.value.operations.map(({ id }) => id),
    ).toEqual([second.id])
  })

  test('is counted and not looked at where the sender means others', () => {
    const theirs = new SharedHeads([headOf({ ...first, id: ofBob.id })], true)
    const decoded = decodeMessage(encodeMessage(message(theirs)), spaceId, mine)
    expect(decoded).toEqual({
      ok: true,
      value: { kind: 'operations', operations: [], faults: [], misread: 1 },
    })
  })

  test('is refused without a check, and with one where no leaves were listed', () => {
    const whole = new SharedHeads([headOf(first)])
    const refused = { ok: false, fault: { code: 'BAD_FIELD' } }
    expect(mine.check).toHaveLength(LEAVES_CHECK_BYTES)
    expect(decodeMessage(encodeMessage(message(whole)), spaceId, mine)).toMatchObject(refused)
    expect(decodeMessage(encodeMessage(message(mine)), spaceId, whole)).toMatchObject(refused)
    expect(decodeMessage(encodeMessage(message(mine)), spaceId)).toMatchObject(refused)
  })
})

describe('a session with mallory, who lists leaves', () => {
  const known = [...beginning, ...BOBS, ...CAROLS]
  const violations = (effects: readonly SyncEffect[]) =>
    effects.flatMap((effect) => (effect.kind === 'violation' ? [effect.fault.detail] : []))
  const sent = (effects: readonly SyncEffect[]) =>
    effects.flatMap((effect) => (effect.kind === 'send' ? [effect.message] : []))
  const kinds = (effects: readonly SyncEffect[]) => sent(effects).map(({ kind }) => kind)
  const compare = (operations: number, round = 0): SyncMessage => ({
    kind: 'compare',
    round,
    admitted: 0,
    answers: false,
    standing: {
      // Greater than any other: of two that speak at once the victim lists first.
      clockRoot: new Uint8Array(32).fill(255),
      stateRoot: null,
      authors: 4,
      operations,
      absentBodies: 0,
    },
  })
  const leaves = (bytes: Uint8Array): SyncMessage => ({ kind: 'leaves', leaves: bytes })
  const nothing: SyncMessage = { kind: 'entries', entries: [], bodies: [], last: true }
  const AUTHORS = 4

  /** A victim that has listed all its leaves, of which mallory says that they differ. */
  async function createVictim() {
    const { hosted } = await createHome(known)
    const session = new SyncSession(hosted.view())
    const say = (...messages: readonly SyncMessage[]) =>
      messages.flatMap((message) => session.step({ kind: 'message', message }))
    say(compare(3))
    const all = packBits(new Array<boolean>(AUTHORS).fill(true))
    say({ kind: 'nodes', differing: all, listing: new Uint8Array() })
    return { session, say, leaf: await leafOfBob() }
  }
  async function leafOfBob() {
    const { hosted } = await createHome(BOBS.slice(0, 3))
    return leavesOf(hosted.view().clock, [bob.publicKey]) as Uint8Array
  }

  test('sends her what came after, once', async () => {
    const { say, leaf } = await createVictim()
    const effects = say(leaves(leaf))
    expect(kinds(effects)).toEqual(['entries', 'offer', 'operations', 'eose'])
    const [batch] = sent(effects).filter((message) => message.kind === 'operations')
    expect(batch?.kind === 'operations' && batch.operations).toHaveLength(known.length - 3)
    expect(violations(say(leaves(leaf)))).toHaveLength(1)
  })

  test('asks her for the heads of leaves that nobody has made, and stops at leaves again', async () => {
    const { say, leaf } = await createVictim()
    expect(kinds(say(leaves(new Uint8Array(SHORT_DIGEST_BYTES))))).toEqual(['spell'])
    expect(violations(say(leaves(leaf)))).toHaveLength(1)
    const patient = await createVictim()
    patient.say(leaves(new Uint8Array(SHORT_DIGEST_BYTES)))
    expect(kinds(patient.say(nothing))).toEqual(['entries', 'offer', 'operations', 'eose'])
  })

  test('stops at leaves among entries, before the walk, after another round began, and from who has not ended the walk', async () => {
    const { say, leaf } = await createVictim()
    expect(violations(say({ ...nothing, last: false }, leaves(leaf)))).toHaveLength(1)
    const both = await createVictim()
    expect(violations(both.say(leaves(leaf), nothing))).toHaveLength(1)
    const { hosted } = await createHome(known)
    const early = new SyncSession(hosted.view())
    const stopped = [compare(3), leaves(leaf)].flatMap((message) => early.step({ kind: 'message', message }))
    expect(violations(stopped)).toHaveLength(1)
    const late = await createVictim()
    late.say(leaves(leaf), { kind: 'offer', operations: 0 }, { kind: 'ack' }, { kind: 'eose', operations: 0 })
    late.say(compare(3, 1))
    const all = packBits(new Array<boolean>(AUTHORS).fill(true))
    late.say({ kind: 'nodes', differing: all, listing: new Uint8Array() })
    expect(violations(late.say(leaves(leaf)))).toEqual(['leaves in phase entries'])
  })

  /** A session that is a little behind, and has listed its leaves. */
  async function createBehind() {
    const { hosted } = await createHome([...BOBS.slice(0, 3), ...CAROLS.slice(0, 3)])
    const session = new SyncSession(hosted.view())
    const say = (...messages: readonly SyncMessage[]) =>
      messages.flatMap((message) => session.step({ kind: 'message', message }))
    session.step({ kind: 'start' })
    const effects = say({ ...compare(hosted.store.count() + 20), answers: true } as SyncMessage, {
      kind: 'nodes',
      differing: new Uint8Array(),
      listing: Uint8Array.of(0, 0),
    })
    expect(kinds(effects)).toEqual(['nodes', 'leaves'])
    return { session, say }
  }

  test('spells them out when she asks, once, and not after she has listed anything', async () => {
    const { say } = await createBehind()
    expect(kinds(say({ kind: 'spell' }))).toEqual(['entries'])
    expect(violations(say({ kind: 'spell' }))).toHaveLength(1)
    const listed = await createBehind()
    expect(violations(listed.say({ ...nothing, last: false }, { kind: 'spell' }))).toHaveLength(1)
    // Whoever ended the walk may let the other list first.
    const { say: asked } = await createVictim()
    expect(kinds(asked({ kind: 'spell' }))).toEqual(['entries'])
    expect(violations(asked({ kind: 'spell' }))).toHaveLength(1)
  })

  test('gives her nothing that she wants of leaves, and stops at leaves in answer', async () => {
    const { say } = await createBehind()
    expect(violations(say({ kind: 'want', heads: packBits([true, true, true, true]) }))).toHaveLength(1)
    const other = await createBehind()
    expect(violations(other.say(leaves(new Uint8Array(SHORT_DIGEST_BYTES))))).toHaveLength(1)
  })

  test('counts what she sends with another check, acknowledges it, and goes on in full', async () => {
    const { session, say } = await createBehind()
    say(nothing, { kind: 'offer', operations: 3 })
    expect(say({ kind: 'operations', operations: [], faults: [], misread: 3 })).toEqual([
      { kind: 'admit', operations: [], faults: [] },
    ])
    expect(kinds(session.step({ kind: 'admitted', gained: 0 }))).toEqual(['ack'])
    const effects = say({ kind: 'eose', operations: 3 })
    expect(violations(effects)).toEqual([])
    expect(sent(effects)).toMatchObject([{ kind: 'compare', round: 1, admitted: 0 }])
  })
})
