import { fail, ok, type Fault, type Result } from '../../core/result.ts'
import { parsePath, ROOT_PATH } from '../../core/path.ts'
import { pathPolicy, type PolicySource } from '../../core/ucan/policy.ts'

/** Names for common bundles of authority. Tokens know only commands and policies. */
export const ROLES = ['reader', 'writer', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** True for the name of a role. */
export const isRole = (value: unknown): value is Role => (ROLES as readonly unknown[]).includes(value)

/** What a token of a role says. */
export interface RoleTerms {
  readonly command: string
  readonly policy: PolicySource
}

/**
 * The terms of a role, in a space whose members all read everything (`openReading`) or one where reading is closed:
 * - `reader` reads; with a path, which only closed reading allows, at or below it;
 * - `writer` reads and writes; with a path it writes at or below it, and reads everything or, where reading is closed, that path;
 * - `admin` may do everything its issuer may, granting included; not limited by path.
 * `BAD_ROLE` for another name or a path where the role takes none; `BAD_PATH` for a path that is none.
 */
export function roleTerms(
  role: string,
  path: string,
  openReading: boolean,
): Result<RoleTerms, Fault<'BAD_ROLE' | 'BAD_PATH'>> {
  const parsed = parsePath(path)
  if (!parsed.ok) return parsed
  const within = pathPolicy(path)
  switch (role) {
    case 'reader':
      return openReading && path !== ROOT_PATH ? readsAll() : ok({ command: '/op/read', policy: within })
    case 'writer':
      return ok({ command: '/op', policy: openReading ? readingAll(within) : within })
    case 'admin':
      return path === ROOT_PATH ? ok({ command: '/', policy: [] }) : noPath(role)
    default:
      return fail('BAD_ROLE', `there is no role ${JSON.stringify(role)}: use one of ${ROLES.join(', ')}`)
  }
}

/** Reading is not limited, the rest is. */
function readingAll(within: PolicySource): PolicySource {
  return within.length === 0 ? [] : [['or', [['==', '.command', '/op/read'], ...within]]]
}

function readsAll() {
  const detail =
    'every member of this space reads everything, since gossip takes bodies to all of them: leave out the path, or make another space, hanse space create NAME --closed-reading'
  return fail('BAD_ROLE', detail)
}

function noPath(role: string) {
  return fail(
    'BAD_ROLE',
    `the role ${role} is for the whole space: leave out the path, or choose another role`,
  )
}
