import { decodeCanonical, encodeCanonical } from '../canonical-cbor.ts'
import { HASH_BYTES } from '../hash.ts'
import { STATE_PROOF_BYTES_MAX, STATE_PROOF_FIELDS_MAX } from '../limits.ts'
import { parsePath } from '../path.ts'
import { fail, ok, type Fault, type Result } from '../result.ts'
import { TRIE_DEPTH_MAX, type TrieLeaf, type TrieStep, type TrieWalk } from '../trie.ts'
import type { PassedNode, Proof, ProofEnd, ShownField } from './proof.ts'
import type { SeenItem } from './state-hashes.ts'

/** What every proof begins with, so that nothing else is taken for one. */
const FORMAT = 'hanse/state/proof/1'
/** Items at one path: what one byte counts. */
const ITEMS_MAX = 255

/** Why bytes are no proof. */
export type ProofFault = Fault<'LIMIT' | 'NON_CANONICAL' | 'VERSION' | 'BAD_PATH' | 'BAD_FIELD'>

/** The bytes of a proof (docs/protocol.md §5, Proofs). `LIMIT` where they are more than STATE_PROOF_BYTES_MAX, or the fields too many. */
export function encodeProof({ path, passed, end }: Proof): Result<Uint8Array, Fault<'LIMIT'>> {
  if (end.kind === 'item' && end.fields.length > STATE_PROOF_FIELDS_MAX)
    return fail(
      'LIMIT',
      `an item of ${end.fields.length} fields, at most ${STATE_PROOF_FIELDS_MAX} go into a proof`,
    )
  const levels = passed.map(({ items, steps }) => [items, stepsOut(steps)])
  const bytes = encodeCanonical([FORMAT, path, levels, endOut(end)])
  if (bytes.length > STATE_PROOF_BYTES_MAX)
    return fail('LIMIT', `a proof of ${bytes.length} bytes, at most ${STATE_PROOF_BYTES_MAX} are allowed`)
  return ok(bytes)
}

/**
 * Strict reading of a proof, total over all bytes; what it gives is encoded as the same bytes:
 * 1. at most STATE_PROOF_BYTES_MAX bytes (`LIMIT`), canonical DAG-CBOR (`NON_CANONICAL`), of this format (`VERSION`);
 * 2. a path as parsePath has it (`BAD_PATH`);
 * 3. every list as long, every hash 32 bytes and every bitmap 16 bits as the format says, at most STATE_PROOF_FIELDS_MAX fields, 255 items at
 *    one path, TRIE_DEPTH_MAX steps of one way; values are canonical DAG-CBOR (`BAD_FIELD`).
 * Whether its parts belong together is what `checkProof` finds out.
 */
export function decodeProof(bytes: Uint8Array): Result<Proof, ProofFault> {
  if (bytes.length > STATE_PROOF_BYTES_MAX)
    return fail('LIMIT', `proof of ${bytes.length} bytes, at most ${STATE_PROOF_BYTES_MAX} are allowed`)
  const decoded = decodeCanonical(bytes)
  if (!decoded.ok) return decoded
  const list = listOf(decoded.value, 4)
  if (list?.[0] !== FORMAT) return fail('VERSION', `this is not a proof of the format ${FORMAT}`)
  const [, text, levels, last] = list
  if (typeof text !== 'string') return bad('the path is not a text')
  const path = parsePath(text)
  if (!path.ok) return path
  const passed = mapAll(levels, passedIn)
  if (passed === null) return bad('a node on the way is not its items and its steps')
  const end = endIn(last)
  return end === null ? bad('what it shows is not of a kind there is') : ok({ path: path.value, passed, end })
}

const bad = (detail: string) => fail('BAD_FIELD', detail)

const stepsOut = (steps: readonly TrieStep[]) => steps.map(({ bitmap, siblings }) => [bitmap, siblings])
const leafOut = (leaf: TrieLeaf | null) => (leaf === null ? null : [leaf.key, leaf.value])

function endOut(end: ProofEnd): readonly unknown[] {
  const { kind } = end
  switch (kind) {
    case 'item':
      return [kind, end.items, end.children, end.type, end.fields]
    case 'field':
      return [kind, end.items, end.children, end.type, end.field, end.value, stepsOut(end.steps)]
    case 'no-field': {
      const { steps, end: leaf } = end.walk
      return [kind, end.items, end.children, end.type, end.field, stepsOut(steps), leafOut(leaf)]
    }
    case 'no-item':
      return [kind, end.items.map(({ type, fields }) => [type, fields]), end.children, end.type]
    case 'nothing':
      return [kind, end.items, stepsOut(end.walk.steps), leafOut(end.walk.end)]
    case 'subtree':
      return [kind, end.root]
  }
}

/** The other way round; null where it is not so. */
function endIn(value: unknown): ProofEnd | null {
  if (!Array.isArray(value)) return null
  const [kind, ...rest] = value as unknown[]
  switch (kind) {
    case 'item': {
      const [items, children, type, list] = rest
      const item = itemIn(items, children, type)
      const fields = mapAll(list, fieldIn)
      if (value.length !== 5 || item === null || fields === null) return null
      return fields.length <= STATE_PROOF_FIELDS_MAX ? { kind, ...item, fields } : null
    }
    case 'field': {
      const [items, children, type, field, shown, list] = rest
      const item = itemIn(items, children, type)
      const pair = fieldIn([field, shown])
      const steps = stepsIn(list)
      if (value.length !== 7 || item === null || pair === null || steps === null) return null
      return { kind, ...item, field: pair[0], value: pair[1], steps }
    }
    case 'no-field': {
      const [items, children, type, field, list, leaf] = rest
      const item = itemIn(items, children, type)
      const walk = walkIn(list, leaf)
      if (value.length !== 7 || item === null || typeof field !== 'string' || walk === null) return null
      return { kind, ...item, field, walk }
    }
    case 'no-item': {
      const [list, children, type] = rest
      const items = mapAll(list, seenItemIn)
      const isTyped = typeof type === 'string' || type === null
      if (value.length !== 4 || items === null || items.length > ITEMS_MAX) return null
      return isTyped && isHash(children) ? { kind, type, items, children } : null
    }
    case 'nothing': {
      const [items, steps, leaf] = rest
      const walk = walkIn(steps, leaf)
      return value.length === 4 && isItems(items) && walk !== null ? { kind, items, walk } : null
    }
    case 'subtree':
      return value.length === 2 && isHash(rest[0]) ? { kind, root: rest[0] } : null
    default:
      return null
  }
}

function itemIn(items: unknown, children: unknown, type: unknown) {
  return isItems(items) && isHash(children) && typeof type === 'string' ? { items, children, type } : null
}

function passedIn(value: unknown): PassedNode | null {
  const [items, list] = listOf(value, 2) ?? []
  const steps = stepsIn(list)
  return isItems(items) && steps !== null ? { items, steps } : null
}

function fieldIn(value: unknown): ShownField | null {
  const [field, shown] = listOf(value, 2) ?? []
  return typeof field === 'string' && shown instanceof Uint8Array && decodeCanonical(shown).ok
    ? [field, shown]
    : null
}

function seenItemIn(value: unknown): SeenItem | null {
  const [type, fields] = listOf(value, 2) ?? []
  return typeof type === 'string' && isHash(fields) ? { type, fields } : null
}

function walkIn(list: unknown, value: unknown): TrieWalk | null {
  const steps = stepsIn(list)
  if (steps === null) return null
  if (value === null) return { steps, end: null }
  const [key, leafValue] = listOf(value, 2) ?? []
  return isHash(key) && isHash(leafValue) ? { steps, end: { key, value: leafValue } } : null
}

function stepsIn(value: unknown): readonly TrieStep[] | null {
  const steps = mapAll(value, stepIn)
  return steps !== null && steps.length <= TRIE_DEPTH_MAX ? steps : null
}

function stepIn(value: unknown): TrieStep | null {
  const [bitmap, siblings] = listOf(value, 2) ?? []
  const isBitmap = typeof bitmap === 'number' && Number.isInteger(bitmap) && bitmap >= 0 && bitmap <= 0xffff
  return isBitmap && siblings instanceof Uint8Array ? { bitmap, siblings } : null
}

const isHash = (value: unknown): value is Uint8Array =>
  value instanceof Uint8Array && value.length === HASH_BYTES

const isItems = (value: unknown): value is Uint8Array =>
  value instanceof Uint8Array && value.length % HASH_BYTES === 0 && value.length <= ITEMS_MAX * HASH_BYTES

function listOf(value: unknown, length: number): readonly unknown[] | null {
  return Array.isArray(value) && value.length === length ? (value as unknown[]) : null
}

/** All of a list read, or null where it is none or one of them cannot be. */
function mapAll<T>(value: unknown, read: (one: unknown) => T | null): readonly T[] | null {
  if (!Array.isArray(value)) return null
  const all: T[] = []
  for (const one of value as unknown[]) {
    const found = read(one)
    if (found === null) return null
    all.push(found)
  }
  return all
}
