import { equalBytes, toHex } from '../../core/bytes.ts'
import type { Entry } from '../../core/graph.ts'
import { formatDid } from '../../core/principal.ts'
import { passedOnMax } from '../../core/ucan/chain.ts'
import type { VerifiedDelegation } from '../../core/ucan/delegation.ts'
import type { Policy } from '../../core/ucan/policy.ts'
import type { HostedSpace } from './hosted-space.ts'
import { announcedBy } from './rotation.ts'

/** What a delegation says, for people. */
export interface DelegationTerms {
  /** Hexadecimal. */
  readonly digest: string
  /** `did:key` of who gave it. */
  readonly issuer: string
  /** `did:key` of who has it. */
  readonly audience: string
  readonly command: string
  /** What it is limited to and below; `''` is the whole space, null a policy of another form. */
  readonly path: string | null
  /** Milliseconds since 1970; null without bound. */
  readonly notBeforeMs: number | null
  readonly expiresMs: number | null
  /** How often it may be passed on; null without bound. */
  readonly depth: number | null
}

/** A published delegation and what became of it. */
export interface DelegationStatus extends DelegationTerms {
  /**
   * - `active`: some chain to it is open;
   * - `pending`: not valid yet; `expired`: not valid any more, by this node's clock;
   * - `revoked`: every chain to it is closed by a revocation known here;
   * - `unfounded`: no known chain leads from the space to it.
   */
  readonly state: 'active' | 'pending' | 'expired' | 'revoked' | 'unfounded'
  /** Id, hexadecimal, of an operation that revoked it. */
  readonly revokedBy: string | null
  /** True where its issuer announced that it goes on with the audience's key. */
  readonly rotation: boolean
  /** Id, hexadecimal, of the operation that published it, first as it arrived here. */
  readonly publishedBy: string
}

/** What a delegation says. */
export function describeTerms(token: VerifiedDelegation): DelegationTerms {
  const { notBeforeSeconds, expiresSeconds } = token
  return {
    digest: toHex(token.digest),
    issuer: formatDid(token.issuer),
    audience: formatDid(token.audience),
    command: token.command,
    path: pathOf(token.policy),
    notBeforeMs: notBeforeSeconds === null ? null : notBeforeSeconds * 1000,
    expiresMs: expiresSeconds === null ? null : expiresSeconds * 1000,
    depth: passedOnMax(token),
  }
}

/** Every published delegation, those of one issuer together, by issuer, audience and digest. */
export function describeDelegations(hosted: HostedSpace, nowMs: number): readonly DelegationStatus[] {
  const described = [...hosted.store.tokens()].map(({ delegation, publishers }) => {
    const terms = describeTerms(delegation)
    const chains = [...hosted.tokens.chainsTo(delegation)]
    const closings = chains.map((chain) => hosted.replica.closedBy(chain.map(({ digest }) => digest)))
    const revokedBy = closings.every((closing) => closing !== null) ? (closings[0] ?? null) : null
    const publisher = hosted.store.at(publishers[0] as number)
    return {
      ...terms,
      state: stateOf(terms, chains.length, revokedBy, nowMs),
      revokedBy,
      rotation: publishers.some((ordinal) => isRotation(hosted, hosted.store.at(ordinal), delegation)),
      publishedBy: toHex(publisher.id),
    }
  })
  const keyOf = (one: DelegationStatus) => `${one.issuer} ${one.audience} ${one.digest}`
  return described.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}

/** True where the issuer of a delegation announced its audience as the next key, in an operation that published it. */
function isRotation(
  hosted: HostedSpace,
  publisher: Entry,
  { issuer, audience }: VerifiedDelegation,
): boolean {
  if (!equalBytes(publisher.author, issuer)) return false
  return announcedBy(hosted, publisher).some((next) => equalBytes(next, audience))
}

function stateOf(
  { notBeforeMs, expiresMs }: DelegationTerms,
  chains: number,
  revokedBy: string | null,
  nowMs: number,
): DelegationStatus['state'] {
  if (chains === 0) return 'unfounded'
  if (revokedBy !== null) return 'revoked'
  if (expiresMs !== null && expiresMs < nowMs) return 'expired'
  return notBeforeMs !== null && notBeforeMs > nowMs ? 'pending' : 'active'
}

/** The path that a policy of the form of roles is limited to: an `or` that equals it or is like what is below it. */
function pathOf(policy: Policy): string | null {
  if (policy.length === 0) return ''
  const [only, ...others] = policy
  if (only?.kind !== 'or' || others.length > 0) return null
  for (const statement of only.statements) {
    if (statement.kind === 'equal' && statement.name === 'path' && typeof statement.value === 'string')
      return statement.value
    if (statement.kind === 'or') return pathOf([statement])
  }
  return null
}
