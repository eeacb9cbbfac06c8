import { ancestorAtSeq, isInChain } from './ancestry.ts'
import { equalBytes, toHex } from './bytes.ts'
import type { Entry, Graph } from './graph.ts'
import { BRANCH_AUTHORS_MAX, BRANCH_ENTRIES_MAX } from './limits.ts'

/** What a past holds of a forked author: nothing beyond the trunk, one chain that ends at an ordinal, or several branches. */
type Seen = number | 'trunk' | 'several'

/** What is remembered of one author. */
interface AuthorMemo {
  /** Below this seq the author has one chain, which every branch goes on from: the trunk. */
  readonly floorSeq: number
  /** Operations up to this lamport have seen nothing of the author beyond the trunk. */
  readonly floorLamport: number
  readonly seen: Map<number, Seen>
}

/**
 * Which branch of a forked author each operation has seen, remembered so that all questions together visit each operation of the
 * graph once for each such author (check 9). Only ever asked about authors that have forked, or are about to.
 */
export class Branches {
  readonly #graph: Graph
  readonly #authorsMax: number
  readonly #entriesMax: number
  /** By author; a map iterates in the order of insertion, so the first was used longest ago. */
  readonly #memos = new Map<string, AuthorMemo>()

  /** `authorsMax`, `entriesMax`: how much is remembered; with less, more is searched again. */
  constructor(graph: Graph, authorsMax = BRANCH_AUTHORS_MAX, entriesMax = BRANCH_ENTRIES_MAX) {
    this.#graph = graph
    this.#authorsMax = authorsMax
    this.#entriesMax = entriesMax
  }

  /**
   * True when the author's own operations in past⁺(parents) are just the chain that ends with `prev`: what check 9 asks of the
   * author's next operation. `prev`: null where that would begin its log.
   */
  areOneChain(author: Uint8Array, prev: Entry | null, parents: readonly Entry[]): boolean {
    const memo = this.#memoOf(author, prev)
    return parents.every((parent) => {
      const seen = this.#seenBy(parent, author, memo)
      if (seen === 'several') return false
      return seen === 'trunk' || (prev !== null && isInChain(this.#graph, this.#graph.at(seen), prev))
    })
  }

  #memoOf(author: Uint8Array, prev: Entry | null): AuthorMemo {
    const key = toHex(author)
    const seq = prev === null ? 0 : prev.seq + 1
    const proved = this.#graph.fork(author)?.seq ?? seq
    const known = this.#memos.get(key)
    this.#memos.delete(key)
    if (known !== undefined && known.floorSeq <= seq && known.seen.size < this.#entriesMax) {
      this.#memos.set(key, known)
      return known
    }
    // Halved, so that an author who forks ever lower makes it start again a few times only.
    const floorSeq =
      known === undefined || known.floorSeq <= seq ? Math.min(seq, proved) : Math.min(seq >> 1, proved)
    const trunk = floorSeq === 0 ? null : this.#chainAt(author, prev, floorSeq - 1)
    const memo: AuthorMemo = { floorSeq, floorLamport: trunk?.lamport ?? 0, seen: new Map() }
    this.#memos.set(key, memo)
    if (this.#memos.size > this.#authorsMax) this.#memos.delete(this.#memos.keys().next().value as string)
    return memo
  }

  /** The author's operation at a seq below every fork; any chain leads there. */
  #chainAt(author: Uint8Array, prev: Entry | null, seq: number): Entry {
    const from = prev ?? (this.#graph.heads(author)[0] as Entry)
    return ancestorAtSeq(this.#graph, from, seq)
  }

  /** Parents first, with a stack of our own: a graph may be deep. */
  #seenBy(from: Entry, author: Uint8Array, memo: AuthorMemo): Seen {
    const open = [from]
    for (let entry = open.at(-1); entry !== undefined; entry = open.at(-1)) {
      if (this.#known(entry, author, memo) !== undefined) {
        open.pop()
        continue
      }
      const parents = entry.parents.map((ordinal) => this.#graph.at(ordinal))
      const unknown = parents.filter((parent) => this.#known(parent, author, memo) === undefined)
      if (unknown.length > 0) {
        open.push(...unknown)
        continue
      }
      memo.seen.set(
        entry.ordinal,
        this.#join(parents.map((parent) => this.#known(parent, author, memo) as Seen)),
      )
      open.pop()
    }
    return this.#known(from, author, memo) as Seen
  }

  #known(entry: Entry, author: Uint8Array, memo: AuthorMemo): Seen | undefined {
    if (entry.lamport <= memo.floorLamport) return 'trunk'
    // An admitted operation of the author has passed this very check: its past is the one chain that it ends.
    if (equalBytes(entry.author, author)) return entry.ordinal
    return memo.seen.get(entry.ordinal)
  }

  /** What someone has seen who has seen all of these. */
  #join(all: readonly Seen[]): Seen {
    let latest: Entry | null = null
    const tips: Entry[] = []
    for (const seen of all) {
      if (seen === 'several') return 'several'
      if (seen === 'trunk') continue
      const tip = this.#graph.at(seen)
      tips.push(tip)
      if (latest === null || tip.seq > latest.seq) latest = tip
    }
    if (latest === null) return 'trunk'
    const end = latest
    return tips.every((tip) => isInChain(this.#graph, tip, end)) ? end.ordinal : 'several'
  }
}
