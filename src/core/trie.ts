import { compareBytes, concatBytes, equalBytes } from './bytes.ts'
import { TRIE_LEAF_TAG, TRIE_NODE_TAG } from './domain-tags.ts'
import { sha256 } from './hash.ts'

/** Children of an inner node: one for each value of four bits. */
export const TRIE_RADIX = 16
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

interface Leaf extends TrieLeaf {
  readonly hash: Uint8Array
}
interface Branch {
  readonly children: (Leaf | Branch | undefined)[]
  count: number
  hash: Uint8Array | null
}
type Node = Leaf | Branch

const isBranch = (node: Node): node is Branch => 'children' in node

/** Digest of the empty trie. */
export const EMPTY_TRIE: TrieDigest = { hash: sha256(TRIE_NODE_TAG, Uint8Array.of(0, 0)), count: 0 }

/** Hash of a leaf, which is the root where it is the only one. */
export function leafHash(key: Uint8Array, value: Uint8Array): Uint8Array {
  return sha256(TRIE_LEAF_TAG, key, value)
}

/**
 * A Merkle trie: 32-byte keys, each with a 32-byte value, under one root. Invariants:
 * 1. its shape, and so its root, is a function of the set of (key, value) alone: a key sits at the shortest prefix that no other
 *    key shares, and a prefix with one key is that leaf;
 * 2. leaf = sha256(tag ‖ key ‖ value); inner node = sha256(tag ‖ bitmap of children, 2 bytes big-endian ‖ their hashes);
 * 3. a cached hash is that of the present children: every change clears the hashes on its way.
 * A change costs O(depth), a root O(changed nodes) hashes; depth grows with the logarithm of the number of keys.
 */
export class MerkleTrie {
  #root: Node | undefined

  /** Sets the value of a key. */
  set(key: Uint8Array, value: Uint8Array): void {
    const leaf: Leaf = { key, value, hash: leafHash(key, value) }
    this.#root = this.#root === undefined ? leaf : insert(this.#root, leaf, 0)
  }

  /** Removes a key; nothing happens where it is absent. */
  delete(key: Uint8Array): void {
    if (this.#root !== undefined) this.#root = remove(this.#root, key, 0)
  }

  /** The only key with its value; null where there are more, or none. */
  only(): TrieLeaf | null {
    const root = this.#root
    return root === undefined || isBranch(root) ? null : { key: root.key, value: root.value }
  }

  /** Root hash and number of keys. */
  digest(): TrieDigest {
    return this.#root === undefined ? EMPTY_TRIE : digestOf(this.#root)
  }

  /** Digest of what lies at or below a prefix of nibbles (0 to 15 each). */
  digestAt(prefix: readonly number[]): TrieDigest {
    const node = this.#find(prefix)
    return node === undefined ? EMPTY_TRIE : digestOf(node)
  }

  /** Digests of the sixteen places one nibble below `prefix`. */
  childrenAt(prefix: readonly number[]): readonly TrieDigest[] {
    return Array.from({ length: TRIE_RADIX }, (_, nibble) => this.digestAt([...prefix, nibble]))
  }

  /** The keys at or below a prefix, ascending. */
  keysAt(prefix: readonly number[]): readonly Uint8Array[] {
    const node = this.#find(prefix)
    const keys: Uint8Array[] = []
    if (node !== undefined) collect(node, keys)
    return keys.sort(compareBytes)
  }

  /** The way to a key, with which rootOfWalk (trie-walk.ts) finds the root again. */
  walk(key: Uint8Array): TrieWalk {
    const steps: TrieStep[] = []
    let node = this.#root
    if (node === undefined) return { steps: [{ bitmap: 0, siblings: new Uint8Array() }], end: null }
    for (let depth = 0; isBranch(node); depth++) {
      const onWay: Node | undefined = node.children[nibbleAt(key, depth)]
      const others = node.children.filter((child) => child !== undefined && child !== onWay) as Node[]
      steps.push({ bitmap: bitmapOf(node), siblings: concatBytes(...others.map(hashOf)) })
      if (onWay === undefined) return { steps, end: null }
      node = onWay
    }
    return { steps, end: { key: node.key, value: node.value } }
  }

  #find(prefix: readonly number[]): Node | undefined {
    let node = this.#root
    for (let depth = 0; depth < prefix.length && node !== undefined; depth++) {
      if (!isBranch(node)) return matches(node.key, prefix) ? node : undefined
      node = node.children[prefix[depth] as number]
    }
    return node
  }
}

/** The nibble of a key at a depth, high half of each byte first. */
export function nibbleAt(key: Uint8Array, depth: number): number {
  const byte = key[depth >> 1] as number
  return depth % 2 === 0 ? byte >> 4 : byte & 15
}

function matches(key: Uint8Array, prefix: readonly number[]): boolean {
  return prefix.every((nibble, depth) => nibbleAt(key, depth) === nibble)
}

function insert(node: Node, leaf: Leaf, depth: number): Node {
  if (!isBranch(node)) {
    if (equalBytes(node.key, leaf.key)) return leaf
    const branch: Branch = {
      children: new Array<Node | undefined>(TRIE_RADIX).fill(undefined),
      count: 1,
      hash: null,
    }
    branch.children[nibbleAt(node.key, depth)] = node
    return insert(branch, leaf, depth)
  }
  const nibble = nibbleAt(leaf.key, depth)
  const child = node.children[nibble]
  const before = child === undefined ? 0 : countOf(child)
  const after = child === undefined ? leaf : insert(child, leaf, depth + 1)
  node.children[nibble] = after
  node.count += countOf(after) - before
  node.hash = null
  return node
}

function remove(node: Node, key: Uint8Array, depth: number): Node | undefined {
  if (!isBranch(node)) return equalBytes(node.key, key) ? undefined : node
  const nibble = nibbleAt(key, depth)
  const child = node.children[nibble]
  if (child === undefined) return node
  // Counted before: a branch below is changed in place.
  const before = countOf(child)
  const after = remove(child, key, depth + 1)
  node.children[nibble] = after
  node.count += (after === undefined ? 0 : countOf(after)) - before
  node.hash = null
  if (node.count > 1) return node
  return node.children.find((left) => left !== undefined)
}

const countOf = (node: Node): number => (isBranch(node) ? node.count : 1)

function digestOf(node: Node): TrieDigest {
  return { hash: hashOf(node), count: countOf(node) }
}

function hashOf(node: Node): Uint8Array {
  if (!isBranch(node)) return node.hash
  if (node.hash !== null) return node.hash
  const children = node.children.filter((child) => child !== undefined)
  node.hash = branchHash(bitmapOf(node), concatBytes(...children.map(hashOf)))
  return node.hash
}

/** Hash of an inner node. `children`: the hashes of those that are there, ascending, joined. */
export function branchHash(bitmap: number, children: Uint8Array): Uint8Array {
  return sha256(TRIE_NODE_TAG, Uint8Array.of(bitmap >> 8, bitmap & 255), children)
}

function bitmapOf({ children }: Branch): number {
  return children.reduce(
    (bitmap, child, nibble) => (child === undefined ? bitmap : bitmap | (1 << nibble)),
    0,
  )
}

function collect(node: Node, keys: Uint8Array[]): void {
  if (!isBranch(node)) {
    keys.push(node.key)
    return
  }
  for (const child of node.children) if (child !== undefined) collect(child, keys)
}
