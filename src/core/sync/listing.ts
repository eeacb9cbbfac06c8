import { ancestorAtSeq } from '../ancestry.ts'
import { equalBytes } from '../bytes.ts'
import type { Head } from '../clock.ts'
import type { Entry, Graph } from '../graph.ts'
import { HASH_BYTES } from '../hash.ts'
import {
  FORKED_HEADS_WANTED_PER_ROUND_MAX,
  HEADS_PER_ENTRY_MAX,
  HEADS_PER_ROUND_MAX,
  SHORT_ID_BYTES,
  SHORT_KEY_BYTES,
} from '../limits.ts'
import type { ListedEntry, ListedHead } from './message.ts'
import type { SyncView } from './view.ts'

/** By what factor more heads of one author are listed in each round than in the one before, and asked for while all of those arrive. */
export const ALLOWANCE_GROWTH = 4

/** How many heads of one author are listed in a round, from 0: as many as it may ask for. */
export function headsListedMax(round: number): number {
  return Math.min(FORKED_HEADS_WANTED_PER_ROUND_MAX * ALLOWANCE_GROWTH ** round, HEADS_PER_ROUND_MAX)
}

/**
 * The heads of an author to list where there is room for so many, ascending: of a storm the ones admitted last, which a peer lacks most likely.
 */
export function headsToList(graph: Graph, heads: readonly Head[], room: number): readonly Head[] {
  if (heads.length <= room) return heads
  const ordinals = new Map(heads.map((head) => [head, graph.find(head.id)?.ordinal ?? -1]))
  const latest = [...heads].sort((a, b) => (ordinals.get(b) as number) - (ordinals.get(a) as number))
  const chosen = new Set(latest.slice(0, room))
  return heads.filter((head) => chosen.has(head))
}

/**
 * An author as it is listed: in entries of at most HEADS_PER_ENTRY_MAX heads, so that none outgrows a frame. `isShort`: by the first
 * bytes of its key and, unless it has forked, of its head. Whoever is misled by two that begin alike asks for what it has, or not for
 * what it lacks, until the next round.
 */
export function listAuthor(
  author: Uint8Array,
  heads: readonly Head[],
  isShort: boolean,
): readonly ListedEntry[] {
  const key = isShort ? author.subarray(0, SHORT_KEY_BYTES) : author
  const listed =
    isShort && heads.length === 1
      ? heads.map(({ seq, id }) => ({ seq, id: id.subarray(0, SHORT_ID_BYTES) }))
      : heads
  const entries: ListedEntry[] = []
  for (let i = 0; i < listed.length; i += HEADS_PER_ENTRY_MAX)
    entries.push({ author: key, heads: listed.slice(i, i + HEADS_PER_ENTRY_MAX) })
  return entries
}

/** The author that is meant: its whole key where it is known here, else what was listed. */
export function authorOf(view: SyncView, author: Uint8Array): Uint8Array {
  return author.length === HASH_BYTES ? author : (view.clock.authorWith(author) ?? author)
}

/** The operation of that author that is meant by a listed head; undefined where it is not here. */
export function findListed(view: SyncView, author: Uint8Array, { seq, id }: ListedHead): Entry | undefined {
  const { graph, clock } = view
  if (id.length === HASH_BYTES) return graph.find(id)
  if (author.length !== HASH_BYTES) return undefined
  // A forked author is searched in the branches that one entry lists, and no further: the next round names ids in full.
  for (const head of clock.heads(author).slice(0, HEADS_PER_ENTRY_MAX)) {
    const entry = graph.find(head.id)
    if (entry === undefined || entry.seq < seq) continue
    const there = ancestorAtSeq(graph, entry, seq)
    if (equalBytes(there.id.subarray(0, id.length), id)) return there
  }
  return undefined
}
