import { equalBytes, equalLists, ownBytes, toKey } from '../bytes.ts'
import { encodeCanonical, viewCanonical } from '../canonical-cbor.ts'
import { HASH_BYTES } from '../hash.ts'
import { BATCH_OPERATIONS_MAX, CAPS_MAX, DEPS_MAX } from '../limits.ts'
import { composeOperation, OperationRoom, type Body, type Operation } from '../operation/operation.ts'
import { fail, ok, type Fault, type Result } from '../result.ts'
import { SIGNATURE_BYTES } from '../signature.ts'
import { cutPath, insertPath } from './change-at-path.ts'
import { NOTHING_SHARED, type SharedHead, type SharedHeads } from './shared-heads.ts'

/** Why a batch cannot be read. One code for the whole batch; a single bad operation inside only loses itself. */
export type BatchFault = Fault<'NON_CANONICAL' | 'BAD_FIELD' | 'LIMIT'>

/** One place of a batch: an operation, or why there is none. */
export type BatchItem = Result<Operation>

/**
 * Packs operations so that nothing travels which the receiver can compute (docs/protocol.md §4.5): the space is known; authors,
 * delegation chains and commands are listed once; `prev`, `seq` and the chain are left out where the author's previous operation is in
 * the batch and says them; parents in the batch are named by how far back they are; the body's hash and size follow from the body.
 * `shared`: what the receiver has listed and the sender has too, of which keys, chains and ids are named by place. Column by column, which
 * packs better than row by row and is read faster, and the signatures last, because nothing packs them ({@link signatureBytes}). The caller
 * keeps to BATCH_OPERATIONS_MAX and BATCH_BYTES_TARGET.
 */
export function encodeBatch(operations: readonly Operation[], shared = NOTHING_SHARED): Uint8Array {
  const authors = new Dictionary<Uint8Array>(toKey)
  const chains = new Dictionary<readonly Uint8Array[]>((chain) => chain.map(toKey).join(''))
  const sharedPlace = (id: Uint8Array): number | undefined => {
    const place = shared.placeOf(id)
    return place === undefined ? undefined : -1 - place
  }
  const commands = new Dictionary<string>((command) => command)
  const places = new Places(operations)
  /** By author: what it wrote last, in this batch or else as the receiver listed it. */
  const lastOf: (Pick<SharedHead, 'id' | 'caps'> | undefined)[] = []
  const columns = Array.from({ length: COLUMNS }, (): unknown[] => [])
  const signatures = new Uint8Array(signatureBytes(operations))
  let lamport = 0
  let time = 0
  for (const [place, { id, header, signature, body }] of operations.entries()) {
    const met = authors.values.length
    const author = authors.place(header.author)
    if (author === met) lastOf.push(shared.at(shared.placeOfAuthor(header.author) ?? -1))
    const last = lastOf[author]
    const follows = last !== undefined && header.prev !== null && equalBytes(last.id, header.prev)
    const row = [
      met - author,
      // true: follows the author's last in this batch; false: the genesis; else [seq, prev]
      follows ? true : header.space === null ? false : [header.seq, header.prev],
      header.deps.map((dep) => places.stepsBack(place, dep) ?? sharedPlace(dep) ?? dep),
      header.lamport - lamport,
      header.time - time,
      header.epoch,
      last !== undefined && equalLists(last.caps, header.caps) ? 0 : 1 + chains.place(header.caps),
      commands.place(header.command),
      header.path,
      body === null ? [header.bodyHash, header.bodySize] : packBody(body, header.path),
    ]
    for (const [i, column] of columns.entries()) column.push(row[i])
    signatures.set(signature, place * SIGNATURE_BYTES)
    lastOf[author] = { id, caps: header.caps }
    lamport = header.lamport
    time = header.time
  }
  const authorNames = authors.values.map((author) => shared.placeOfAuthor(author) ?? author)
  const chainNames = chains.values.map((chain) => shared.placeOfChain(chain) ?? chain)
  return encodeCanonical([authorNames, chainNames, commands.values, ...columns, signatures])
}

/** How many bytes at the end of such a batch are signatures. */
export function signatureBytes(operations: readonly Operation[]): number {
  return operations.length * SIGNATURE_BYTES
}

/** What a batch has for each operation, besides its signature. */
const COLUMNS = 10

/**
 * Unpacks a batch of the given space. The whole is refused when it is not canonical (`NON_CANONICAL`), not of the form that
 * encodeBatch writes (`BAD_FIELD`), or holds more than BATCH_OPERATIONS_MAX operations (`LIMIT`); an operation that is not
 * well-formed is a fault in its own place, and those that name it as a parent by place are faults too.
 * The operations share their memory, and some of it with `bytes`: of one that is kept for longer than the batch, ownOperation is to be kept.
 */
export function decodeBatch(
  bytes: Uint8Array,
  spaceId: Uint8Array,
  shared = NOTHING_SHARED,
): Result<readonly BatchItem[], BatchFault> {
  const decoded = viewCanonical(bytes)
  if (!decoded.ok) return decoded
  const value = decoded.value
  if (!isList(value, 4 + COLUMNS))
    return fail('BAD_FIELD', 'a batch is a list of authors, chains, commands, ten columns and signatures')
  const [authorNames, chainNames, commands, ...columns] = value
  const signatures = columns.pop()
  const heads = Array.isArray(authorNames)
    ? (authorNames as unknown[]).map((name) => headAt(shared, name))
    : []
  const authors = resolve(authorNames, (name) => headAt(shared, name)?.author)
  const chains = resolve(chainNames, (name) => headAt(shared, name)?.caps)
  // What is listed once and named often is checked once, here: a long author or chain would otherwise grow with every naming.
  if (!isDigestList(authors))
    return fail('BAD_FIELD', 'authors of a batch are keys of 32 bytes, or places of what was listed')
  if (!Array.isArray(chains) || !chains.every(isChain))
    return fail('BAD_FIELD', `chains of a batch are lists of at most ${CAPS_MAX} digests`)
  if (!Array.isArray(commands)) return fail('BAD_FIELD', 'commands of a batch are a list')
  if (!(signatures instanceof Uint8Array) || signatures.length % SIGNATURE_BYTES !== 0)
    return fail('BAD_FIELD', `signatures of a batch are ${SIGNATURE_BYTES} bytes for each operation`)
  const length = signatures.length / SIGNATURE_BYTES
  if (length > BATCH_OPERATIONS_MAX)
    return fail('LIMIT', `batch of ${length}, at most ${BATCH_OPERATIONS_MAX} allowed`)
  if (!columns.every((column) => isList(column, length)))
    return fail('BAD_FIELD', `a column of a batch is a list of ${length}, as many as there are signatures`)
  const reader = new BatchReader({
    spaceId,
    shared,
    heads,
    // What follows from operations names these for as long as it is kept.
    authors: authors.map(ownBytes),
    chains: chains.map((chain) => chain.map(ownBytes)),
    commands,
    signatures: ownBytes(signatures),
    columns,
  })
  return ok(Array.from({ length }, (_, place) => reader.read(place)))
}

/** What is read of a batch as a whole; only its columns and commands may still hold anything. */
interface BatchParts {
  readonly spaceId: Uint8Array
  readonly shared: SharedHeads
  /** For each author named by place: that head. */
  readonly heads: readonly (SharedHead | undefined)[]
  readonly authors: readonly Uint8Array[]
  readonly chains: readonly (readonly Uint8Array[])[]
  readonly commands: readonly unknown[]
  readonly signatures: Uint8Array
  readonly columns: readonly unknown[][]
}

class BatchReader {
  readonly #parts: BatchParts
  readonly #room = new OperationRoom()
  readonly #ids: (Uint8Array | null)[] = []
  readonly #lastOf = new Map<number, { readonly id: Uint8Array; readonly seq: number }>()
  /** By author: the chain it wrote under last. */
  readonly #chainOf: (readonly Uint8Array[] | undefined)[] = []
  /** Authors of which something has been read. */
  #met = 0
  #lamport = 0
  #time = 0

  constructor(parts: BatchParts) {
    this.#parts = parts
  }

  /** To be called for one place after the other, from 0. */
  read(place: number): BatchItem {
    const item = this.#assemble(place)
    this.#ids.push(item.ok ? item.value.id : null)
    return item
  }

  #assemble(place: number): BatchItem {
    const { spaceId, authors, commands, signatures, columns } = this.#parts
    const at = (column: number) => columns[column]?.[place]
    const author = this.#authorAt(at(0))
    const link = at(1)
    const lamportStep = at(3)
    const timeStep = at(4)
    const command = at(7)
    if (!Number.isSafeInteger(lamportStep) || !Number.isSafeInteger(timeStep))
      return bad('lamport or time is not a step')
    // First of all, because the operations that follow count on from here whatever becomes of this one.
    this.#lamport += lamportStep as number
    this.#time += timeStep as number
    const key = authors[author]
    const caps = key === undefined ? undefined : this.#chainAt(author, at(6))
    if (key === undefined || caps === undefined) return bad('author or chain is not listed in the batch')
    const position = this.#positionOf(author, link)
    if (position === null) return bad('the place in the log is not readable')
    const parents = this.#resolve(at(2), place)
    if (parents === null)
      return bad('parents are more than may be, or one named by place is not in the batch')
    const content = this.#readContent(at(9), at(8))
    if (content === null) return bad('body is neither changes nor [hash, size]')
    const fields = {
      space: link === false ? null : spaceId,
      author: key,
      seq: position.seq,
      prev: position.prev,
      deps: parents,
      lamport: this.#lamport,
      time: this.#time,
      epoch: at(5),
      caps,
      command: isIndex(command) ? commands[command] : undefined,
      path: at(8),
    }
    const signature = signatures.subarray(place * SIGNATURE_BYTES, (place + 1) * SIGNATURE_BYTES)
    const operation = composeOperation(fields, signature, content, this.#room)
    if (operation.ok) this.#lastOf.set(author, { id: operation.value.id, seq: position.seq })
    return operation
  }

  /** The next of the authors, or one that so many authors ago was that; −1 where there is none. */
  #authorAt(back: unknown): number {
    if (!isIndex(back) || back > this.#met) return -1
    const author = this.#met - back
    if (back === 0) this.#met++
    return author
  }

  /** The chain of the author's operation before, or else a listed one. */
  #chainAt(author: number, chain: unknown): readonly Uint8Array[] | undefined {
    if (!isIndex(chain)) return undefined
    const { chains, heads } = this.#parts
    const caps = chain > 0 ? chains[chain - 1] : (this.#chainOf[author] ?? heads[author]?.caps)
    this.#chainOf[author] = caps
    return caps
  }

  #positionOf(
    author: number,
    link: unknown,
  ): { readonly seq: number; readonly prev: Uint8Array | null } | null {
    if (link === false) return { seq: 0, prev: null }
    if (link === true) {
      const last = this.#lastOf.get(author) ?? this.#parts.heads[author]
      return last === undefined ? null : { seq: last.seq + 1, prev: last.id }
    }
    if (!isList(link, 2)) return null
    const [seq, prev] = link
    return isIndex(seq) && (prev === null || prev instanceof Uint8Array) ? { seq, prev } : null
  }

  /** An operation so many places before `place`, or below zero a head that the receiver listed. */
  #idAt(step: number, place: number): Uint8Array | null | undefined {
    return step > 0 ? this.#ids[place - step] : this.#parts.shared.at(-1 - step)?.id
  }

  #resolve(deps: unknown, place: number): readonly Uint8Array[] | null {
    if (!Array.isArray(deps) || deps.length > DEPS_MAX) return null
    const ids = (deps as unknown[]).map((dep) =>
      Number.isSafeInteger(dep) ? this.#idAt(dep as number, place) : dep,
    )
    return isBytesList(ids) ? ids : null
  }

  /** Changes are byte strings, which a size is not: so the two are told apart. */
  #readContent(
    content: unknown,
    path: unknown,
  ): Body | { readonly bodyHash: unknown; readonly bodySize: unknown } | null {
    if (isBytesList(content)) return content
    if (content instanceof Uint8Array) {
      // One path for one change, which stands in the batch itself: so nothing grows to more than twice what was sent.
      const change = typeof path === 'string' ? insertPath(content, path, this.#room.bytes) : null
      return change === null ? null : [change]
    }
    if (!isList(content, 2)) return null
    const [bodyHash, bodySize] = content
    return { bodyHash, bodySize }
  }
}

/** A list in which places of what was listed stand for what they name. */
function resolve(names: unknown, of: (place: unknown) => unknown): unknown {
  return Array.isArray(names) ? (names as unknown[]).map((name) => (isIndex(name) ? of(name) : name)) : names
}

const headAt = (shared: SharedHeads, name: unknown): SharedHead | undefined =>
  isIndex(name) ? shared.at(name) : undefined

/** A body of one change at the operation's path goes as that change without it. */
function packBody(body: Body, path: string): Body | Uint8Array {
  const [change, other] = body
  return (change === undefined || other !== undefined ? null : cutPath(change, path)) ?? body
}

/** The places of operations by their ids. Nearly always the one just before is asked for, so the others are listed when one of them is. */
class Places {
  readonly #operations: readonly Operation[]
  readonly #byId = new Map<string, number>()
  #listed = 0

  constructor(operations: readonly Operation[]) {
    this.#operations = operations
  }

  /** How many places before `place` the operation with that id is. */
  stepsBack(place: number, id: Uint8Array): number | undefined {
    const last = this.#operations[place - 1]
    if (last !== undefined && equalBytes(last.id, id)) return 1
    for (; this.#listed < place; this.#listed++)
      this.#byId.set(toKey((this.#operations[this.#listed] as Operation).id), this.#listed)
    const found = this.#byId.get(toKey(id))
    return found === undefined ? undefined : place - found
  }
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
