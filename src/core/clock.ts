import { compareBytes, joinBytes, toHex } from './bytes.ts'
import { CLOCK_LEAF_TAG } from './domain-tags.ts'
import { sha256 } from './hash.ts'
import { MerkleTrie, type TrieDigest } from './trie.ts'

/** One end of an author's log. */
export interface Head {
  readonly seq: number
  readonly id: Uint8Array
}

/** An author and the ends of its log: one head, unless the author has forked. */
export interface ClockEntry {
  readonly author: Uint8Array
  /** Ascending by (seq, id), never empty. */
  readonly heads: readonly Head[]
}

/** Orders heads by seq, then id. */
export function compareHeads(a: Head, b: Head): number {
  return a.seq - b.seq || compareBytes(a.id, b.id)
}

/**
 * The clock of a replica: author → heads, as a Merkle trie keyed by author. Heads commit to their past, so the root commits to
 * every header in it: equal roots mean equal sets. The root is kept up incrementally (src/core/trie.ts).
 */
export class Clock {
  readonly #heads = new Map<string, ClockEntry>()
  readonly #trie = new MerkleTrie()

  /** Replaces the heads of an author; without any, the author has no place in the clock: all it wrote is severed. */
  set(author: Uint8Array, heads: readonly Head[]): void {
    if (heads.length === 0) {
      this.#heads.delete(toHex(author))
      this.#trie.delete(author)
      return
    }
    const sorted = [...heads].sort(compareHeads)
    this.#heads.set(toHex(author), { author, heads: sorted })
    this.#trie.set(author, clockLeaf(sorted))
  }

  /** The heads of an author, ascending; none where the author is unknown. */
  heads(author: Uint8Array): readonly Head[] {
    return this.#heads.get(toHex(author))?.heads ?? []
  }

  /** Root hash, and the number of authors. */
  digest(): TrieDigest {
    return this.#trie.digest()
  }

  /** Digests of the sixteen places below a prefix of nibbles of the author key. */
  childrenAt(prefix: readonly number[]): readonly TrieDigest[] {
    return this.#trie.childrenAt(prefix)
  }

  /** The entries of the authors at or below a prefix, ascending by author. */
  entriesAt(prefix: readonly number[]): readonly ClockEntry[] {
    return this.#trie.keysAt(prefix).map((author) => this.#heads.get(toHex(author)) as ClockEntry)
  }
}

/** What the clock commits to for one author: sha256(tag ‖ for each head: seq as 8 bytes big-endian ‖ id). */
export function clockLeaf(heads: readonly Head[]): Uint8Array {
  const parts: Uint8Array[] = [CLOCK_LEAF_TAG]
  for (const head of heads) {
    const seq = new Uint8Array(8)
    new DataView(seq.buffer).setBigUint64(0, BigInt(head.seq))
    parts.push(seq, head.id)
  }
  return sha256(joinBytes(parts))
}
