import { equalBytes, utf8 } from '../bytes.ts'
import { TOKENS_PER_OPERATION_MAX, SPACE_NAME_BYTES_MAX } from '../limits.ts'
import { ok, type Result } from '../result.ts'
import { decodeDelegation, verifyDelegation, type VerifiedDelegation } from '../ucan/delegation.ts'
import type { VerifySignature } from '../signature.ts'
import { encodeChange, invalid, isMap, type Change, type ChangeFault } from './change.ts'

/** The first change of a genesis: what the space is called and how it is meant to be run. */
export const SPACE_CREATE = 'space.create'
/** Publishes delegations, so that they are in the past of what uses them. */
export const CAP_PUT = 'cap.put'
const VERSION = 1

/** Who holds the root and what is enforced by default; never the format (DESIGN §5). */
export const TRUST_PROFILES = ['local', 'coordinated', 'federated'] as const
export type TrustProfile = (typeof TRUST_PROFILES)[number]

/** What a genesis says of its space. */
export interface SpaceDescription {
  /** For people; not unique. */
  readonly name: string
  readonly profile: TrustProfile
  /** True where every member may read everything, so that bodies are gossiped along with headers. */
  readonly openReading: boolean
}

/** The change that describes a space; the first of its genesis. */
export function createSpaceChange(description: SpaceDescription): Uint8Array {
  const { name, profile, openReading } = description
  return encodeChange({
    type: SPACE_CREATE,
    version: VERSION,
    path: '',
    payload: { name, profile, openReading },
  })
}

/** The change that publishes delegation tokens, given as their bytes. */
export function putDelegations(tokens: readonly Uint8Array[]): Uint8Array {
  return encodeChange({ type: CAP_PUT, version: VERSION, path: '', payload: { tokens } })
}

/** Reads a description: `name` of 1 to SPACE_NAME_BYTES_MAX bytes, a known `profile`, and `openReading`; nothing else. */
export function readSpaceDescription(change: Change): Result<SpaceDescription, ChangeFault> {
  const { payload } = change
  if (!isMap(payload) || Object.keys(payload).length !== 3)
    return invalid('a space has name, profile and openReading')
  const { name, profile, openReading } = payload
  if (typeof name !== 'string' || name === '' || utf8(name).length > SPACE_NAME_BYTES_MAX) {
    return invalid(`the name of a space has 1 to ${SPACE_NAME_BYTES_MAX} bytes`)
  }
  const known = TRUST_PROFILES.find((candidate) => candidate === profile)
  if (known === undefined) return invalid(`the profile of a space is one of ${TRUST_PROFILES.join(', ')}`)
  if (typeof openReading !== 'boolean') return invalid('openReading is true or false')
  return ok({ name, profile: known, openReading })
}

/**
 * Reads published delegations: a list of tokens, each well-formed, validly signed, and with this space as its subject. One bad
 * token voids the change, since its author put the list together and signed it. `budget`: how many tokens the operation may still
 * publish; a change with more is void before any signature is looked at.
 */
export function readDelegations(
  change: Change,
  spaceKey: Uint8Array,
  verify: VerifySignature,
  budget: { left: number },
): Result<readonly VerifiedDelegation[], ChangeFault> {
  const { payload } = change
  if (!isMap(payload) || Object.keys(payload).length !== 1 || !Array.isArray(payload['tokens'])) {
    return invalid('cap.put has a list of tokens')
  }
  const tokens = payload['tokens'] as unknown[]
  if (tokens.length === 0) return invalid('cap.put has at least one token')
  if (tokens.length > budget.left)
    return invalid(`an operation publishes at most ${TOKENS_PER_OPERATION_MAX} delegations`)
  budget.left -= tokens.length
  const delegations: VerifiedDelegation[] = []
  for (const token of tokens) {
    if (!(token instanceof Uint8Array)) return invalid('a token is a byte string')
    const decoded = decodeDelegation(token)
    if (!decoded.ok) return invalid(`${decoded.fault.code}: ${decoded.fault.detail}`)
    const verified = verifyDelegation(decoded.value, verify)
    if (!verified.ok) return invalid(`${verified.fault.code}: ${verified.fault.detail}`)
    const { subject } = verified.value
    if (subject === null || !equalBytes(subject, spaceKey)) return invalid('a token is for another space')
    delegations.push(verified.value)
  }
  return ok(delegations)
}
