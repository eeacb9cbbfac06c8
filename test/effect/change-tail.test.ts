import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { toHex } from '../../src/core/bytes.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { ChangeFeed, type ChangesOptions } from '../../src/node/feed/change-feed.ts'
import type { ChangeRecord } from '../../src/node/feed/change-record.ts'
import { ChangeTail } from '../../src/node/feed/change-tail.ts'
import { parseCursor } from '../../src/node/feed/cursor.ts'
import { FeedReader } from '../../src/node/feed/feed-reader.ts'
import type { Replica } from '../../src/node/replica/replica.ts'
import { bob, createHome, forge } from '../cast.ts'

/** How many steps a tail keeps. */
const KEPT = 256

/** Writes of one author, each of one item of its own or of several. */
class Writes {
  readonly operations: Operation[] = []

  next(paths: readonly string[] = [`b/${this.operations.length}`], value: unknown = 1): Operation {
    const prev = this.operations.at(-1)
    const operation = forge({
      author: bob,
      ...(prev === undefined ? {} : { prev }),
      body: paths.map((path) => setRegister(path, value)),
    })
    this.operations.push(operation)
    return operation
  }
}

const abort = new AbortController()
const { signal } = abort

/** A follower that takes a record when it is told to. */
class Follower {
  readonly #changes: AsyncGenerator<ChangeRecord, void, void>
  readonly records: ChangeRecord[] = []

  constructor(feed: ChangeFeed, options: ChangesOptions = {}) {
    this.#changes = feed.changes({ signal, ...options })
  }

  async take(count = 1): Promise<void> {
    for (let i = 0; i < count; i++) {
      const { value, done } = await this.#changes.next()
      if (done === true) throw new Error('the changes have ended')
      this.records.push(value)
    }
  }

  /** Ids of the operations, each once in a row. */
  operations(): readonly string[] {
    return this.records.map(({ operation }) => operation).filter((id, i, all) => id !== all[i - 1])
  }

  paths(): readonly string[] {
    return this.records.map(({ path }) => path)
  }

  async leave(): Promise<void> {
    await this.#changes.return()
  }
}

const idsOf = (operations: readonly Operation[]) => operations.map(({ id }) => toHex(id))

/** A space, its one feed, and what is written there. */
async function open() {
  const { hosted } = await createHome()
  const { replica } = hosted
  const writes = new Writes()
  const write = async (count = 1) => {
    const batch = Array.from({ length: count }, () => writes.next())
    await replica.receive(batch, 'the test')
    return batch
  }
  return { replica, feed: new ChangeFeed(replica), writes, write }
}

const followersOf = (replica: Replica) => replica.listenerCount('admitted')

describe('those who follow at the end of a feed', () => {
  afterEach(() => vi.restoreAllMocks())

  test('share what is read and made, and leave nothing behind', async () => {
    const { replica, feed, write } = await open()
    const before = followersOf(replica)
    const followers = Array.from({ length: 20 }, () => new Follower(feed, { since: 'now' }))
    const firsts = followers.map(async (follower) => follower.take())
    const evaluationOf = vi.spyOn(replica, 'evaluationOf')
    const turns = vi.spyOn(replica.store, 'turns')
    await new Promise(setImmediate)
    expect(followersOf(replica)).toBe(before + 1)
    turns.mockClear()
    evaluationOf.mockClear()
    const written = await write()
    await Promise.all(firsts)
    for (let i = 0; i < 9; i++) {
      written.push(...(await write()))
      await Promise.all(followers.map(async (follower) => follower.take()))
    }
    for (const { records } of followers) expect(records).toEqual(followers[0]?.records)
    expect(followers[0]?.operations()).toEqual(idsOf(written))
    for (const { records } of followers)
      expect(records.every((one, i) => one === followers[0]?.records[i])).toBe(true)
    // Admission evaluates by itself; of the feed there is one for each operation, and of the store one question or two.
    expect(evaluationOf.mock.calls.length).toBe(10)
    expect(turns.mock.calls.length).toBeLessThanOrEqual(20)
    for (const follower of followers) await follower.leave()
    expect(followersOf(replica)).toBe(before)
  })

  test('are told what each may read now, with the cursor behind the operation at the last of it', async () => {
    const { replica, feed, writes } = await open()
    let reach: readonly string[] = ['b/1']
    const all = new Follower(feed, { since: 'now' })
    const some = new Follower(feed, { since: 'now', mayRead: (path) => reach.includes(path) })
    const [one, other] = [all.take(3), some.take()]
    await new Promise(setImmediate)
    await replica.receive([writes.next(['b/1', 'b/2', 'b/3'])], 'the test')
    await Promise.all([one, other])
    expect([all.paths(), some.paths()]).toEqual([['b/1', 'b/2', 'b/3'], ['b/1']])
    const [first, second, third] = all.records.map(({ cursor }) => cursor)
    expect(first).toBe(second)
    expect(some.records[0]?.cursor).toBe(third)
    reach = ['b/5']
    const next = some.take()
    await replica.receive([writes.next(['b/1']), writes.next(['b/5'])], 'the test')
    await next
    expect(some.paths()).toEqual(['b/1', 'b/5'])
    // Whoever goes on from the last it was told gets what came after, and from one before the whole operation again.
    const again = new Follower(feed, { since: third as string })
    await again.take(2)
    expect(again.paths()).toEqual(['b/1', 'b/5'])
    const whole = new Follower(feed, { since: first as string })
    await whole.take(5)
    expect(whole.paths()).toEqual(['b/1', 'b/2', 'b/3', 'b/1', 'b/5'])
  })

  test('go on by themselves where they are too far behind, without gap or repetition', async () => {
    const { feed, write } = await open()
    const [slow, fast] = [new Follower(feed, { since: 'now' }), new Follower(feed, { since: 'now' })]
    const firsts = [slow.take(), fast.take()]
    await new Promise(setImmediate)
    const written = await write()
    await Promise.all(firsts)
    for (let i = 0; i < 3; i++) {
      written.push(...(await write(KEPT + 10)))
      await fast.take(KEPT + 10)
    }
    await slow.take(3 * (KEPT + 10))
    const last = [slow.take(), fast.take()]
    written.push(...(await write()))
    await Promise.all(last)
    expect(slow.operations()).toEqual(idsOf(written))
    expect(fast.operations()).toEqual(idsOf(written))
  })

  test('lose nothing where somebody joins who is far ahead of all of them', async () => {
    const { feed, write } = await open()
    const slow = new Follower(feed, { since: 'now' })
    const first = slow.take()
    await new Promise(setImmediate)
    const written = await write()
    await first
    // It sits at the end, and nobody reads on.
    written.push(...(await write(2 * KEPT)))
    const ahead = new Follower(feed, { since: 'now' })
    const next = ahead.take()
    await new Promise(setImmediate)
    written.push(...(await write()))
    await next
    expect(ahead.operations()).toEqual(idsOf(written.slice(-1)))
    await slow.take(2 * KEPT + 1)
    expect(slow.operations()).toEqual(idsOf(written))
  })

  test('each hear of every operation once and in order, however they come, wait and go', async () => {
    const acts = fc.array(fc.tuple(fc.nat(3), fc.nat(3), fc.nat(40)), { minLength: 5, maxLength: 25 })
    await fc.assert(
      fc.asyncProperty(acts, async (planned) => {
        const { feed, writes, write } = await open()
        await write()
        const followers: Follower[] = []
        for (const [act, which, count] of planned) {
          const follower = followers[which]
          if (act === 0) await write(count === 40 ? KEPT + 5 : count)
          else if (follower === undefined) followers.push(new Follower(feed))
          else if (act === 1) await follower.take(Math.min(count, behind(follower)))
          else if (act === 2) {
            // Comes back with the cursor of the last it heard.
            await follower.leave()
            const since = follower.records.at(-1)?.cursor
            const back = new Follower(feed, since === undefined ? {} : { since })
            back.records.push(...follower.records)
            followers[which] = back
          } else {
            const takes = followers.map(async (one) => one.take(behind(one) + 1))
            await write()
            await Promise.all(takes)
          }
        }
        for (const follower of followers) {
          await follower.take(behind(follower))
          expect(follower.operations()).toEqual(idsOf(writes.operations))
          await follower.leave()
        }

        function behind({ records }: Follower): number {
          return writes.operations.length - records.length
        }
      }),
      { numRuns: 40 },
    )
  })
})

describe('a tail', () => {
  const tailAtEnd = (replica: Replica) => {
    const start = parseCursor(new ChangeFeed(replica).now())
    if (!start.ok) throw new Error(start.fault.detail)
    const tail = new ChangeTail(replica)
    return { tail, seat: tail.join(new FeedReader(replica, start.value)) }
  }
  const everything = { path: '', types: null, mayRead: () => true }

  test('keeps so many steps for who is behind, and no more', async () => {
    const { replica, write } = await open()
    const { tail, seat } = tailAtEnd(replica)
    const slow = { ...seat }
    await write(KEPT + 1)
    for (let i = 0; i < KEPT; i++, seat.next++) expect(tail.take(seat)).toBeTypeOf('object')
    expect(tail.take(slow)).toBeTypeOf('object')
    expect(tail.take(seat)).toBeTypeOf('object')
    expect(tail.take(slow)).toBe('behind')
    tail.leave(seat)
  })

  test('keeps no more than so many bytes of values', async () => {
    const { replica, writes } = await open()
    const { tail, seat } = tailAtEnd(replica)
    const slow = { ...seat }
    const large = 'x'.repeat(200_000)
    await replica.receive(
      Array.from({ length: 6 }, () => writes.next(['b/large'], large)),
      'the test',
    )
    for (let i = 0; i < 6; i++, seat.next++) {
      expect(tail.take(slow)).toBeTypeOf('object')
      const step = tail.take(seat)
      if (typeof step === 'string') throw new Error(`no step but ${step}`)
      expect(step.recordsFor(everything)).toHaveLength(1)
    }
    expect(tail.take(slow)).toBe('behind')
    tail.leave(seat)
  })

  test('goes on with everybody by themselves where reading has failed', async () => {
    const { replica, feed, write } = await open()
    const [one, other] = [new Follower(feed, { since: 'now' }), new Follower(feed, { since: 'now' })]
    const firsts = [one.take(), other.take()]
    await new Promise(setImmediate)
    const written = await write()
    await Promise.all(firsts)
    written.push(...(await write(3)))
    vi.spyOn(replica.store, 'mask').mockImplementationOnce(() => {
      throw new Error('a disk that fails')
    })
    await expect(one.take()).rejects.toThrow('a disk that fails')
    await other.take(3)
    expect(other.operations()).toEqual(idsOf(written))
  })
})
