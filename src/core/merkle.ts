import { sha256 } from './hash.ts'

const LEAF = Uint8Array.of(0)
const NODE = Uint8Array.of(1)

/**
 * Root of the Merkle tree over `leaves` in their order, in the shape of RFC 6962 §2.1: leaves are hashed with a 0 byte before
 * them, inner nodes with a 1 byte, a list is split at the largest power of two below its length, and the root of no leaves
 * is the hash of nothing. 32 bytes.
 */
export function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256()
  return rootOfHashes(leaves.map((leaf) => sha256(LEAF, leaf)))
}

function rootOfHashes(hashes: readonly Uint8Array[]): Uint8Array {
  // Pairing neighbours level by level, and carrying an odd last one up, gives RFC 6962's tree without recursion.
  let level = hashes
  while (level.length > 1) {
    const above: Uint8Array[] = []
    for (let i = 0; i < level.length; i += 2) {
      const left = level[i] as Uint8Array
      const right = level[i + 1]
      above.push(right === undefined ? left : sha256(NODE, left, right))
    }
    level = above
  }
  return level[0] as Uint8Array
}
