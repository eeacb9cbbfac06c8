import type { Workload } from '../measure.ts'
import { HISTORY } from './history.ts'
import { LARGE_SPACE } from './large-space.ts'
import { LOCAL_WRITES } from './local-writes.ts'
import { TEXT_WORKLOADS } from './text.ts'

/** Every workload, in the order they are run. */
export const WORKLOADS: readonly Workload[] = [LOCAL_WRITES, HISTORY, LARGE_SPACE, ...TEXT_WORKLOADS]
