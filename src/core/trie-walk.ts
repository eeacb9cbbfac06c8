import { concatBytes } from './bytes.ts'
import { HASH_BYTES } from './hash.ts'
import { branchHash, leafHash } from './trie-hashes.ts'
import { nibbleAt, TRIE_DEPTH_MAX, type TrieStep, type TrieWalk } from './trie.ts'

/**
 * The root of the trie in which a key is found by that walk; null where no walk to that key looks so:
 * 1. at every step the bitmap has the bit of the key's nibble, but at the last where the place is empty, and there it has not;
 * 2. a step has the hashes of as many siblings as its bitmap has other bits; only that of an empty trie has none at all;
 * 3. a leaf at the end shares the nibbles of the way with the key.
 * Two walks with one root end with the same, or SHA-256 is broken: every hash on the way commits to what is below.
 */
export function rootOfWalk(key: Uint8Array, { steps, end }: TrieWalk): Uint8Array | null {
  if (steps.length > TRIE_DEPTH_MAX || (end === null && steps.length === 0)) return null
  if (end !== null && !steps.every((_, depth) => nibbleAt(key, depth) === nibbleAt(end.key, depth)))
    return null
  let below = end === null ? null : leafHash(end.key, end.value)
  for (let depth = steps.length - 1; depth >= 0; depth--) {
    const { bitmap, siblings } = steps[depth] as TrieStep
    const nibble = nibbleAt(key, depth)
    const isOnWay = ((bitmap >> nibble) & 1) === 1
    const others = countBits(bitmap) - (isOnWay ? 1 : 0)
    if (isOnWay !== (below !== null) || siblings.length !== others * HASH_BYTES) return null
    if (bitmap === 0 && steps.length > 1) return null
    const at = countBits(bitmap & ((1 << nibble) - 1)) * HASH_BYTES
    const children =
      below === null ? siblings : concatBytes(siblings.subarray(0, at), below, siblings.subarray(at))
    below = branchHash(bitmap, children)
  }
  return below
}

function countBits(bitmap: number): number {
  let count = 0
  for (let bits = bitmap; bits !== 0; bits &= bits - 1) count++
  return count
}
