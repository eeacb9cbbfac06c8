import { TABLE_BATCH_ROWS_MAX } from '../../core/limits.ts'
import { ok, type Fault, type Result } from '../../core/result.ts'
import { noteOutdated } from './compare-rows.ts'
import { decideRemote, type Fields, type RemoteDecision, stateAfter, stateSettled } from './merge-row.ts'
import { decodeRowKey, encodeRowKey, type KeyValues } from './row-key.ts'
import { fieldsOf, type Share } from './share.ts'
import { rowFaultOf } from './table-file.ts'

/** What came of applying. */
export interface Applied {
  /** Rows that the table took. */
  readonly applied: number
  /** Rows that wait for their local changes to be published. */
  readonly unpublished: readonly string[]
}

/** One row that is to be written. */
interface Plan {
  readonly key: string
  readonly values: KeyValues
  readonly fields: Fields | undefined
  readonly decision: Exclude<RemoteDecision, { readonly kind: 'none' | 'unpublished' }>
}

/** Deletions make room for rows that take their place. */
const ORDER = { delete: 0, update: 1, insert: 2 } as const

/**
 * Makes the table's rows what the space says, in one transaction for all the keys (at most TABLE_BATCH_ROWS_MAX), with what is remembered of them. A row
 * that a constraint refuses is taken back alone and listed; the others stand. What triggers and foreign keys do in consequence is no change of
 * this side, see {@link settleConsequences}.
 */
export function applyRows(share: Share, keys: readonly string[]): Applied {
  if (keys.length > TABLE_BATCH_ROWS_MAX) throw new Error('bug: a batch is too large')
  try {
    return share.file.transaction(() => applyWithin(share, keys))
  } catch (error) {
    // Only the end of the transaction has shown it (a deferred foreign key), or a trigger has rolled all of it back: then by halves.
    const fault = rowFaultOf(error)
    if (fault === null) throw error
    const [only, ...others] = keys
    if (only === undefined) throw error
    if (others.length === 0) {
      share.file.transaction(() => share.store.putConflict({ key: only, direction: 'in', ...fault }))
      return { applied: 0, unpublished: [] }
    }
    const half = Math.ceil(keys.length / 2)
    const [first, second] = [applyRows(share, keys.slice(0, half)), applyRows(share, keys.slice(half))]
    return {
      applied: first.applied + second.applied,
      unpublished: [...first.unpublished, ...second.unpublished],
    }
  }
}

function applyWithin(share: Share, keys: readonly string[]): Applied {
  const { capture, rows, store, schema } = share
  const unpublished: string[] = []
  const plans: Plan[] = []
  for (const key of new Set(keys)) {
    const values = decodeRowKey(key, schema.columns.key.length)
    if (!values.ok) continue
    const fields = fieldsOf(share, key)
    if (fields !== undefined) noteOutdated(share, fields)
    const decision = capture.isMarked(values.value)
      ? ({ kind: 'unpublished' } as const)
      : decideRemote(schema.columns, rows.read(values.value), store.state(key), fields)
    if (decision.kind === 'unpublished') {
      // What the space does not take waits for the row to change.
      if (store.isRefusedBySpace(key)) continue
      capture.mark(values.value)
      unpublished.push(key)
    } else if (decision.kind === 'none') {
      store.putState(key, decision.next)
      store.clearConflict(key, 'in')
    } else {
      plans.push({ key, values: values.value, fields, decision })
    }
  }
  const { done, refused } = run(share, plans)
  for (const { key, values, fields, decision } of done) {
    const isGone = decision.kind === 'delete'
    store.putState(key, isGone ? undefined : stateAfter(schema.columns, rows.read(values), fields))
    store.clearConflict(key, 'in')
  }
  for (const [{ key }, { code, detail }] of refused) store.putConflict({ key, direction: 'in', code, detail })
  return { applied: done.length, unpublished }
}

function run(
  share: Share,
  plans: readonly Plan[],
): { readonly done: readonly Plan[]; readonly refused: readonly (readonly [Plan, Fault])[] } {
  if (plans.length === 0) return { done: [], refused: [] }
  const done: Plan[] = []
  let open: readonly Plan[] = plans.toSorted((a, b) => ORDER[a.decision.kind] - ORDER[b.decision.kind])
  let refused: (readonly [Plan, Fault])[] = []
  share.capture.setApplying(true)
  // A row may wait for another of the same batch: a parent, or one that gives its unique value back.
  for (;;) {
    refused = []
    for (const plan of open) {
      const taken = attempt(share, [plan])
      if (taken.ok) done.push(plan)
      else refused.push([plan, taken.fault])
    }
    if (refused.length === 0 || refused.length === open.length) break
    open = refused.map(([plan]) => plan)
  }
  const blocked = refused.filter(([, { code }]) => code === 'UNIQUE').map(([plan]) => plan)
  if (blocked.length > 1 && swap(share, blocked)) {
    done.push(...blocked)
    refused = refused.filter(([plan]) => !blocked.includes(plan))
  }
  settleConsequences(share, new Set(done.map(({ key }) => key)))
  share.capture.setApplying(false)
  return { done, refused }
}

/** Writes the plans, all or none. */
function attempt(share: Share, plans: readonly Plan[]): Result<void> {
  const { db } = share.file
  db.exec('SAVEPOINT hanse_row')
  let fault: Fault | null = null
  try {
    for (const plan of plans) {
      const written = write(share, plan)
      if (!written.ok) fault ??= written.fault
    }
  } catch (error) {
    fault = rowFaultOf(error)
    // Rolled back as a whole: there is nothing left to take back a part of.
    if (fault === null || !db.isTransaction) throw error
  }
  if (fault !== null) db.exec('ROLLBACK TO hanse_row')
  db.exec('RELEASE hanse_row')
  return fault === null ? ok(undefined) : { ok: false, fault }
}

function write({ rows }: Share, { values, decision }: Plan): Result<void> {
  switch (decision.kind) {
    case 'delete':
      rows.delete(values)
      if (rows.read(values) === undefined) return ok(undefined)
      return { ok: false, fault: { code: 'IGNORED', detail: 'a trigger of the table kept the row' } }
    case 'insert':
      return rows.insert(values, decision.set)
    case 'update':
      return rows.update(values, decision.set)
  }
}

/**
 * Writes rows that stand in each other's way: each takes a unique value that another gives up, as when a list is sorted anew. Their unique columns are
 * first set to what nobody has, NULL or a large negative number. False where that does not do either: nothing is written then.
 */
function swap(share: Share, plans: readonly Plan[]): boolean {
  const uniques = new Set(share.schema.uniques.flat().map(({ column }) => column))
  const parking = [() => undefined, (index: number) => -(2 ** 52) - index] as const
  return parking.some((park) => {
    const parked = plans.flatMap((plan, index): readonly Plan[] => {
      if (plan.decision.kind !== 'update') return []
      const columns = [...plan.decision.set.keys()].filter((column) => uniques.has(column))
      const set = new Map(columns.map((column) => [column, park(index) ?? null]))
      return columns.length === 0 ? [] : [{ ...plan, decision: { kind: 'update', set } }]
    })
    return parked.length > 1 && attempt(share, [...parked, ...plans]).ok
  })
}

/**
 * What triggers and foreign keys changed while others' rows were applied. It is remembered as it is now, and is no change of this side: two nodes whose
 * triggers answer each other would never come to rest. Where the table's foreign keys act by themselves (CASCADE, SET NULL), what they did is
 * published like a change of this side, so that a row inserted here below a parent deleted there ends in the same way on both. `own`: the rows that
 * were applied.
 */
export function settleConsequences(share: Share, own: ReadonlySet<string> = new Set()): void {
  const { capture, rows, schema, store } = share
  for (;;) {
    const marks = capture.consequences(TABLE_BATCH_ROWS_MAX)
    for (const { id, values } of marks) {
      capture.unmark(id)
      const key = encodeRowKey(values)
      if (own.has(key) || capture.isMarked(values)) continue
      if (schema.hasForeignKeyActions) {
        capture.mark(values)
        continue
      }
      const row = rows.read(values)
      const state = store.state(key)
      if (row !== undefined || state !== undefined)
        store.putState(key, stateSettled(schema.columns, row, state))
    }
    if (marks.length === 0) return
  }
}
