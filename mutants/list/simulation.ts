import type { Mutant } from '../mutant.ts'
import { ADMISSION_MUTANTS } from './admission.ts'
import { NODE_MUTANTS } from './node.ts'
import { REVOCATION_MUTANTS } from './revocation.ts'
import { STATE_MUTANTS } from './state.ts'

const SOURCES = [...ADMISSION_MUTANTS, ...REVOCATION_MUTANTS, ...STATE_MUTANTS, ...NODE_MUTANTS]

/** Mutants that the simulator must notice too, without any test: it is an oracle of its own. */
const NOTICED: readonly (readonly [name: string, scenario: string, seeds?: readonly [number, number]])[] = [
  ['drop-fork-check', 'mixed'],
  ['first-branch-wins', 'fork-storm'],
  ['skip-the-cut', 'revocation'],
  ['revoke-masks-nothing', 'revocation'],
  ['masked-is-folded', 'revocation'],
  // Seen by few seeds: somebody must write under a right that ended elsewhere, and be heard of late.
  ['check-11-by-the-whole-set', 'revocation', [70, 80]],
  ['compare-times-only', 'mixed'],
  ['future-is-refused', 'mixed'],
]
const SEEDS = [1, 16] as const

/** The same mutants under the simulator alone. */
export const SIMULATED_MUTANTS: readonly Mutant[] = NOTICED.flatMap(([name, scenario, seeds = SEEDS]) =>
  SOURCES.filter((mutant) => mutant.name === name).map((mutant) => ({
    ...mutant,
    name: `${name}-simulated`,
    tests: [],
    simulation: { scenario, seeds },
  })),
)
