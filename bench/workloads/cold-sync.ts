import { availableParallelism } from 'node:os'
import type { Sizes, Subject, Target, Workload } from '../measure.ts'
import { coldSync, syncSizes } from './sync/run-sync.ts'
import { AUTOMERGE, HANSE, HYPERCORE, LORO, ORBITDB, syncSubject, YJS } from './sync/subjects.ts'
import { verificationFloor } from './sync/verification-floor.ts'

const [hanse, hypercore, orbitdb, automerge, yjs, loro] = [
  HANSE,
  HYPERCORE,
  ORBITDB,
  AUTOMERGE,
  YJS,
  LORO,
].map((peer) => syncSubject(peer, 'prepare', coldSync)) as [
  Subject,
  Subject,
  Subject,
  Subject,
  Subject,
  Subject,
]

/** How fast the signatures alone are checked. */
const floor: Subject = {
  name: `signatures alone, ${availableParallelism()} cores`,
  isFloor: true,
  without: 'anything but check as many signatures, with the verifier that Hanse uses',
  run: async (sizes) => await verificationFloor(syncSizes(sizes).operations, syncSizes(sizes).authors),
}

const COMPARED = {
  operationsPerSecond: 'more',
  changesPerSecond: 'more',
  bytesPerChange: 'less',
  cpuMicrosPerChange: 'less',
  receiverPeakMb: 'less',
} as const

const FULL = { operations: 100_000, authors: 100, changes: 1 } as const
const QUICK = { operations: 2_000, authors: 20, changes: 1 } as const

const base = {
  quick: QUICK,
  subjects: [hanse, hypercore, orbitdb, automerge, yjs, loro, floor],
  compared: COMPARED,
}

const target = (figure: string, is: Target['is'], bound: number, at: Sizes, times?: string): Target => ({
  subject: 'Hanse',
  figure,
  is,
  bound,
  at,
  ...(times === undefined ? {} : { times }),
})

const GROUPED = { operations: 1_000, authors: 100, changes: 100 } as const
const MILLION = { operations: 1_000_000, authors: 100, changes: 1 } as const

/** A tenth of the largest, in the same run: whether the rate falls as a space grows. */
const tenth: Subject = {
  ...hanse,
  name: 'a tenth of it, Hanse',
  isFloor: true,
  without: 'get as many operations',
  prepare: async (sizes, folder) => await hanse.prepare?.(tenthOf(sizes), folder),
  run: async (sizes, folder) => await hanse.run(tenthOf(sizes), folder),
}

function tenthOf(sizes: Sizes): Sizes {
  return { ...sizes, operations: syncSizes(sizes).operations / 10 }
}

/**
 * An empty node gets everything from one peer over loopback: until everything is verified, stored and readable, and (Hanse) both sides
 * have proved to be equal. Bytes are those of the receiver's TCP sockets, both directions, with handshakes and encryption (socket-count.ts);
 * CPU is that of both processes; the peak of memory is the receiver's, a fresh process for each run.
 */
export const COLD_SYNC_WORKLOADS: readonly Workload[] = [
  {
    ...base,
    name: 'cold-sync',
    question: 'How fast does an empty node get 100,000 operations of 100 authors, one change each?',
    sizes: FULL,
    targets: [
      target('operationsPerSecond', 'at least', 30_000, FULL),
      target('operationsPerSecond', 'at least', 2.5, FULL, 'Hypercore'),
      target('operationsPerSecond', 'at least', 100, FULL, 'OrbitDB'),
      target('bytesPerOperation', 'at most', 150, FULL),
      target('receiverPeakMb', 'at most', 200, FULL),
    ],
  },
  {
    ...base,
    name: 'cold-sync-grouped',
    question: 'And the same as 1,000 operations of 100 changes each?',
    sizes: GROUPED,
    quick: { operations: 20, authors: 20, changes: 100 },
    subjects: [hanse, hypercore, automerge, yjs, loro],
    targets: [
      target('changesPerSecond', 'at least', 200_000, GROUPED),
      target('bytesPerChange', 'at most', 70, GROUPED),
      target('receiverPeakMb', 'at most', 200, GROUPED),
    ],
  },
  {
    ...base,
    name: 'cold-sync-small',
    question: 'And 10,000 operations?',
    sizes: { ...FULL, operations: 10_000 },
    quick: { ...QUICK, operations: 1_000 },
  },
  {
    ...base,
    name: 'cold-sync-one-author',
    question: 'And 100,000 operations of one author?',
    sizes: { ...FULL, authors: 1 },
    quick: { ...QUICK, authors: 1 },
    subjects: [hanse, hypercore, automerge, yjs, loro, floor],
  },
  {
    ...base,
    name: 'cold-sync-many-authors',
    question: 'And 100,000 operations of 10,000 authors?',
    sizes: { ...FULL, authors: 10_000 },
    quick: { ...QUICK, authors: 500 },
    subjects: [hanse, hypercore, yjs, loro, floor],
    rounds: 3,
  },
  {
    ...base,
    name: 'cold-sync-million',
    question: 'And 1,000,000 operations of 100 authors?',
    sizes: MILLION,
    quick: { ...QUICK, operations: 5_000 },
    // Of the peers the one on disk and the fastest: the others would make a long run longer.
    subjects: [hanse, tenth, hypercore, yjs],
    rounds: 1,
    targets: [
      target('operationsPerSecond', 'at least', 0.8, MILLION, tenth.name),
      target('bytesPerOperation', 'at most', 150, MILLION),
      target('receiverPeakMb', 'at most', 400, MILLION),
    ],
  },
]
