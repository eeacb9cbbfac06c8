import { CONFLICTS_PAGE_MAX } from '../../core/limits.ts'
import { isAtOrBelow, parsePath, ROOT_PATH } from '../../core/path.ts'
import type { CellKey, CellType } from '../../core/types/cell.ts'
import { compareCellKeys } from '../../storage/cell-order.ts'
import type { SpaceStore } from '../../storage/space-store.ts'
import { FaultError, orThrow } from '../fault-error.ts'
import { type Conflict, conflictIn, conflictsAt, type Contender } from './conflict.ts'
import { fieldWords } from './describe-edit.ts'
import type { PutOptions } from '../space/put-options.ts'
import type { ItemWriter } from './item-writer.ts'
import { settlingEdits } from './settling-edits.ts'

/** Which conflicts. */
export interface ConflictOptions {
  /** At most so many, up to CONFLICTS_PAGE_MAX. */
  readonly limit?: number | undefined
  /** Only those after this one, in the order of the listing: `next` of the page before. */
  readonly after?: CellKey | undefined
}

/** A page of conflicts, ascending by path, type and field. */
export interface ConflictPage {
  readonly conflicts: readonly Conflict[]
  /** Give it as `after` for the next page; null where there is no more. */
  readonly next: CellKey | null
}

/** Which conflict at a path is meant; not needed where there is one. */
export interface ConflictChoice {
  readonly type?: CellType | undefined
  readonly field?: string | undefined
}

/** Who settles a conflict, and when: one operation on top of all that is here. Default: this node, now. */
export type SettlingOptions = Pick<PutOptions, 'author' | 'timeMs'>

const PAGE_PRESET = 100

/**
 * Where concurrent writes met. Merging has decided what shows, and every node shows the same; what lost is kept here for people to look at
 * until somebody who has seen both sides writes there again: `take` and `keep` do that with one operation. Only what the last writer
 * wins is contested, and claims; sets, counters, logs and texts keep what everybody did.
 */
export class SpaceConflicts {
  readonly #space: ItemWriter

  constructor(space: ItemWriter) {
    this.#space = space
  }

  /**
   * The open conflicts at or below a path. Where it names an item, also its deletions that met a write: below it those are only known
   * where the deletion won.
   */
  list(prefix = '', options: ConflictOptions = {}): ConflictPage {
    orThrow(parsePath(prefix))
    const { limit = PAGE_PRESET, after } = options
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > CONFLICTS_PAGE_MAX)
      throw new FaultError({
        code: 'LIMIT',
        detail: `a page of conflicts has 1 to ${CONFLICTS_PAGE_MAX}, not ${limit}`,
      })
    const { store } = this.#space.hosted
    const conflicts: Conflict[] = []
    for (const conflict of conflictsBelow(prefix, after, store)) {
      if (conflicts.length === limit) {
        const { path, type, field } = conflicts.at(-1) as Conflict
        return { conflicts, next: { path, type, field } }
      }
      conflicts.push(conflict)
    }
    return { conflicts, next: null }
  }

  /**
   * Makes what one losing operation (hexadecimal) did at a path show, and so settles the conflict: writes its value again, deletes again,
   * or releases the claims before it. Returns the new operation's id.
   */
  take(path: string, operation: string, choice: ConflictChoice = {}, by: SettlingOptions = {}): string {
    const found = this.#at(path, choice).flatMap((conflict) => {
      const loser = conflict.losers.find((one) => one.operation === operation)
      return loser === undefined ? [] : [{ conflict, loser }]
    })
    const { conflict, loser } = this.#only(found, path, `that operation ${operation} lost`)
    return this.#settle(conflict, loser, by)
  }

  /** Settles the conflict at a path in favour of what shows. Returns the new operation's id. */
  keep(path: string, choice: ConflictChoice = {}, by: SettlingOptions = {}): string {
    const conflict = this.#only(this.#at(path, choice), path, 'that is open')
    return this.#settle(conflict, conflict.winner, by)
  }

  #at(path: string, { type, field }: ConflictChoice): readonly Conflict[] {
    orThrow(parsePath(path))
    return [...conflictsAt(path, this.#space.hosted.store)].filter(
      (conflict) => (type ?? conflict.type) === conflict.type && (field ?? conflict.field) === conflict.field,
    )
  }

  #only<T extends Conflict | { readonly conflict: Conflict }>(
    found: readonly T[],
    path: string,
    which: string,
  ): T {
    const [only, ...others] = found
    const at = JSON.stringify(path)
    if (only === undefined) {
      const detail = `there is no conflict at ${at} ${which}: see "hanse conflicts"`
      throw new FaultError({ code: 'NOT_FOUND', detail })
    }
    if (others.length === 0) return only
    const places = found.map((one) => placeOf('conflict' in one ? one.conflict : one)).join(', ')
    throw new FaultError({
      code: 'AMBIGUOUS',
      detail: `there are ${found.length} conflicts at ${at} ${which} (${places}): name one with --type and --field`,
    })
  }

  /** One operation that has seen all sides: this node builds on all that is here. */
  #settle(conflict: Conflict, wanted: Contender, by: SettlingOptions): string {
    return this.#space.write(settlingEdits(conflict, wanted, this.#space.hosted.store), by)
  }
}

/** Ascending by path, type and field. */
function* conflictsBelow(prefix: string, after: CellKey | undefined, store: SpaceStore): Generator<Conflict> {
  const isAfter = (conflict: Conflict) => after === undefined || compareCellKeys(conflict, after) > 0
  if (after === undefined || after.path === prefix)
    for (const conflict of conflictsAt(prefix, store)) if (isAfter(conflict)) yield conflict
  // Between a path and what is below it lie its longer namesakes, which the slash passes over.
  const below = prefix === ROOT_PATH ? '' : `${prefix}/`
  const start: CellKey | null =
    after !== undefined && after.path !== prefix ? after : { path: below, type: '' as CellType, field: '' }
  for (const key of contestedFrom(start, store)) {
    if (!isAtOrBelow(key.path, prefix)) return
    if (key.path === prefix) continue
    const conflict = conflictIn(key, store)
    if (conflict !== null) yield conflict
  }
}

function* contestedFrom(start: CellKey | null, store: SpaceStore): Generator<CellKey> {
  let after = start
  for (;;) {
    const page = store.contested(after, CONFLICTS_PAGE_MAX)
    yield* page
    if (page.length < CONFLICTS_PAGE_MAX) return
    after = page.at(-1) as CellKey
  }
}

const placeOf = ({ type, field }: Conflict): string =>
  field === '' ? type : `${type} ${fieldWords(type, field)}`
