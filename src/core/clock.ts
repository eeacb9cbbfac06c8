import { compareBytes, joinBytes, toHex, toKey } from './bytes.ts'
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
 * every header in it: equal roots mean equal sets. The root is kept up incrementally (src/core/trie.ts). Heads are looked up, and
 * hashed, when somebody asks: an author that writes a hundred times between two comparisons costs one leaf, and no operation waits for it.
 */
export class Clock {
  readonly #headsOf: (author: Uint8Array) => readonly Head[]
  readonly #heads = new Map<string, ClockEntry>()
  readonly #trie = new MerkleTrie()
  /** Whose heads are to be looked up. An author is mostly named by the same array: few are here twice. */
  readonly #changed = new Set<Uint8Array>()
  /** By author, hexadecimal: whose leaf is not, or no longer, that of its heads. */
  readonly #pending = new Map<string, Uint8Array>()

  /** @param headsOf - the heads of an author now; none takes away its place in the clock: all it wrote is severed */
  constructor(headsOf: (author: Uint8Array) => readonly Head[] = () => []) {
    this.#headsOf = headsOf
  }

  /** The heads of an author may be others from now on. They are looked up when somebody asks for anything. */
  changed(author: Uint8Array): void {
    this.#changed.add(author)
  }

  /** Replaces the heads of an author, until they change; none as in the constructor. */
  set(author: Uint8Array, heads: readonly Head[]): void {
    this.lookUp()
    this.#replace(author, heads)
  }

  /** Looks up what has changed, so that it is told later as it is now, unless it changes again. */
  lookUp(): void {
    if (this.#changed.size === 0) return
    const authors = new Map(Array.from(this.#changed, (author) => [toKey(author), author]))
    for (const author of authors.values()) this.#replace(author, this.#headsOf(author))
    // Not before: where the heads cannot be read, whoever asks next asks for them again.
    this.#changed.clear()
  }

  /** The heads of an author, ascending; none where the author is unknown. */
  heads(author: Uint8Array): readonly Head[] {
    this.lookUp()
    return this.#heads.get(toHex(author))?.heads ?? []
  }

  /** Root hash, and the number of authors. */
  digest(): TrieDigest {
    return this.#settled().digest()
  }

  /** Digest of what lies at or below a prefix of nibbles of the author key. */
  digestAt(prefix: readonly number[]): TrieDigest {
    return this.#settled().digestAt(prefix)
  }

  /** Digest of one author alone; that of nothing where it is unknown. */
  digestOf(author: Uint8Array): TrieDigest {
    return this.#settled().digestAt(nibblesOf(author))
  }

  /** The authors at or below a prefix, ascending. */
  authorsAt(prefix: readonly number[]): readonly Uint8Array[] {
    return this.#settled().keysAt(prefix)
  }

  /** The only author whose key begins with these bytes; null where there is none, or another. */
  authorWith(start: Uint8Array): Uint8Array | null {
    const prefix = nibblesOf(start)
    const trie = this.#settled()
    if (trie.digestAt(prefix).count !== 1) return null
    return trie.keysAt(prefix)[0] ?? null
  }

  #replace(author: Uint8Array, heads: readonly Head[]): void {
    const key = toHex(author)
    this.#pending.set(key, author)
    if (heads.length === 0) this.#heads.delete(key)
    else this.#heads.set(key, { author, heads: heads.map(({ seq, id }) => ({ seq, id })).sort(compareHeads) })
  }

  #settled(): MerkleTrie {
    this.lookUp()
    for (const [key, author] of this.#pending) {
      const heads = this.#heads.get(key)?.heads
      if (heads === undefined) this.#trie.delete(author)
      else this.#trie.set(author, clockLeaf(heads))
    }
    this.#pending.clear()
    return this.#trie
  }
}

function nibblesOf(bytes: Uint8Array): readonly number[] {
  const nibbles: number[] = []
  for (const byte of bytes) nibbles.push(byte >> 4, byte & 15)
  return nibbles
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
