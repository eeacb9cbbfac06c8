import type { Evaluation } from '../../core/changes/evaluate.ts'
import type { Entry } from '../../core/graph.ts'
import type { CellEdit, CellKey } from '../../core/types/cell.ts'
import { cellName } from '../../storage/cell-order.ts'
import { RecentCache } from '../../storage/recent-cache.ts'

/** The meaning of an admitted operation's body. */
export type EvaluationOf = (entry: Entry) => Evaluation

/** Bodies kept while cells are folded again: neighbours in one body come one after the other. */
const BODIES_KEPT = 256

/**
 * What bodies do to cells, while many cells are folded again: each body is read once for all of its cells, and not searched for each. A body
 * of BODY_BYTES_MAX has tens of thousands of cells, so that reading it for each of them would take minutes.
 */
export class BodyEdits {
  readonly #evaluationOf: EvaluationOf
  readonly #bodies = new RecentCache<number, ReadonlyMap<string, CellEdit>>(BODIES_KEPT)

  constructor(evaluationOf: EvaluationOf) {
    this.#evaluationOf = evaluationOf
  }

  /** What change `index` of an operation does to a cell; undefined where it does nothing to it. A change edits a cell once at most. */
  find(entry: Entry, index: number, key: CellKey): CellEdit | undefined {
    return this.#body(entry).get(`${index} ${cellName(key)}`)
  }

  /** Everything that an operation does to cells. */
  all(entry: Entry): Iterable<CellEdit> {
    return this.#body(entry).values()
  }

  #body(entry: Entry): ReadonlyMap<string, CellEdit> {
    const known = this.#bodies.get(entry.ordinal)
    if (known !== undefined) return known
    const edits = this.#evaluationOf(entry).flatMap((change) =>
      change.ok && change.value.kind === 'cells' ? change.value.edits : [],
    )
    const body = new Map(edits.map((edit) => [`${edit.index} ${cellName(edit)}`, edit]))
    this.#bodies.set(entry.ordinal, body)
    return body
  }
}
