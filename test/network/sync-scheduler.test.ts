import type { PeerId } from '@libp2p/interface'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { BUSY_INTERVALS_MAX, RESTING_INTERVAL_MS_MAX, RUNS_PER_PEER_MAX } from '../../src/core/limits.ts'
import type { SyncReport } from '../../src/core/sync/session.ts'
import { SyncScheduler } from '../../src/node/network/sync-scheduler.ts'

const INTERVAL_MS = 15_000
const bob = { toString: () => 'bob', equals: (other: unknown) => other === bob } as unknown as PeerId
const quiet = { inSync: true, sent: 0, received: 0 } as SyncReport

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** A scheduler of spaces whose runs end when the test says so. */
function createScheduler(
  count: number,
  part: { isResting?: boolean; isBusy?: () => boolean; delayMs?: () => number } = {},
) {
  const running: { readonly space: object; end(report?: SyncReport): void; fail(code: string): void }[] = []
  const started: object[] = []
  const failures: string[] = []
  const scheduler = new SyncScheduler<object>({
    intervalMs: INTERVAL_MS,
    onFailure: (_, error) => failures.push(error.message),
    ...(part.delayMs === undefined ? {} : { delayMs: part.delayMs }),
  })
  const linked = new Set<object>()
  const spaces = Array.from({ length: count }, (_, index) => ({ index }))
  for (const space of spaces) {
    scheduler.add({
      space,
      peers: () => [bob],
      run: async () => {
        const { promise, resolve, reject } = Promise.withResolvers<SyncReport>()
        const fail = (code: string) => reject(Object.assign(new Error(code), { code }))
        running.push({ space, end: (report = quiet) => resolve(report), fail })
        started.push(space)
        return await promise
      },
      isResting: () => part.isResting ?? false,
      isBusy: () => part.isBusy?.() ?? false,
      isLinked: () => linked.has(space),
    })
  }
  const settle = async () => await vi.advanceTimersByTimeAsync(0)
  const endAll = async () => {
    while (running.length > 0) {
      running.shift()?.end()
      await settle()
    }
  }
  return { scheduler, spaces, linked, running, started, failures, settle, endAll }
}

test('opens links for as many runs with one peer as the limit says, and for the next as soon as one has ended', async () => {
  const { scheduler, spaces, running, started, settle } = createScheduler(RUNS_PER_PEER_MAX + 2)
  for (const space of spaces) scheduler.soon(space, bob)
  await vi.advanceTimersByTimeAsync(30)
  expect(started).toHaveLength(RUNS_PER_PEER_MAX)
  running.shift()?.end()
  await settle()
  expect(started).toHaveLength(RUNS_PER_PEER_MAX + 1)
  scheduler.stop()
})

test('a run over a link that is open waits for nobody', async () => {
  const { scheduler, spaces, linked, started } = createScheduler(RUNS_PER_PEER_MAX + 1)
  for (const space of spaces) scheduler.soon(space, bob)
  linked.add(spaces.at(-1) as object)
  await vi.advanceTimersByTimeAsync(30)
  expect(started).toHaveLength(RUNS_PER_PEER_MAX + 1)
  scheduler.stop()
})

test('what is wished for goes before what is compared in any case', async () => {
  const { scheduler, spaces, started, endAll } = createScheduler(RUNS_PER_PEER_MAX + 4)
  scheduler.syncAll()
  const wished = spaces.at(-1) as object
  scheduler.soon(wished, bob)
  await endAll()
  expect(started.indexOf(wished)).toBe(RUNS_PER_PEER_MAX)
  scheduler.stop()
})

test('links are opened no faster than the pace allows, and none is forgotten', async () => {
  let places = 2
  const { scheduler, spaces, started, endAll } = createScheduler(5, {
    delayMs: () => (places-- > 0 ? 0 : 50),
  })
  for (const space of spaces) scheduler.soon(space, bob)
  await vi.advanceTimersByTimeAsync(30)
  await endAll()
  expect(started).toHaveLength(2)
  places = 3
  await vi.advanceTimersByTimeAsync(60)
  await endAll()
  expect(new Set(started).size).toBe(5)
  scheduler.stop()
})

test('a space that rests is compared ever more rarely while that finds nothing, and again at every interval once it does', async () => {
  const { scheduler, spaces, started, running, endAll } = createScheduler(1, { isResting: true })
  scheduler.start()
  const hour = async () => {
    const before = started.length
    for (let ms = 0; ms < RESTING_INTERVAL_MS_MAX; ms += INTERVAL_MS) {
      await vi.advanceTimersByTimeAsync(INTERVAL_MS)
      await endAll()
    }
    return started.length - before
  }
  expect(await hour()).toBeLessThan(10)
  await hour()
  expect(await hour()).toBe(1)
  scheduler.soon(spaces[0] as object, bob)
  await vi.advanceTimersByTimeAsync(30)
  running.shift()?.end({ ...quiet, received: 1 })
  const before = started.length
  for (let i = 0; i < 2; i++) {
    await vi.advanceTimersByTimeAsync(INTERVAL_MS)
    await endAll()
  }
  expect(started.length - before).toBe(1)
  scheduler.stop()
})

test('a live space is compared at every interval, but not with a peer that does not hold it', async () => {
  const { scheduler, started, running, settle, endAll, failures } = createScheduler(1)
  scheduler.start()
  for (let i = 0; i < 4; i++) {
    await vi.advanceTimersByTimeAsync(INTERVAL_MS)
    await endAll()
  }
  expect(started).toHaveLength(4)
  for (let i = 0; i < 8; i++) {
    await vi.advanceTimersByTimeAsync(INTERVAL_MS)
    running.shift()?.fail('UNKNOWN_SPACE')
    await settle()
  }
  expect(started.length).toBeLessThan(4 + 5)
  expect(failures.every((code) => code === 'UNKNOWN_SPACE')).toBe(true)
  scheduler.stop()
})

test('a busy space is compared for the interval’s sake every BUSY_INTERVALS_MAX of them, at every one once it is calm, and when wished', async () => {
  let isBusy = true
  const { scheduler, spaces, started, endAll } = createScheduler(1, { isBusy: () => isBusy })
  const [space] = spaces as [object]
  scheduler.start()
  const intervals = async (count: number) => {
    const before = started.length
    for (let i = 0; i < count; i++) {
      await vi.advanceTimersByTimeAsync(INTERVAL_MS)
      await endAll()
    }
    return started.length - before
  }
  // Never compared with this peer: that is made up for at once.
  expect(await intervals(1)).toBe(1)
  scheduler.noteCompared(space, bob)
  expect(await intervals(BUSY_INTERVALS_MAX - 1)).toBe(0)
  expect(await intervals(1)).toBe(1)
  scheduler.noteCompared(space, bob)
  scheduler.soon(space, bob)
  await vi.advanceTimersByTimeAsync(30)
  expect(started).toHaveLength(3)
  await endAll()
  isBusy = false
  expect(await intervals(3)).toBe(3)
  scheduler.stop()
})

test('what a peer has compared with us within half an interval is not compared for the interval’s sake', async () => {
  const { scheduler, spaces, started, endAll } = createScheduler(1)
  const [space] = spaces as [object]
  scheduler.start()
  await vi.advanceTimersByTimeAsync(INTERVAL_MS * 0.6)
  scheduler.noteCompared(space, bob)
  await vi.advanceTimersByTimeAsync(INTERVAL_MS * 0.4)
  expect(started).toHaveLength(0)
  await vi.advanceTimersByTimeAsync(INTERVAL_MS * 0.4)
  await vi.advanceTimersByTimeAsync(INTERVAL_MS * 0.6)
  expect(started).toHaveLength(1)
  await endAll()
  scheduler.noteCompared(space, bob)
  await vi.advanceTimersByTimeAsync(INTERVAL_MS)
  expect(started).toHaveLength(2)
  scheduler.stop()
})

test('a run whose link ended under it is tried again before the interval, not for ever', async () => {
  const { scheduler, spaces, started, running, settle, failures } = createScheduler(1)
  scheduler.soon(spaces[0] as object, bob)
  for (let i = 0; i < 6; i++) {
    await vi.advanceTimersByTimeAsync(1_000)
    running.shift()?.fail('LINK_CLOSED')
    await settle()
  }
  expect(started).toHaveLength(3)
  expect(failures).toEqual(['LINK_CLOSED'])
  scheduler.stop()
})

test('forgets what waits for a peer that is gone', async () => {
  const { scheduler, spaces, started } = createScheduler(3, { delayMs: () => 10 })
  for (const space of spaces) scheduler.soon(space, bob)
  scheduler.forget('bob')
  await vi.advanceTimersByTimeAsync(1_000)
  expect(started).toEqual([])
  scheduler.stop()
})

test('a wish that is no longer due when its time has come compares nothing, unless something else was wished meanwhile', async () => {
  const { scheduler, spaces, started, running, settle } = createScheduler(1)
  const [space] = spaces as [object]
  let isDue = true
  const wish = () => scheduler.atMost(space, bob, 0, () => isDue)
  wish()
  isDue = false
  await vi.advanceTimersByTimeAsync(30)
  expect(started).toHaveLength(0)
  wish()
  scheduler.soon(space, bob)
  wish()
  await vi.advanceTimersByTimeAsync(30)
  expect(started).toHaveLength(1)
  // During a run, for after it.
  wish()
  running.shift()?.end()
  await vi.advanceTimersByTimeAsync(30)
  expect(started).toHaveLength(1)
  isDue = true
  wish()
  await vi.advanceTimersByTimeAsync(30)
  expect(started).toHaveLength(2)
  running.shift()?.end()
  await settle()
  scheduler.stop()
})

test('of several wishes one that is still due is enough, whichever came first, and however many there are', async () => {
  const { scheduler, spaces, started, running, settle } = createScheduler(1)
  const [space] = spaces as [object]
  const wish = (isDue: boolean) => scheduler.atMost(space, bob, 0, () => isDue)
  for (const wishes of [
    [true, false],
    [false, true],
    [...Array.from({ length: 20 }, () => false), true],
  ]) {
    const before = started.length
    wishes.forEach(wish)
    await vi.advanceTimersByTimeAsync(30)
    expect(started).toHaveLength(before + 1)
    // The same during a run.
    wishes.forEach(wish)
    running.shift()?.end()
    await vi.advanceTimersByTimeAsync(30)
    expect(started).toHaveLength(before + 2)
    running.shift()?.end()
    await settle()
  }
  scheduler.stop()
})
