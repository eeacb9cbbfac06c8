import type { Figures, Target, Workload } from '../measure.ts'
import type { SyncSizes } from './sync/entries.ts'
import { catchUp } from './sync/run-sync.ts'
import { AUTOMERGE, HANSE, HYPERCORE, LORO, ORBITDB, syncSubject, YJS } from './sync/subjects.ts'

/** Operations that one side lacks, one after the other. */
const DIFFERENCES = [0, 1, 100, 10_000]

/** Not more than there is in common. */
async function catchUpAll(module: URL, sizes: SyncSizes, folder: string): Promise<Figures> {
  const differences = DIFFERENCES.filter((difference) => difference < sizes.operations)
  return await catchUp(module, sizes, differences, folder)
}

const subjects = [HANSE, HYPERCORE, ORBITDB, AUTOMERGE, YJS, LORO].map((peer) =>
  syncSubject(peer, 'prepareBoth', catchUpAll),
)

const COMPARED = Object.fromEntries(
  DIFFERENCES.flatMap((difference) =>
    ['Ms', 'Bytes'].map((unit) => [`differ${difference}${unit}`, 'less' as const]),
  ),
)

const FULL = { operations: 100_000, authors: 100, changes: 1 } as const
const MANY = { ...FULL, authors: 10_000 } as const
const QUICK = { operations: 2_000, authors: 20, changes: 1 } as const

const target = (figure: string, bound: number, times?: string): Target => ({
  subject: 'Hanse',
  figure,
  is: 'at most',
  bound,
  ...(times === undefined ? {} : { times }),
})

/** The same whatever is held in common. */
const TARGETS: readonly Target[] = [
  target('differ0Bytes', 500),
  target('differ0Turns', 1),
  target('differ100Bytes', 15_000),
  target('differ100Ms', 2, 'Loro'),
]

/**
 * Both sides hold the same, are connected and past every handshake; then the source has more, and the receiver asks. Until both are proved
 * to be equal (Hanse), or the last entry is read. Bytes and turns (times that an answer came to what was sent) are those of the receiver's
 * TCP sockets in the second after which nothing was on its way. A peer that compares only when it meets another gets a new connection,
 * brought past its handshake before anything is counted.
 */
export const CATCH_UP_WORKLOADS: readonly Workload[] = [
  {
    name: 'catch-up',
    question: 'What does it cost to find 0, 1, 100 and 10,000 operations among 100,000 of 100 authors?',
    sizes: FULL,
    quick: QUICK,
    subjects,
    compared: COMPARED,
    targets: TARGETS,
  },
  {
    name: 'catch-up-many-authors',
    question: 'And among 100,000 of 10,000 authors?',
    sizes: MANY,
    quick: { ...QUICK, authors: 500 },
    rounds: 3,
    subjects: subjects.filter(({ name }) => ['Hanse', 'Yjs', 'Loro'].includes(name)),
    compared: COMPARED,
    targets: TARGETS,
  },
]
