import { encodeCanonical } from '../../core/canonical-cbor.ts'
import { TABLE_BATCH_ROWS_MAX, TABLE_REFUSED_ROWS_MAX, TABLE_WRITE_BYTES_TARGET } from '../../core/limits.ts'
import { parsePath } from '../../core/path.ts'
import type { Fault } from '../../core/result.ts'
import { FaultError } from '../fault-error.ts'
import type { ItemEdit } from '../space/item-edit.ts'
import type { Mark } from './capture.ts'
import { decideLocal, type Fields, type LocalDecision, type Row } from './merge-row.ts'
import { encodeRowKey } from './row-key.ts'
import { fieldsOf, pathOf, type Share } from './share.ts'
import { areSame } from './row-state.ts'
import { fingerprint } from './sql-value.ts'

/** One marked row and what is to become of it. */
interface Candidate {
  readonly mark: Mark
  readonly key: string
  readonly row: Row | undefined
  readonly decision: LocalDecision
  /** Why it cannot be published. */
  readonly fault: Fault | null
}

export interface PublishedPage {
  /** The last mark looked at; null where there are no more. */
  readonly last: number | null
  /** Rows whose changes were written to the space. */
  readonly published: number
  /** Rows that the space takes at last; what others wrote to them meanwhile is still to be applied. */
  readonly freed: readonly string[]
  /** Why rows were left for later: this node may not write them now. Null where there are none. */
  readonly refusal: FaultError | null
}

/**
 * Writes what a page of marked rows changed to the space, as one operation where that is allowed, and only then takes the marks away: a crash
 * in between repeats it, and finds nothing left to write. A row that has changed again meanwhile keeps its mark, and so does one that this node may
 * not write; after TABLE_REFUSED_ROWS_MAX of those the page ends.
 */
export function publishPage(share: Share, after: number): PublishedPage {
  const { file, capture } = share
  const marks = capture.marks(after, TABLE_BATCH_ROWS_MAX)
  const candidates: Candidate[] = []
  let bytes = 0
  file.db.exec('BEGIN')
  try {
    for (const mark of marks) {
      const candidate = examine(share, mark)
      bytes += sizeOf(candidate)
      if (bytes > TABLE_WRITE_BYTES_TARGET && candidates.length > 0) break
      candidates.push(candidate)
    }
  } finally {
    file.db.exec('COMMIT')
  }
  const outcome: Outcome = { done: [], refused: [] }
  writeToSpace(share, candidates, outcome)
  const { done, refused } = outcome
  const freed: string[] = []
  if (done.length > 0) {
    file.transaction(() => {
      for (const candidate of done) if (settle(share, candidate)) freed.push(candidate.key)
    })
  }
  const last = Math.max(
    0,
    ...[...done, ...refused.map(({ candidate }) => candidate)].map(({ mark }) => mark.id),
  )
  return {
    last: last === 0 ? null : last,
    published: done.filter(({ decision, fault }) => decision.kind !== 'none' && fault === null).length,
    freed,
    refusal: refused[0]?.why ?? null,
  }
}

/** What became of the candidates so far. */
interface Outcome {
  readonly done: Candidate[]
  readonly refused: { readonly candidate: Candidate; readonly why: FaultError }[]
}

function examine(share: Share, mark: Mark): Candidate {
  const { rows, store, schema, prefix } = share
  const key = encodeRowKey(mark.values)
  const row = rows.read(mark.values)
  const path = parsePath(pathOf(prefix, key))
  if (!path.ok) {
    const fault = { code: 'KEY_TOO_LONG', detail: 'the primary key is too long for a path' }
    return {
      mark,
      key,
      row,
      decision: { kind: 'none', next: undefined },
      fault: row === undefined ? null : fault,
    }
  }
  const isDefault = (column: string) => rows.isDefault(mark.values, column)
  const decision = decideLocal(schema.columns, row, store.state(key), fieldsOf(share, key), isDefault)
  return { mark, key, row, decision, fault: null }
}

/** Faults that are about the row, and stay until it changes: it is listed with them. */
const OF_THE_ROW: ReadonlySet<string> = new Set([
  'LIMIT',
  'FROZEN',
  'BAD_FIELD_NAME',
  'BAD_PATH',
  'BAD_VALUE',
])

/**
 * Writes the candidates as one operation; where the space refuses that, by halves: the operation may be too large, or only some of the rows are this
 * node's to write.
 */
function writeToSpace(share: Share, candidates: readonly Candidate[], outcome: Outcome): void {
  if (outcome.refused.length >= TABLE_REFUSED_ROWS_MAX) return
  const edits = candidates.flatMap(({ key, decision }) => editsOf(pathOf(share.prefix, key), decision))
  try {
    if (edits.length > 0) share.space.write(edits)
    outcome.done.push(...candidates)
  } catch (error) {
    if (!(error instanceof FaultError)) throw error
    const [candidate, ...others] = candidates
    if (candidate === undefined) throw error
    if (others.length > 0) {
      const half = Math.ceil(candidates.length / 2)
      writeToSpace(share, candidates.slice(0, half), outcome)
      writeToSpace(share, candidates.slice(half), outcome)
    } else if (OF_THE_ROW.has(error.code)) {
      const code = error.code === 'LIMIT' ? 'ROW_TOO_LARGE' : error.code
      const fault = { code, detail: error.message }
      outcome.done.push({ ...candidate, decision: { kind: 'none', next: undefined }, fault })
    } else {
      outcome.refused.push({ candidate, why: error })
    }
  }
}

function editsOf(path: string, decision: LocalDecision): readonly ItemEdit[] {
  switch (decision.kind) {
    case 'none':
      return []
    case 'delete':
      return [{ kind: 'delete', path, type: 'map' }]
    case 'set':
      return [{ kind: 'edit', path, set: decision.set }]
  }
}

/** True where the space did not take the row before, and does now. */
function settle(share: Share, { mark, key, row, decision, fault }: Candidate): boolean {
  const { capture, rows, store } = share
  let isFreed = false
  if (fault === null) {
    store.putState(key, decision.next)
    isFreed = store.clearConflict(key, 'out')
  } else {
    store.putConflict({ key, direction: 'out', ...fault })
  }
  if (isSameRow(rows.read(mark.values), row)) capture.unmark(mark.id)
  return isFreed
}

function isSameRow(a: Row | undefined, b: Row | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return [...a].every(([column, value]) => areSame(fingerprint(value), fingerprint(b.get(column))))
}

/** About what a candidate adds to an operation. */
function sizeOf({ key, decision }: Candidate): number {
  switch (decision.kind) {
    case 'none':
      return 0
    case 'delete':
      return key.length + DELETED_BYTES
    case 'set':
      return key.length + CHANGE_BYTES + encodeCanonical(decision.set satisfies Fields).length
  }
}

/** What a change has around its fields, and what a deletion of some fields comes to: an id for each. */
const CHANGE_BYTES = 128
const DELETED_BYTES = 1_024
