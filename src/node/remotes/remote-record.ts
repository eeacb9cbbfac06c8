import type { Fault } from '../../core/result.ts'
import type { NodeKind } from './node-registry.ts'

/** When a remote is synced with by itself, while `hanse up` runs. */
export interface RemoteSchedule {
  /** True: as soon as either side has something new. */
  readonly isLive: boolean
  /** Both ways every so many ms; null: not by the clock. */
  readonly everyMs: number | null
  /** Pushed when this many operations of this node's side have gathered; null: not by their number. */
  readonly afterChanges: number | null
  /** Pushed this many ms after the first operation that is not there yet; null: not by time. */
  readonly windowMs: number | null
}

/** Ready-made schedules. */
export type RemoteMode = 'local' | 'hybrid' | 'continuous'

/**
 * - `local`: on demand alone;
 * - `hybrid`: both ways every 5 minutes, and pushed after 100 changes or 60 s;
 * - `continuous`: live.
 */
export const REMOTE_MODES: Readonly<Record<RemoteMode, RemoteSchedule>> = {
  local: { isLive: false, everyMs: null, afterChanges: null, windowMs: null },
  hybrid: { isLive: false, everyMs: 5 * 60 * 1000, afterChanges: 100, windowMs: 60_000 },
  continuous: { isLive: true, everyMs: null, afterChanges: null, windowMs: null },
}

/** The mode with that schedule, or `custom`. */
export function modeOf(schedule: RemoteSchedule): RemoteMode | 'custom' {
  const text = JSON.stringify(sorted(schedule))
  const modes = Object.keys(REMOTE_MODES) as RemoteMode[]
  return modes.find((mode) => JSON.stringify(sorted(REMOTE_MODES[mode])) === text) ?? 'custom'
}

const sorted = ({ isLive, everyMs, afterChanges, windowMs }: RemoteSchedule) => [
  isLive,
  everyMs,
  afterChanges,
  windowMs,
]

/** Somewhere else where a space is, as the owner of this node has named it. */
export interface RemoteRecord {
  /** Random, of this node alone. */
  readonly id: string
  /** Unique in its space. */
  readonly name: string
  /** Hexadecimal. */
  readonly spaceId: string
  readonly url: string
  /** Bodies at and below it only; the whole space: empty. */
  readonly path: string
  /** PEM file of authorities that are trusted for this remote, absolute; null: those of the system. */
  readonly caFile: string | null
  readonly schedule: RemoteSchedule
  /** What this node makes itself known as at that node, again and again; absent: it does not. */
  readonly registerAs?: NodeKind | undefined
  /** Milliseconds since 1970. */
  readonly addedMs: number
}

/** What is at the end of a remote's address: a Hanse node over HTTP, files, or a libp2p peer. */
export type RemoteKind = 'node' | 'files' | 'peer'

/** What one run with a remote came to, as it is remembered. Counts are of items or operations. */
export interface RemoteRun {
  readonly atMs: number
  readonly direction: 'pull' | 'push' | 'sync'
  /** Who wanted it. */
  readonly trigger: 'demand' | 'schedule'
  readonly added: number
  readonly updated: number
  readonly deleted: number
  readonly gained: number
  readonly sent: number
  readonly refused: number
  readonly conflicts: number
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly durationMs: number
  /** Why it failed; null where it did not. */
  readonly code: string | null
}

/** What this node remembers of a remote. */
export interface RemoteState {
  /** Null while nothing was asked of it. */
  readonly kind: RemoteKind | null
  /** When a run last went well, ms since 1970. */
  readonly syncedMs: number | null
  readonly error: (Fault & { readonly atMs: number }) | null
  /** Round trip of the last small question, in ms. */
  readonly latencyMs: number | null
  /** When it last answered, ms since 1970. */
  readonly seenMs: number | null
  /** When this node last made itself known there, ms since 1970; what kept it from it since. */
  readonly registeredMs: number | null
  readonly registerError: Fault | null
  /** What the remote called its state when we had all of it. */
  readonly tag: string | null
  /** The oldest first. */
  readonly runs: readonly RemoteRun[]
}

export const NO_STATE: RemoteState = {
  kind: null,
  syncedMs: null,
  error: null,
  latencyMs: null,
  seenMs: null,
  registeredMs: null,
  registerError: null,
  tag: null,
  runs: [],
}
