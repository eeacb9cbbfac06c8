import type { Sizes, Subject, Workload } from '../measure.ts'
import { measureMemory } from './floor/memory.ts'
import { measureParts } from './floor/parts.ts'
import { askAlone, coldSync, syncSizes } from './sync/run-sync.ts'
import { HANSE, syncSubject } from './sync/subjects.ts'

/** The operations of a floor are those that Hanse's source is prepared with. */
const prepare = async (sizes: Sizes, folder: string) =>
  await askAlone(HANSE.module, 'prepare', { folder, sizes: syncSizes(sizes) })

const pipeline: Subject = {
  name: 'pipeline',
  isFloor: true,
  without:
    'decide about an operation, pass on, compare roots or hash the state: it reads, packs, carries, hashes, checks signatures and writes rows',
  prepare,
  run: async (sizes, folder) =>
    await coldSync(new URL('floor/floor-party.ts', import.meta.url), syncSizes(sizes), folder),
}

const parts: Subject = {
  name: 'parts, each alone',
  isFloor: true,
  without: 'run as one: CPU of each part for each change, both sides together',
  prepare,
  run: async (sizes, folder) => await measureParts(syncSizes(sizes), folder),
}

const memory: Subject = {
  name: 'memory',
  isFloor: true,
  without: 'hold anything: the peak of a process with each thing loaded',
  prepare,
  run: async (_, folder) => await measureMemory(folder),
}

const COMPARED = {
  operationsPerSecond: 'more',
  changesPerSecond: 'more',
  cpuMicrosPerChange: 'less',
  receiverCpuSeconds: 'less',
  receiverPeakMb: 'less',
} as const

const hanse = syncSubject(HANSE, 'prepare', coldSync)

/**
 * What could be had at most: the same operations through nothing but what cannot be left out, with the same libraries, tables and settings
 * (docs/decisions/0018-what-bounds-cold-sync.md). Hanse is beside it in the same run.
 */
export const FLOOR_WORKLOADS: readonly Workload[] = [
  {
    name: 'cold-sync-floor',
    question:
      'How fast could an empty node get 100,000 operations of 100 authors, one change each, if it decided nothing?',
    sizes: { operations: 100_000, authors: 100, changes: 1 },
    quick: { operations: 2_000, authors: 20, changes: 1 },
    rounds: 3,
    subjects: [hanse, pipeline, parts, memory],
    compared: COMPARED,
  },
  {
    name: 'cold-sync-grouped-floor',
    question: 'And the same as 1,000 operations of 100 changes each?',
    sizes: { operations: 1_000, authors: 100, changes: 100 },
    quick: { operations: 20, authors: 20, changes: 100 },
    rounds: 3,
    subjects: [hanse, pipeline, parts, memory],
    compared: COMPARED,
  },
]
