import { concatBytes } from './bytes.ts'
import { TRIE_NODE_TAG } from './domain-tags.ts'
import { sha256 } from './hash.ts'
import { copyHash } from './preimage.ts'
import { wordOf } from './trie-arena.ts'
import { TRIE_RADIX } from './trie-hashes.ts'
import { LEAF_VALUE, type LeafKinds, TrieNodes } from './trie-nodes.ts'

export { TRIE_RADIX } from './trie-hashes.ts'

/** Longest prefix, in nibbles: a 32-byte key. */
export const TRIE_DEPTH_MAX = 64

/** What a node commits to, in 32 bytes, and how many keys lie below it. */
export interface TrieDigest {
  readonly hash: Uint8Array
  readonly count: number
}

/** A key with its value. */
export interface TrieLeaf {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** One inner node on the way to a key: what its hash is of, but for the child that the way goes on to. */
export interface TrieStep {
  /** Bit n for nibble n: the children that are there. */
  readonly bitmap: number
  /** The hashes of those that the way does not go on to, ascending by nibble, joined. */
  readonly siblings: Uint8Array
}

/** The way from the root to where a key is, or would be. */
export interface TrieWalk {
  /** At most {@link TRIE_DEPTH_MAX}; none where the root is a leaf. */
  readonly steps: readonly TrieStep[]
  /** What is there: the key, or another that is alone with this prefix; null where the place is empty. */
  readonly end: TrieLeaf | null
}

/** Digest of the empty trie. */
export const EMPTY_TRIE: TrieDigest = { hash: sha256(TRIE_NODE_TAG, Uint8Array.of(0, 0)), count: 0 }

/** The kind of a leaf that holds its value and nothing else. */
export const PLAIN_LEAF = 1

const PLAIN: LeafKinds = {
  ownWords: () => 0,
  value: (leaf, block, target, word) => copyHash(block, wordOf(leaf) + LEAF_VALUE, target, word),
  settle: () => undefined,
}

/**
 * A Merkle trie: 32-byte keys, each with a 32-byte value, under one root. Invariants:
 * 1. its shape, and so its root, is a function of the set of (key, value) alone: a key sits at the shortest prefix that no other
 *    key shares, and a prefix with one key is that leaf;
 * 2. leaf = sha256(tag ‖ key ‖ value); inner node = sha256(tag ‖ bitmap of children, 2 bytes big-endian ‖ their hashes);
 * 3. a cached hash is that of the present children: every change marks the nodes on its way, and these are hashed again when asked for.
 * A change costs O(depth), a root O(changed nodes) hashes; depth grows with the logarithm of the number of keys. About 90 bytes a key.
 */
export class MerkleTrie {
  readonly #nodes = new TrieNodes(PLAIN)
  #root = 0

  /** Bytes of memory for its nodes. */
  get byteLength(): number {
    return this.#nodes.arena.byteLength
  }

  /** Sets the value of a key. */
  set(key: Uint8Array, value: Uint8Array): void {
    this.#want(key)
    this.#root = this.#nodes.put(this.#root, PLAIN_LEAF)
    const { leaf, arena } = this.#nodes
    arena.blockOf(leaf).bytes.set(value, 4 * (wordOf(leaf) + LEAF_VALUE))
  }

  /** Removes a key; nothing happens where it is absent. */
  delete(key: Uint8Array): void {
    this.#want(key)
    this.#root = this.#nodes.remove(this.#root)
    if (this.#nodes.leaf !== 0) this.#nodes.free(this.#nodes.leaf)
  }

  /** Root hash and number of keys. */
  digest(): TrieDigest {
    return this.#digestOf(this.#root)
  }

  /** Digest of what lies at or below a prefix of nibbles (0 to 15 each). */
  digestAt(prefix: readonly number[]): TrieDigest {
    return this.#digestOf(this.#at(prefix))
  }

  /** Digests of the sixteen places one nibble below `prefix`. */
  childrenAt(prefix: readonly number[]): readonly TrieDigest[] {
    const node = this.#at(prefix)
    const places = Array.from({ length: TRIE_RADIX }, (_, nibble) => nibble)
    if (node === 0 || !this.#nodes.isInner(node))
      return places.map((nibble) => this.digestAt([...prefix, nibble]))
    return places.map((nibble) => this.#digestOf(this.#nodes.childAt(node, nibble)))
  }

  /** The keys at or below a prefix, ascending. */
  keysAt(prefix: readonly number[]): readonly Uint8Array[] {
    const keys: Uint8Array[] = []
    const node = this.#at(prefix)
    if (node !== 0) collect(this.#nodes, node, keys)
    return keys
  }

  /** The way to a key, with which rootOfWalk (trie-walk.ts) finds the root again. */
  walk(key: Uint8Array): TrieWalk {
    return walkIn(this.#nodes, this.#root, key)
  }

  #want(key: Uint8Array): void {
    this.#nodes.wanted.bytes.set(key)
  }

  #digestOf(node: number): TrieDigest {
    if (node === 0) return EMPTY_TRIE
    return { hash: this.#nodes.hashOf(node), count: this.#nodes.countOf(node) }
  }

  /** The node at or below a prefix, 0 where there is none. */
  #at(prefix: readonly number[]): number {
    let node = this.#root
    for (let depth = 0; depth < prefix.length && node !== 0; depth++) {
      if (!this.#nodes.isInner(node)) return matches(this.#nodes.keyOf(node), prefix) ? node : 0
      node = this.#nodes.childAt(node, prefix[depth] as number)
    }
    return node
  }
}

/** The way to a key in the trie with that root. */
export function walkIn(nodes: TrieNodes, root: number, key: Uint8Array): TrieWalk {
  if (root === 0) return { steps: [{ bitmap: 0, siblings: new Uint8Array() }], end: null }
  // All hashes on the way are those of what is there now.
  nodes.hashOf(root)
  const steps: TrieStep[] = []
  let node = root
  for (let depth = 0; nodes.isInner(node); depth++) {
    const onWay = nodes.childAt(node, nibbleAt(key, depth))
    const others = nodes.childrenOf(node).filter((child) => child !== onWay)
    const siblings = concatBytes(...others.map((child) => nodes.hashOf(child)))
    steps.push({ bitmap: nodes.bitmapOf(node), siblings })
    if (onWay === 0) return { steps, end: null }
    node = onWay
  }
  return { steps, end: { key: nodes.keyOf(node), value: nodes.valueOf(node) } }
}

/** The nibble of a key at a depth, high half of each byte first. */
export function nibbleAt(key: Uint8Array, depth: number): number {
  const byte = key[depth >> 1] as number
  return depth % 2 === 0 ? byte >> 4 : byte & 15
}

function matches(key: Uint8Array, prefix: readonly number[]): boolean {
  return prefix.every((nibble, depth) => nibbleAt(key, depth) === nibble)
}

/** Children are ascending by nibble, and so are the keys. */
function collect(nodes: TrieNodes, node: number, keys: Uint8Array[]): void {
  if (!nodes.isInner(node)) keys.push(nodes.keyOf(node))
  else for (const child of nodes.childrenOf(node)) collect(nodes, child, keys)
}
