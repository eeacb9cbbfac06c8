import { compareBytes, equalBytes } from './bytes.ts'
import type { Entry, ForkProof, Graph } from './graph.ts'

/**
 * The fork proof that a newly admitted operation completes, if it is smaller than what the graph knows of the author; else null, as
 * for every operation of an honest author. Asked before the operation is added to the graph. Costs two lookups, however many
 * branches there are: where the known proof is smaller nothing can change, where it is of the same place one id may take the place of
 * another, and where it is greater or none the author had at most one operation at that place.
 */
export function forkMadeBy(entry: Entry, graph: Graph): ForkProof | null {
  const { author, seq } = entry
  const prev = entry.prev === null ? null : graph.at(entry.prev).id
  const known = graph.fork(author)
  const place = { author, seq, prev }
  const order = known === undefined ? -1 : comparePlaces(place, known)
  if (known !== undefined && order > 0) return null
  if (known !== undefined && order === 0) {
    const [low, high] = known.ids
    if (compareBytes(entry.id, high) >= 0) return null
    return { ...place, ids: compareBytes(entry.id, low) < 0 ? [entry.id, low] : [low, entry.id] }
  }
  const sibling = graph.firstAfter(author, entry.prev)
  if (sibling === undefined || equalBytes(sibling.id, entry.id)) return null
  const isLower = compareBytes(sibling.id, entry.id) < 0
  return { ...place, ids: isLower ? [sibling.id, entry.id] : [entry.id, sibling.id] }
}

/** Orders proofs by seq, `prev`, then ids: the smallest is the one every node keeps, whatever order the operations came in. */
export function compareForkProofs(a: ForkProof, b: ForkProof): number {
  return comparePlaces(a, b) || compareBytes(a.ids[0], b.ids[0]) || compareBytes(a.ids[1], b.ids[1])
}

function comparePlaces(a: Pick<ForkProof, 'seq' | 'prev'>, b: Pick<ForkProof, 'seq' | 'prev'>): number {
  // Two places at one seq differ in `prev`; at seq 0 there is one.
  return a.seq - b.seq || (a.prev === null || b.prev === null ? 0 : compareBytes(a.prev, b.prev))
}
