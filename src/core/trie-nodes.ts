import { copyHash, HASH_WORDS, hashAt } from './preimage.ts'
import { Arena, type Block, createBlock, wordOf } from './trie-arena.ts'
import { leafHashInPlace, nodePreimage } from './trie-hashes.ts'

/*
 * Records. An inner node: its header, the number of keys below, its hash, the references of its children ascending by nibble, with room for an
 * even number of them. A leaf: its header, its key, 32 bytes that say its value, and as many words more as its kind has.
 */
const KIND_BITS = 0xff
const INNER = 0
const CHANGED = 0x100
const BITMAP_SHIFT = 16
const COUNT = 1
const HASH = 2
const CHILDREN = HASH + HASH_WORDS
const KEY = 1
/** Where in a leaf the 32 bytes are that say its value. */
export const LEAF_VALUE = KEY + HASH_WORDS
/** Where in a leaf the words of its own begin. */
export const LEAF_OWN = LEAF_VALUE + HASH_WORDS

/** What the leaves of tries hold, by kind: a number from 1 to 255. */
export interface LeafKinds {
  /** How many words of its own a leaf of a kind has; at most 8. */
  ownWords(kind: number): number
  /** Writes the value of a leaf, which is clean, to a word of a block; hashes nothing of a trie. */
  value(leaf: number, block: Block, target: Block, word: number): void
  /** Called before `value` for a leaf that {@link TrieNodes.markChanged} has marked; may hash other tries of the same nodes. */
  settle(leaf: number): void
}

/** The key that is looked for. */
const WANTED = createBlock(HASH_WORDS)
/** What is hashed for somebody outside. */
const RESULT = createBlock(HASH_WORDS)

/** The nibble of a key at a depth, high half of each byte first. `key`: where it begins in the bytes. */
function nibbleIn(bytes: Uint8Array, key: number, depth: number): number {
  const byte = bytes[key + (depth >> 1)] as number
  return depth % 2 === 0 ? byte >> 4 : byte & 15
}

/** How many bits of 16 are set. */
function countBits(bitmap: number): number {
  let bits = bitmap - ((bitmap >> 1) & 0x5555)
  bits = (bits & 0x3333) + ((bits >> 2) & 0x3333)
  bits = (bits + (bits >> 4)) & 0x0f0f
  return (bits + (bits >> 8)) & 0x1f
}

const slotOf = (bitmap: number, nibble: number): number => countBits(bitmap & ((1 << nibble) - 1))

/** Words of an inner node with so many children. */
const innerWords = (children: number): number => CHILDREN + ((children + 1) & ~1)

/**
 * The nodes of Merkle tries (docs/protocol.md §5), any number of them in one memory. A trie is the reference of its root, 0 where it is
 * empty; whoever changes a trie keeps the root that it becomes. Invariants:
 * 1. a trie's shape is a function of its keys alone: a key sits at the shortest prefix that no other key shares;
 * 2. an inner node is marked as changed where its hash may not be that of what is below; so are those above it;
 * 3. a leaf keeps its reference until it is removed or {@link widen}ed.
 * A change costs the depth, a hash what changed. 17 words a leaf, and about 5 for its part in the inner nodes.
 */
export class TrieNodes {
  readonly arena = new Arena()
  readonly #kinds: LeafKinds
  /** The leaf that `put` found or made, or `remove` took out; 0: none. */
  leaf = 0
  /** True where `put` made it. */
  isNew = false

  constructor(kinds: LeafKinds) {
    this.#kinds = kinds
  }

  /** Where a key to look for is written: at word 0. */
  get wanted(): Block {
    return WANTED
  }

  /** The kind of a leaf; 0 of an inner node. */
  kindOf(ref: number): number {
    return (this.arena.blockOf(ref).words[wordOf(ref)] as number) & KIND_BITS
  }

  /** A record of a kind that is in no trie, with all else 0. */
  create(kind: number): number {
    const length = LEAF_OWN + this.#kinds.ownWords(kind)
    const leaf = this.arena.allocate(length)
    const at = wordOf(leaf)
    const { words } = this.arena.blockOf(leaf)
    words.fill(0, at, at + length)
    words[at] = kind
    return leaf
  }

  /**
   * The trie with the wanted key, all on its way marked as changed; `leaf` is that of the key, found or made. What is made is of the kind
   * given, with the key and otherwise 0.
   */
  put(root: number, kind: number): number {
    this.isNew = false
    return root === 0 ? this.#make(kind) : this.#put(root, kind, 0)
  }

  /** The trie without the wanted key; `leaf` is 0 where there was none, else the one taken out, which whoever asked has to `free`. */
  remove(root: number): number {
    this.leaf = 0
    return root === 0 ? 0 : this.#remove(root, 0)
  }

  /** Frees a leaf that is in no trie any more. */
  free(leaf: number): void {
    this.arena.free(leaf, LEAF_OWN + this.#kinds.ownWords(this.kindOf(leaf)))
  }

  /** Puts a leaf of another kind in the place of the wanted key's, with the same key and value words. Returns the trie; `leaf` is the new one. */
  widen(root: number, kind: number): number {
    const before = this.find(root)
    const leaf = this.create(kind)
    const [from, to] = [this.arena.blockOf(before), this.arena.blockOf(leaf)]
    copyHash(from, wordOf(before) + KEY, to, wordOf(leaf) + KEY)
    copyHash(from, wordOf(before) + LEAF_VALUE, to, wordOf(leaf) + LEAF_VALUE)
    this.leaf = leaf
    if (root !== before)
      this.#walkTo(root, (node, slot) => {
        const { words } = this.arena.blockOf(node)
        if (words[slot] === before) words[slot] = leaf
      })
    // Not sooner: the way ends at it, and what is freed says nothing any more.
    this.free(before)
    return root === before ? leaf : root
  }

  /** The leaf of the wanted key, 0 where it is not there. */
  find(root: number): number {
    if (root === 0) return 0
    const ref = this.#walkTo(root, () => undefined)
    return ref !== 0 && this.#isWanted(ref) ? ref : 0
  }

  /** Marks a leaf, or an inner node, as changed: it is settled before it is hashed. */
  markChanged(ref: number): void {
    const { words } = this.arena.blockOf(ref)
    words[wordOf(ref)] = (words[wordOf(ref)] as number) | CHANGED
  }

  /** How many keys a node has at and below it. */
  countOf(ref: number): number {
    if (ref === 0) return 0
    return this.kindOf(ref) === INNER ? (this.arena.blockOf(ref).words[wordOf(ref) + COUNT] as number) : 1
  }

  isInner(ref: number): boolean {
    return this.kindOf(ref) === INNER
  }

  /** Key of a leaf. */
  keyOf(leaf: number): Uint8Array {
    return hashAt(this.arena.blockOf(leaf), wordOf(leaf) + KEY)
  }

  setKeyOf(leaf: number, key: Block): void {
    copyHash(key, 0, this.arena.blockOf(leaf), wordOf(leaf) + KEY)
  }

  /** Makes the key of a leaf the wanted one. */
  wantKeyOf(leaf: number): void {
    copyHash(this.arena.blockOf(leaf), wordOf(leaf) + KEY, WANTED, 0)
  }

  /** Value of a leaf that is settled. */
  valueOf(leaf: number): Uint8Array {
    this.#kinds.value(leaf, this.arena.blockOf(leaf), RESULT, 0)
    return hashAt(RESULT, 0)
  }

  /** Which children an inner node has: bit n for nibble n. */
  bitmapOf(inner: number): number {
    return (this.arena.blockOf(inner).words[wordOf(inner)] as number) >>> BITMAP_SHIFT
  }

  /** The child of an inner node at a nibble; 0: none. */
  childAt(inner: number, nibble: number): number {
    const bitmap = this.bitmapOf(inner)
    if (((bitmap >> nibble) & 1) === 0) return 0
    return this.arena.blockOf(inner).words[wordOf(inner) + CHILDREN + slotOf(bitmap, nibble)] as number
  }

  /** The children of an inner node, ascending by nibble. */
  childrenOf(inner: number): readonly number[] {
    const first = wordOf(inner) + CHILDREN
    const end = first + countBits(this.bitmapOf(inner))
    return [...this.arena.blockOf(inner).words.subarray(first, end)]
  }

  /** Hash of a node, 32 bytes. */
  hashOf(ref: number): Uint8Array {
    this.hashInto(ref, RESULT, 0)
    return hashAt(RESULT, 0)
  }

  /** Writes the hash of a node, not 0, to a word of a block. */
  hashInto(ref: number, target: Block, word: number): void {
    this.settle(ref)
    this.#settledHashInto(ref, target, word)
  }

  /** Makes the hashes that are kept at and below a node those of what is there. */
  settle(ref: number): void {
    const block = this.arena.blockOf(ref)
    const { words } = block
    const at = wordOf(ref)
    if (((words[at] as number) & CHANGED) === 0) return
    if (this.kindOf(ref) !== INNER) {
      this.#kinds.settle(ref)
      words[at] = (words[at] as number) & ~CHANGED
      return
    }
    const bitmap = (words[at] as number) >>> BITMAP_SHIFT
    const children = countBits(bitmap)
    // First all that is below, since every node is hashed in the same memory.
    for (let i = 0; i < children; i++) this.settle(words[at + CHILDREN + i] as number)
    for (let i = 0; i < children; i++)
      this.#settledHashInto(
        words[at + CHILDREN + i] as number,
        nodePreimage.block,
        nodePreimage.wordOfChild(i),
      )
    nodePreimage.hashInto(block, at + HASH, bitmap, children)
    words[at] = (words[at] as number) & ~CHANGED
  }

  #settledHashInto(ref: number, target: Block, word: number): void {
    const block = this.arena.blockOf(ref)
    const at = wordOf(ref)
    if (((block.words[at] as number) & KIND_BITS) === INNER) return copyHash(block, at + HASH, target, word)
    this.#kinds.value(ref, block, target, word)
    leafHashInPlace(block, at + KEY, target, word)
  }

  #put(ref: number, kind: number, depth: number): number {
    const { words } = this.arena.blockOf(ref)
    const at = wordOf(ref)
    const header = words[at] as number
    if ((header & KIND_BITS) !== INNER) {
      if (!this.#isWanted(ref)) return this.#put(this.#fork(ref, depth), kind, depth)
      this.leaf = ref
      return ref
    }
    words[at] = header | CHANGED
    const bitmap = header >>> BITMAP_SHIFT
    const nibble = nibbleIn(WANTED.bytes, 0, depth)
    if (((bitmap >> nibble) & 1) === 0) return this.#withChild(ref, nibble, this.#make(kind), 1)
    const slot = at + CHILDREN + slotOf(bitmap, nibble)
    const child = words[slot] as number
    const after = this.#put(child, kind, depth + 1)
    // Read again: what was made may have replaced the block.
    const now = this.arena.blockOf(ref).words
    if (after !== child) now[slot] = after
    if (this.isNew) now[at + COUNT] = (now[at + COUNT] as number) + 1
    return ref
  }

  #remove(ref: number, depth: number): number {
    const before = this.arena.blockOf(ref).words
    const at = wordOf(ref)
    const header = before[at] as number
    if ((header & KIND_BITS) !== INNER) {
      if (!this.#isWanted(ref)) return ref
      this.leaf = ref
      return 0
    }
    const bitmap = header >>> BITMAP_SHIFT
    const nibble = nibbleIn(WANTED.bytes, 0, depth)
    if (((bitmap >> nibble) & 1) === 0) return ref
    const slot = at + CHILDREN + slotOf(bitmap, nibble)
    const after = this.#remove(before[slot] as number, depth + 1)
    if (this.leaf === 0) return ref
    // Read again: a node that became smaller below has moved, which may have replaced the block.
    const { words } = this.arena.blockOf(ref)
    const count = (words[at + COUNT] as number) - 1
    words[at + COUNT] = count
    words[at] = header | CHANGED
    if (after !== 0) words[slot] = after
    const left = after === 0 ? this.#withoutChild(ref, nibble) : ref
    return count > 1 ? left : this.#onlyChild(left)
  }

  /** Calls back with each inner node on the way to the wanted key, and the word where the next is. Returns where the way ends, or 0. */
  #walkTo(root: number, passed: (inner: number, slot: number) => void): number {
    let ref = root
    for (let depth = 0; this.kindOf(ref) === INNER; depth++) {
      const { words } = this.arena.blockOf(ref)
      const at = wordOf(ref)
      const bitmap = (words[at] as number) >>> BITMAP_SHIFT
      const nibble = nibbleIn(WANTED.bytes, 0, depth)
      if (((bitmap >> nibble) & 1) === 0) return 0
      const slot = at + CHILDREN + slotOf(bitmap, nibble)
      const next = words[slot] as number
      passed(ref, slot)
      ref = next
    }
    return ref
  }

  #isWanted(leaf: number): boolean {
    const { words } = this.arena.blockOf(leaf)
    const key = wordOf(leaf) + KEY
    for (let i = 0; i < HASH_WORDS; i++) if (words[key + i] !== WANTED.words[i]) return false
    return true
  }

  #make(kind: number): number {
    const leaf = this.create(kind)
    copyHash(WANTED, 0, this.arena.blockOf(leaf), wordOf(leaf) + KEY)
    this.leaf = leaf
    this.isNew = true
    return leaf
  }

  /** An inner node with a leaf as its only child, at a depth. */
  #fork(leaf: number, depth: number): number {
    const ref = this.arena.allocate(innerWords(1))
    const { words } = this.arena.blockOf(ref)
    const at = wordOf(ref)
    const nibble = nibbleIn(this.arena.blockOf(leaf).bytes, 4 * (wordOf(leaf) + KEY), depth)
    words[at] = ((1 << nibble) << BITMAP_SHIFT) | CHANGED | INNER
    words[at + COUNT] = 1
    words[at + CHILDREN] = leaf
    return ref
  }

  /** An inner node with one child more at an empty place; moved where it has no room. */
  #withChild(inner: number, nibble: number, child: number, keys: number): number {
    const before = this.bitmapOf(inner)
    const children = countBits(before)
    const ref = this.#resized(inner, children, children + 1)
    const { words } = this.arena.blockOf(ref)
    const at = wordOf(ref)
    const slot = at + CHILDREN + slotOf(before, nibble)
    words.copyWithin(slot + 1, slot, at + CHILDREN + children)
    words[slot] = child
    words[at] = (((before | (1 << nibble)) << BITMAP_SHIFT) | CHANGED | INNER) >>> 0
    words[at + COUNT] = (words[at + COUNT] as number) + keys
    return ref
  }

  #withoutChild(inner: number, nibble: number): number {
    const { words } = this.arena.blockOf(inner)
    const at = wordOf(inner)
    const before = this.bitmapOf(inner)
    const children = countBits(before)
    const slot = at + CHILDREN + slotOf(before, nibble)
    words.copyWithin(slot, slot + 1, at + CHILDREN + children)
    words[at] = (((before & ~(1 << nibble)) << BITMAP_SHIFT) | CHANGED | INNER) >>> 0
    return this.#resized(inner, children, children - 1)
  }

  /** The leaf that an inner node with one key has below it, in its place. */
  #onlyChild(inner: number): number {
    const block = this.arena.blockOf(inner)
    const child = block.words[wordOf(inner) + CHILDREN] as number
    this.arena.free(inner, innerWords(1))
    return child
  }

  #resized(inner: number, children: number, wanted: number): number {
    const [length, needed] = [innerWords(children), innerWords(wanted)]
    if (length === needed) return inner
    const ref = this.arena.allocate(needed)
    const from = this.arena.blockOf(inner).words
    const to = this.arena.blockOf(ref).words
    const [source, target] = [wordOf(inner), wordOf(ref)]
    for (let i = 0; i < Math.min(length, needed); i++) to[target + i] = from[source + i] as number
    this.arena.free(inner, length)
    return ref
  }
}
