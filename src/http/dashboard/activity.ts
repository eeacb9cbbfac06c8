import { toHex } from '../../core/bytes.ts'
import type { Fault } from '../../core/result.ts'
import type { Space } from '../../node/space/space.ts'
import { describeOperation, type LogEntry } from '../../node/space/log.ts'

/** An operation that was admitted, as it came. */
export interface ArrivedOperation extends LogEntry {
  readonly space: string
  /** Peer id of who sent it; `local` for this machine. */
  readonly source: string
  /** This node's clock, ms since 1970; of what was here before this node started, the author's time. */
  readonly arrivedMs: number
}

/** Something that was not as it should be. */
export interface Incident {
  /** Grows with each. */
  readonly number: number
  readonly kind: 'refused' | 'held' | 'fork'
  readonly space: string
  readonly atMs: number
  /** Peer id; `local` for this machine, null where no peer has to do with it. */
  readonly peer: string | null
  /** Id of the operation, hexadecimal, where it is about one. */
  readonly operation: string | null
  /** `did:key`, where it is about one. */
  readonly author: string | null
  readonly code: string | null
  readonly detail: string
}

/** Describes an admitted operation. */
export function arrived(
  space: Space,
  ordinal: number,
  source: string | null,
  arrivedMs: number | null,
): ArrivedOperation {
  const { store } = space.hosted
  const entry = store.at(ordinal)
  return {
    ...describeOperation(entry, store),
    space: space.id,
    source: source ?? '',
    arrivedMs: arrivedMs ?? entry.time,
  }
}

/** What an incident says, before it has a number. */
export type IncidentTerms = Omit<Incident, 'number' | 'space' | 'atMs'>

export function refusal(id: Uint8Array, fault: Fault, peer: string): IncidentTerms {
  const { code, detail } = fault
  return { kind: 'refused', peer, operation: toHex(id), author: null, code, detail }
}
