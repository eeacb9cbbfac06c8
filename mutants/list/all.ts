import type { Mutant } from '../mutant.ts'
import { ADMISSION_MUTANTS } from './admission.ts'
import { CAPABILITY_MUTANTS } from './capabilities.ts'
import { DOOR_MUTANTS } from './doors.ts'
import { ITEM_MUTANTS } from './items.ts'
import { NETWORK_MUTANTS } from './network.ts'
import { NODE_MUTANTS } from './node.ts'
import { READING_MUTANTS } from './reading.ts'
import { REVOCATION_MUTANTS } from './revocation.ts'
import { SIMULATED_MUTANTS } from './simulation.ts'
import { STATE_MUTANTS } from './state.ts'
import { STORAGE_MUTANTS } from './storage.ts'
import { TEXT_MUTANTS } from './text.ts'

/** Every rule that is broken on purpose. */
export const MUTANTS: readonly Mutant[] = [
  ...ADMISSION_MUTANTS,
  ...CAPABILITY_MUTANTS,
  ...REVOCATION_MUTANTS,
  ...STATE_MUTANTS,
  ...ITEM_MUTANTS,
  ...TEXT_MUTANTS,
  ...NODE_MUTANTS,
  ...STORAGE_MUTANTS,
  ...NETWORK_MUTANTS,
  ...READING_MUTANTS,
  ...DOOR_MUTANTS,
  ...SIMULATED_MUTANTS,
]
