import { compareBytes, concatBytes, equalBytes, utf8 } from '../bytes.ts'
import { encodeCanonical } from '../canonical-cbor.ts'
import { STATE_FIELD_TAG, STATE_ITEM_TAG, STATE_NODE_TAG } from '../domain-tags.ts'
import { HASH_BYTES, sha256 } from '../hash.ts'
import { ROOT_PATH } from '../path.ts'
import { EMPTY_TRIE, leafHash, MerkleTrie, type TrieLeaf, type TrieWalk } from '../trie.ts'

/** Where a value shows: a field of the item of a type at a path. */
export interface FieldKey {
  readonly path: string
  readonly type: string
  /** What an item of one value has is the field `''`. */
  readonly field: string
}

/** An item by what its hash is of. */
export interface SeenItem {
  readonly type: string
  /** Root of the trie of its fields. */
  readonly fields: Uint8Array
}

/** Where a path leads. */
export interface PathWalk {
  /** The nodes above the path from the root on, as far as they are there, each with the way to the next segment among its children. */
  readonly passed: readonly {
    /** Hashes of the items, ascending by type, joined. */
    readonly items: Uint8Array
    readonly walk: TrieWalk
  }[]
  /** The node at the path; null where nothing is at or below it, and then the last one passed has no such child. */
  readonly node: {
    /** Ascending by type. */
    readonly items: readonly SeenItem[]
    /** Root of the trie of children. */
    readonly children: Uint8Array
  } | null
}

/** The fields of an item that exists: nearly always one, and then without a trie. */
type Fields = TrieLeaf | MerkleTrie

interface ItemNode {
  readonly type: string
  readonly fields: Fields
}

interface Branch {
  /** Ascending by type, each once. */
  items: readonly ItemNode[]
  /** Null where there are no children, as nearly everywhere. */
  below: Below | null
  hash: Uint8Array | null
}

interface Below {
  readonly children: Map<string, Branch>
  readonly trie: MerkleTrie
  /** Segments of children whose hash in the trie is out of date. */
  readonly stale: Set<string>
}

/**
 * The state of a space as a Merkle tree by path segments (docs/protocol.md §5). Invariants:
 * 1. its root is a function of what shows alone: equal states have equal roots, whatever their history;
 * 2. item = sha256(tag ‖ canonical [type, root of the trie of its fields]); a field is keyed by {@link fieldKey} and valued with
 *    {@link fieldValue};
 * 3. node = sha256(tag ‖ number of items, 1 byte ‖ item hashes ascending by type ‖ root of the trie of children);
 *    a child is keyed by {@link segmentKey} and valued with its own node hash;
 * 4. an item without fields is not there, and a path without items and children has no node.
 * A change costs the depth of its path and the logarithm of the number of its item's fields, a root only what changed since the last one.
 */
export class StateTree {
  readonly #root: Branch = createBranch()

  /** Sets what a field shows, as canonical bytes; null where it shows nothing. */
  set({ path, type, field }: FieldKey, value: Uint8Array | null): void {
    const key = fieldKey(field)
    if (value === null) remove(this.#root, segmentsOf(path), type, key)
    else put(this.#root, segmentsOf(path), type, { key, value: fieldValue(field, value) })
  }

  /** The state root, 32 bytes. */
  root(): Uint8Array {
    return hashBranch(this.#root)
  }

  /** The root of the subtree at a path, or null where nothing exists at or below it. */
  rootAt(path: string): Uint8Array | null {
    const node = this.#find(path)
    return node === undefined ? null : hashBranch(node)
  }

  /** What the hashes on the way to a path are of. */
  walk(path: string): PathWalk {
    hashBranch(this.#root)
    const passed: { readonly items: Uint8Array; readonly walk: TrieWalk }[] = []
    let node = this.#root
    for (const segment of segmentsOf(path)) {
      const walk = (node.below?.trie ?? EMPTY).walk(segmentKey(segment))
      passed.push({ items: itemHashes(seenItems(node)), walk })
      const child = node.below?.children.get(segment)
      if (child === undefined) return { passed, node: null }
      node = child
    }
    return { passed, node: { items: seenItems(node), children: childrenRoot(node) } }
  }

  /** The way to a field in the trie of its item; null where there is no such item. */
  walkToField({ path, type, field }: FieldKey): TrieWalk | null {
    const fields = this.#find(path)?.items.find((item) => item.type === type)?.fields
    if (fields === undefined) return null
    return fields instanceof MerkleTrie ? fields.walk(fieldKey(field)) : { steps: [], end: fields }
  }

  #find(path: string): Branch | undefined {
    let node: Branch | undefined = this.#root
    for (const segment of segmentsOf(path)) node = node?.below?.children.get(segment)
    return node
  }
}

/** The segments of a path, none for the root. */
export const segmentsOf = (path: string): readonly string[] => (path === ROOT_PATH ? [] : path.split('/'))

/** Key of a child in the trie of children. */
export const segmentKey = (segment: string): Uint8Array => sha256(utf8(segment))

const ONLY_FIELD_KEY = sha256(utf8(''))

/** Key of a field in the trie of its item. */
export const fieldKey = (field: string): Uint8Array => (field === '' ? ONLY_FIELD_KEY : sha256(utf8(field)))

/** Value of a field in the trie of its item. `value`: canonical bytes. */
export function fieldValue(field: string, value: Uint8Array): Uint8Array {
  return sha256(STATE_FIELD_TAG, encodeCanonical([field, value]))
}

/** Hash of an item. `fields`: root of the trie of its fields. */
export function itemHash(type: string, fields: Uint8Array): Uint8Array {
  return sha256(STATE_ITEM_TAG, encodeCanonical([type, fields]))
}

/** The hashes of items in their order, joined. */
export function itemHashes(items: readonly SeenItem[]): Uint8Array {
  return concatBytes(...items.map(({ type, fields }) => itemHash(type, fields)))
}

/** Hash of a node. `items`: item hashes ascending by type, joined; `children`: root of the trie of children. */
export function nodeHash(items: Uint8Array, children: Uint8Array): Uint8Array {
  return sha256(STATE_NODE_TAG, Uint8Array.of(items.length / HASH_BYTES), items, children)
}

const EMPTY = new MerkleTrie()

const createBranch = (): Branch => ({ items: [], below: null, hash: null })

function put(root: Branch, segments: readonly string[], type: string, leaf: TrieLeaf): void {
  let at = root
  for (const segment of segments) {
    at.below ??= { children: new Map(), trie: new MerkleTrie(), stale: new Set() }
    let child = at.below.children.get(segment)
    if (child === undefined) {
      child = createBranch()
      at.below.children.set(segment, child)
    }
    at.hash = null
    at.below.stale.add(segment)
    at = child
  }
  at.hash = null
  const present = at.items.find((item) => item.type === type)
  setFields(at, type, withLeaf(present?.fields, leaf))
}

function remove(root: Branch, segments: readonly string[], type: string, key: Uint8Array): void {
  const trail: { readonly node: Branch; readonly below: Below; readonly segment: string }[] = []
  let at = root
  for (const segment of segments) {
    const child = at.below?.children.get(segment)
    if (at.below === null || child === undefined) return
    trail.push({ node: at, below: at.below, segment })
    at = child
  }
  const present = at.items.find((item) => item.type === type)
  if (present === undefined) return
  setFields(at, type, withoutKey(present.fields, key))
  at.hash = null
  // Upwards: a child that became empty goes; the others' hashes are put into their parents' tries when a root is asked for.
  for (const { node: parent, below, segment } of trail.toReversed()) {
    parent.hash = null
    const child = below.children.get(segment) as Branch
    if (child.items.length > 0 || child.below !== null) {
      below.stale.add(segment)
      continue
    }
    below.children.delete(segment)
    below.stale.delete(segment)
    below.trie.delete(segmentKey(segment))
    if (below.children.size === 0) parent.below = null
  }
}

/** Sets the fields of the item of a type; null: there is none any more. */
function setFields(node: Branch, type: string, fields: Fields | null): void {
  const others = node.items.filter((item) => item.type !== type)
  if (fields !== null) others.push({ type, fields })
  node.items = others.sort((a, b) => compareBytes(utf8(a.type), utf8(b.type)))
}

function withLeaf(fields: Fields | undefined, leaf: TrieLeaf): Fields {
  if (fields === undefined) return leaf
  if (fields instanceof MerkleTrie) {
    fields.set(leaf.key, leaf.value)
    return fields
  }
  if (equalBytes(fields.key, leaf.key)) return leaf
  const trie = new MerkleTrie()
  trie.set(fields.key, fields.value)
  trie.set(leaf.key, leaf.value)
  return trie
}

/** The fields without one of them; null where none is left. */
function withoutKey(fields: Fields, key: Uint8Array): Fields | null {
  if (!(fields instanceof MerkleTrie)) return equalBytes(fields.key, key) ? null : fields
  fields.delete(key)
  return fields.only() ?? fields
}

function fieldsRoot(fields: Fields): Uint8Array {
  return fields instanceof MerkleTrie ? fields.digest().hash : leafHash(fields.key, fields.value)
}

function hashBranch(node: Branch): Uint8Array {
  node.hash ??= nodeHash(itemHashes(seenItems(node)), childrenRoot(node))
  return node.hash
}

function childrenRoot({ below }: Branch): Uint8Array {
  if (below === null) return EMPTY_TRIE.hash
  for (const segment of below.stale)
    below.trie.set(segmentKey(segment), hashBranch(below.children.get(segment) as Branch))
  below.stale.clear()
  return below.trie.digest().hash
}

function seenItems({ items }: Branch): readonly SeenItem[] {
  return items.map(({ type, fields }) => ({ type, fields: fieldsRoot(fields) }))
}
