import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { setRegister } from '../../src/core/types/register/change.ts'
import {
  BATCH_WINDOW,
  BODIES_WANTED_PER_ROUND_MAX,
  ENTRIES_PER_FRAME_MAX,
  HEADS_PER_ROUND_MAX,
  PROBES_OPEN_MAX,
  SYNC_ROUNDS_MAX,
} from '../../src/core/limits.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import type { Standing, SyncMessage } from '../../src/core/sync/message.ts'
import { SyncSession, type SyncEffect } from '../../src/core/sync/session.ts'
import { bob, carol, createHome, forge, grants, mallory, signerNamed, stranger } from '../cast.ts'

const hash = (fill: number) => new Uint8Array(32).fill(fill)
const log: Operation[] = []
for (let i = 0; i < 20; i++)
  log.push(forge({ author: bob, prev: log.at(-1) ?? null, body: [setRegister('x', i)] }))
const fork = forge({ author: bob, prev: log[9] as Operation, body: [setRegister('x', 'forked')] })
const known = [...log, fork]

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
  standing: standing(change),
})
const bobEntry = (ids: readonly Uint8Array[]) => ({
  author: bob.publicKey,
  heads: ids.map((id) => ({ seq: 3, id })),
})
const violations = (effects: readonly SyncEffect[]) =>
  effects.flatMap((effect) => (effect.kind === 'violation' ? [effect.fault.detail] : []))
const sentKinds = (effects: readonly SyncEffect[]) =>
  effects.flatMap((effect) => (effect.kind === 'send' ? [effect.message.kind] : []))

/** A session over a replica with a forked log, and a short way to feed it. */
async function createVictim(operations: readonly Operation[] = known) {
  const { hosted } = await createHome(operations)
  const session = new SyncSession(hosted.view())
  const say = (...messages: readonly SyncMessage[]) =>
    messages.flatMap((message) => session.step({ kind: 'message', message }))
  return { hosted, session, say }
}

describe('a session with mallory', () => {
  const message: fc.Arbitrary<SyncMessage> = fc.oneof(
    fc.record({
      kind: fc.constant('compare' as const),
      round: fc.nat(3),
      admitted: fc.nat(2),
      standing: fc.constantFrom(standing(), standing({ authors: 5_000 }), standing({ absentBodies: 1 })),
    }),
    fc.record({
      kind: fc.constant('nodes' as const),
      nodes: fc.array(
        fc.record({
          prefix: fc.array(fc.nat(15), { maxLength: 2 }),
          children: fc.array(fc.record({ hash: fc.nat(3).map(hash), count: fc.nat(40) }), {
            minLength: 16,
            maxLength: 16,
          }),
        }),
        { maxLength: 3 },
      ),
    }),
    fc.record({
      kind: fc.constant('entries' as const),
      last: fc.boolean(),
      entries: fc.array(
        fc.constantFrom(bobEntry([log[3] as Operation].map(({ id }) => id)), bobEntry([hash(9)]), {
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
      kind: fc.constant('want' as const),
      last: fc.boolean(),
      bodies: fc.array(fc.constantFrom(hash(3), log[2]?.id ?? hash(0)), { maxLength: 3 }),
      heads: fc.array(
        fc.constantFrom(...known.map(({ id }) => ({ author: bob.publicKey, id })), {
          author: carol.publicKey,
          id: hash(1),
        }),
        { maxLength: 3 },
      ),
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
          { kind: 'entries', entries: [bobEntry([hash(9), (log[4] as Operation).id])], last: true },
          { kind: 'want', heads: [{ author: bob.publicKey, id: fork.id }], bodies: [], last: true },
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
      effects = [
        ...say({ kind: 'entries', entries: [], last: true }),
        ...say({ kind: 'want', heads: [], bodies: [], last: true }),
        ...say({ kind: 'eose', operations: 0 }),
        ...say(compare(++rounds, 1)),
      ]
      expect(rounds).toBeLessThanOrEqual(SYNC_ROUNDS_MAX + 1)
    }
    expect(rounds).toBe(SYNC_ROUNDS_MAX)
  })

  test('ends after one more round with a peer from which nothing is gained', async () => {
    const { say } = await createVictim()
    say(
      compare(0),
      { kind: 'entries', entries: [], last: true },
      { kind: 'want', heads: [], bodies: [], last: true },
    )
    const effects = say({ kind: 'eose', operations: 0 }, compare(1, 0))
    expect(effects.at(-1)).toMatchObject({ kind: 'finished', report: { inSync: false } })
  })

  test('leaves a head that the peer listed and did not bring to others, as soon as the run has ended', async () => {
    const { hosted, say } = await createVictim()
    say(compare(0), { kind: 'entries', entries: [bobEntry([hash(9)])], last: true })
    expect(hosted.view().claim(hash(9))).toBe(false)
    say({ kind: 'want', heads: [], bodies: [], last: true }, { kind: 'eose', operations: 0 }, compare(1, 0))
    expect(hosted.view().claim(hash(9))).toBe(true)
  })

  test('is not in sync with a peer whose roots agree but whose state does not, or who lacks bodies', async () => {
    const { hosted, say } = await createVictim()
    const { clockRoot, stateRoot } = hosted.view().standing()
    const lie = say(compare(0, 0, { clockRoot, stateRoot: hash(7) }))
    expect(lie.at(-1)).toMatchObject({ kind: 'finished', report: { inSync: false } })
    const partial = (await createVictim()).say(compare(0, 0, { clockRoot, stateRoot, absentBodies: 1 }))
    expect(sentKinds(partial)).toEqual(['compare', 'want'])
  })

  test('stops at a lying end of stored', async () => {
    const { say } = await createVictim()
    say(
      compare(0),
      { kind: 'entries', entries: [], last: true },
      { kind: 'want', heads: [], bodies: [], last: true },
    )
    expect(violations(say({ kind: 'eose', operations: 1 }))).toEqual([
      'end of stored after 1 operations, 0 arrived',
    ])
  })

  test('stops at one batch more than the window, at operations out of turn, and at an acknowledgement of nothing', async () => {
    const batch: SyncMessage = { kind: 'operations', operations: [], faults: [] }
    const { say } = await createVictim()
    say(compare(0), { kind: 'entries', entries: [], last: true })
    for (let i = 0; i < BATCH_WINDOW; i++) expect(violations(say(batch))).toEqual([])
    expect(violations(say(batch))).toEqual(['more batches in flight than the window allows'])
    expect(violations((await createVictim()).say(batch))).toHaveLength(1)
    expect(violations((await createVictim()).say(compare(0), batch))).toHaveLength(1)
    expect(violations((await createVictim()).say({ kind: 'ack' }))).toEqual(['an acknowledgement of nothing'])
  })

  test('gives nothing that was not offered: another author’s head, an operation that is no head, the same twice', async () => {
    const wants: readonly (readonly { readonly author: Uint8Array; readonly id: Uint8Array }[])[] = [
      [{ author: carol.publicKey, id: fork.id }],
      [{ author: bob.publicKey, id: (log[3] as Operation).id }],
      [{ author: bob.publicKey, id: hash(77) }],
      [
        { author: bob.publicKey, id: fork.id },
        { author: bob.publicKey, id: fork.id },
      ],
    ]
    for (const heads of wants) {
      const { say } = await createVictim()
      say(compare(0), { kind: 'entries', entries: [], last: true })
      expect(violations(say({ kind: 'want', heads, bodies: [], last: true }))).toEqual([
        'a wanted head that was not offered',
      ])
    }
  })

  test('stops at more heads or bodies than a round may list, spread over however many frames', async () => {
    const { say } = await createVictim()
    say(compare(0))
    const frame: SyncMessage = {
      kind: 'entries',
      last: false,
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
    other.say(compare(0), { kind: 'entries', entries: [], last: true })
    const bodies = Array.from({ length: BODIES_WANTED_PER_ROUND_MAX }, () => hash(3))
    expect(violations(other.say({ kind: 'want', heads: [], bodies, last: false }))).toEqual([])
    expect(violations(other.say({ kind: 'want', heads: [], bodies: [hash(3)], last: false }))).toEqual([
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
    const { say } = await createVictim([root, second, ...branches.flat()])
    say(compare(0), {
      kind: 'entries',
      entries: [{ author: mallory.publicKey, heads: [{ seq: 1, id: hash(66) }] }],
      last: true,
    })
    const heads = branches.map(([, head]) => ({ author: mallory.publicKey, id: head.id }))
    const asked = say({ kind: 'want', heads, bodies: [], last: true })
    expect(sentKinds(asked)).toEqual(Array.from({ length: PROBES_OPEN_MAX }, () => 'probe'))
    expect(sentKinds(say({ kind: 'probed', probe: 0, known: 0 }))).toEqual(['probe'])
    expect(violations(say({ kind: 'probed', probe: 0, known: 0 }))).toEqual(['an answer to no probe'])
  })

  test('stops at an answer that knows more than was asked', async () => {
    const { say } = await createVictim()
    say(compare(0), { kind: 'entries', entries: [bobEntry([hash(9)])], last: true })
    const asked = say({
      kind: 'want',
      heads: [{ author: bob.publicKey, id: fork.id }],
      bodies: [],
      last: true,
    })
    const probe = asked.find((effect) => effect.kind === 'send' && effect.message.kind === 'probe')
    const ids = probe?.kind === 'send' && probe.message.kind === 'probe' ? probe.message.ids.length : 0
    expect(ids).toBe(10)
    expect(violations(say({ kind: 'probed', probe: 0, known: 11 }))).toEqual(['an answer to no probe'])
  })

  test('stops at a walk that lists another node than is due, too few children, or goes on when it is over', async () => {
    const many = Array.from({ length: 70 }, (_, i) => signerNamed(`w${i}`))
    const { say } = await createVictim()
    say(compare(0, 0, { authors: many.length }))
    const children = Array.from({ length: 16 }, (_, i) => ({ hash: hash(i + 1), count: 9 }))
    expect(violations(say({ kind: 'nodes', nodes: [{ prefix: [1], children }] }))).toEqual([
      'a listing of another node than is due',
    ])
    const short = await createVictim()
    short.say(compare(0, 0, { authors: 70 }))
    expect(
      violations(short.say({ kind: 'nodes', nodes: [{ prefix: [], children: children.slice(1) }] })),
    ).toEqual(['a listing without sixteen children'])
    const over = await createVictim()
    over.say(compare(0, 0, { authors: 70 }), { kind: 'nodes', nodes: [{ prefix: [], children }] })
    expect(violations(over.say({ kind: 'nodes', nodes: [{ prefix: [], children }] }))).toHaveLength(1)
  })

  test('ends a walk that a liar tries to lead for ever, since it only goes where this side has authors', async () => {
    const { say } = await createVictim()
    let effects = say(compare(0, 0, { authors: 2 ** 40 }))
    let levels = 0
    for (;;) {
      const listed = effects.flatMap((effect) =>
        effect.kind === 'send' && effect.message.kind === 'nodes' ? effect.message.nodes : [],
      )
      if (listed.length === 0) break
      expect(++levels).toBeLessThanOrEqual(64)
      const nodes = listed.map(({ prefix }) => ({
        prefix,
        children: Array.from({ length: 16 }, (_, i) => ({ hash: hash(i), count: 2 ** 30 })),
      }))
      effects = say({ kind: 'nodes', nodes })
    }
    expect(levels).toBeLessThanOrEqual(3)
    expect(sentKinds(effects)).toEqual(['entries'])
  })
})
