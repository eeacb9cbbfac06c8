import { summarise } from '../measure.ts'
import type { Cost } from './cost.ts'
import type { SyncFigures } from './sync.ts'

/** All that was measured in one run of the check. */
export interface Measured {
  /** By name of the work in core-main.ts, a cost for each round. */
  readonly core: Readonly<Record<string, readonly Cost[]>>
  readonly sync: SyncFigures
}

/** One figure that depends on the code and hardly on the machine, and how far it may go. */
export interface Ratio {
  readonly name: string
  readonly says: string
  /** The check fails where the median is above it. */
  readonly most: number
  /** What it was when the bound was set, on two shared cores that others were using. */
  readonly measured: number
  /** Where to look when it fails. */
  readonly look: string
  /** One value for each round. */
  readonly valuesOf: (measured: Measured) => readonly number[]
}

/** Of two pieces of work of the same round, so that whatever else the machine did then it did to both. */
const against =
  (name: string, floor: string, of: keyof Cost = 'cpuUs') =>
  ({ core }: Measured): readonly number[] =>
    (core[name] ?? []).map((cost, round) => cost[of] / (core[floor]?.[round]?.[of] ?? Number.NaN))

/**
 * The bounds of the check, beside what was measured. Times are CPU times of one process divided by CPU times of the same round, which a
 * busy machine changes by a tenth or two; the bounds are about half above what was measured, or twice that where the clock or little work is in it. Bytes depend on nothing but the code and on what is
 * random in keys; their bounds are a tenth above. To tighten: `npm run bench:regression -- --json` several times, also while the machine is busy.
 */
export const RATIOS: readonly Ratio[] = [
  {
    name: 'cold sync: CPU of the receiver / of checking the same signatures',
    says: 'What an empty node does to take in a space, beside the signatures that nobody can save it.',
    most: 5,
    measured: 3.6,
    look: 'npm run bench -- --only cold-sync; a profile of the receiver: src/core/sync, src/node/replica, src/storage',
    valuesOf: ({ sync }) => sync.rounds.map(({ cold, floor }) => cold.cpuUs / floor.cpuUs),
  },
  {
    name: 'cold sync: time / of checking the same signatures on all cores',
    says: 'The same by the clock: a pause that no CPU is spent in shows here.',
    most: 15,
    measured: 6.7,
    look: 'protocols/sync and src/node/network: who waits for whom',
    valuesOf: ({ sync }) => sync.rounds.map(({ cold, floor }) => cold.wallMs / floor.wallMs),
  },
  {
    name: 'cold sync: bytes for each operation',
    says: 'On the link, both directions, after compression.',
    most: 102,
    measured: 92.6,
    look: 'src/core/sync/batch.ts, protocols/sync; docs/protocol.md',
    valuesOf: ({ sync }) => sync.rounds.map(({ cold }) => (cold.bytes + cold.bytesAgain) / cold.operations),
  },
  {
    name: 'cold sync: peak memory of the receiver / of a node that has no space',
    says: 'What is kept of what passes through.',
    most: 2.1,
    measured: 1.65,
    look: 'queues and caches: docs/limits.md; node --heap-prof on the receiver',
    valuesOf: ({ sync }) => sync.rounds.map(({ cold }) => cold.peakMb / cold.idleMb),
  },
  {
    name: 'a comparison in which nothing differs: bytes',
    says: 'On a connection that is there, both directions.',
    most: 520,
    measured: 472,
    look: 'src/core/sync/session.ts and message.ts: what a run begins and ends with',
    valuesOf: ({ sync }) => [sync.back.bytesAgain, sync.backAfterMore.bytesAgain],
  },
  {
    name: 'coming back after 100 operations: bytes',
    says: 'Handshake, finding out which, and their bytes.',
    most: 10_400,
    measured: 9_410,
    look: 'src/core/sync: clock, trie, heads; then the batch',
    valuesOf: ({ sync }) => [sync.backAfterMore.bytes],
  },
  {
    name: 'admission: CPU / of checking the same signatures',
    says: 'Deciding, storing and materialising what has been checked, in batches.',
    most: 1,
    measured: 0.55,
    look: 'src/node/replica/replica.ts, src/core/admission, src/storage: node --cpu-prof bench/regression/core-main.ts',
    valuesOf: against('admit', 'verify'),
  },
  {
    name: 'admission: CPU / of the same bytes as rows of SQLite',
    says: 'The same beside the least that storing costs; each row is written five times over.',
    most: 12,
    measured: 6,
    look: 'src/storage/sqlite: statements, indexes, rows of a table that an operation writes',
    valuesOf: against('admit', 'rows'),
  },
  {
    name: 'codec: CPU / of JSON',
    says: 'An operation read strictly and written again, beside JSON.parse and JSON.stringify of its line.',
    most: 3.6,
    measured: 2.3,
    look: 'src/core/operation, src/core/cbor-reader.ts and cbor-writer.ts',
    valuesOf: against('codec', 'json'),
  },
  {
    name: 'a durable write: CPU / of a signature and a durable row',
    says: 'Space.put, on disk before it returns.',
    most: 4.5,
    measured: 2.7,
    look: 'npm run bench -- --only local-writes; src/node/space/hosted-space.ts',
    valuesOf: against('durableWrites', 'durableRows'),
  },
  {
    name: 'a durable write: time / of a signature and a durable row',
    says: 'The same by the clock: a second sync to disk for each write shows here.',
    most: 3.5,
    measured: 1.4,
    look: 'strace -c -e fdatasync,fsync: once for each write',
    valuesOf: against('durableWrites', 'durableRows', 'wallMs'),
  },
  {
    name: 'stored: bytes for each operation',
    says: 'The files of a node after a cold sync.',
    most: 1_440,
    measured: 1_305,
    look: 'src/storage/sqlite/schema.ts; sqlite3_analyzer on the file of the space',
    valuesOf: ({ sync }) => sync.rounds.map(({ storedBytes, cold }) => storedBytes / cold.operations),
  },
]

/** A ratio of one run, and whether it is within its bound. Not a number is not within. */
export interface Judged {
  readonly name: string
  readonly median: number
  readonly least: number
  readonly most: number
  readonly bound: number
  readonly isWithin: boolean
  /** For whoever sees it fail: which, how far, and where to look. */
  readonly message: string
}

export function judge(measured: Measured, ratios: readonly Ratio[] = RATIOS): readonly Judged[] {
  return ratios.map((ratio) => {
    const { median, least, most } = summarise(ratio.valuesOf(measured))
    const isWithin = median <= ratio.most
    const message =
      `${ratio.name} is ${shown(median)} (${shown(least)} to ${shown(most)}); at most ${shown(ratio.most)} is allowed, and it was ${shown(ratio.measured)} ` +
      `when that was set.\n  ${ratio.says}\n  Look at: ${ratio.look}`
    return { name: ratio.name, median, least, most, bound: ratio.most, isWithin, message }
  })
}

function shown(value: number): string {
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2)
}
