import type { KnownLog } from '../../core/clock-text.ts'
import { parsePath } from '../../core/path.ts'
import { orThrow } from '../fault-error.ts'
import type { Item } from '../space/item.ts'
import type { PutOptions } from '../space/put-options.ts'
import { type Blame, blameOf } from './blame.ts'
import { type Delta, deltaSince } from './delta.ts'
import { type Difference, diffRows } from './diff-rows.ts'
import { type CellChoice, ItemRecords } from './item-records.ts'
import type { ItemWriter } from './item-writer.ts'
import { itemsOf, rowsAt, type StateOptions } from './item-state.ts'
import { loggedOperations, type LoggedOperation, type LogOptions } from './logged-operations.ts'
import { parsePoint } from './point.ts'
import { revertingEdits } from './reverting-edits.ts'
import { type HistoryOptions, type HistoryPage, readVersions } from './versions.ts'

/**
 * What items were at any point, who made them so, under which right and after having seen what. Points are as `parsePoint` reads them: an
 * operation's id, `<id>^` for before it, a time, `now`. Nothing is replayed: every question reads the history of the item it is about and
 * folds it as the state now is folded, so it costs what that item has been through, whatever else the space holds. What has not arrived,
 * such as an absent body, is not in it.
 */
export class SpaceHistory {
  readonly #space: ItemWriter

  constructor(space: ItemWriter) {
    this.#space = space
  }

  /**
   * Admitted operations that changed something at or below a path, with what they changed there; at the root every operation. The latest to
   * arrive first.
   */
  log(prefix = '', options: LogOptions = {}): Generator<LoggedOperation> {
    orThrow(parsePath(prefix))
    return loggedOperations(this.#space.hosted, prefix, options)
  }

  /** A page of the versions of the items at a path, or of one type, or of one field. */
  of(path: string, options: HistoryOptions = {}): HistoryPage {
    orThrow(parsePath(path))
    return readVersions(this.#space.hosted, path, options)
  }

  /**
   * The item at a path as it was at a point, of one type or of the first that showed in the order of CELL_TYPES. Undefined where nothing
   * did. With `asRecorded`, what was revoked since counts.
   */
  at(path: string, point: string | number, options: StateOptions = {}): Item | undefined {
    const items = this.allAt(path, point, options)
    return items[0]
  }

  /** The items of every type at a path as they were at a point, in the order of CELL_TYPES. */
  allAt(path: string, point: string | number, options: StateOptions = {}): readonly Item[] {
    orThrow(parsePath(path))
    const { hosted } = this.#space
    const rows = rowsAt(path, orThrow(parsePoint(point)), options, new ItemRecords(hosted.store), hosted)
    return itemsOf(rows, hosted.store)
  }

  /** In what the items at a path differ between two points. */
  diff(
    path: string,
    from: string | number,
    to: string | number,
    options: StateOptions = {},
  ): readonly Difference[] {
    orThrow(parsePath(path))
    const { hosted } = this.#space
    const records = new ItemRecords(hosted.store)
    const [before, after] = [from, to].map((point) =>
      rowsAt(path, orThrow(parsePoint(point)), options, records, hosted),
    ) as [ReturnType<typeof rowsAt>, ReturnType<typeof rowsAt>]
    return diffRows(before, after, hosted.store)
  }

  /** The items at or below a path that show otherwise than to somebody with that clock (src/core/clock-text.ts). */
  async since(clock: readonly KnownLog[], path = ''): Promise<Delta> {
    orThrow(parsePath(path))
    return await deltaSince(this.#space.hosted, clock, path)
  }

  /** Who wrote what shows at a path now: each value, field, edge, entry and member. */
  blame(path: string, choice: CellChoice = {}): readonly Blame[] {
    orThrow(parsePath(path))
    const { hosted } = this.#space
    return blameOf(path, choice, new ItemRecords(hosted.store), hosted)
  }

  /**
   * Makes the items at a path again what they were at a point, as one new operation; what was done since stays in the history. Returns its
   * id, hexadecimal, or null where nothing differs. `REVERT_TYPE` where a log or a claim differs: name the others by their type. `by`: who
   * signs it; by default this node.
   */
  revert(
    path: string,
    point: string | number,
    options: StateOptions = {},
    by: Pick<PutOptions, 'author' | 'timeMs'> = {},
  ): string | null {
    const edits = revertingEdits(path, this.diff(path, 'now', point, options))
    return edits.length === 0 ? null : this.#space.write(edits, by)
  }
}
