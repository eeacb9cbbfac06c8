import { compareText } from './cell-order.ts'
import type { TextEditRow } from './space-store.ts'
import type { UndoLog } from './undo-log.ts'

/** The edits of texts in a memory store. */
export class MemoryTexts {
  readonly #log: UndoLog
  /** By path, and then by `ordinal/index`. */
  readonly #rows = new Map<string, Map<string, TextEditRow>>()

  constructor(log: UndoLog) {
    this.#log = log
  }

  edits(path: string): readonly TextEditRow[] {
    const rows = this.#rows.get(path)?.values() ?? []
    return [...rows].sort((a, b) => a.ordinal - b.ordinal || a.index - b.index)
  }

  waiting(): readonly string[] {
    const isWaiting = (rows: Map<string, TextEditRow>) => [...rows.values()].some((row) => row.isWaiting)
    return [...this.#rows].flatMap(([path, rows]) => (isWaiting(rows) ? [path] : [])).sort(compareText)
  }

  put(path: string, row: TextEditRow): void {
    const rows = this.#rows.get(path) ?? new Map<string, TextEditRow>()
    if (!this.#rows.has(path)) this.#log.set(this.#rows, path, rows)
    const { ordinal, index, parents, isWaiting, payload } = row
    this.#log.set(rows, `${ordinal}/${index}`, { ordinal, index, parents: [...parents], isWaiting, payload })
  }
}
