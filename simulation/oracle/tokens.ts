import { toHex } from '../../src/core/bytes.ts'
import { decodeCanonical } from '../../src/core/canonical-cbor.ts'
import { decodeDelegation, verifyDelegation } from '../../src/core/ucan/delegation.ts'
import { verifySync } from '../verifier.ts'
import { isBelow, isMap, type Event, type History, type RawChange } from './history.ts'

/** A delegation as the oracle sees it; keys are hexadecimal. */
export interface Token {
  readonly digest: string
  readonly issuer: string
  readonly audience: string
  readonly subject: string | null
  readonly command: string
  /** As it was written. */
  readonly policy: readonly unknown[]
  readonly notBeforeSeconds: number | null
  readonly expiresSeconds: number | null
}

/** What authority is wanted for. */
export interface Wanted {
  readonly command: string
  readonly path: string
  readonly timeMs: number
  readonly bodySize: number
}

/** The tokens that one change publishes in an operation; none where the change is void. */
export function published(change: RawChange, { header }: Event, spaceKey: string): readonly Token[] {
  if (change === null || header.command !== '/cap/grant') return []
  const [type, version, path, payload] = change
  if (type !== 'cap.put' || version !== 1 || !isBelow(path, header.path)) return []
  if (!isMap(payload) || Object.keys(payload).join() !== 'tokens') return []
  const list = payload['tokens']
  if (!Array.isArray(list) || list.length === 0) return []
  const tokens = (list as unknown[]).map(readToken)
  return tokens.every((token) => token !== null && token.subject === spaceKey) ? (tokens as Token[]) : []
}

function readToken(bytes: unknown): Token | null {
  if (!(bytes instanceof Uint8Array)) return null
  const decoded = decodeDelegation(bytes)
  if (!decoded.ok || !verifyDelegation(decoded.value, verifySync).ok) return null
  const { issuer, audience, subject, command, digest, notBeforeSeconds, expiresSeconds } = decoded.value
  const envelope = decodeCanonical(bytes)
  const payload = envelope.ok
    ? (envelope.value as [unknown, Record<string, unknown>])[1]['ucan/dlg@1.0.0']
    : {}
  return {
    digest: toHex(digest),
    issuer: toHex(issuer),
    audience: toHex(audience),
    subject: subject === null ? null : toHex(subject),
    command,
    policy: (payload as { readonly pol: readonly unknown[] }).pol,
    notBeforeSeconds,
    expiresSeconds,
  }
}

/** True when every token allows it: command, policy and time. */
export function allow(tokens: readonly Token[], wanted: Wanted): boolean {
  return tokens.every((token) => {
    const isCovered = isBelow(wanted.command.slice(1), token.command.slice(1))
    return isCovered && token.policy.every((statement) => holds(statement, wanted)) && isTimely(token, wanted)
  })
}

/** True when a token is valid at a time. */
export function isTimely({ notBeforeSeconds, expiresSeconds }: Token, { timeMs }: Wanted): boolean {
  const isBegun = notBeforeSeconds === null || notBeforeSeconds * 1000 <= timeMs
  return isBegun && (expiresSeconds === null || timeMs <= expiresSeconds * 1000)
}

/** One statement of a policy as UCAN 1.0 has it, for what roles and these actors write. */
function holds(statement: unknown, wanted: Wanted): boolean {
  const [operator, left, right] = statement as [string, unknown, unknown]
  switch (operator) {
    case '==':
      return argument(left, wanted) === right
    case 'like': {
      const text = argument(left, wanted)
      return typeof text === 'string' && typeof right === 'string' && toPattern(right).test(text)
    }
    case 'and':
      return (left as unknown[]).every((inner) => holds(inner, wanted))
    case 'or':
      return (left as unknown[]).length === 0 || (left as unknown[]).some((inner) => holds(inner, wanted))
    case 'not':
      return !holds(left, wanted)
    default:
      return false
  }
}

function argument(selector: unknown, { command, path, timeMs, bodySize }: Wanted): unknown {
  return new Map<unknown, unknown>([
    ['.command', command],
    ['.path', path],
    ['.time', timeMs],
    ['.bodySize', bodySize],
  ]).get(selector)
}

function toPattern(glob: string): RegExp {
  const parts = glob
    .split(/(\\\*|\*)/)
    .map((part) => (part === '*' ? '[^]*' : literal(part === '\\*' ? '*' : part)))
  return new RegExp(`^${parts.join('')}$`, 'u')
}

/** A pattern that matches the text itself. */
const literal = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)

/** Every token of a history, with the operations that publish it. */
export function allTokens(
  history: History,
  spaceKey: string,
): ReadonlyMap<string, { readonly token: Token; readonly publishers: readonly string[] }> {
  const tokens = new Map<string, { token: Token; publishers: string[] }>()
  for (const event of history.values()) {
    for (const token of event.changes.flatMap((change) => published(change, event, spaceKey))) {
      const known = tokens.get(token.digest)
      if (known === undefined) tokens.set(token.digest, { token, publishers: [event.id] })
      else known.publishers.push(event.id)
    }
  }
  return tokens
}
