import type { Target } from '../target.ts'
import { ASKING_TARGETS } from './asking.ts'
import { BLOB_TARGETS } from './blobs.ts'
import { CORE_TARGETS } from './core.ts'
import { DOOR_TARGETS } from './doors.ts'
import { EXCHANGE_TARGETS } from './exchange.ts'
import { ITEM_TARGETS } from './items.ts'
import { INTRODUCTION_TARGETS } from './introduction.ts'
import { LOCAL_TARGETS } from './local.ts'
import { STATE_TARGETS } from './state.ts'
import { SYNC_TARGETS } from './sync.ts'
import { TABLE_TARGETS } from './tables.ts'

/** Every decoder that is fed from outside. test/fuzz checks that no exported decoder is missing here. */
export const TARGETS: readonly Target[] = [
  ...CORE_TARGETS,
  ...ITEM_TARGETS,
  ...STATE_TARGETS,
  ...SYNC_TARGETS,
  ...INTRODUCTION_TARGETS,
  ...BLOB_TARGETS,
  ...LOCAL_TARGETS,
  ...EXCHANGE_TARGETS,
  ...TABLE_TARGETS,
  ...ASKING_TARGETS,
  ...DOOR_TARGETS,
]
