import type { toClockJson } from '../core/clock-text.ts'
import { parseClockText } from '../core/clock-text.ts'
import { OPERATION_LINE_BYTES_MAX, PEER_MESSAGE_OPERATIONS_MAX } from '../core/limits.ts'
import { fail, ok, type Fault, type Result } from '../core/result.ts'

/** The version of operations that lines of this program can hold (docs/formats.md); a message with a greater one is not read. */
export const PEER_SCHEMA_VERSION = 1

/** How far somebody has a space: `did:key` of an author → head or heads, as `hanse ops clock` prints it. Authors that are missing are unknown. */
export type PeerCursor = ReturnType<typeof toClockJson>

/** What two peers of a space tell each other, whatever carries it. JSON. */
export type PeerMessage =
  /** Operations, parents first, each a line of docs/formats.md; at most PEER_MESSAGE_OPERATIONS_MAX. */
  | { readonly type: 'changes'; readonly schemaVersion: number; readonly changes: readonly string[] }
  /** End of stored: what the other asked for has been sent, and with it the sender stands here. */
  | { readonly type: 'eose'; readonly schemaVersion: number; readonly cursor: PeerCursor }

/** Reads a message that came from a peer. `BAD_MESSAGE` for what is none; `OUTDATED` for one of a later version, with that version. */
export function readPeerMessage(
  value: unknown,
): Result<PeerMessage, Fault<'BAD_MESSAGE'> | (Fault<'OUTDATED'> & { readonly requiredVersion: number })> {
  if (!isObject(value)) return bad('it is not an object')
  const { type, schemaVersion, changes, cursor } = value
  if (!Number.isSafeInteger(schemaVersion) || (schemaVersion as number) < 1)
    return bad('it names no schemaVersion')
  const requiredVersion = schemaVersion as number
  if (requiredVersion > PEER_SCHEMA_VERSION) {
    const detail = `the peer sends operations of version ${requiredVersion}, this program reads ${PEER_SCHEMA_VERSION}: update it`
    return { ok: false, fault: { code: 'OUTDATED', detail, requiredVersion } }
  }
  if (type === 'changes') {
    const isList =
      Array.isArray(changes) &&
      changes.length <= PEER_MESSAGE_OPERATIONS_MAX &&
      changes.every((line) => typeof line === 'string' && line.length <= OPERATION_LINE_BYTES_MAX)
    return isList
      ? ok({ type, schemaVersion: requiredVersion, changes: changes as readonly string[] })
      : bad(`its changes are not at most ${PEER_MESSAGE_OPERATIONS_MAX} texts`)
  }
  if (type !== 'eose') return bad(`there is no message of type ${nameOf(type)}`)
  const read = readPeerCursor(cursor)
  return read.ok ? ok({ type, schemaVersion: requiredVersion, cursor: read.value }) : read
}

/** Reads a cursor that came from a peer. `BAD_MESSAGE`. */
export function readPeerCursor(value: unknown): Result<PeerCursor, Fault<'BAD_MESSAGE'>> {
  const text = isObject(value) ? textOf(value) : null
  if (text === null) return bad('its cursor is not an object')
  const parsed = parseClockText(text)
  return parsed.ok ? ok(value as PeerCursor) : bad(parsed.fault.detail)
}

/** JSON; null for what is nested too deep for it, or has a value that JSON does not. */
function textOf(value: unknown): string | null {
  try {
    return JSON.stringify(value)
  } catch {
    return null
  }
}

const nameOf = (type: unknown): string =>
  typeof type === 'string' ? JSON.stringify(type.slice(0, 40)) : 'that is no text'

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const bad = (detail: string) => fail('BAD_MESSAGE', `the peer's message cannot be read: ${detail}`)
