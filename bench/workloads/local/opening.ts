import type { Workload } from '../../measure.ts'
import { openingSubjects } from './subjects.ts'

const COMPARED = { openSeconds: 'less', openPeakMb: 'less', readsPerSecond: 'more' } as const

/** Opened again in a new process, read by path and by folder. */
export const OPENING_WORKLOADS: readonly Workload[] = [
  {
    name: 'opening',
    question: 'How soon is a space of many operations there again, in what memory, and how fast is it read?',
    sizes: { operations: 20_000, reads: 20_000 },
    quick: { operations: 1_000, reads: 1_000 },
    subjects: openingSubjects(() => false),
    compared: COMPARED,
  },
  {
    name: 'opening-million',
    question:
      'The same of a million operations, without OrbitDB, which takes an hour and more to write them.',
    sizes: { operations: 1_000_000, reads: 100_000 },
    quick: { operations: 2_000, reads: 1_000 },
    rounds: 3,
    subjects: openingSubjects((name) => name === 'OrbitDB'),
    compared: COMPARED,
  },
]
