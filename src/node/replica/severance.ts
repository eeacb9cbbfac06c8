import { isInChain, lastInChain } from '../../core/ancestry.ts'
import type { Entry } from '../../core/graph.ts'
import type { SpaceStore } from '../../storage/space-store.ts'

/**
 * The heads of an author that the clock shows: those of its log without what is severed (docs/decisions/0007). All that follows a
 * severed operation in its chain is severed too, so the last that is not is found by halving. None where everything is severed.
 */
export function keptHeads(store: SpaceStore, author: Uint8Array): readonly Entry[] {
  const heads = store.heads(author)
  const isKept = ({ ordinal }: Entry) => store.mask(ordinal)?.isSevered !== true
  if (heads.every(isKept)) return heads
  const ends = new Map<number, Entry>()
  for (const head of heads) {
    const last = lastInChain(store, head, isKept)
    if (last !== null) ends.set(last.ordinal, last)
  }
  // The end of one branch may lie in the middle of another.
  const kept: Entry[] = []
  for (const end of [...ends.values()].sort((a, b) => b.seq - a.seq)) {
    if (!kept.some((later) => isInChain(store, end, later))) kept.push(end)
  }
  return kept
}

/** From the frontier upwards, the first operations on every way of which `isWanted` holds. */
export function endsThrough(store: SpaceStore, isWanted: (entry: Entry) => boolean): readonly Entry[] {
  const ends: Entry[] = []
  const seen = new Set<number>()
  const open = [...store.frontier()]
  for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
    if (seen.has(entry.ordinal)) continue
    seen.add(entry.ordinal)
    if (isWanted(entry)) ends.push(entry)
    else open.push(...entry.parents.map((ordinal) => store.at(ordinal)))
  }
  return ends
}
