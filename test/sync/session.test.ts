import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toHex } from '../../src/core/bytes.ts'
import { putDelegations } from '../../src/core/changes/control.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import {
  BATCH_WINDOW,
  CLOCK_LEAVES_AT_ROOT_MAX,
  PROBE_IDS_MAX,
  PUSHED_OPERATIONS_MAX,
  SYNC_ROUNDS_MAX,
  TOKENS_PER_OPERATION_MAX,
} from '../../src/core/limits.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import type { SyncView } from '../../src/core/sync/view.ts'
import {
  alice,
  bob,
  carol,
  createEmptyHome,
  createHome,
  delegate,
  forge,
  grants,
  type Home,
  mallory,
  NOW_MS,
  ownerToken,
  signerNamed,
} from '../cast.ts'
import { closure, makeHistory, plans } from '../random-history.ts'
import { converse, type Conversation, picksFrom } from './simulated-channel.ts'

const tips = fc.array(fc.nat(200), { maxLength: 5 })
const idsOf = ({ hosted }: Home) => new Set(hosted.store.entriesFrom(0, 100_000).map(({ id }) => toHex(id)))
const minus = (a: ReadonlySet<string>, b: ReadonlySet<string>) => [...a].filter((id) => !b.has(id)).toSorted()
const count = ({ crossings }: Conversation, kind: string) =>
  crossings.filter((one) => one.kind === kind).length
const bytesOf = ({ crossings }: Conversation) => crossings.reduce((sum, { bytes }) => sum + bytes, 0)

/** A log of one author, each operation with a change of its own. */
function logOf(
  author: typeof bob,
  length: number,
  onto: Operation | null = null,
  mark = '',
): readonly Operation[] {
  const log: Operation[] = []
  for (let i = 0; i < length; i++) {
    log.push(
      forge({
        author,
        prev: log.at(-1) ?? onto,
        body: [setRegister(author === mallory ? 'mallory/x' : 'x', `${mark}${i}`)],
      }),
    )
  }
  return log
}

describe('two sessions', () => {
  test('leave both replicas with the union, and send exactly the difference, each operation once, parents first', async () => {
    await fc.assert(
      fc.asyncProperty(
        plans(40),
        tips,
        tips,
        fc.nat(),
        fc.constantFrom<(0 | 1)[][]>([0], [1], [0, 1]),
        async (planned, a, b, seed, starters) => {
          const events = makeHistory(planned)
          const operations = (of: readonly number[]) => closure(events, of).map(({ operation }) => operation)
          const [left, right] = [await createHome(operations(a)), await createHome(operations(b))]
          const [before, after] = [idsOf(left), idsOf(right)]
          const conversation = await converse([left.hosted, right.hosted], picksFrom(seed), starters)
          expect(conversation.violations).toEqual([])
          expect(conversation.sent[0].toSorted()).toEqual(minus(before, after))
          expect(conversation.sent[1].toSorted()).toEqual(minus(after, before))
          expect([...idsOf(left)].toSorted()).toEqual([...idsOf(right)].toSorted())
          expect(idsOf(left).size).toBe(new Set([...before, ...after]).size)
          expect(left.hosted.replica.held.size + right.hosted.replica.held.size).toBe(0)
          for (const sent of conversation.sent)
            expectParentsFirst(
              sent,
              events.map(({ operation }) => operation),
            )
          expect(conversation.reports).toHaveLength(2)
          for (const report of conversation.reports) {
            expect(report).toMatchObject({ inSync: true, weLack: 0, theyLack: 0 })
            expect(report.rounds).toBeLessThanOrEqual(2)
            expect(toHex(report.mine.clockRoot)).toBe(toHex(left.hosted.replica.clockRoot()))
          }
        },
      ),
      { numRuns: 250 },
    )
  })

  test('say in sync only of roots that both have, when operations come from elsewhere in the middle of a run', async () => {
    await fc.assert(
      fc.asyncProperty(
        plans(30),
        tips,
        tips,
        fc.nat(),
        fc.array(fc.nat(60), { maxLength: 6 }),
        async (planned, a, b, seed, times) => {
          const events = makeHistory(planned)
          const [left, right] = [closure(events, a), closure(events, b)]
          const homes = [
            await createHome(left.map(({ operation }) => operation)),
            await createHome(right.map(({ operation }) => operation)),
          ] as const
          const late = events.filter((event) => !left.includes(event))
          const conversation = await converse(
            [homes[0].hosted, homes[1].hosted],
            picksFrom(seed),
            [0],
            async (step) => {
              if (times.includes(step))
                for (const { operation } of late.slice(0, step % 7))
                  await homes[step % 2 === 0 ? 0 : 1].hosted.replica.receive([operation], 'gossip')
            },
          )
          expect(conversation.violations).toEqual([])
          const [one, other] = conversation.reports
          expect(one?.inSync).toBe(other?.inSync)
          if (one?.inSync === true) expect(toHex(one.mine.clockRoot)).toBe(toHex(one.theirs.clockRoot))
          const again = await converse([homes[0].hosted, homes[1].hosted], picksFrom(seed + 1), [1])
          expect(again.reports.map(({ inSync }) => inSync)).toEqual([true, true])
          expect(idsOf(homes[0])).toEqual(idsOf(homes[1]))
        },
      ),
      { numRuns: 120 },
    )
  })

  test('that are equal say so with two messages', async () => {
    const log = logOf(bob, 10)
    const [left, right] = [await createHome(log), await createHome(log)]
    left.hosted.replica.stateRoot()
    const conversation = await converse([left.hosted, right.hosted])
    expect(conversation.crossings.map(({ kind }) => kind)).toEqual(['compare', 'compare'])
    expect(bytesOf(conversation)).toBeLessThan(200)
    expect(conversation.reports.map(({ inSync, rounds }) => [inSync, rounds])).toEqual([
      [true, 1],
      [true, 1],
    ])
  })

  test('look at their states only where their clocks are equal, and then before either says that they are in sync', async () => {
    const log = logOf(bob, 10)
    const meet = async (lefts: readonly Operation[], rights: readonly Operation[]) => {
      const homes = [await createHome(lefts), await createHome(rights)] as const
      const looks: string[] = []
      const views = homes.map(({ hosted }, side) => {
        const view = hosted.view()
        const stateRoot = () => {
          looks.push(`${side} of ${hosted.store.count()}`)
          return view.stateRoot()
        }
        return { ...view, stateRoot }
      }) as [SyncView, SyncView]
      const { reports, crossings } = await converse(
        [homes[0].hosted, homes[1].hosted],
        undefined,
        [0],
        undefined,
        views,
      )
      expect(reports.map(({ inSync }) => inSync)).toEqual([true, true])
      return { looks, crossings: crossings.map(({ from, kind }) => `${from} ${kind}`) }
    }
    const equal = await meet(log, log)
    expect(equal.crossings).toEqual(['0 compare', '1 compare', '1 compare', '0 compare'])
    const total = (await createHome(log)).hosted.store.count()
    expect(equal.looks.toSorted()).toEqual([`0 of ${total}`, `1 of ${total}`])
    const behind = await meet(log, log.slice(0, 4))
    expect(behind.looks.toSorted()).toEqual([`0 of ${total}`, `1 of ${total}`])
  })

  test('bring an empty replica everything', async () => {
    const [left, right] = [await createHome(logOf(bob, 50)), createEmptyHome()]
    const conversation = await converse([left.hosted, right.hosted], undefined, [1])
    expect(conversation.reports.every(({ inSync }) => inSync)).toBe(true)
    expect(conversation.sent.map(({ length }) => length)).toEqual([52, 0])
  })

  test('fetch absent bodies, and are in sync only then', async () => {
    const log = logOf(bob, 5)
    const [left, right] = [await createHome(log), await createHome()]
    await right.hosted.replica.receive(
      log.map((operation) => ({ ...operation, body: null })),
      'gossip',
    )
    expect(toHex(left.hosted.replica.clockRoot())).toBe(toHex(right.hosted.replica.clockRoot()))
    await converse([left.hosted, right.hosted])
    expect(right.hosted.store.absentBodyCount()).toBe(0)
    const again = await converse([left.hosted, right.hosted])
    expect(again.reports.every(({ inSync }) => inSync)).toBe(true)
  })

  test('do not say in sync while a body is absent that neither side has', async () => {
    const bare = logOf(bob, 3).map((operation) => ({ ...operation, body: null }))
    const homes = [await createHome(bare), await createHome(bare)] as const
    const conversation = await converse([homes[0].hosted, homes[1].hosted])
    expect(conversation.reports.map(({ inSync }) => inSync)).toEqual([false, false])
    expect(conversation.reports[0]?.mine.absentBodies).toBe(3)
  })

  test('stop when the other holds an operation back for its time, and say who lacks what', async () => {
    const ahead = forge({ author: bob, header: { time: NOW_MS + 120_000 } })
    const left = await createHome([ahead], NOW_MS + 120_000)
    const right = await createHome()
    const conversation = await converse([left.hosted, right.hosted])
    expect(conversation.reports.map(({ inSync, weLack, theyLack }) => [inSync, weLack, theyLack])).toEqual([
      [false, 0, 1],
      [false, 1, 0],
    ])
    expect(conversation.reports[0]?.rounds).toBe(3)
    expect(right.hosted.replica.held.size).toBe(1)
  })

  test('do not ask for what this side refuses for ever', async () => {
    const bad = forge({ author: mallory, header: { path: 'docs' } })
    const home = await createHome()
    await home.hosted.replica.receive([bad], 'mallory')
    expect(home.hosted.view().claim(bad.id)).toBe(false)
  })

  test('ask for a head that another session is bringing only when that one has given up, or stalled for five seconds', async () => {
    const home = await createHome()
    const [first, second] = [home.hosted.view(), home.hosted.view()]
    const head = new Uint8Array(32).fill(5)
    expect([first.claim(head), second.claim(head), first.claim(head)]).toEqual([true, false, true])
    first.release()
    expect([second.claim(head), first.claim(head)]).toEqual([true, false])
    home.nowMs += 4_999
    expect(first.claim(head)).toBe(false)
    home.nowMs += 1
    expect([first.claim(head), second.claim(head)]).toEqual([true, false])
  })
})

describe('the cost of a comparison', () => {
  /** A space of many authors, each with one operation of its own on top of grants by alice. */
  async function manyAuthors(authors: number) {
    const people = Array.from({ length: authors }, (_, i) => signerNamed(`writer ${i}`))
    const granted: Operation[] = []
    const writes: Operation[] = []
    for (let from = 0; from < authors; from += TOKENS_PER_OPERATION_MAX) {
      const tokens = people
        .slice(from, from + TOKENS_PER_OPERATION_MAX)
        .map((person) => delegate(alice, person))
      const grant = forge({
        author: alice,
        prev: granted.at(-1) ?? grants,
        body: [putDelegations(tokens.map(({ bytes }) => bytes))],
        header: { command: '/cap/grant' },
      })
      granted.push(grant)
      for (const [i, person] of people.slice(from, from + TOKENS_PER_OPERATION_MAX).entries()) {
        writes.push(
          forge({
            author: person,
            deps: [grant],
            header: { caps: [ownerToken.digest, (tokens[i] as { digest: Uint8Array }).digest] },
          }),
        )
      }
    }
    return { granted, writes }
  }

  test('is logarithmic in the number of authors: one that differs among 2,000 takes few messages and few bytes', async () => {
    const { granted, writes } = await manyAuthors(2_000)
    const [left, right] = [
      await createHome([...granted, ...writes]),
      await createHome([...granted, ...writes.slice(0, -1)]),
    ]
    const conversation = await converse([left.hosted, right.hosted])
    expect(conversation.reports.every(({ inSync }) => inSync)).toBe(true)
    expect(conversation.sent.map(({ length }) => length)).toEqual([1, 0])
    // 2,001 authors: sixteen of some 125, of which one differs; its sixteen of some 8, of which one differs; its leaves.
    expect(count(conversation, 'nodes')).toBe(4)
    expect(count(conversation, 'entries')).toBe(2)
    expect(conversation.crossings).toHaveLength(17)
    expect(bytesOf(conversation)).toBeLessThan(1_500)
  })

  test('is paid for the differing authors alone, whichever they are', async () => {
    const { granted, writes } = await manyAuthors(200)
    const subset = fc.subarray(writes, { minLength: writes.length - 12 })
    await fc.assert(
      fc.asyncProperty(subset, subset, async (a, b) => {
        const [left, right] = [await createHome([...granted, ...a]), await createHome([...granted, ...b])]
        const conversation = await converse([left.hosted, right.hosted])
        expect(conversation.reports.map(({ inSync }) => inSync)).toEqual([true, true])
        expect(conversation.sent[0].toSorted()).toEqual(
          a
            .filter((one) => !b.includes(one))
            .map(({ id }) => toHex(id))
            .toSorted(),
        )
        expect(conversation.sent[1].toSorted()).toEqual(
          b
            .filter((one) => !a.includes(one))
            .map(({ id }) => toHex(id))
            .toSorted(),
        )
      }),
      { numRuns: 25 },
    )
  })

  test('lists all authors at once while they are few, and goes down from sixteen places one author later', async () => {
    // The space key and alice are authors too.
    const { granted, writes } = await manyAuthors(CLOCK_LEAVES_AT_ROOT_MAX)
    const nodesAt = async (authors: number) => {
      const left = await createHome([...granted, ...writes.slice(0, authors - 2)])
      const right = await createHome([...granted, ...writes.slice(1, authors - 2)])
      return count(await converse([left.hosted, right.hosted], undefined, [1]), 'nodes')
    }
    expect([await nodesAt(CLOCK_LEAVES_AT_ROOT_MAX), await nodesAt(CLOCK_LEAVES_AT_ROOT_MAX + 1)]).toEqual([
      2, 3,
    ])
  })

  test('of few operations is four turns and a last comparison, whoever has them and however many authors', async () => {
    const { granted, writes } = await manyAuthors(100)
    const [left, right] = [
      await createHome([...granted, ...writes]),
      await createHome([...granted, ...writes.slice(0, 40)]),
    ]
    const kinds = ({ crossings }: Conversation) => crossings.map(({ from, kind }) => `${from} ${kind}`)
    const asked = await converse([left.hosted, right.hosted], undefined, [1])
    expect(kinds(asked)).toEqual([
      ...['1 compare', '0 compare', '0 nodes', '1 nodes', '1 entries'],
      // What the other lacks is seen by now, and not asked for.
      ...['0 entries', '0 offer', '0 operations', '0 eose', '1 offer', '1 eose'],
      ...['0 compare', '1 ack', '1 compare'],
    ])
    expect(asked.reports.map(({ inSync, gained }) => [inSync, gained])).toEqual([
      [true, 0],
      [true, 60],
    ])
  })

  test('names what the other has listed by its place: a hundred operations of as many authors are little more than signatures', async () => {
    const { granted, writes } = await manyAuthors(100)
    const [before, after] = [
      [...granted, ...writes],
      writes.map((prev, i) =>
        forge({
          author: signerNamed(`writer ${i}`),
          prev,
          header: { caps: prev.header.caps },
        }),
      ),
    ]
    const [left, right] = [await createHome([...before, ...after]), await createHome(before)]
    const conversation = await converse([left.hosted, right.hosted], undefined, [1])
    expect(conversation.reports.map(({ inSync }) => inSync)).toEqual([true, true])
    const sent = conversation.crossings.filter(({ kind }) => kind === 'operations')
    // A signature of 64 bytes, and a body that says little.
    expect(sent.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(100 * 80)
    expect(bytesOf(conversation)).toBeLessThan(9_200)
  })

  test('of more operations than may be sent unasked is a turn more', async () => {
    const kinds = async (length: number) => {
      const [left, right] = [await createHome(logOf(bob, length)), await createHome()]
      return count(await converse([left.hosted, right.hosted], undefined, [1]), 'want')
    }
    expect([await kinds(PUSHED_OPERATIONS_MAX), await kinds(PUSHED_OPERATIONS_MAX + 1)]).toEqual([0, 1])
  })

  test('does not depend on the length of the history', async () => {
    const log = logOf(bob, 400)
    const cost = async (length: number) => {
      const base = log.slice(0, length)
      const left = await createHome([...base, ...logOf(carol, 1)])
      const right = await createHome(base)
      return bytesOf(await converse([left.hosted, right.hosted]))
    }
    expect(Math.abs((await cost(400)) - (await cost(10)))).toBeLessThan(32)
  })

  test('sends what is wanted of a fork by probing, within the bound: nothing twice, and log17 of the branch in probes', async () => {
    const trunk = logOf(mallory, 300)
    const [left, right] = [
      await createHome([...trunk, ...logOf(mallory, 40, trunk.at(-1), 'left')]),
      await createHome([...trunk.slice(0, 100), ...logOf(mallory, 60, trunk[99], 'right')]),
    ]
    const conversation = await converse([left.hosted, right.hosted])
    expect(conversation.reports.every(({ inSync }) => inSync)).toBe(true)
    expect(conversation.sent.map(({ length }) => length)).toEqual([240, 60])
    // 340 and 160 unknown positions, each probe divides by 17.
    const rounds = (positions: number) => Math.ceil(Math.log(positions + 1) / Math.log(PROBE_IDS_MAX + 1))
    expect(count(conversation, 'probe')).toBeLessThanOrEqual(rounds(340) + rounds(160))
    expect(count(conversation, 'probed')).toBe(count(conversation, 'probe'))
    expect(left.hosted.store.forks()).toEqual(right.hosted.store.forks())
    expect(left.hosted.store.forks()).toHaveLength(1)
  })

  test('of a fork storm is that of as many operations without a fork, and both sides end with every branch', async () => {
    const trunk = logOf(mallory, 30)
    const branch = (i: number) =>
      forge({ author: mallory, prev: trunk[i % 30] ?? null, body: [setRegister('mallory/x', `branch ${i}`)] })
    const branches = Array.from({ length: 600 }, (_, i) => branch(i))
    const [left, right] = [
      await createHome([...trunk, ...branches.slice(0, 400)]),
      await createHome([...trunk, ...branches.slice(200)]),
    ]
    const counts = [left, right].map(countReadsOfSession)
    const conversation = await converse([left.hosted, right.hosted])
    expect(conversation.violations).toEqual([])
    expect(conversation.reports.map(({ inSync }) => inSync)).toEqual([true, true])
    expect(conversation.sent.map(({ length }) => length)).toEqual([200, 200])
    expect(left.hosted.store.heads(mallory.publicKey)).toHaveLength(600)
    // 2 × 400 heads; comparing every one of them with every one of the peer's would take millions of reads.
    expect(counts.reduce((sum, { reads }) => sum + reads, 0)).toBeLessThan(60_000)
  })

  test('keeps at most a window of batches unacknowledged', async () => {
    const large = 'x'.repeat(60_000)
    const log: Operation[] = []
    for (let i = 0; i < 60; i++)
      log.push(forge({ author: bob, prev: log.at(-1) ?? null, body: [setRegister('big', `${large}${i}`)] }))
    const [left, right] = [await createHome(log), await createHome()]
    let most = 0
    const conversation = await converse([left.hosted, right.hosted], () => 0)
    let open = 0
    for (const { kind, from } of conversation.crossings) {
      if (kind === 'operations' && from === 0) most = Math.max(most, ++open)
      if (kind === 'ack' && from === 1) open--
    }
    expect(most).toBe(BATCH_WINDOW)
    // Where the sender stands may take it long to say: not while batches that the window has just let go wait for it.
    const after = conversation.crossings.map(({ from, kind }) => `${from} ${kind}`)
    expect(after.slice(after.lastIndexOf('0 operations') + 1, after.lastIndexOf('0 compare'))).toEqual([
      '0 eose',
      '1 ack',
    ])
    expect(count(conversation, 'operations')).toBe(7)
    expect(conversation.reports.every(({ inSync, rounds }) => inSync && rounds <= SYNC_ROUNDS_MAX)).toBe(true)
  })
})

/** Counts what is read of the graph while nothing is being admitted. */
function countReadsOfSession({ hosted }: Home): { reads: number } {
  const { store, replica } = hosted
  const count = { reads: 0 }
  let isAdmitting = false
  const at = store.at.bind(store)
  store.at = (ordinal) => {
    if (!isAdmitting) count.reads++
    return at(ordinal)
  }
  const prevOf = store.prevOf.bind(store)
  store.prevOf = (ordinal) => {
    if (!isAdmitting) count.reads++
    return prevOf(ordinal)
  }
  const receive = replica.receive.bind(replica)
  replica.receive = async (operations, peer) => {
    isAdmitting = true
    const outcomes = await receive(operations, peer)
    isAdmitting = false
    return outcomes
  }
  return count
}

function expectParentsFirst(sent: readonly string[], operations: readonly Operation[]): void {
  const places = new Map(sent.map((id, place) => [id, place]))
  for (const { id, header } of operations) {
    const place = places.get(toHex(id))
    if (place === undefined) continue
    for (const parent of [...header.deps, ...(header.prev === null ? [] : [header.prev])]) {
      expect(places.get(toHex(parent)) ?? -1).toBeLessThan(place)
    }
  }
}
