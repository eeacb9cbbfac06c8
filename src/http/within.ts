import type { SpaceAccess } from '../node/agents/space-access.ts'
import { FaultError } from '../node/fault-error.ts'

/** The paths that SQL and searches are narrowed to: `{}` where the caller reads everything. Throws `NOT_ALLOWED` where no paths say it. */
export function withinReach(access: SpaceAccess): { readonly within?: readonly string[] } {
  const prefixes = access.readable()
  if (prefixes?.includes('') === true) return {}
  if (prefixes !== null) return { within: prefixes }
  const detail =
    'your delegations say in another way than by paths what you read, so SQL and searches cannot be narrowed to it: read item by item'
  throw new FaultError({ code: 'NOT_ALLOWED', detail })
}
