import { encodeCanonical } from '../../core/canonical-cbor.ts'
import { TABLE_BATCH_ROWS_MAX, TABLE_WRITE_BYTES_TARGET } from '../../core/limits.ts'
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
}

/**
 * Writes what a page of marked rows changed to the space, as one operation, and only then takes the marks away: a crash in between repeats
 * it, and finds nothing left to write. A row that has changed again meanwhile keeps its mark. Throws the space's FaultError where this node may
 * not write there; the marks stay then.
 */
export function publishPage(share: Share, after: number): PublishedPage {
  const { file, capture } = share
  const marks = capture.marks(after, TABLE_BATCH_ROWS_MAX)
  if (marks.length === 0) return { last: null, published: 0 }
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
  const done = writeToSpace(share, candidates)
  file.transaction(() => {
    for (const candidate of done) settle(share, candidate)
  })
  return {
    last: done.at(-1)?.mark.id ?? null,
    published: done.filter(({ decision, fault }) => decision.kind !== 'none' && fault === null).length,
  }
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

/** Writes the candidates as one operation, or as many of the first as fit. A single one that does not fit is given a fault. */
function writeToSpace(share: Share, candidates: readonly Candidate[]): readonly Candidate[] {
  const edits = candidates.flatMap(({ key, decision }) => editsOf(pathOf(share.prefix, key), decision))
  if (edits.length === 0) return candidates
  try {
    share.space.write(edits)
    return candidates
  } catch (error) {
    if (!(error instanceof FaultError) || error.code !== 'LIMIT') throw error
    const [first] = candidates
    if (candidates.length > 1 || first === undefined)
      return writeToSpace(share, candidates.slice(0, Math.ceil(candidates.length / 2)))
    const fault = {
      code: 'ROW_TOO_LARGE',
      detail: `the row does not fit into one operation: ${error.message}`,
    }
    return [{ ...first, decision: { kind: 'none', next: undefined }, fault }]
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

function settle(share: Share, { mark, key, row, decision, fault }: Candidate): void {
  const { capture, rows, store } = share
  if (fault === null) {
    store.putState(key, decision.next)
    store.clearConflict(key, 'out')
  } else {
    store.putConflict({ key, direction: 'out', ...fault })
  }
  if (isSameRow(rows.read(mark.values), row)) capture.unmark(mark.id)
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
