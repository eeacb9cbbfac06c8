import { describe, expect, it } from 'vitest'
import {
  CONNECTION_GRACE_MS,
  CONNECTIONS_INBOUND_MAX,
  CONNECTIONS_INBOUND_PER_NETWORK_MAX,
  CONNECTIONS_OUTBOUND_MAX,
  CONNECTIONS_OUTBOUND_PER_NETWORK_MAX,
  CONNECTIONS_PER_PEER_MAX,
  CONNECTIONS_PINNED_MAX,
} from '../../src/core/limits.ts'
import { decideSlot, type SlotHolder } from '../../src/node/network/connection-slots.ts'

const NOW_MS = 1_000_000

function holder(peer: string, change: Partial<SlotHolder> = {}): SlotHolder {
  return {
    id: `connection of ${peer}`,
    peer,
    isInbound: true,
    network: null,
    openedAtMs: NOW_MS - CONNECTION_GRACE_MS,
    isPinned: false,
    isProven: false,
    ...change,
  }
}

/** As many as asked for, each of another peer in another network. */
const crowd = (count: number, change: Partial<SlotHolder> = {}) =>
  Array.from({ length: count }, (_, i) =>
    holder(`mallory ${i}`, {
      network: `4:${i}.0`,
      openedAtMs: NOW_MS - CONNECTION_GRACE_MS - (count - i),
      ...change,
    }),
  )

const decide = (newcomer: SlotHolder, holders: readonly SlotHolder[]) => decideSlot(newcomer, holders, NOW_MS)
const bob = holder('bob', { openedAtMs: NOW_MS })

describe('places for connections', () => {
  it('are as many inbound as the limit says; one past it nobody who is proven or has just come is sent away', () => {
    const proven = { isProven: true }
    expect(decide(bob, crowd(CONNECTIONS_INBOUND_MAX - 1, proven)).kind).toBe('admit')
    expect(decide(bob, crowd(CONNECTIONS_INBOUND_MAX, proven)).kind).toBe('refuse')
    const fresh = { openedAtMs: NOW_MS - CONNECTION_GRACE_MS + 1 }
    expect(decide(bob, crowd(CONNECTIONS_INBOUND_MAX, fresh)).kind).toBe('refuse')
  })

  it('go from strangers that prove nothing to newcomers: of the network with most of them, the one there longest', () => {
    const holders = crowd(CONNECTIONS_INBOUND_MAX)
    expect(decide(bob, holders)).toEqual({ kind: 'admit', evicted: holders[0] })
    const crowded = holders.map((one, i) => (i >= 10 && i < 13 ? { ...one, network: '4:203.0' } : one))
    expect(decide(bob, crowded)).toEqual({ kind: 'admit', evicted: crowded[10] })
  })

  it('are as many for one network as its share, inbound and outbound, and a crowd there touches nobody elsewhere', () => {
    const inside = { network: '4:203.0' }
    const elsewhere = crowd(20)
    const full = crowd(CONNECTIONS_INBOUND_PER_NETWORK_MAX, { ...inside, isProven: true })
    expect(decide({ ...bob, ...inside }, [...elsewhere, ...full.slice(1)]).kind).toBe('admit')
    expect(decide({ ...bob, ...inside }, [...elsewhere, ...full]).kind).toBe('refuse')
    expect(decide(bob, [...elsewhere, ...full]).kind).toBe('admit')
    const outbound = { isInbound: false }
    const dialled = crowd(CONNECTIONS_OUTBOUND_PER_NETWORK_MAX, { ...inside, ...outbound, isProven: true })
    expect(decide({ ...bob, ...inside, ...outbound }, dialled.slice(1)).kind).toBe('admit')
    expect(decide({ ...bob, ...inside, ...outbound }, dialled).kind).toBe('refuse')
  })

  it('have no share by network on the own machine and in private networks', () => {
    expect(decide(bob, crowd(CONNECTIONS_INBOUND_MAX - 1, { network: null, isProven: true })).kind).toBe(
      'admit',
    )
    const dialled = crowd(CONNECTIONS_OUTBOUND_MAX - 1, { network: null, isInbound: false })
    expect(decide({ ...bob, isInbound: false }, dialled).kind).toBe('admit')
  })

  it('are apart for those that others open and those this node opens', () => {
    const outbound = { isInbound: false }
    expect(decide({ ...bob, ...outbound }, crowd(CONNECTIONS_INBOUND_MAX, { isProven: true })).kind).toBe(
      'admit',
    )
    expect(decide(bob, crowd(CONNECTIONS_OUTBOUND_MAX, outbound)).kind).toBe('admit')
    const proven = crowd(CONNECTIONS_OUTBOUND_MAX, { ...outbound, isProven: true })
    expect(decide({ ...bob, ...outbound }, proven.slice(1)).kind).toBe('admit')
    expect(decide({ ...bob, ...outbound }, proven).kind).toBe('refuse')
    // Strangers that somebody has named to us, and that prove nothing, do not fill our own places for good.
    const strangers = crowd(CONNECTIONS_OUTBOUND_MAX, outbound)
    expect(decide({ ...bob, ...outbound }, strangers)).toEqual({ kind: 'admit', evicted: strangers[0] })
  })

  it('are kept for pinned peers, whatever the others fill, and beyond those they are like others', () => {
    const full = crowd(CONNECTIONS_INBOUND_MAX, { isProven: true })
    const pinned = Array.from({ length: CONNECTIONS_PINNED_MAX }, (_, i) =>
      holder(`pinned ${i}`, { isPinned: true }),
    )
    const alice = holder('alice', { isPinned: true })
    expect(decide(alice, [...full, ...pinned.slice(1)]).kind).toBe('admit')
    expect(decide(alice, [...full, ...pinned]).kind).toBe('refuse')
    expect(decide(alice, pinned).kind).toBe('admit')
  })

  it('are as many for one peer as the limit says, even if it is pinned', () => {
    const own = Array.from({ length: CONNECTIONS_PER_PEER_MAX }, (_, i) =>
      holder('alice', { id: `${i}`, isPinned: true }),
    )
    const alice = holder('alice', { isPinned: true })
    expect(decide(alice, own.slice(1)).kind).toBe('admit')
    expect(decide(alice, own).kind).toBe('refuse')
  })
})
