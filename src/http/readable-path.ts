import { parsePath } from '../core/path.ts'
import type { SpaceAccess } from '../node/agents/space-access.ts'
import { orThrow } from '../node/fault-error.ts'
import { at } from './request-fault.ts'

/** The access, where it may read at that path. Throws `BAD_PATH` and `NOT_ALLOWED`, which says nothing of what is there. */
export function readablePath(access: SpaceAccess, path: string): SpaceAccess {
  at('/params/path', () => orThrow(parsePath(path)))
  access.requireRead(path)
  return access
}
