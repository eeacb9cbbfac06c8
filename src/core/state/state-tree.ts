import { sha256Into } from '../hash.ts'
import { copyHash, HASH_WORDS, hashAt } from '../preimage.ts'
import { EMPTY_TRIE, PLAIN_LEAF, type TrieWalk, walkIn } from '../trie.ts'
import { type Arena, type Block, createBlock, wordOf } from '../trie-arena.ts'
import { leafHash, leafHashInPlace } from '../trie-hashes.ts'
import { LEAF_VALUE, type LeafKinds, TrieNodes } from '../trie-nodes.ts'
import {
  fieldKey,
  fieldValueInto,
  itemHashes,
  nodePreimage,
  type SeenItem,
  segmentKey,
  segmentsOf,
} from './state-hashes.ts'
import { ITEMS, StateItems } from './state-items.ts'

/** Where a value shows: a field of the item of a type at a path. */
export interface FieldKey {
  readonly path: string
  readonly type: string
  /** What an item of one value has is the field `''`. */
  readonly field: string
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

/*
 * Kinds of leaves. In a trie of fields they are plain. In a trie of children they are nodes: one that may have anything, whose value is its
 * hash, and with words of its own; or what nearly all are, one item of one value and nothing below, whose 32 bytes are the value of its field,
 * so that four hashes make its value. These have a kind for each type.
 */
const NODE = 2
const ONE_VALUE = 3

/** The trie of its children. */
const CHILDREN = ITEMS + 1

const ONLY_FIELD = createBlock(HASH_WORDS)
ONLY_FIELD.bytes.set(fieldKey(''))
const FIELDS_ROOT = createBlock(HASH_WORDS)

/**
 * The state of a space as a Merkle tree by path segments (docs/protocol.md §5). Invariants:
 * 1. its root is a function of what shows alone: equal states have equal roots, whatever their history;
 * 2. item = sha256(tag ‖ canonical [type, root of the trie of its fields]); a field is keyed by {@link fieldKey} and valued with
 *    {@link fieldValue};
 * 3. node = sha256(tag ‖ number of items, 1 byte ‖ item hashes ascending by type ‖ root of the trie of children);
 *    a child is keyed by {@link segmentKey} and valued with its own node hash;
 * 4. an item without fields is not there, and a path without items and children has no node;
 * 5. a node whose hash may not be that of what is there is marked as changed, and so are the inner nodes on the way to it and the nodes above.
 * A change costs the depth of its path and the logarithm of the number of its item's fields, a root only what changed since the last one.
 * Texts are not kept. About 90 bytes for an item of one value or a field, 90 more for an item with fields and for a folder.
 */
export class StateTree {
  readonly #nodes: TrieNodes
  readonly #arena: Arena
  readonly #items: StateItems
  readonly #root: number
  /** The folder that was written to last, where all above it is marked as changed. */
  #lastFolder: { readonly path: string; readonly node: number } | null = null
  #size = 0

  constructor() {
    const kinds: LeafKinds = {
      ownWords: (kind) => (kind === NODE ? 2 : 0),
      value: (leaf, block, target, word) => this.#writeValue(leaf, block, target, word),
      settle: (leaf) => this.#settle(leaf),
    }
    this.#nodes = new TrieNodes(kinds)
    this.#arena = this.#nodes.arena
    this.#items = new StateItems(this.#arena)
    this.#root = this.#nodes.create(NODE)
    this.#nodes.markChanged(this.#root)
  }

  /** How many fields show. */
  get size(): number {
    return this.#size
  }

  /** Bytes of memory for its nodes. */
  get byteLength(): number {
    return this.#arena.byteLength
  }

  /** Sets what a field shows, as canonical bytes; null where it shows nothing. */
  set(key: FieldKey, value: Uint8Array | null): void {
    if (value === null) this.#remove(key)
    else this.#put(key, value)
  }

  /** The state root, 32 bytes. */
  root(): Uint8Array {
    return this.#hashOf(this.#root)
  }

  /** The root of the subtree at a path, or null where nothing exists at or below it. */
  rootAt(path: string): Uint8Array | null {
    const node = this.#find(path)
    return node === 0 ? null : this.#hashOf(node)
  }

  /** What the hashes on the way to a path are of. */
  walk(path: string): PathWalk {
    this.root()
    const passed: { readonly items: Uint8Array; readonly walk: TrieWalk }[] = []
    let node = this.#root
    for (const segment of segmentsOf(path)) {
      const walk = walkIn(this.#nodes, this.#childrenOf(node), segmentKey(segment))
      passed.push({ items: itemHashes(this.#seenItems(node)), walk })
      node = this.#childOf(node, segment)
      if (node === 0) return { passed, node: null }
    }
    const trie = this.#childrenOf(node)
    const children = trie === 0 ? EMPTY_TRIE.hash : this.#nodes.hashOf(trie)
    return { passed, node: { items: this.#seenItems(node), children } }
  }

  /** The way to a field in the trie of its item; null where there is no such item. */
  walkToField({ path, type, field }: FieldKey): TrieWalk | null {
    const node = this.#find(path)
    if (node === 0) return null
    const only = this.#onlyType(node)
    if (only !== null)
      return only === type ? { steps: [], end: { key: fieldKey(''), value: this.#onlyValue(node) } } : null
    const item = this.#items.find(node, type)
    return item === 0 ? null : walkIn(this.#nodes, this.#items.fieldsOf(item), fieldKey(field))
  }

  #hashOf(node: number): Uint8Array {
    this.#lastFolder = null
    this.#nodes.settle(node)
    return this.#nodes.valueOf(node)
  }

  #put({ path, type, field }: FieldKey, value: Uint8Array): void {
    const cut = path.lastIndexOf('/')
    const kind = field === '' ? ONE_VALUE + this.#items.numberOf(type) : NODE
    const node =
      path === ''
        ? this.#changedRoot()
        : this.#enter(this.#folder(path.slice(0, Math.max(cut, 0))), path.slice(cut + 1), kind)
    const { isNew } = this.#nodes
    if (this.#nodes.kindOf(node) === NODE) return this.#putField(node, type, field, value)
    if (isNew) this.#size++
    this.#writeField(node, field, value)
  }

  /** The node at a path, made where it is not there, with all above it marked as changed. */
  #folder(path: string): number {
    if (this.#lastFolder?.path === path) return this.#lastFolder.node
    let node = this.#changedRoot()
    for (const segment of segmentsOf(path)) node = this.#enter(node, segment, NODE)
    this.#lastFolder = { path, node }
    return node
  }

  #changedRoot(): number {
    this.#nodes.isNew = false
    this.#nodes.markChanged(this.#root)
    return this.#root
  }

  /** The child of a node, made where it is not there, and made one that may have anything where it is not what is wanted. */
  #enter(parent: number, segment: string, kind: number): number {
    const nodes = this.#nodes
    sha256Into(nodes.wanted.bytes, 0, segment)
    const before = this.#arena.read(parent, CHILDREN)
    const children = nodes.put(before, kind)
    if (children !== before) this.#arena.write(parent, CHILDREN, children)
    const child = nodes.leaf
    const found = nodes.kindOf(child)
    if (found === kind || found === NODE) {
      if (found === NODE) nodes.markChanged(child)
      return child
    }
    return this.#widen(parent, this.#items.nameOf(found - ONE_VALUE) as string)
  }

  /** Makes the wanted child of a node, an item of one value until now, one that may have anything. */
  #widen(parent: number, type: string): number {
    const nodes = this.#nodes
    this.#arena.write(parent, CHILDREN, nodes.widen(this.#arena.read(parent, CHILDREN), NODE))
    const node = nodes.leaf
    const field = nodes.create(PLAIN_LEAF)
    const [from, to] = [this.#arena.blockOf(node), this.#arena.blockOf(field)]
    nodes.setKeyOf(field, ONLY_FIELD)
    copyHash(from, wordOf(node) + LEAF_VALUE, to, wordOf(field) + LEAF_VALUE)
    this.#items.add(node, type, field)
    nodes.markChanged(node)
    nodes.isNew = false
    return node
  }

  #putField(node: number, type: string, field: string, value: Uint8Array): void {
    const item = this.#items.find(node, type) || this.#items.add(node, type, 0)
    if (field === '') copyHash(ONLY_FIELD, 0, this.#nodes.wanted, 0)
    else sha256Into(this.#nodes.wanted.bytes, 0, field)
    this.#items.setFields(item, this.#nodes.put(this.#items.fieldsOf(item), PLAIN_LEAF))
    if (this.#nodes.isNew) this.#size++
    this.#writeField(this.#nodes.leaf, field, value)
  }

  #remove({ path, type, field }: FieldKey): void {
    const nodes = this.#nodes
    const trail = [this.#root]
    for (const segment of segmentsOf(path)) {
      const child = this.#childOf(trail.at(-1) as number, segment)
      if (child === 0) return
      trail.push(child)
    }
    if (!this.#removeField(trail.at(-1) as number, type, field)) return
    this.#size--
    this.#lastFolder = null
    // Upwards: a node that became empty goes; the others are hashed again when a root is asked for.
    for (let depth = trail.length - 1; depth > 0; depth--) {
      const [parent, node] = [trail[depth - 1] as number, trail[depth] as number]
      nodes.wantKeyOf(node)
      const children = this.#arena.read(parent, CHILDREN)
      if (this.#isEmpty(node)) {
        this.#arena.write(parent, CHILDREN, nodes.remove(children))
        nodes.free(node)
      } else {
        nodes.markChanged(node)
        nodes.put(children, NODE)
      }
    }
    nodes.markChanged(this.#root)
  }

  /** Takes a field out of a node; false where it is not there. Of an item of one value nothing is left, and its node is to go. */
  #removeField(node: number, type: string, field: string): boolean {
    const nodes = this.#nodes
    const only = this.#onlyType(node)
    if (only !== null) return only === type && field === ''
    const item = this.#items.find(node, type)
    if (item === 0) return false
    nodes.wanted.bytes.set(fieldKey(field))
    const fields = nodes.remove(this.#items.fieldsOf(item))
    if (nodes.leaf === 0) return false
    nodes.free(nodes.leaf)
    this.#items.setFields(item, fields)
    if (fields === 0) this.#items.remove(node, item)
    return true
  }

  /** True where nothing is at or below a node any more. */
  #isEmpty(node: number): boolean {
    if (this.#nodes.kindOf(node) !== NODE) return true
    return this.#arena.read(node, ITEMS) === 0 && this.#arena.read(node, CHILDREN) === 0
  }

  /** The type of a node that is one item of one value; null of others. */
  #onlyType(node: number): string | null {
    return this.#items.nameOf(this.#nodes.kindOf(node) - ONE_VALUE)
  }

  #onlyValue(node: number): Uint8Array {
    return hashAt(this.#arena.blockOf(node), wordOf(node) + LEAF_VALUE)
  }

  #seenItems(node: number): readonly SeenItem[] {
    const only = this.#onlyType(node)
    if (only !== null) return [{ type: only, fields: leafHash(fieldKey(''), this.#onlyValue(node)) }]
    return this.#items.list(node).map(({ type, fields }) => ({ type, fields: this.#nodes.hashOf(fields) }))
  }

  /** The trie of the children of a node, 0 where there are none. */
  #childrenOf(node: number): number {
    return this.#nodes.kindOf(node) === NODE ? this.#arena.read(node, CHILDREN) : 0
  }

  #childOf(node: number, segment: string): number {
    sha256Into(this.#nodes.wanted.bytes, 0, segment)
    return this.#nodes.find(this.#childrenOf(node))
  }

  #find(path: string): number {
    let node = this.#root
    for (const segment of segmentsOf(path)) {
      node = this.#childOf(node, segment)
      if (node === 0) return 0
    }
    return node
  }

  /** The value of a leaf: of a field or of a child. */
  #writeValue(leaf: number, block: Block, target: Block, word: number): void {
    copyHash(block, wordOf(leaf) + LEAF_VALUE, target, word)
    const type = this.#nodes.kindOf(leaf) - ONE_VALUE
    if (type < 0) return
    leafHashInPlace(ONLY_FIELD, 0, target, word)
    this.#items.hashInto(type, target, word, 0)
    nodePreimage.writeNoChildren(target, word)
    nodePreimage.hashInPlace(1, target, word)
  }

  #settle(node: number): void {
    const nodes = this.#nodes
    const block = this.#arena.blockOf(node)
    const value = wordOf(node) + LEAF_VALUE
    const children = this.#arena.read(node, CHILDREN)
    // First the children, since every node is hashed in the same memory.
    if (children === 0) nodePreimage.writeNoChildren(block, value)
    else nodes.hashInto(children, block, value)
    const items = this.#items.list(node)
    for (const [place, { number, fields }] of items.entries()) {
      nodes.hashInto(fields, FIELDS_ROOT, 0)
      this.#items.hashInto(number, FIELDS_ROOT, 0, place)
    }
    nodePreimage.hashInPlace(items.length, block, value)
  }

  #writeField(leaf: number, field: string, value: Uint8Array): void {
    fieldValueInto(this.#arena.blockOf(leaf).bytes, 4 * (wordOf(leaf) + LEAF_VALUE), field, value)
  }
}
