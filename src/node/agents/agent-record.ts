import { decodeCanonical, encodeCanonical } from '../../core/canonical-cbor.ts'
import { AGENT_GRANTS_MAX, AGENTS_MAX } from '../../core/limits.ts'
import { isRole, type Role } from '../space/roles.ts'

/** What an agent may do in one space, at and below one path. */
export interface AgentGrant {
  /** Hexadecimal. */
  readonly spaceId: string
  readonly role: Role
  /** The whole space: empty. */
  readonly path: string
  /** The delegation from the node's author to the agent's key, as it is signed. */
  readonly delegation: Uint8Array
}

/** What a node remembers of an agent; nothing in it lets anybody write as the agent. */
export interface AgentRecord {
  readonly name: string
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array
  /** True: may also run the node: peers, remotes, agents. */
  readonly isOperator: boolean
  /** Milliseconds since 1970. */
  readonly createdMs: number
  /** Milliseconds since 1970; null: never. */
  readonly expiresMs: number | null
  /** Since when the token is no longer taken, ms since 1970; null where it is. */
  readonly revokedMs: number | null
  readonly grants: readonly AgentGrant[]
}

export function encodeAgentRecords(records: readonly AgentRecord[]): Uint8Array {
  return encodeCanonical(records)
}

/** The agents of a note; null where it is damaged. */
export function decodeAgentRecords(bytes: Uint8Array): readonly AgentRecord[] | null {
  const decoded = decodeCanonical(bytes)
  if (!decoded.ok || !Array.isArray(decoded.value) || decoded.value.length > AGENTS_MAX) return null
  const records = decoded.value as readonly unknown[]
  return records.every(isRecord) ? records : null
}

function isRecord(value: unknown): value is AgentRecord {
  if (!isMap(value)) return false
  const { name, publicKey, isOperator, createdMs, expiresMs, revokedMs, grants } = value
  return (
    typeof name === 'string' &&
    publicKey instanceof Uint8Array &&
    publicKey.length === 32 &&
    typeof isOperator === 'boolean' &&
    typeof createdMs === 'number' &&
    [expiresMs, revokedMs].every((time) => time === null || typeof time === 'number') &&
    Array.isArray(grants) &&
    grants.length <= AGENT_GRANTS_MAX &&
    grants.every(isGrant)
  )
}

function isGrant(value: unknown): value is AgentGrant {
  return (
    isMap(value) &&
    typeof value['spaceId'] === 'string' &&
    isRole(value['role']) &&
    typeof value['path'] === 'string' &&
    value['delegation'] instanceof Uint8Array
  )
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
