import {
  CONNECTION_GRACE_MS,
  CONNECTIONS_INBOUND_MAX,
  CONNECTIONS_INBOUND_PER_NETWORK_MAX,
  CONNECTIONS_OUTBOUND_MAX,
  CONNECTIONS_OUTBOUND_PER_NETWORK_MAX,
  CONNECTIONS_PER_PEER_MAX,
  CONNECTIONS_PINNED_MAX,
} from '../../core/limits.ts'

/** A connection, there or wished for. */
export interface SlotHolder {
  readonly id: string
  readonly peer: string
  readonly isInbound: boolean
  /** The public network it comes from or goes to; null for the own machine, private networks and relayed connections. */
  readonly network: string | null
  /** This node's clock, ms since 1970. */
  readonly openedAtMs: number
  /** Named by the user, or an introduction node. */
  readonly isPinned: boolean
  /** Has proved that it shares a space with us. */
  readonly isProven: boolean
}

/** What happens to a newcomer. `evicted`: the connection that gives its place to it. */
export type SlotDecision =
  | { readonly kind: 'admit'; readonly evicted: SlotHolder | null }
  | { readonly kind: 'refuse'; readonly reason: string }

/**
 * Whether a new connection gets a place. Pure.
 * 1. Nobody has more than CONNECTIONS_PER_PEER_MAX.
 * 2. Pinned peers have places of their own, and need none of the others while these last.
 * 3. Inbound and outbound places are apart: whoever fills all that others may open has not touched what we open.
 * 4. Each public network has a share of either. Networks that tell nothing (the own machine, a LAN, a relay) have none.
 * 5. Where there is no place for a newcomer, it takes that of a stranger which has had CONNECTION_GRACE_MS to prove that it
 *    shares a space and has not: of the network that has most of them, the one that has been there longest.
 */
export function decideSlot(
  newcomer: SlotHolder,
  holders: readonly SlotHolder[],
  nowMs: number,
): SlotDecision {
  if (holders.filter(({ peer }) => peer === newcomer.peer).length >= CONNECTIONS_PER_PEER_MAX)
    return { kind: 'refuse', reason: 'the peer has as many connections as one may have' }
  const pinned = holders.filter(({ isPinned }) => isPinned)
  if (newcomer.isPinned && pinned.length < CONNECTIONS_PINNED_MAX) return { kind: 'admit', evicted: null }
  // Pinned connections beyond their own places are counted among the others.
  const rivals = [
    ...holders.filter(({ isPinned }) => !isPinned),
    ...pinned.slice(CONNECTIONS_PINNED_MAX),
  ].filter(({ isInbound }) => isInbound === newcomer.isInbound)
  const [all, perNetwork] = newcomer.isInbound
    ? [CONNECTIONS_INBOUND_MAX, CONNECTIONS_INBOUND_PER_NETWORK_MAX]
    : [CONNECTIONS_OUTBOUND_MAX, CONNECTIONS_OUTBOUND_PER_NETWORK_MAX]
  const neighbours = rivals.filter(({ network }) => network !== null && network === newcomer.network)
  if (neighbours.length >= perNetwork) return replace(neighbours, 'its network has its share', nowMs)
  if (rivals.length >= all) return replace(rivals, 'every place is taken', nowMs)
  return { kind: 'admit', evicted: null }
}

function replace(rivals: readonly SlotHolder[], reason: string, nowMs: number): SlotDecision {
  const strangers = rivals.filter(
    ({ isProven, isPinned, openedAtMs }) =>
      !isProven && !isPinned && nowMs - openedAtMs >= CONNECTION_GRACE_MS,
  )
  if (strangers.length === 0) return { kind: 'refuse', reason }
  const crowdOf = (holder: SlotHolder) => strangers.filter(({ network }) => network === holder.network).length
  const [evicted = null] = strangers.toSorted(
    (a, b) => crowdOf(b) - crowdOf(a) || a.openedAtMs - b.openedAtMs || (a.id < b.id ? -1 : 1),
  )
  return { kind: 'admit', evicted }
}
