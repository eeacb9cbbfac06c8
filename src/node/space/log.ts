import { toHex } from '../../core/bytes.ts'
import type { Entry } from '../../core/graph.ts'
import { formatDid } from '../../core/principal.ts'
import type { SpaceStore } from '../../storage/space-store.ts'

/** One admitted operation, for people. */
export interface LogEntry {
  readonly id: string
  /** `did:key` of the author. */
  readonly author: string
  readonly seq: number
  readonly lamport: number
  /** Milliseconds since 1970 as the author's clock said. */
  readonly time: number
  readonly command: string
  readonly path: string
  /** Number of changes; null while the body has not arrived. */
  readonly changes: number | null
  /** True where a revocation took its effect. */
  readonly masked: boolean
}

/** Admitted operations that changed something at or below a path, the latest admitted first, at most `limit`. */
export function listOperations(store: SpaceStore, prefix: string, limit: number): readonly LogEntry[] {
  const describe = (ordinal: number) => describeOperation(store.at(ordinal), store)
  if (prefix !== '') return store.changedBelow(prefix, store.count(), limit).map(describe)
  const entries: LogEntry[] = []
  for (let ordinal = store.count() - 1; ordinal >= 0 && entries.length < limit; ordinal--)
    entries.push(describe(ordinal))
  return entries
}

/** An admitted operation, for people. */
export function describeOperation(entry: Entry, store: SpaceStore): LogEntry {
  const { body } = store.operation(entry.ordinal)
  return {
    id: toHex(entry.id),
    author: formatDid(entry.author),
    seq: entry.seq,
    lamport: entry.lamport,
    time: entry.time,
    command: entry.command,
    path: entry.path,
    changes: body === null ? null : body.length,
    masked: store.mask(entry.ordinal) !== undefined,
  }
}
