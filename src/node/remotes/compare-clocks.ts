import { toHex } from '../../core/bytes.ts'
import type { KnownLog } from '../../core/clock-text.ts'
import type { SpaceStore } from '../../storage/space-store.ts'
import { pastOf } from '../exchange/past-bits.ts'

/** How two clocks of a space differ, in operations. */
export interface ClockDifference {
  /** Here, and not there. */
  readonly ahead: number
  /** There, and not here; at least, where an author has forked. */
  readonly behind: number
}

/** Compares what is here with somebody's clock. One walk over the log from the first operation that they lack on. */
export async function compareClocks(
  store: SpaceStore,
  theirs: readonly KnownLog[],
): Promise<ClockDifference> {
  let behind = 0
  for (const { author, seq, heads } of theirs) {
    const own = store.heads(author).reduce((most, head) => Math.max(most, head.seq), -1)
    if (seq !== null) behind += Math.max(0, seq - own)
    for (const head of heads) {
      if (store.find(head.id) === undefined) behind += Math.max(1, (head.seq ?? 0) - own)
    }
  }
  const named = new Set(theirs.flatMap(({ heads }) => heads.map(({ id }) => toHex(id))))
  const isEqual =
    behind === 0 &&
    [...store.authors()].every(({ author }) => store.heads(author).every(({ id }) => named.has(toHex(id))))
  if (isEqual) return { ahead: 0, behind: 0 }
  const past = await pastOf(store, theirs)
  let ahead = 0
  for (let ordinal = past.first; ordinal < store.count(); ordinal++)
    if (!past.has(ordinal) && store.mask(ordinal)?.isSevered !== true) ahead++
  return { ahead, behind }
}
