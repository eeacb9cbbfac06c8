import { compareBytes, equalBytes, utf8 } from '../bytes.ts'
import { HASH_BYTES } from '../hash.ts'
import { fail, ok, type Fault, type Result } from '../result.ts'
import { rootOfWalk } from '../trie-walk.ts'
import { MerkleTrie, type TrieStep, type TrieWalk } from '../trie.ts'
import {
  fieldKey,
  fieldValue,
  itemHash,
  itemHashes,
  nodeHash,
  type SeenItem,
  segmentKey,
  segmentsOf,
} from './state-hashes.ts'
import type { StateTree } from './state-tree.ts'

/** A field with the canonical bytes of its value. */
export type ShownField = readonly [field: string, value: Uint8Array]

/** The items at a path by their hashes, and the root of the trie of the children there. */
interface NodeParts {
  /** Hashes of the items, ascending by type, joined. */
  readonly items: Uint8Array
  readonly children: Uint8Array
}

/** A node above the path, and the way through the trie of its children to the next one. */
export interface PassedNode {
  /** Hashes of the items, ascending by type, joined. */
  readonly items: Uint8Array
  readonly steps: readonly TrieStep[]
}

/** What a proof says about its path, with what the hash of the node there is of. */
export type ProofEnd =
  /** The whole item: these are all of its fields, ascending by bytes. */
  | ({ readonly kind: 'item'; readonly type: string; readonly fields: readonly ShownField[] } & NodeParts)
  /** One field of the item. */
  | ({
      readonly kind: 'field'
      readonly type: string
      readonly field: string
      readonly value: Uint8Array
      readonly steps: readonly TrieStep[]
    } & NodeParts)
  /** The item is there, without that field. */
  | ({
      readonly kind: 'no-field'
      readonly type: string
      readonly field: string
      readonly walk: TrieWalk
    } & NodeParts)
  /** There is a node, without an item of that type; null: without any item. */
  | {
      readonly kind: 'no-item'
      readonly type: string | null
      readonly items: readonly SeenItem[]
      readonly children: Uint8Array
    }
  /** The node after those passed has no child of the next segment: nothing is at or below the path. */
  | { readonly kind: 'nothing'; readonly items: Uint8Array; readonly walk: TrieWalk }
  /** The node itself, with all that is at and below the path. */
  | { readonly kind: 'subtree'; readonly root: Uint8Array }

/**
 * That something shows, or does not, in the state that a state root stands for (docs/protocol.md §5), by the parts of every hash between the
 * two. Of use to whoever trusts the root and has nothing else. Size: what it shows, and for each level of the path and for the fields one
 * way through a trie.
 */
export interface Proof {
  readonly path: string
  /** From the root on: as many as the path has segments, fewer where `end` is `nothing`. */
  readonly passed: readonly PassedNode[]
  readonly end: ProofEnd
}

/** What is asked to be proved: of a path the item of a type (null: any), or one field of it, or all that is at and below. */
export type Question =
  | { readonly path: string; readonly type: string | null; readonly field?: string }
  | { readonly path: string; readonly subtree: true }

/** What a proof shows of the state under a root. */
export type Shown =
  | {
      readonly kind: 'item'
      readonly path: string
      readonly type: string
      readonly fields: readonly ShownField[]
    }
  | {
      readonly kind: 'field'
      readonly path: string
      readonly type: string
      readonly field: string
      readonly value: Uint8Array
    }
  | { readonly kind: 'no-field'; readonly path: string; readonly type: string; readonly field: string }
  | { readonly kind: 'no-item'; readonly path: string; readonly type: string | null }
  /** Nothing is at or below `missing`, which is the path or above it. */
  | { readonly kind: 'nothing'; readonly path: string; readonly missing: string }
  | { readonly kind: 'subtree'; readonly path: string; readonly root: Uint8Array }

/**
 * The proof of what a state tree says to a question, whatever that is: presence or absence. `fieldsOf`: the fields of an item that shows, with
 * their values; asked only for what the proof holds, one field or, where none is named, all. A question for any type is answered with
 * absence; throws where there is an item (a bug: the caller has to choose).
 */
export function proveState(
  tree: StateTree,
  question: Question,
  fieldsOf: (type: string, field: string | undefined) => readonly ShownField[],
): Proof {
  const { path } = question
  const walked = tree.walk(path)
  const { node } = walked
  const passed = walked.passed.map(({ items, walk }) => ({ items, steps: walk.steps }))
  const last = walked.passed.at(-1)
  if (node === null && last !== undefined)
    return { path, passed: passed.slice(0, -1), end: { kind: 'nothing', ...last } }
  if (node === null) throw new Error('bug: a state without a root')
  if ('subtree' in question) {
    const root = nodeHash(itemHashes(node.items), node.children)
    return { path, passed, end: { kind: 'subtree', root } }
  }
  const { type, field } = question
  if (type === null && node.items.length > 0)
    throw new Error('bug: a question for any type where there is one')
  if (type === null || !node.items.some((item) => item.type === type))
    return { path, passed, end: { kind: 'no-item', type, ...node } }
  const parts = { type, items: itemHashes(node.items), children: node.children }
  if (field === undefined) {
    const fields = [...fieldsOf(type, undefined)].sort(([a], [b]) => compareBytes(utf8(a), utf8(b)))
    return { path, passed, end: { kind: 'item', ...parts, fields } }
  }
  const walk = tree.walkToField({ path, type, field })
  if (walk === null) throw new Error('bug: an item without a trie of fields')
  if (walk.end === null || !equalBytes(walk.end.key, fieldKey(field)))
    return { path, passed, end: { kind: 'no-field', ...parts, field, walk } }
  const [shown] = fieldsOf(type, field)
  if (shown === undefined) throw new Error('bug: a field of the state tree without a value')
  return { path, passed, end: { kind: 'field', ...parts, field, value: shown[1], steps: walk.steps } }
}

/**
 * Whether a proof holds for a state root. It does if every part is hashed as docs/protocol.md §5 has it, the result is the root, and:
 * 1. the way goes by the keys of the path's own segments, and of the field: what a way to another key leads to shows nothing;
 * 2. of an item, the hash is among those of its node, and all fields together give its root, so that there are no others;
 * 3. of absence, the way ends where the key would be, with nothing or with another key alone; of a type, every item is there by its own type,
 *    ascending, and none is of that type.
 * So there is no second proof for the same root that says otherwise: it would be a collision of SHA-256.
 */
export function checkProof(proof: Proof, root: Uint8Array): Result<Shown, Fault<'NOT_PROVEN'>> {
  const found = rootOf(proof)
  if (found === null)
    return fail('NOT_PROVEN', 'the proof contradicts itself: its parts are not on the way to what it shows')
  if (!equalBytes(found, root))
    return fail(
      'NOT_PROVEN',
      'the proof does not lead to this state root: it is of another state, or was changed',
    )
  return ok(shownBy(proof))
}

/** The state root that a proof leads to; null where its parts do not fit together. */
export function rootOf({ path, passed, end }: Proof): Uint8Array | null {
  const segments = segmentsOf(path)
  const keyAt = (depth: number) => segmentKey(segments[depth] as string)
  const isNothing = end.kind === 'nothing'
  if (isNothing ? passed.length >= segments.length : passed.length !== segments.length) return null
  let below = isNothing ? nodeWithoutChild(end, keyAt(passed.length)) : nodeOf(end)
  for (let depth = passed.length - 1; depth >= 0 && below !== null; depth--) {
    const { items, steps } = passed[depth] as PassedNode
    const key = keyAt(depth)
    const children = rootOfWalk(key, { steps, end: { key, value: below } })
    below = children === null ? null : nodeHash(items, children)
  }
  return below
}

function nodeWithoutChild(
  { items, walk }: { readonly items: Uint8Array; readonly walk: TrieWalk },
  key: Uint8Array,
): Uint8Array | null {
  const children = rootWithout(key, walk)
  return children === null ? null : nodeHash(items, children)
}

/** The root of a trie that does not have the key, by the way to where it would be. */
function rootWithout(key: Uint8Array, walk: TrieWalk): Uint8Array | null {
  return walk.end !== null && equalBytes(walk.end.key, key) ? null : rootOfWalk(key, walk)
}

/** Hash of the node at the path of a proof; null where its parts do not fit together. */
function nodeOf(end: Exclude<ProofEnd, { kind: 'nothing' }>): Uint8Array | null {
  switch (end.kind) {
    case 'subtree':
      return end.root
    case 'no-item': {
      const { type, items, children } = end
      if (type === null ? items.length > 0 : items.some((item) => item.type === type)) return null
      return isAscending(items.map((item) => item.type)) ? nodeHash(itemHashes(items), children) : null
    }
    case 'item': {
      const fields = rootOfFields(end.fields)
      return fields === null ? null : nodeWithItem(end, fields)
    }
    case 'field': {
      const { field, value, steps } = end
      const key = fieldKey(field)
      const fields = rootOfWalk(key, { steps, end: { key, value: fieldValue(field, value) } })
      return fields === null ? null : nodeWithItem(end, fields)
    }
    case 'no-field': {
      const { field, walk } = end
      const fields = rootWithout(fieldKey(field), walk)
      return fields === null ? null : nodeWithItem(end, fields)
    }
  }
}

function rootOfFields(fields: readonly ShownField[]): Uint8Array | null {
  if (fields.length === 0 || !isAscending(fields.map(([field]) => field))) return null
  const trie = new MerkleTrie()
  for (const [field, value] of fields) trie.set(fieldKey(field), fieldValue(field, value))
  return trie.digest().hash
}

function nodeWithItem(
  { type, items, children }: NodeParts & { readonly type: string },
  fields: Uint8Array,
): Uint8Array | null {
  const hash = itemHash(type, fields)
  for (let at = 0; at < items.length; at += HASH_BYTES)
    if (equalBytes(items.subarray(at, at + HASH_BYTES), hash)) return nodeHash(items, children)
  return null
}

/** True where each text is before the next by its UTF-8 bytes. */
function isAscending(texts: readonly string[]): boolean {
  return texts.every((text, i) => i === 0 || compareBytes(utf8(texts[i - 1] as string), utf8(text)) < 0)
}

function shownBy({ path, passed, end }: Proof): Shown {
  switch (end.kind) {
    case 'item':
      return { kind: 'item', path, type: end.type, fields: end.fields }
    case 'field':
      return { kind: 'field', path, type: end.type, field: end.field, value: end.value }
    case 'no-field':
      return { kind: 'no-field', path, type: end.type, field: end.field }
    case 'no-item':
      return { kind: 'no-item', path, type: end.type }
    case 'nothing':
      return {
        kind: 'nothing',
        path,
        missing: segmentsOf(path)
          .slice(0, passed.length + 1)
          .join('/'),
      }
    case 'subtree':
      return { kind: 'subtree', path, root: end.root }
  }
}
