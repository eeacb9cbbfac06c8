import { concatBytes, toKey } from '../bytes.ts'
import { type Clock, clockLeaf } from '../clock.ts'
import { TRIE_LEAF_TAG } from '../domain-tags.ts'
import type { Entry } from '../graph.ts'
import { sha256 } from '../hash.ts'
import { LEAVES_TRIED_MAX, PUSHED_OPERATIONS_MAX, SHORT_DIGEST_BYTES } from '../limits.ts'
import type { SyncView } from './view.ts'

/**
 * What a side that is a little behind lists in place of its heads: the first SHORT_DIGEST_BYTES of the leaf of each author, in their order.
 * The other finds the heads among what it had before. Null where that does not do: no authors, more than PUSHED_OPERATIONS_MAX, or one that
 * has forked.
 */
export function leavesOf(clock: Clock, authors: readonly Uint8Array[]): Uint8Array | null {
  if (authors.length === 0 || authors.length > PUSHED_OPERATIONS_MAX) return null
  if (authors.some((author) => clock.heads(author).length !== 1)) return null
  return concatBytes(...authors.map((author) => cut(clock.digestOf(author).hash)))
}

/**
 * The heads that a peer listed by their leaves, in its order, among what came before the one head of each of `authors` here, the latest
 * first. Null unless there is exactly one for each leaf within LEAVES_TRIED_MAX operations. What is found may be another head than the
 * peer's, since so few bytes are compared: see SharedHeads.check.
 */
export function recogniseLeaves(
  { graph, clock }: Pick<SyncView, 'graph' | 'clock'>,
  authors: readonly Uint8Array[],
  leaves: Uint8Array,
): readonly Entry[] | null {
  const places = new Map<string, number>()
  for (let at = 0; at < leaves.length; at += SHORT_DIGEST_BYTES)
    places.set(toKey(leaves.subarray(at, at + SHORT_DIGEST_BYTES)), at / SHORT_DIGEST_BYTES)
  const count = leaves.length / SHORT_DIGEST_BYTES
  if (places.size !== count) return null
  const found: Entry[] = []
  let lacking = count
  let tried = 0
  let behind = authors.flatMap((author) => {
    const [head, other] = clock.heads(author)
    const entry = head === undefined || other !== undefined ? undefined : graph.find(head.id)
    return entry === undefined ? [] : [entry.ordinal]
  })
  // A step back for each author, and again, so that one who wrote much does not stand before the others.
  while (lacking > 0 && behind.length > 0) {
    const further: number[] = []
    for (const ordinal of behind) {
      const prev = graph.prevOf(ordinal)
      if (prev === null) continue
      if (tried++ === LEAVES_TRIED_MAX) return null
      const entry = graph.at(prev)
      const place = places.get(toKey(leafOf(entry)))
      if (place === undefined) further.push(prev)
      else if (found[place] !== undefined) return null
      else {
        found[place] = entry
        lacking--
      }
    }
    behind = further
  }
  return lacking === 0 ? found : null
}

/** The leaf of an author with this operation as its one head, as a clock trie has it (docs/protocol.md §5). */
function leafOf(head: Entry): Uint8Array {
  return cut(sha256(TRIE_LEAF_TAG, head.author, clockLeaf([head])))
}

const cut = (hash: Uint8Array): Uint8Array => hash.subarray(0, SHORT_DIGEST_BYTES)
