import type { WaitCode } from '../../core/admission/codes.ts'
import type { Decision } from '../../core/admission/decide.ts'
import { ownBytes, toHex } from '../../core/bytes.ts'
import {
  HELD_AGE_MS_MAX,
  HELD_BYTES_MAX,
  HELD_BYTES_PER_PEER_MAX,
  HELD_OPERATIONS_MAX,
  HELD_OPERATIONS_PER_PEER_MAX,
} from '../../core/limits.ts'
import { ownOperation, type VerifiedOperation } from '../../core/operation/operation.ts'

/** An operation that waits, and for what. */
export interface Held {
  readonly operation: VerifiedOperation
  readonly code: WaitCode
  readonly detail: string
  /** Peer id, as text, of who sent it. */
  readonly peer: string
  readonly sinceMs: number
  /** Ids whose admission may let it go on. */
  readonly waitsFor: readonly Uint8Array[]
  /** For `FUTURE`: when this node's clock allows it. */
  readonly dueMs: number | null
}

/**
 * An operation that has come and waits; `peer`: who sent it. In memory of its own: or else one that waits for a day would keep what it shares its
 * memory with, which is the batch it came in.
 */
export function toHeld(
  operation: VerifiedOperation,
  fault: Extract<Decision, { kind: 'wait' }>['fault'],
  peer: string,
  sinceMs: number,
): Held {
  const { code, detail } = fault
  return {
    operation: ownOperation(operation),
    code,
    detail,
    peer,
    sinceMs,
    waitsFor: fault.code === 'FUTURE' ? [] : fault.ids.map(ownBytes),
    dueMs: fault.code === 'FUTURE' ? fault.dueMs : null,
  }
}

/**
 * Operations that are verified and wait for what they lack. Invariants:
 * 1. at most HELD_OPERATIONS_MAX operations and HELD_BYTES_MAX bytes in all, HELD_OPERATIONS_PER_PEER_MAX and
 *    HELD_BYTES_PER_PEER_MAX of one peer, none older than HELD_AGE_MS_MAX; the oldest go first, of the same peer where that peer
 *    is over its share;
 * 2. an operation is here once, whoever sends it how often;
 * 3. what is dropped is lost for nobody: sync brings it again.
 */
export class HoldLane {
  readonly #held = new Map<string, Held>()
  readonly #waiting = new Map<string, Set<string>>()
  readonly #perPeer = new Map<string, Share>()
  #bytes = 0

  /** Number of operations held. */
  get size(): number {
    return this.#held.size
  }

  /** The held operation of that id. */
  get(id: Uint8Array): Held | undefined {
    return this.#held.size === 0 ? undefined : this.#held.get(toHex(id))
  }

  /** Everything held, the oldest first. */
  all(): readonly Held[] {
    return [...this.#held.values()]
  }

  /** Holds an operation, in place of an earlier holding of the same one, and drops what no longer fits. */
  hold(held: Held): void {
    const key = toHex(held.operation.id)
    this.#drop(key)
    this.#held.set(key, held)
    this.#bytes += sizeOf(held)
    this.#shareOf(held.peer, 1, sizeOf(held))
    for (const id of held.waitsFor) {
      const wanted = toHex(id)
      const waiting = this.#waiting.get(wanted) ?? new Set()
      waiting.add(key)
      this.#waiting.set(wanted, waiting)
    }
    while (isOverShare(this.#perPeer.get(held.peer))) this.#dropOldest(held.peer)
    while (this.#held.size > HELD_OPERATIONS_MAX || this.#bytes > HELD_BYTES_MAX) this.#dropOldest(null)
  }

  /** Takes out what waited for that id, now that it is admitted or refused for ever. */
  takeWaitingFor(id: Uint8Array): readonly Held[] {
    const keys = this.#waiting.size === 0 ? undefined : this.#waiting.get(toHex(id))
    if (keys === undefined) return []
    const taken = [...keys].map((key) => this.#held.get(key) as Held)
    for (const key of [...keys]) this.#drop(key)
    return taken
  }

  /** Takes out what waited for this node's clock and is due. */
  takeDue(nowMs: number): readonly Held[] {
    const due = [...this.#held.values()].filter((held) => held.dueMs !== null && held.dueMs <= nowMs)
    for (const held of due) this.#drop(toHex(held.operation.id))
    return due
  }

  /** Drops what has waited too long. */
  dropExpired(nowMs: number): void {
    for (const [key, held] of this.#held) if (held.sinceMs + HELD_AGE_MS_MAX < nowMs) this.#drop(key)
  }

  #dropOldest(peer: string | null): void {
    for (const [key, held] of this.#held) {
      if (peer !== null && held.peer !== peer) continue
      this.#drop(key)
      return
    }
  }

  #drop(key: string): void {
    const held = this.#held.get(key)
    if (held === undefined) return
    this.#held.delete(key)
    this.#bytes -= sizeOf(held)
    this.#shareOf(held.peer, -1, -sizeOf(held))
    for (const id of held.waitsFor) {
      const wanted = toHex(id)
      const waiting = this.#waiting.get(wanted)
      waiting?.delete(key)
      if (waiting?.size === 0) this.#waiting.delete(wanted)
    }
  }

  #shareOf(peer: string, operations: number, bytes: number): void {
    const before = this.#perPeer.get(peer) ?? { operations: 0, bytes: 0 }
    const after = { operations: before.operations + operations, bytes: before.bytes + bytes }
    if (after.operations === 0) this.#perPeer.delete(peer)
    else this.#perPeer.set(peer, after)
  }
}

/** What one peer has in the lane. */
interface Share {
  readonly operations: number
  readonly bytes: number
}

function isOverShare(share: Share | undefined): boolean {
  return (
    share !== undefined &&
    (share.operations > HELD_OPERATIONS_PER_PEER_MAX || share.bytes > HELD_BYTES_PER_PEER_MAX)
  )
}

/** Bytes of an operation as the bounds count them: header, and body where it is there. */
export function sizeOf(held: Held): number {
  const { headerBytes, body, header } = held.operation
  return headerBytes.length + (body === null ? 0 : header.bodySize)
}
