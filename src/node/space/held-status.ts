import { toHex } from '../../core/bytes.ts'
import { formatDid } from '../../core/principal.ts'
import {
  HELD_AGE_MS_MAX,
  HELD_BYTES_MAX,
  HELD_BYTES_PER_PEER_MAX,
  HELD_OPERATIONS_MAX,
  HELD_OPERATIONS_PER_PEER_MAX,
} from '../../core/limits.ts'
import { type Held, type HoldLane, sizeOf } from '../replica/hold-lane.ts'

/** One operation that waits. */
export interface HeldOperation {
  readonly id: string
  /** `did:key`. */
  readonly author: string
  readonly command: string
  readonly path: string
  readonly code: string
  readonly detail: string
  /** Ids, hexadecimal, whose admission may let it go on; none where it waits for the clock. */
  readonly waitsFor: readonly string[]
  /** Peer id of who sent it. */
  readonly peer: string
  /** Since when, ms since 1970 by this node's clock. */
  readonly sinceMs: number
  /** When the clock allows it; null where it waits for something else. */
  readonly dueMs: number | null
  /** When it is dropped at the latest: sync brings it again. */
  readonly droppedMs: number
  readonly bytes: number
}

/** What operations take of a budget. */
export interface HeldShare {
  readonly operations: number
  readonly bytes: number
}

/** What waits in the memory of this node, against its bounds. */
export interface HeldTotals extends HeldShare {
  readonly max: HeldShare
  readonly perPeerMax: HeldShare
  readonly peers: readonly (HeldShare & { readonly peer: string })[]
}

/** The operations that wait, the oldest first. */
export function describeHeld(lane: HoldLane): readonly HeldOperation[] {
  return lane.all().map((held) => {
    const { operation, code, detail, peer, sinceMs, waitsFor, dueMs } = held
    const { author, command, path } = operation.header
    const droppedMs = sinceMs + HELD_AGE_MS_MAX
    const bytes = sizeOf(held)
    const ids = waitsFor.map(toHex)
    const who = { id: toHex(operation.id), author: formatDid(author), command, path }
    return { ...who, code, detail, waitsFor: ids, peer, sinceMs, dueMs, droppedMs, bytes }
  })
}

/** How much waits, in all and by peer. */
export function heldTotals(lane: HoldLane): HeldTotals {
  const peers = new Map<string, HeldShare>()
  for (const held of lane.all()) peers.set(held.peer, add(peers.get(held.peer), held))
  return {
    ...lane.all().reduce(add, add(undefined)),
    max: { operations: HELD_OPERATIONS_MAX, bytes: HELD_BYTES_MAX },
    perPeerMax: { operations: HELD_OPERATIONS_PER_PEER_MAX, bytes: HELD_BYTES_PER_PEER_MAX },
    peers: Array.from(peers, ([peer, share]) => ({ peer, ...share })),
  }
}

function add({ operations, bytes }: HeldShare = { operations: 0, bytes: 0 }, held?: Held): HeldShare {
  if (held === undefined) return { operations, bytes }
  return { operations: operations + 1, bytes: bytes + sizeOf(held) }
}
