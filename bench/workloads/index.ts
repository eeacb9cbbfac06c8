import type { Workload } from '../measure.ts'
import { AGENTS } from './agents.ts'
import { CATCH_UP_WORKLOADS } from './catch-up.ts'
import { COLD_SYNC_WORKLOADS } from './cold-sync.ts'
import { FLOOR_WORKLOADS } from './floors.ts'
import { HISTORY, HISTORY_IMPORT } from './history/history.ts'
import { HTTP_WORKLOADS } from './http/http.ts'
import { LARGE_SPACE } from './large-space.ts'
import { LIVE_WORKLOADS } from './live.ts'
import { LOCAL_WRITE_WORKLOADS } from './local/local-writes.ts'
import { OPENING_WORKLOADS } from './local/opening.ts'
import { STORAGE_IDS } from './storage-ids.ts'
import { SWARM } from './swarm.ts'
import { TEXT_WORKLOADS } from './text.ts'

/** Every workload, in the order they are run. */
export const WORKLOADS: readonly Workload[] = [
  ...COLD_SYNC_WORKLOADS,
  ...CATCH_UP_WORKLOADS,
  ...LIVE_WORKLOADS,
  ...FLOOR_WORKLOADS,
  ...LOCAL_WRITE_WORKLOADS,
  ...OPENING_WORKLOADS,
  HISTORY_IMPORT,
  HISTORY,
  LARGE_SPACE,
  STORAGE_IDS,
  SWARM,
  AGENTS,
  ...TEXT_WORKLOADS,
  ...HTTP_WORKLOADS,
]
