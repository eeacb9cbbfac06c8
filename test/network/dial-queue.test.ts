import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'
import {
  DIAL_BACKOFF_FIRST_MS,
  DIAL_BACKOFF_MAX_MS,
  DIAL_CANDIDATES_MAX,
  DIAL_FAILURES_REMEMBERED_MAX,
  DIALS_AT_ONCE_MAX,
  DIALS_FRESH_MAX,
} from '../../src/core/limits.ts'
import { type DialCandidate, DialQueue } from '../../src/node/network/dial-queue.ts'

const HOME = multiaddr('/ip4/192.0.2.1/tcp/4001')
const ELSEWHERE = multiaddr('/ip4/192.0.2.2/tcp/4001')

async function candidate(addresses = [HOME]): Promise<DialCandidate> {
  return { peer: peerIdFromPrivateKey(await generateKeyPair('Ed25519')), addresses }
}

const candidates = async (count: number) =>
  await Promise.all(Array.from({ length: count }, async () => await candidate()))

/** A queue whose dials end when the test says so. */
function createSetting(missing: () => number) {
  const dialled: string[] = []
  const ends = new Map<string, (isReached: boolean) => void>()
  const time = { nowMs: 0 }
  const queue = new DialQueue({
    now: () => time.nowMs,
    missing,
    isNeedless: () => false,
    dial: async ({ peer }) => {
      dialled.push(peer.toString())
      const { promise, resolve } = Promise.withResolvers<boolean>()
      ends.set(peer.toString(), resolve)
      if (!(await promise)) throw new Error('nobody there')
    },
  })
  const end = async ({ peer }: DialCandidate, isReached: boolean) => {
    ends.get(peer.toString())?.(isReached)
    // As many turns as the queue takes to notice and to dial the next.
    for (let turn = 0; turn < 4; turn++) await Promise.resolve()
  }
  return { queue, dialled, time, end }
}

const names = (given: readonly DialCandidate[]) => given.map(({ peer }) => peer.toString())

describe('the queue of dials', () => {
  it('dials no more peers at once than connections are missing, and the next when one was not reached', async () => {
    const given = await candidates(5)
    const { queue, dialled, end } = createSetting(() => 2)
    queue.offer(given)
    expect(dialled).toEqual(names(given.slice(0, 2)))
    await end(given[0] as DialCandidate, false)
    expect(dialled).toEqual(names(given.slice(0, 3)))
  })

  it('dials nobody where no connection is missing', async () => {
    let missing = 0
    const given = await candidates(2)
    const { queue, dialled } = createSetting(() => missing)
    queue.offer(given)
    expect(dialled).toEqual([])
    missing = 2
    queue.offer([])
    expect(dialled).toEqual(names(given))
  })

  it('hopes for a few at once, and lets others go before those that take long, up to its bound', async () => {
    const given = await candidates(DIALS_AT_ONCE_MAX + 8)
    const { queue, dialled, time } = createSetting(() => 100)
    queue.offer(given)
    expect(dialled).toHaveLength(DIALS_FRESH_MAX)
    for (let look = 0; look < 10; look++) {
      time.nowMs += 3_000
      queue.offer([])
    }
    expect(dialled).toEqual(names(given.slice(0, DIALS_AT_ONCE_MAX)))
  })

  it('waits longer after each failure before it tries a peer again, but not past its bound', async () => {
    const one = await candidate()
    const { queue, dialled, time, end } = createSetting(() => 8)
    let pauseMs = DIAL_BACKOFF_FIRST_MS
    queue.offer([one])
    for (let attempt = 1; attempt < 12; attempt++) {
      await end(one, false)
      time.nowMs += pauseMs - 1
      queue.offer([one])
      expect(dialled).toHaveLength(attempt)
      time.nowMs += 1
      queue.offer([one])
      expect(dialled).toHaveLength(attempt + 1)
      pauseMs = Math.min(2 * pauseMs, DIAL_BACKOFF_MAX_MS)
    }
    expect(pauseMs).toBe(DIAL_BACKOFF_MAX_MS)
  })

  it('tries a peer at once at an address that has not failed', async () => {
    const one = await candidate()
    const { queue, dialled, end } = createSetting(() => 8)
    queue.offer([one])
    await end(one, false)
    queue.offer([{ ...one, addresses: [HOME, ELSEWHERE] }])
    expect(dialled).toHaveLength(2)
  })

  it('keeps so many candidates and no more', async () => {
    let missing = 0
    const given = await candidates(DIAL_CANDIDATES_MAX + 1)
    const { queue, dialled, end } = createSetting(() => missing)
    queue.offer(given)
    missing = 100
    queue.offer([])
    for (const one of given) await end(one, true)
    expect(dialled).toEqual(names(given.slice(0, DIAL_CANDIDATES_MAX)))
  })

  it('forgets who waits when a new round begins', async () => {
    let missing = 0
    const { queue, dialled } = createSetting(() => missing)
    queue.offer(await candidates(3))
    queue.clear()
    missing = 8
    queue.offer([])
    expect(dialled).toEqual([])
  })

  it('remembers so many failures, the latest', async () => {
    const { queue, dialled, end } = createSetting(() => 8)
    const [first, ...others] = await candidates(DIAL_FAILURES_REMEMBERED_MAX + 1)
    for (const one of [first as DialCandidate, ...others]) {
      queue.offer([one])
      await end(one, false)
    }
    dialled.length = 0
    queue.offer([first as DialCandidate, others.at(-1) as DialCandidate])
    expect(dialled).toEqual(names([first as DialCandidate]))
  })
})
