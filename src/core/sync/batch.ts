import { equalBytes, toHex } from '../bytes.ts'
import { decodeCanonical, encodeCanonical } from '../canonical-cbor.ts'
import { HASH_BYTES } from '../hash.ts'
import { BATCH_OPERATIONS_MAX, CAPS_MAX, DEPS_MAX } from '../limits.ts'
import { composeOperation, type Body, type Operation } from '../operation/operation.ts'
import { fail, ok, type Fault, type Result } from '../result.ts'

/** Why a batch cannot be read. One code for the whole batch; a single bad operation inside only loses itself. */
export type BatchFault = Fault<'NON_CANONICAL' | 'BAD_FIELD' | 'LIMIT'>

/** One place of a batch: an operation, or why there is none. */
export type BatchItem = Result<Operation>

/**
 * Packs operations so that nothing travels which the receiver can compute (docs/protocol.md §4.5): the space is known; authors
 * and delegation chains are listed once; `prev` and `seq` are left out where the author's previous operation is in the
 * batch; parents in the batch are named by their place; the body's hash and size follow from the body.
 * The caller keeps to BATCH_OPERATIONS_MAX and BATCH_BYTES_TARGET.
 */
export function encodeBatch(operations: readonly Operation[]): Uint8Array {
  const authors = new Dictionary<Uint8Array>(toHex)
  const chains = new Dictionary<readonly Uint8Array[]>((chain) => chain.map(toHex).join())
  const places = new Map<string, number>()
  const lastOf = new Map<number, Uint8Array>()
  let lamport = 0
  let time = 0
  const rows = operations.map(({ id, header, signature, body }, place) => {
    const author = authors.place(header.author)
    const last = lastOf.get(author)
    const follows = last !== undefined && header.prev !== null && equalBytes(last, header.prev)
    const deps = header.deps.map((dep) => places.get(toHex(dep)) ?? dep)
    const row = [
      author,
      // true: follows the author's last in this batch; false: the genesis; else [seq, prev]
      follows ? true : header.space === null ? false : [header.seq, header.prev],
      deps,
      header.lamport - lamport,
      header.time - time,
      header.epoch,
      chains.place(header.caps),
      header.command,
      header.path,
      signature,
      body ?? [header.bodyHash, header.bodySize],
      body !== null,
    ]
    lastOf.set(author, id)
    places.set(toHex(id), place)
    lamport = header.lamport
    time = header.time
    return row
  })
  return encodeCanonical([authors.values, chains.values, rows])
}

/**
 * Unpacks a batch of the given space. The whole is refused when it is not canonical (`NON_CANONICAL`), not of the form that
 * encodeBatch writes (`BAD_FIELD`), or holds more than BATCH_OPERATIONS_MAX operations (`LIMIT`); an operation that is not
 * well-formed is a fault in its own place, and those that name it as a parent by place are faults too.
 */
export function decodeBatch(
  bytes: Uint8Array,
  spaceId: Uint8Array,
): Result<readonly BatchItem[], BatchFault> {
  const decoded = decodeCanonical(bytes)
  if (!decoded.ok) return decoded
  const value = decoded.value
  if (!isList(value, 3)) return fail('BAD_FIELD', 'a batch is a list of authors, chains and operations')
  const [authors, chains, rows] = value
  // What is listed once and named often is checked once, here: a long author or chain would otherwise grow with every naming.
  if (!isDigestList(authors)) return fail('BAD_FIELD', 'authors of a batch are keys of 32 bytes')
  if (!Array.isArray(chains) || !chains.every(isChain))
    return fail('BAD_FIELD', `chains of a batch are lists of at most ${CAPS_MAX} digests`)
  if (!Array.isArray(rows)) return fail('BAD_FIELD', 'operations of a batch are a list')
  if (rows.length > BATCH_OPERATIONS_MAX)
    return fail('LIMIT', `batch of ${rows.length}, at most ${BATCH_OPERATIONS_MAX} allowed`)
  const reader = new BatchReader(spaceId, authors, chains)
  return ok((rows as unknown[]).map((row) => reader.read(row)))
}

class BatchReader {
  readonly #spaceId: Uint8Array
  readonly #authors: readonly Uint8Array[]
  readonly #chains: readonly (readonly Uint8Array[])[]
  readonly #ids: (Uint8Array | null)[] = []
  readonly #lastOf = new Map<number, { readonly id: Uint8Array; readonly seq: number }>()
  #lamport = 0
  #time = 0

  constructor(
    spaceId: Uint8Array,
    authors: readonly Uint8Array[],
    chains: readonly (readonly Uint8Array[])[],
  ) {
    this.#spaceId = spaceId
    this.#authors = authors
    this.#chains = chains
  }

  read(row: unknown): BatchItem {
    const item = this.#assemble(row)
    this.#ids.push(item.ok ? item.value.id : null)
    return item
  }

  #assemble(row: unknown): BatchItem {
    if (!isList(row, 12)) return bad('an operation of a batch is a list of twelve')
    const [
      author,
      link,
      deps,
      lamportStep,
      timeStep,
      epoch,
      chain,
      command,
      path,
      signature,
      content,
      hasBody,
    ] = row
    if (!Number.isSafeInteger(lamportStep) || !Number.isSafeInteger(timeStep))
      return bad('lamport or time is not a step')
    // First of all, because the operations that follow count on from here whatever becomes of this one.
    this.#lamport += lamportStep as number
    this.#time += timeStep as number
    const key = isIndex(author) ? this.#authors[author] : undefined
    const caps = isIndex(chain) ? this.#chains[chain] : undefined
    if (key === undefined || caps === undefined) return bad('author or chain is not listed in the batch')
    const place = this.#placeOf(author as number, link)
    if (place === null) return bad('the place in the log is not readable')
    const parents = this.#resolve(deps)
    if (parents === null)
      return bad('parents are more than may be, or one named by place is not in the batch')
    if (!(signature instanceof Uint8Array)) return bad('signature is not bytes')
    const body = readContent(content, hasBody)
    if (body === null) return bad('body is neither changes nor [hash, size]')
    const fields = {
      space: link === false ? null : this.#spaceId,
      author: key,
      seq: place.seq,
      prev: place.prev,
      deps: parents,
      lamport: this.#lamport,
      time: this.#time,
      epoch,
      caps,
      command,
      path,
    }
    const operation = composeOperation(fields, signature, body)
    if (operation.ok) this.#lastOf.set(author as number, { id: operation.value.id, seq: place.seq })
    return operation
  }

  #placeOf(author: number, link: unknown): { readonly seq: number; readonly prev: Uint8Array | null } | null {
    if (link === false) return { seq: 0, prev: null }
    if (link === true) {
      const last = this.#lastOf.get(author)
      return last === undefined ? null : { seq: last.seq + 1, prev: last.id }
    }
    if (!isList(link, 2)) return null
    const [seq, prev] = link
    return isIndex(seq) && (prev === null || prev instanceof Uint8Array) ? { seq, prev } : null
  }

  #resolve(deps: unknown): readonly Uint8Array[] | null {
    if (!Array.isArray(deps) || deps.length > DEPS_MAX) return null
    const ids: Uint8Array[] = []
    for (const dep of deps as unknown[]) {
      const id = isIndex(dep) ? this.#ids[dep] : dep
      if (!(id instanceof Uint8Array)) return null
      ids.push(id)
    }
    return ids
  }
}

function readContent(
  content: unknown,
  hasBody: unknown,
): Body | { readonly bodyHash: unknown; readonly bodySize: unknown } | null {
  if (hasBody === true) return isBytesList(content) ? content : null
  if (hasBody !== false || !isList(content, 2)) return null
  const [bodyHash, bodySize] = content
  return { bodyHash, bodySize }
}

/** Values by their place, each once. */
class Dictionary<T> {
  readonly values: T[] = []
  readonly #places = new Map<string, number>()
  readonly #keyOf: (value: T) => string

  constructor(keyOf: (value: T) => string) {
    this.#keyOf = keyOf
  }

  place(value: T): number {
    const key = this.#keyOf(value)
    const known = this.#places.get(key)
    if (known !== undefined) return known
    this.#places.set(key, this.values.length)
    return this.values.push(value) - 1
  }
}

const bad = (detail: string) => fail('BAD_FIELD', detail)
const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isList = (value: unknown, length: number): value is unknown[] =>
  Array.isArray(value) && value.length === length
const isDigestList = (value: unknown): value is readonly Uint8Array[] =>
  isBytesList(value) && value.every((item) => item.length === HASH_BYTES)
const isChain = (value: unknown): value is readonly Uint8Array[] =>
  isDigestList(value) && value.length <= CAPS_MAX
const isBytesList = (value: unknown): value is readonly Uint8Array[] =>
  Array.isArray(value) && value.every((item) => item instanceof Uint8Array)
