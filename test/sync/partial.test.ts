import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toHex, utf8 } from '../../src/core/bytes.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { FORKED_HEADS_WANTED_PER_ROUND_MAX } from '../../src/core/limits.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { isAtOrBelow } from '../../src/core/path.ts'
import { ReadScope, WHOLE_SCOPE } from '../../src/core/sync/read-scope.ts'
import type { SyncView } from '../../src/core/sync/view.ts'
import { pathPolicy } from '../../src/core/ucan/policy.ts'
import {
  alice,
  bob,
  carol,
  createHome,
  delegate,
  forge,
  grants,
  type Home,
  mallory,
  ownerToken,
} from '../cast.ts'
import { converse, type Conversation, picksFrom } from './simulated-channel.ts'

const PATHS = ['', 'public', 'public/a', 'public/b', 'notes', 'notes/a', 'publicity']

/** What a reader limited to these prefixes may read. */
function scopeOf(prefixes: readonly string[]): ReadScope {
  if (prefixes.includes('')) return WHOLE_SCOPE
  return new ReadScope(
    prefixes.map((path) => [
      ownerToken,
      delegate(alice, carol, { command: '/op/read', policy: pathPolicy(path) }),
    ]),
  )
}

/** Bob writes at these paths, one operation after the other; what he writes names the path. */
function writesAt(paths: readonly string[]): readonly Operation[] {
  const log: Operation[] = []
  for (const [i, path] of paths.entries()) {
    const item = path === '' ? 'public/x' : path
    const body = [setRegister(item, `body at <${path}> ${i}`)]
    log.push(forge({ author: bob, prev: log.at(-1) ?? null, body, header: { path } }))
  }
  return log
}

const view = (home: Home, mine: ReadScope, theirs: ReadScope): SyncView =>
  home.hosted.view({ mine: () => mine, theirs: () => theirs, author: null })

/** Two replicas that may read this much compare. */
async function meet(
  homes: readonly [Home, Home],
  scopes: readonly [ReadScope, ReadScope],
  seed = 0,
): Promise<Conversation> {
  const views = [view(homes[0], scopes[0], scopes[1]), view(homes[1], scopes[1], scopes[0])] as const
  return converse([homes[0].hosted, homes[1].hosted], picksFrom(seed), [0], async () => {}, views)
}

/** Paths of the operations whose body is here. */
const bodiesOf = ({ hosted }: Home) =>
  hosted.store
    .entriesFrom(2, 1_000)
    .filter(({ ordinal }) => hosted.store.operation(ordinal).body !== null)
    .map(({ path }) => path)

const prefixSets = fc.subarray(['public', 'public/a', 'notes', 'notes/a'])

describe('replicas that may not read everything', () => {
  test('end with every header, and with the bodies they may read and no other', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...PATHS), { maxLength: 30 }),
        prefixSets,
        fc.nat(30),
        fc.nat(),
        async (paths, prefixes, split, seed) => {
          const log = writesAt(paths)
          const [whole, part] = [await createHome(log), await createHome(log.slice(0, split))]
          const before = new Set(log.slice(0, split).map(({ header }) => header.path))
          const conversation = await meet([whole, part], [WHOLE_SCOPE, scopeOf(prefixes)], seed)
          expect(conversation.violations).toEqual([])
          expect(toHex(part.hosted.replica.clockRoot())).toBe(toHex(whole.hosted.replica.clockRoot()))
          const later = log.slice(split).map(({ header }) => header.path)
          const readable = later.filter((path) => prefixes.some((prefix) => isAtOrBelow(path, prefix)))
          expect(bodiesOf(part)).toEqual([...paths.slice(0, split), ...readable])
          expect(conversation.reports[1]?.mine.absentBodies).toBe(0)
          const crossed = Buffer.concat(conversation.wire[0]).toString('latin1')
          for (const path of new Set(later)) {
            const isReadable = readable.includes(path)
            if (!before.has(path)) expect(crossed.includes(`body at <${path}>`)).toBe(isReadable)
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  test('are in sync when the states agree that both may read, and not while an unreadable operation has changed one', async () => {
    const log = writesAt(['public/a', 'notes/a'])
    const deps = [grants, ...log.slice(-1)]
    const above = forge({ author: carol, deps, body: [setRegister('public/a', 'from above')] })
    const [whole, part] = [await createHome(log), await createHome()]
    const scopes = [WHOLE_SCOPE, scopeOf(['public'])] as const
    const first = await meet([whole, part], scopes)
    expect(first.reports.map(({ inSync }) => inSync)).toEqual([true, true])
    await whole.hosted.replica.receive([above], 'carol')
    const second = await meet([whole, part], scopes)
    expect(part.hosted.store.find(above.id)).toBeDefined()
    expect(second.reports.map(({ inSync, weLack, theyLack }) => [inSync, weLack, theyLack])).toEqual([
      [false, 0, 0],
      [false, 0, 0],
    ])
  })

  test('with nothing in common to read are in sync by their headers', async () => {
    const [one, other] = [await createHome(), await createHome(writesAt(['notes/a']))]
    const { reports } = await meet([one, other], [scopeOf(['public']), scopeOf(['notes'])])
    expect(reports.map(({ inSync }) => inSync)).toEqual([true, true])
    expect(bodiesOf(one)).toEqual([])
  })

  test('that may read nothing at all get every header, and are in sync', async () => {
    const [whole, none] = [await createHome(writesAt(PATHS)), await createHome()]
    const { reports, wire } = await meet([whole, none], [WHOLE_SCOPE, new ReadScope([])])
    expect(reports.map(({ inSync }) => inSync)).toEqual([true, true])
    expect(none.hosted.store.count()).toBe(2 + PATHS.length)
    expect(Buffer.concat(wire[0]).includes('body at')).toBe(false)
  })

  test('get the bodies later that they may read later, and only then miss them', async () => {
    const [whole, part] = [await createHome(writesAt(PATHS)), await createHome()]
    await meet([whole, part], [WHOLE_SCOPE, scopeOf(['public'])])
    const wider = scopeOf(['public', 'notes'])
    expect(part.hosted.absent.missingCount(wider, part.nowMs)).toBe(2)
    expect(part.hosted.absent.unreadableCount(wider, part.nowMs)).toBe(2)
    const { sent, reports } = await meet([whole, part], [WHOLE_SCOPE, wider])
    expect(sent[0]).toHaveLength(2)
    expect(reports.map(({ inSync }) => inSync)).toEqual([false, false])
    expect(part.hosted.absent.missingCount(wider, part.nowMs)).toBe(0)
    await meet([whole, part], [WHOLE_SCOPE, WHOLE_SCOPE])
    const last = await meet([whole, part], [WHOLE_SCOPE, WHOLE_SCOPE])
    expect(last.reports.map(({ inSync }) => inSync)).toEqual([true, true])
    expect(toHex(part.hosted.replica.stateRoot())).toBe(toHex(whole.hosted.replica.stateRoot()))
  })

  test('hand on headers of what they may not read, and the bodies they have to those who may', async () => {
    const [whole, part, third] = [await createHome(writesAt(PATHS)), await createHome(), await createHome()]
    await meet([whole, part], [WHOLE_SCOPE, scopeOf(['public'])])
    const relayed = await meet([part, third], [scopeOf(['public']), WHOLE_SCOPE])
    expect(relayed.reports.map(({ inSync }) => inSync)).toEqual([false, false])
    expect(bodiesOf(third)).toEqual(['public', 'public/a', 'public/b'])
    expect(relayed.reports[1]?.mine.absentBodies).toBe(4)
    await meet([whole, third], [WHOLE_SCOPE, WHOLE_SCOPE])
    expect(bodiesOf(third)).toEqual(PATHS)
  })

  test('do not get a body by asking for it by its id', async () => {
    const secret = writesAt(['notes/a'])[0] as Operation
    const home = await createHome([secret])
    const greedy = await createHome()
    await greedy.hosted.replica.receive([{ ...secret, body: null }], 'the test')
    // Mallory's own view says that she may read everything; alice's says what she really may.
    const views = [
      view(home, WHOLE_SCOPE, scopeOf(['public'])),
      view(greedy, WHOLE_SCOPE, WHOLE_SCOPE),
    ] as const
    const { wire, sent } = await converse(
      [home.hosted, greedy.hosted],
      () => 0,
      [1],
      async () => {},
      views,
    )
    expect(Buffer.concat(wire[1]).includes(Buffer.from(secret.id))).toBe(true)
    expect(sent[0]).toEqual([])
    expect(Buffer.concat(wire[0]).includes(Buffer.from(utf8('body at')))).toBe(false)
  })

  test('lose no body that they held before they were limited', async () => {
    const [whole, part] = [await createHome(writesAt(['notes'])), await createHome(writesAt(['notes']))]
    const { reports } = await meet([whole, part], [WHOLE_SCOPE, scopeOf(['public'])])
    expect(bodiesOf(part)).toEqual(['notes'])
    expect(reports.map(({ inSync }) => inSync)).toEqual([true, true])
  })
})

describe('a right to read that ends in the middle of a run', () => {
  test('lets no further body out, and the run goes on with headers', async () => {
    const large = 'x'.repeat(60_000)
    const log: Operation[] = []
    for (let i = 0; i < 60; i++) {
      const body = [setRegister('public/a', `${large}${i}`)]
      log.push(forge({ author: bob, prev: log.at(-1) ?? null, body, header: { path: 'public' } }))
    }
    const [whole, part] = [await createHome(log), await createHome()]
    const until = Math.floor(whole.nowMs / 1_000)
    const token = delegate(alice, carol, { command: '/op/read', expiresSeconds: until })
    const reader = new ReadScope([[ownerToken, token]])
    const views = [view(whole, WHOLE_SCOPE, reader), view(part, WHOLE_SCOPE, WHOLE_SCOPE)] as const
    let steps = 0
    const { violations } = await converse(
      [whole.hosted, part.hosted],
      () => 0,
      [1],
      async () => {
        if (++steps === 20) whole.nowMs += 1_000
      },
      views,
    )
    expect(violations).toEqual([])
    expect(part.hosted.store.count()).toBe(62)
    const bodies = bodiesOf(part).length
    expect(bodies).toBeGreaterThan(0)
    expect(bodies).toBeLessThan(60)
  })
})

describe('an author with more heads than one round may ask for', () => {
  const storm = (count: number, mark = '') =>
    Array.from({ length: count }, (_, i) =>
      forge({ author: mallory, deps: [grants], body: [setRegister('mallory/x', `${mark}${i}`)] }),
    )
  const wanted = ({ crossings }: Conversation) => crossings.filter(({ kind }) => kind === 'want').length

  test('is asked for the rest in later rounds, and both sides end with the same set', async () => {
    const heads = FORKED_HEADS_WANTED_PER_ROUND_MAX * 2 + 10
    const [left, right] = [await createHome(storm(heads)), await createHome(storm(heads, 'other '))]
    const conversation = await converse([left.hosted, right.hosted])
    expect(conversation.violations).toEqual([])
    expect(conversation.reports.map(({ inSync, rounds }) => [inSync, rounds])).toEqual([
      [true, 3],
      [true, 3],
    ])
    expect(left.hosted.store.heads(mallory.publicKey)).toHaveLength(2 * heads)
    expect(wanted(conversation)).toBe(4)
  })

  test('holds up no other author, and costs its heads and not their square', async () => {
    const honest = writesAt(['public'])
    const bytesOf = async (heads: number) => {
      const [left, right] = [await createHome([...storm(heads), ...honest]), await createHome()]
      const conversation = await converse([left.hosted, right.hosted])
      expect(conversation.reports.map(({ inSync }) => inSync)).toEqual([true, true])
      expect(right.hosted.store.find((honest[0] as Operation).id)).toBeDefined()
      return conversation.crossings.reduce((sum, { bytes }) => sum + bytes, 0)
    }
    const few = await bytesOf(FORKED_HEADS_WANTED_PER_ROUND_MAX * 2)
    const many = await bytesOf(FORKED_HEADS_WANTED_PER_ROUND_MAX * 16)
    // Eight times as many heads; with as many in every round it would be some forty times the bytes.
    expect(many / few).toBeLessThan(14)
  })

  test('is listed no further in a round than may be asked for, so that a storm is listed once and a third', async () => {
    const heads = FORKED_HEADS_WANTED_PER_ROUND_MAX * 4
    const [left, right] = [await createHome(storm(heads)), await createHome()]
    const { crossings, reports } = await converse([left.hosted, right.hosted])
    expect(reports.map(({ inSync, rounds }) => [inSync, rounds])).toEqual([
      [true, 3],
      [true, 3],
    ])
    const lists = crossings.filter(({ kind, from }) => kind === 'entries' && from === 0)
    const perHead = 42
    expect(lists).toHaveLength(2)
    expect(lists[0]?.bytes).toBeLessThan(FORKED_HEADS_WANTED_PER_ROUND_MAX * perHead)
    expect(lists[1]?.bytes).toBeLessThan(heads * perHead)
  })

  test('hides nothing behind heads that both sides have, and what is new is listed first', async () => {
    const shared = storm(FORKED_HEADS_WANTED_PER_ROUND_MAX * 5)
    const [one] = storm(1, 'the one ') as [Operation]
    const roundsWith = async (operations: readonly Operation[]) => {
      const [left, right] = [await createHome(operations), await createHome(shared)]
      const { reports, sent, crossings } = await converse([left.hosted, right.hosted])
      expect(reports.map(({ inSync }) => inSync)).toEqual([true, true])
      expect(sent).toEqual([[toHex(one.id)], []])
      expect(crossings.filter(({ kind }) => kind === 'probe')).toEqual([])
      return reports[0]?.rounds
    }
    expect(await roundsWith([one, ...shared])).toBe(4)
    expect(await roundsWith([...shared, one])).toBe(2)
  })

  test('is sent nothing that it has and had no room to list', async () => {
    const shared = storm(FORKED_HEADS_WANTED_PER_ROUND_MAX + 50)
    const longer: Operation[] = []
    for (let i = 0; i < 3; i++) {
      const prev = longer.at(-1) ?? shared[0] ?? null
      longer.push(forge({ author: mallory, prev, body: [setRegister('mallory/x', `longer ${i}`)] }))
    }
    for (const side of [0, 1] as const) {
      const [ahead, behind] = [await createHome([...shared, ...longer]), await createHome(shared)]
      const spaces = [ahead.hosted, behind.hosted] as const
      const { reports, sent } = await converse(side === 0 ? spaces : [spaces[1], spaces[0]])
      expect(reports.map(({ inSync }) => inSync)).toEqual([true, true])
      expect(sent[side]).toEqual(longer.map(({ id }) => toHex(id)))
      expect(sent[1 - side]).toEqual([])
    }
  })

  test('is asked for other heads when those of one round never become operations here', async () => {
    const heads = storm(FORKED_HEADS_WANTED_PER_ROUND_MAX + 1)
    const home = await createHome()
    const entry = { author: mallory.publicKey, heads: heads.map(({ id }) => ({ seq: 0, id })) }
    const { setBits } = await import('../../src/core/sync/bits.ts')
    const { HeadWants } = await import('../../src/core/sync/head-wants.ts')
    const wants = new HeadWants(home.hosted.view())
    const asked = new Set<string>()
    for (let round = 0; round < 2; round++) {
      wants.beginRound(round)
      expect(wants.learn([entry])).toBeNull()
      const taken = wants.take()
      const places = setBits(taken, heads.length) ?? []
      expect([places.length, wants.unasked]).toEqual([FORKED_HEADS_WANTED_PER_ROUND_MAX, 1])
      for (const place of places) asked.add(toHex((heads[place] as (typeof heads)[0]).id))
    }
    expect(asked.size).toBe(heads.length)
  })
})

describe('heads that leave the clock in the middle of a run', () => {
  test('stop no session, and the sets become equal all the same', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.array(fc.nat(40), { maxLength: 6 }),
        fc.nat(11),
        async (seed, times, cut) => {
          const log = writesAt(Array(12).fill('public'))
          const fork = forge({ author: mallory, body: [setRegister('mallory/x', 1)] })
          const [left, right] = [await createHome([...log, fork]), await createHome(log.slice(0, 4))]
          const { clock } = left.hosted.replica
          const conversation = await converse(
            [left.hosted, right.hosted],
            picksFrom(seed),
            [seed % 2 === 0 ? 0 : 1],
            async (step) => {
              if (!times.includes(step)) return
              // As if they had been severed: gone from the clock, still in the graph.
              const older = log[cut] as Operation
              clock.set(bob.publicKey, [{ seq: older.header.seq, id: older.id }])
              clock.set(mallory.publicKey, [])
            },
          )
          expect(conversation.violations).toEqual([])
          expect(conversation.reports).toHaveLength(2)
          const [head] = log.slice(-1) as [Operation]
          clock.set(bob.publicKey, [{ seq: head.header.seq, id: head.id }])
          clock.set(mallory.publicKey, [{ seq: 0, id: fork.id }])
          const again = await converse([left.hosted, right.hosted], picksFrom(seed + 1), [1])
          expect(again.reports.map(({ inSync }) => inSync)).toEqual([true, true])
        },
      ),
      { numRuns: 100 },
    )
  })
})
