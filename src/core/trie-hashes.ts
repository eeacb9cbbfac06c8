import { concatBytes } from './bytes.ts'
import { TRIE_LEAF_TAG, TRIE_NODE_TAG } from './domain-tags.ts'
import { sha256 } from './hash.ts'
import { copyHash, HASH_WORDS, Preimage } from './preimage.ts'
import type { Block } from './trie-arena.ts'

/** Children of an inner node: one for each value of four bits. */
export const TRIE_RADIX = 16

/** Hash of a leaf, which is the root where it is the only one. */
export function leafHash(key: Uint8Array, value: Uint8Array): Uint8Array {
  return sha256(TRIE_LEAF_TAG, key, value)
}

/** Hash of an inner node. `children`: the hashes of those that are there, ascending, joined. */
export function branchHash(bitmap: number, children: Uint8Array): Uint8Array {
  return sha256(TRIE_NODE_TAG, Uint8Array.of(bitmap >> 8, bitmap & 255), children)
}

const LEAF = new Preimage(TRIE_LEAF_TAG, 2)

/** Replaces a value at a word of a block by the hash of the leaf of a key, at a word of another, with that value. */
export function leafHashInPlace(key: Block, keyWord: number, target: Block, word: number): void {
  copyHash(key, keyWord, LEAF, LEAF.first)
  copyHash(target, word, LEAF, LEAF.first + HASH_WORDS)
  LEAF.hashInto(target, word, 2)
}

const NODE = new Preimage(concatBytes(TRIE_NODE_TAG, Uint8Array.of(0, 0)), TRIE_RADIX)

/** Makes the hash of an inner node piece by piece, in memory that is used again: first all its children, then the hash. */
export const nodePreimage = {
  /** Where the hash of a child goes, of those that are there ascending. */
  block: NODE as Block,
  wordOfChild: (child: number): number => NODE.first + child * HASH_WORDS,
  hashInto(target: Block, word: number, bitmap: number, children: number): void {
    NODE.bytes[4 * NODE.first - 2] = bitmap >> 8
    NODE.bytes[4 * NODE.first - 1] = bitmap
    NODE.hashInto(target, word, children)
  },
}
