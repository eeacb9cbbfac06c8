import { isInChain, PastReader } from '../../core/ancestry.ts'
import { toHex } from '../../core/bytes.ts'
import type { Entry, Graph } from '../../core/graph.ts'
import { PASTS_KEPT_MAX } from '../../core/limits.ts'
import { RecentCache } from '../../storage/recent-cache.ts'

interface Kept {
  readonly reader: PastReader
  /** The operation whose past the reader answers for. */
  readonly entry: Entry
}

/**
 * The pasts of operations as they are admitted. Those of one author grow, so each is read on from the one before: a log of operations that
 * have seen little of what is here costs one search of the history together, and not one each. Belongs to one replica's derived state: after a
 * transaction that failed, whoever has this object makes a new one.
 */
export class Pasts {
  readonly #graph: Graph
  /** By author. */
  readonly #kept = new RecentCache<string, Kept>(PASTS_KEPT_MAX)

  constructor(graph: Graph) {
    this.#graph = graph
  }

  /** What an operation has seen, itself not included. The answer holds until the next one is asked for. */
  of(entry: Entry): PastReader {
    const author = toHex(entry.author)
    const kept = this.#kept.get(author)
    if (kept?.entry.ordinal === entry.ordinal) return kept.reader
    const parents = entry.parents.map((ordinal) => this.#graph.at(ordinal))
    const goesOn = kept !== undefined && isInChain(this.#graph, kept.entry, entry)
    const reader = goesOn ? kept.reader : new PastReader(this.#graph, parents)
    if (goesOn) reader.extend(parents)
    this.#kept.set(author, { reader, entry })
    return reader
  }
}
