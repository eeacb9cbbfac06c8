import { decodeCanonical } from '../../src/core/canonical-cbor.ts'
import { toHex } from '../../src/core/bytes.ts'
import type { Header } from '../../src/core/operation/header.ts'
import type { Operation } from '../../src/core/operation/operation.ts'

/** One change as it is written down: type, version, path and payload. Null where it is not even that. */
export type RawChange = readonly [type: string, version: number, path: string, payload: unknown] | null

/** One operation as the oracle sees it: what was sent, and what comes before it. Ids are hexadecimal. */
export interface Event {
  readonly id: string
  readonly header: Header
  readonly author: string
  readonly prev: string | null
  readonly parents: readonly string[]
  readonly caps: readonly string[]
  /** None where the body is not there. */
  readonly changes: readonly RawChange[]
  readonly isBodyAbsent: boolean
  /** Ids of all ancestors. */
  readonly past: ReadonlySet<string>
}

/** A set of operations that is whole: everything's parents are in it. In an order in which parents come first. */
export type History = ReadonlyMap<string, Event>

/** Reads a set of operations; null where a parent is missing. */
export function readHistory(operations: readonly Operation[]): History | null {
  const history = new Map<string, Event>()
  for (const operation of operations.toSorted((a, b) => a.header.lamport - b.header.lamport)) {
    const { header, body } = operation
    const prev = header.prev === null ? null : toHex(header.prev)
    const parents = [...(prev === null ? [] : [prev]), ...header.deps.map(toHex)]
    const past = new Set<string>()
    for (const parent of parents) {
      const event = history.get(parent)
      if (event === undefined) return null
      past.add(parent)
      for (const id of event.past) past.add(id)
    }
    const id = toHex(operation.id)
    const changes = (body ?? []).map(readChange)
    const caps = header.caps.map(toHex)
    const author = toHex(header.author)
    history.set(id, { id, header, author, prev, parents, caps, changes, isBodyAbsent: body === null, past })
  }
  return history
}

function readChange(bytes: Uint8Array): RawChange {
  const decoded = decodeCanonical(bytes)
  if (!decoded.ok || !Array.isArray(decoded.value) || decoded.value.length !== 4) return null
  const [type, version, path, payload] = decoded.value as unknown[]
  return typeof type === 'string' && typeof version === 'number' && typeof path === 'string'
    ? [type, version, path, payload]
    : null
}

/** True for a path that is `prefix` or lies below it, segment by segment. */
export function isBelow(path: string, prefix: string): boolean {
  const [inner, outer] = [path, prefix].map((text) => (text === '' ? [] : text.split('/')))
  return (outer ?? []).every((segment, i) => inner?.[i] === segment)
}

/** The texts of a list of ids, ascending and each once; null where it is none. */
export function readIds(value: unknown): readonly string[] | null {
  if (!Array.isArray(value)) return null
  const ids = (value as unknown[]).map((id) =>
    id instanceof Uint8Array && id.length === 32 ? toHex(id) : '',
  )
  return ids.every((id, i) => id !== '' && (i === 0 || (ids[i - 1] as string) < id)) ? ids : null
}

/** A plain map, as DAG-CBOR has it. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  )
}
