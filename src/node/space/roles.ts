import { fail, ok, type Fault, type Result } from '../../core/result.ts'
import { parsePath, ROOT_PATH } from '../../core/path.ts'
import { pathPolicy, type PolicySource } from '../../core/ucan/policy.ts'

/** Names for common bundles of authority. Tokens know only commands and policies. */
export const ROLES = ['reader', 'writer', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** What a token of a role says. */
export interface RoleTerms {
  readonly command: string
  readonly policy: PolicySource
}

/**
 * The terms of a role:
 * - `reader` reads everything;
 * - `writer` reads everything and writes at or below `path`;
 * - `admin` may do everything its issuer may, granting included; not limited by path.
 * `BAD_ROLE` for another name or a path where the role takes none; `BAD_PATH` for a path that is none.
 */
export function roleTerms(role: string, path: string): Result<RoleTerms, Fault<'BAD_ROLE' | 'BAD_PATH'>> {
  const parsed = parsePath(path)
  if (!parsed.ok) return parsed
  switch (role) {
    case 'reader':
      return path === ROOT_PATH ? ok({ command: '/op/read', policy: [] }) : noPath(role)
    case 'writer':
      return ok({ command: '/op', policy: writerPolicy(path) })
    case 'admin':
      return path === ROOT_PATH ? ok({ command: '/', policy: [] }) : noPath(role)
    default:
      return fail('BAD_ROLE', `there is no role ${JSON.stringify(role)}: use one of ${ROLES.join(', ')}`)
  }
}

/** Reading is not limited by path, writing is. */
function writerPolicy(path: string): PolicySource {
  const within = pathPolicy(path)
  if (within.length === 0) return []
  return [['or', [['==', '.command', '/op/read'], ...within]]]
}

function noPath(role: string) {
  return fail('BAD_ROLE', `the role ${role} is for the whole space: leave out the path, or grant writer`)
}
