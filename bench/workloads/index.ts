import type { Workload } from '../measure.ts'
import { CATCH_UP_WORKLOADS } from './catch-up.ts'
import { COLD_SYNC_WORKLOADS } from './cold-sync.ts'
import { HISTORY, HISTORY_IMPORT } from './history/history.ts'
import { LARGE_SPACE } from './large-space.ts'
import { LOCAL_WRITES } from './local-writes.ts'
import { TEXT_WORKLOADS } from './text.ts'

/** Every workload, in the order they are run. */
export const WORKLOADS: readonly Workload[] = [
  ...COLD_SYNC_WORKLOADS,
  ...CATCH_UP_WORKLOADS,
  LOCAL_WRITES,
  HISTORY_IMPORT,
  HISTORY,
  LARGE_SPACE,
  ...TEXT_WORKLOADS,
]
