import { concatBytes } from '../../src/core/bytes.ts'
import { TRIE_LEAF_TAG, TRIE_NODE_TAG } from '../../src/core/domain-tags.ts'
import { sha256 } from '../../src/core/hash.ts'

/** The root of a Merkle trie by recursion over the set, from docs/protocol.md alone: the oracle for the incremental one. */
export function naiveTrieRoot(
  entries: readonly (readonly [Uint8Array, Uint8Array])[],
  depth = 0,
): Uint8Array {
  const [only] = entries
  if (only === undefined) return sha256(TRIE_NODE_TAG, Uint8Array.of(0, 0))
  if (entries.length === 1) return sha256(TRIE_LEAF_TAG, only[0], only[1])
  let bitmap = 0
  const hashes: Uint8Array[] = []
  for (let nibble = 0; nibble < 16; nibble++) {
    const below = entries.filter(
      ([key]) => Number.parseInt(Buffer.from(key).toString('hex')[depth] as string, 16) === nibble,
    )
    if (below.length === 0) continue
    bitmap += 2 ** nibble
    hashes.push(naiveTrieRoot(below, depth + 1))
  }
  return sha256(TRIE_NODE_TAG, Uint8Array.of(Math.floor(bitmap / 256), bitmap % 256), concatBytes(...hashes))
}
