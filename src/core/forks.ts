import { ancestorAtSeq } from './ancestry.ts'
import { compareBytes } from './bytes.ts'
import type { Entry, Graph } from './graph.ts'

/**
 * Two operations of one author that both follow the same operation of theirs (or are both at seq 0): the proof that the author
 * has forked. `ids` are ascending. Both headers and signatures are admitted operations, so anyone who holds them can check.
 */
export interface ForkProof {
  readonly author: Uint8Array
  readonly seq: number
  readonly ids: readonly [Uint8Array, Uint8Array]
}

/**
 * The smallest fork proof that a newly admitted operation completes; null where it follows a head of its author, as every
 * operation of an honest author does. `entry` itself may or may not be among the heads already.
 */
export function forkMadeBy(entry: Entry, graph: Graph): ForkProof | null {
  let smallest: ForkProof | null = null
  for (const head of graph.heads(entry.author)) {
    if (head.seq < entry.seq) continue
    const sibling = ancestorAtSeq(graph, head, entry.seq)
    if (sibling.ordinal === entry.ordinal || sibling.prev !== entry.prev) continue
    const pair: readonly [Uint8Array, Uint8Array] =
      compareBytes(sibling.id, entry.id) < 0 ? [sibling.id, entry.id] : [entry.id, sibling.id]
    const proof = { author: entry.author, seq: entry.seq, ids: pair }
    if (smallest === null || compareForkProofs(proof, smallest) < 0) smallest = proof
  }
  return smallest
}

/** Orders proofs by seq, then ids: the smallest is the one every node keeps, whatever order the operations came in. */
export function compareForkProofs(a: ForkProof, b: ForkProof): number {
  return a.seq - b.seq || compareBytes(a.ids[0], b.ids[0]) || compareBytes(a.ids[1], b.ids[1])
}
