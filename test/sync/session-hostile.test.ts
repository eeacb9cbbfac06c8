import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { setRegister } from '../../src/core/types/register/change.ts'
import {
  BATCH_WINDOW,
  BODIES_WANTED_PER_ROUND_MAX,
  ENTRIES_PER_FRAME_MAX,
  HEADS_PER_ROUND_MAX,
  PROBES_OPEN_MAX,
  SHORT_DIGEST_BYTES,
  SHORT_ID_BYTES,
  SHORT_KEY_BYTES,
  SYNC_ROUNDS_MAX,
} from '../../src/core/limits.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { packBits } from '../../src/core/sync/bits.ts'
import type { ListedEntry, Standing, SyncMessage } from '../../src/core/sync/message.ts'
import { SyncSession, type SyncEffect } from '../../src/core/sync/session.ts'
import { bob, createHome, forge, grants, mallory, stranger } from '../cast.ts'

const hash = (fill: number) => new Uint8Array(32).fill(fill)
const log: Operation[] = []
for (let i = 0; i < 20; i++)
  log.push(forge({ author: bob, prev: log.at(-1) ?? null, body: [setRegister('x', i)] }))
const fork = forge({ author: bob, prev: log[9] as Operation, body: [setRegister('x', 'forked')] })
const known = [...log, fork]
/** Authors of the victim's replica: the space, alice and bob. */
const AUTHORS = 3

const standing = (change: Partial<Standing> = {}): Standing => ({
  clockRoot: hash(1),
  stateRoot: hash(2),
  authors: 3,
  operations: 20,
  absentBodies: 0,
  ...change,
})
const compare = (round: number, admitted = 0, change: Partial<Standing> = {}): SyncMessage => ({
  kind: 'compare',
  round,
  admitted,
  answers: false,
  standing: standing(change),
})
const entriesOf = (...entries: readonly ListedEntry[]): SyncMessage => ({
  kind: 'entries',
  entries,
  bodies: [],
  last: true,
})
const bits = (count: number, ...set: readonly number[]) =>
  packBits(Array.from({ length: count }, (_, i) => set.includes(i)))
const bobEntry = (ids: readonly Uint8Array[]) => ({
  author: bob.publicKey,
  heads: ids.map((id) => ({ seq: 3, id })),
})
const shortBob = {
  author: bob.publicKey.subarray(0, SHORT_KEY_BYTES),
  heads: [{ seq: 3, id: (log[3] as Operation).id.subarray(0, SHORT_ID_BYTES) }],
}
const violations = (effects: readonly SyncEffect[]) =>
  effects.flatMap((effect) => (effect.kind === 'violation' ? [effect.fault.detail] : []))
const sentKinds = (effects: readonly SyncEffect[]) =>
  effects.flatMap((effect) => (effect.kind === 'send' ? [effect.message.kind] : []))

/** The listing in what a session sends: it has few authors, so their leaves. */
function listed(effects: readonly SyncEffect[]): { readonly listing: Uint8Array; readonly leaves: number } {
  for (const effect of effects) {
    if (effect.kind !== 'send' || effect.message.kind !== 'nodes') continue
    const { listing } = effect.message
    return { listing, leaves: ((listing[0] as number) << 8) | (listing[1] as number) }
  }
  throw new Error('nothing is listed')
}

/** A session over a replica with a forked log, and a short way to feed it. */
async function createVictim(operations: readonly Operation[] = known) {
  const { hosted } = await createHome(operations)
  const session = new SyncSession(hosted.view())
  const say = (...messages: readonly SyncMessage[]) =>
    messages.flatMap((message) => session.step({ kind: 'message', message }))
  /** Begins a run, and ends the walk by saying that every author differs, or none. */
  const walk = (everything = true) => {
    const { leaves } = listed(say(compare(0)))
    const all = everything ? Array.from({ length: leaves }, (_, i) => i) : []
    return say({ kind: 'nodes', differing: bits(leaves, ...all), listing: new Uint8Array() })
  }
  return { hosted, session, say, walk }
}

/** A second round in which mallory lists nothing, and brings nothing. */
function goInFull(say: (...messages: readonly SyncMessage[]) => readonly SyncEffect[]) {
  say({ ...compare(1, 0), answers: true } as SyncMessage)
  say({ kind: 'nodes', differing: bits(0), listing: Uint8Array.of(0, 0) })
  return say(
    entriesOf(),
    { kind: 'want', heads: bits(AUTHORS + 1) },
    { kind: 'eose', operations: 0 },
    compare(2, 0),
  )
}

const children = Uint8Array.of(0xff, 0xff, ...new Uint8Array(16 * SHORT_DIGEST_BYTES))
const grandchildren = Uint8Array.of(0xff, 0xfe, ...new Uint8Array(256 * SHORT_DIGEST_BYTES))

describe('a session with mallory', () => {
  const message: fc.Arbitrary<SyncMessage> = fc.oneof(
    fc.record({
      kind: fc.constant('compare' as const),
      round: fc.nat(3),
      admitted: fc.nat(2),
      answers: fc.boolean(),
      standing: fc.constantFrom(standing(), standing({ authors: 5_000 }), standing({ absentBodies: 1 })),
    }),
    fc.record({
      kind: fc.constant('nodes' as const),
      differing: fc.oneof(
        fc.constantFrom(bits(0), bits(3, 1, 2), bits(16, 0, 9), bits(256)),
        fc.uint8Array({ maxLength: 3 }),
      ),
      listing: fc.oneof(
        fc.constantFrom(
          new Uint8Array(),
          Uint8Array.of(0, 0),
          Uint8Array.of(0, 1, 9, 9, 9, 9),
          children,
          grandchildren,
        ),
        fc.uint8Array({ maxLength: 80 }),
      ),
    }),
    fc.record({
      kind: fc.constant('entries' as const),
      last: fc.boolean(),
      bodies: fc.array(fc.constantFrom(hash(3), log[2]?.id ?? hash(0)), { maxLength: 3 }),
      entries: fc.array(
        fc.constantFrom(bobEntry([log[3] as Operation].map(({ id }) => id)), bobEntry([hash(9)]), shortBob, {
          author: hash(4),
          heads: [
            { seq: 0, id: hash(8) },
            { seq: 5, id: grants.id },
          ],
        }),
        { maxLength: 3 },
      ),
    }),
    fc.record({
      kind: fc.constant('leaves' as const),
      leaves: fc.constantFrom(new Uint8Array(SHORT_DIGEST_BYTES), new Uint8Array(3 * SHORT_DIGEST_BYTES)),
    }),
    fc.record({ kind: fc.constant('spell' as const) }),
    fc.record({
      kind: fc.constant('want' as const),
      heads: fc.oneof(fc.constantFrom(bits(1, 0), bits(2, 1), bits(9, 0)), fc.uint8Array({ maxLength: 2 })),
    }),
    fc.record({
      kind: fc.constant('probe' as const),
      probe: fc.nat(3),
      ids: fc.array(fc.constantFrom(hash(1), ...known.map(({ id }) => id)), { maxLength: 16 }),
    }),
    fc.record({ kind: fc.constant('probed' as const), probe: fc.nat(3), known: fc.nat(20) }),
    fc.record({ kind: fc.constant('offer' as const), operations: fc.nat() }),
    fc.record({
      kind: fc.constant('operations' as const),
      operations: fc.subarray(known),
      faults: fc.constant([]),
    }),
    fc.constant({ kind: 'ack' as const }),
    fc.record({ kind: fc.constant('eose' as const), operations: fc.nat(3) }),
  )

  test('never throws, and answers each message with a bounded number of effects, whatever comes in whatever order', async () => {
    const { hosted } = await createVictim()
    const event = fc.oneof(
      { weight: 12, arbitrary: message },
      { weight: 1, arbitrary: fc.constant('start' as const) },
    )
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const session = new SyncSession(hosted.view())
        let admitting = 0
        for (const one of events) {
          const effects =
            one === 'start'
              ? session.step({ kind: 'start' })
              : session.step({ kind: 'message', message: one })
          expect(effects.length).toBeLessThanOrEqual(40)
          admitting += effects.filter(({ kind }) => kind === 'admit').length
          expect(admitting).toBeLessThanOrEqual(BATCH_WINDOW)
          for (const effect of effects) {
            if (effect.kind === 'finished' && effect.report.inSync)
              expect(effect.report.mine.clockRoot).toEqual(effect.report.theirs.clockRoot)
          }
          if (violations(effects).length > 0) return
          if (one !== 'start' && admitting > 0 && one.kind === 'ack') {
            admitting--
            session.step({ kind: 'admitted', gained: 0 })
          }
        }
      }),
      { numRuns: 3_000 },
    )
  })

  test('follows a script of right phases with wrong content to its end, also never throwing', async () => {
    const { hosted } = await createVictim()
    fc.assert(
      fc.property(fc.array(message, { maxLength: 40 }), fc.boolean(), (noise, small) => {
        const session = new SyncSession(hosted.view())
        const script: SyncMessage[] = [
          compare(0, 0, small ? {} : { authors: 9_999 }),
          { kind: 'nodes', differing: bits(AUTHORS, 0, 2, 3), listing: new Uint8Array() },
          entriesOf(bobEntry([hash(9), (log[4] as Operation).id])),
          { kind: 'want', heads: bits(2, 1) },
        ]
        for (const one of [...script, ...noise]) {
          const effects = session.step({ kind: 'message', message: one })
          expect(effects.length).toBeLessThanOrEqual(60)
          if (violations(effects).length > 0) return
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('ends after a bounded number of rounds with a peer that always says it gained something and never agrees', async () => {
    const { say } = await createVictim()
    let rounds = 0
    let effects = say(compare(0))
    while (!effects.some(({ kind }) => kind === 'finished')) {
      expect(violations(effects)).toEqual([])
      // In round 0 the victim lists first, and she says that nothing differs; later she does, and lists no author.
      const walked =
        rounds === 0 ? [] : say({ kind: 'nodes', differing: bits(0), listing: Uint8Array.of(0, 0) })
      const listsHeads = sentKinds(walked).includes('entries')
      effects = [
        ...walked,
        ...(rounds > 0 ? [] : say({ kind: 'nodes', differing: bits(AUTHORS), listing: new Uint8Array() })),
        ...say(entriesOf()),
        ...(listsHeads ? say({ kind: 'want', heads: bits(4) }) : []),
        ...say({ kind: 'eose', operations: 0 }),
        ...say({ ...compare(++rounds, 1), answers: true } as SyncMessage),
      ]
      expect(rounds).toBeLessThanOrEqual(SYNC_ROUNDS_MAX + 1)
    }
    expect(rounds).toBe(SYNC_ROUNDS_MAX)
  })

  test('names everything in full from the second round on, so that nobody who made two that begin alike hides anything for long', async () => {
    const { say } = await createVictim()
    const first = say(compare(0))
    expect(listed(first).listing).toHaveLength(2 + AUTHORS * SHORT_DIGEST_BYTES)
    say({ kind: 'nodes', differing: bits(AUTHORS), listing: new Uint8Array() })
    say(entriesOf(), { kind: 'eose', operations: 0 })
    const answer = { ...compare(1, 0), answers: true } as SyncMessage
    const effects = say(answer, { kind: 'nodes', differing: bits(0), listing: Uint8Array.of(0, 0) })
    const widths = effects.flatMap((effect) =>
      effect.kind === 'send' && effect.message.kind === 'entries'
        ? effect.message.entries.flatMap(({ author, heads }) => [author, ...heads.map(({ id }) => id)])
        : [],
    )
    expect(widths.length).toBe(AUTHORS + 4)
    for (const name of widths) expect(name).toHaveLength(32)
    const short = await createVictim()
    short.walk()
    const answered = short.say(entriesOf(bobEntry([hash(9)])))
    expect(answered.find(({ kind }) => kind === 'send')).toMatchObject({
      message: { kind: 'entries', entries: [{ author: bob.publicKey.subarray(0, SHORT_KEY_BYTES) }] },
    })
  })

  test('ends after one more round in full with a peer from which nothing is gained', async () => {
    const { say, walk } = await createVictim()
    walk(false)
    say(entriesOf())
    say({ kind: 'eose', operations: 0 })
    const effects = goInFull(say)
    expect(effects.at(-1)).toMatchObject({ kind: 'finished', report: { inSync: false } })
  })

  test('leaves a head that the peer listed and did not bring to others, as soon as the run has ended', async () => {
    const { hosted, say, walk } = await createVictim()
    walk(false)
    say(entriesOf(bobEntry([hash(9)])))
    expect(hosted.view().claim(hash(9))).toBe(false)
    say({ kind: 'eose', operations: 0 })
    goInFull(say)
    expect(hosted.view().claim(hash(9))).toBe(true)
  })

  test('is not in sync with a peer whose roots agree but whose state does not, or who lacks bodies', async () => {
    const { hosted, say } = await createVictim()
    const view = hosted.view()
    const [{ clockRoot }, stateRoot] = [view.standing(), view.stateRoot()]
    const lie = say(compare(0, 0, { clockRoot, stateRoot: hash(7) }))
    expect(lie.at(-1)).toMatchObject({ kind: 'finished', report: { inSync: false } })
    const partial = (await createVictim()).say(compare(0, 0, { clockRoot, stateRoot, absentBodies: 1 }))
    expect(sentKinds(partial)).toEqual(['compare', 'entries'])
  })

  test('is in sync with nobody who does not say the root of its state, and stops at who leaves it out when asked', async () => {
    const { hosted, say } = await createVictim()
    const { clockRoot } = hosted.view().standing()
    const asked = say(compare(0, 0, { clockRoot, stateRoot: null }))
    expect(asked).toMatchObject([
      { message: { kind: 'compare', standing: { stateRoot: null } } },
      { message: { kind: 'compare', standing: { stateRoot: hosted.view().stateRoot() } } },
    ])
    expect(violations(say(compare(0, 0, { clockRoot, stateRoot: null })))).toEqual([
      'no state root where the clock roots are equal',
    ])
    const later = await createVictim()
    later.walk(false)
    later.say(entriesOf(), { kind: 'eose', operations: 0 })
    expect(violations(later.say(compare(1, 0, { clockRoot, stateRoot: null })))).toEqual([])
    expect(violations(later.say(compare(1, 0, { clockRoot, stateRoot: null })))).toEqual([
      'no state root where the clock roots are equal',
    ])
  })

  test.each([false, true])(
    'says the root of its state after a round, unless operations came by other ways meanwhile (%s): then it waits for equal clock roots',
    async (isBusy) => {
      const { hosted, session, say, walk } = await createVictim(log.slice(0, 10))
      walk(false)
      say(entriesOf(), { kind: 'operations', operations: [log[10] as Operation], faults: [] })
      await hosted.replica.receive([log[10] as Operation], 'mallory')
      if (isBusy) await hosted.replica.receive([log[11] as Operation], 'somebody')
      say({ kind: 'eose', operations: 1 })
      const [, compared] = session.step({ kind: 'admitted', gained: 1 })
      const stateRoot = isBusy ? null : hosted.view().stateRoot()
      expect(compared).toMatchObject({ message: { kind: 'compare', round: 1, standing: { stateRoot } } })
      const { clockRoot } = hosted.view().standing()
      const asked = say({ ...compare(1, 0, { clockRoot, stateRoot: null }), answers: true } as SyncMessage)
      expect(asked).toMatchObject([
        { message: { kind: 'compare', round: 1, standing: { stateRoot: hosted.view().stateRoot() } } },
      ])
    },
  )

  test('stops at a lying end of stored', async () => {
    const { say, walk } = await createVictim()
    walk(false)
    say(entriesOf())
    expect(violations(say({ kind: 'eose', operations: 1 }))).toEqual([
      'end of stored after 1 operations, 0 arrived',
    ])
  })

  test('stops at one batch more than the window, at operations out of turn, and at an acknowledgement of nothing', async () => {
    const batch: SyncMessage = { kind: 'operations', operations: [], faults: [] }
    const { say, walk } = await createVictim()
    walk(false)
    say(entriesOf())
    for (let i = 0; i < BATCH_WINDOW; i++) expect(violations(say(batch))).toEqual([])
    expect(violations(say(batch))).toEqual(['more batches in flight than the window allows'])
    expect(violations((await createVictim()).say(batch))).toHaveLength(1)
    expect(violations((await createVictim()).say(compare(0), batch))).toHaveLength(1)
    expect(violations((await createVictim()).say({ kind: 'ack' }))).toEqual(['an acknowledgement of nothing'])
  })

  test('acknowledges each batch when it is admitted, and not before', async () => {
    const batch: SyncMessage = { kind: 'operations', operations: [log[3] as Operation], faults: [] }
    const { say, session, walk } = await createVictim()
    walk(false)
    say(entriesOf())
    for (const effects of [say(batch), say(batch)]) expect(effects.map(({ kind }) => kind)).toEqual(['admit'])
    for (const gained of [1, 0])
      expect(sentKinds(session.step({ kind: 'admitted', gained }))).toEqual(['ack'])
  })

  test('gives nothing that was not offered: more heads than were listed, the same again, and any before they are listed', async () => {
    for (const heads of [bits(9, 8), bits(3, 2), bits(0)]) {
      const { say, walk } = await createVictim()
      walk()
      // Bob's two heads are listed, since one of hers is not known; of the others it is seen that she has nothing.
      expect(sentKinds(say(entriesOf(bobEntry([hash(9)]))))).toEqual(['entries', 'want'])
      expect(violations(say({ kind: 'want', heads }))).toEqual(['wanted heads that were not offered'])
    }
    const twice = await createVictim()
    twice.walk()
    twice.say(entriesOf(bobEntry([hash(9)])))
    expect(violations(twice.say({ kind: 'want', heads: bits(2, 1) }))).toEqual([])
    expect(violations(twice.say({ kind: 'want', heads: bits(2, 1) }))).toHaveLength(1)
    const early = await createVictim()
    early.walk()
    expect(violations(early.say({ kind: 'want', heads: bits(2, 1) }))).toHaveLength(1)
  })

  test('is sent what it is seen to lack, and asked for nothing, in answer to what it lists', async () => {
    const { say, walk } = await createVictim()
    walk()
    expect(sentKinds(say(entriesOf()))).toEqual(['entries', 'offer', 'operations', 'eose'])
    const behind = await createVictim()
    behind.walk()
    const effects = behind.say(entriesOf(shortBob))
    const sent = effects.flatMap((effect) =>
      effect.kind === 'send' && effect.message.kind === 'operations' ? effect.message.operations : [],
    )
    const others = behind.hosted.store.count() - known.length
    expect(sent).toHaveLength(others + known.length - 4)
    expect(sent.map(({ id }) => id)).not.toContainEqual((log[3] as Operation).id)
  })

  test('stops at more heads or bodies than a round may list, spread over however many frames', async () => {
    const { say, walk } = await createVictim()
    walk(false)
    const frame: Extract<SyncMessage, { kind: 'entries' }> = {
      kind: 'entries',
      last: false,
      bodies: [],
      entries: Array.from({ length: ENTRIES_PER_FRAME_MAX }, () => ({
        author: stranger.publicKey,
        heads: [{ seq: 0, id: hash(1) }],
      })),
    }
    for (let listed = 0; listed < HEADS_PER_ROUND_MAX; listed += ENTRIES_PER_FRAME_MAX)
      expect(violations(say(frame))).toEqual([])
    expect(violations(say({ ...frame, entries: frame.entries.slice(0, 1) }))).toEqual([
      'more heads than a round may list',
    ])
    const other = await createVictim()
    other.walk(false)
    const bodies = Array.from({ length: BODIES_WANTED_PER_ROUND_MAX }, () => hash(3))
    expect(violations(other.say({ ...frame, entries: [], bodies }))).toEqual([])
    expect(violations(other.say({ ...frame, entries: [], bodies: [hash(3)] }))).toEqual([
      'more wanted bodies than a round may list',
    ])
  })

  test('probes a fork storm in turns: at most so many questions open, and an answer brings the next', async () => {
    const root = forge({ author: mallory })
    const second = forge({ author: mallory, prev: root })
    const branches = Array.from({ length: PROBES_OPEN_MAX + 10 }, (_, i) => {
      const first = forge({ author: mallory, prev: second, body: [setRegister('mallory/x', i)] })
      return [first, forge({ author: mallory, prev: first })] as const
    })
    const { say, walk } = await createVictim([root, second, ...branches.flat()])
    walk()
    say(entriesOf({ author: mallory.publicKey, heads: [{ seq: 1, id: hash(66) }] }))
    const all = branches.map((_, i) => i)
    const asked = say({ kind: 'want', heads: bits(all.length, ...all) })
    expect(sentKinds(asked)).toEqual(Array.from({ length: PROBES_OPEN_MAX }, () => 'probe'))
    expect(sentKinds(say({ kind: 'probed', probe: 0, known: 0 }))).toEqual(['probe'])
    expect(violations(say({ kind: 'probed', probe: 0, known: 0 }))).toEqual(['an answer to no probe'])
  })

  test('stops at an answer that knows more than was asked', async () => {
    const { say, walk } = await createVictim()
    walk()
    say(entriesOf(bobEntry([hash(9)])))
    // The fork is at seq 10, so it is listed before the other head, at 19.
    const asked = say({ kind: 'want', heads: bits(2, 0) })
    const probe = asked.find((effect) => effect.kind === 'send' && effect.message.kind === 'probe')
    const ids = probe?.kind === 'send' && probe.message.kind === 'probe' ? probe.message.ids.length : 0
    expect(ids).toBe(10)
    expect(violations(say({ kind: 'probed', probe: 0, known: 11 }))).toEqual(['an answer to no probe'])
  })

  test('stops at a walk that marks what was not listed, lists more or less than is due, or goes on when it is over', async () => {
    const nodes = (differing: Uint8Array, listing: Uint8Array): SyncMessage => ({
      kind: 'nodes',
      differing,
      listing,
    })
    const wrong: readonly (readonly [SyncMessage, string])[] = [
      [nodes(bits(AUTHORS + 8), new Uint8Array()), 'marks of other places than were listed'],
      [nodes(Uint8Array.of(1), new Uint8Array()), 'marks of other places than were listed'],
      [nodes(bits(AUTHORS), Uint8Array.of(0, 0)), 'a listing of more than is due'],
    ]
    for (const [message, detail] of wrong) {
      const { say } = await createVictim()
      say(compare(0))
      expect(violations(say(message))).toEqual([detail])
    }
    const listings = [
      new Uint8Array(),
      Uint8Array.of(0),
      Uint8Array.of(0, 1, 9),
      Uint8Array.of(0x80, 0),
      children.subarray(1),
      grandchildren.subarray(0, 99),
    ]
    for (const listing of listings) {
      const { session } = await createVictim()
      session.step({ kind: 'start' })
      session.step({ kind: 'message', message: { ...compare(0), answers: true } as SyncMessage })
      const effects = session.step({ kind: 'message', message: nodes(new Uint8Array(), listing) })
      expect(violations(effects)).toEqual(['a listing that ends early, or is not of its form'])
    }
    const over = await createVictim()
    over.walk()
    expect(violations(over.say(nodes(new Uint8Array(), new Uint8Array())))).toHaveLength(1)
  })

  test('stops where both sides say that they answer', async () => {
    const { say } = await createVictim()
    expect(violations(say({ ...compare(0), answers: true } as SyncMessage))).toEqual([
      'an answer to an answer',
    ])
  })

  test('ends a walk that a liar tries to lead for ever, since it only goes where this side has authors', async () => {
    const { session } = await createVictim()
    session.step({ kind: 'start' })
    const say = (message: SyncMessage) => session.step({ kind: 'message', message })
    say({ ...compare(0, 0, { authors: 2 ** 40 }), answers: true } as SyncMessage)
    const effects = say({ kind: 'nodes', differing: new Uint8Array(), listing: grandchildren })
    // Below none of the 256 are so many authors here that their children would be listed: leaves, and the end of it.
    const { listing } = listed(effects)
    expect(listing.length).toBe(256 * 2 + AUTHORS * SHORT_DIGEST_BYTES)
    const more = say({ kind: 'nodes', differing: bits(AUTHORS, 0), listing: children })
    expect(violations(more)).toEqual(['a listing of more than is due'])
  })
})
