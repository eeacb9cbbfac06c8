import { decodeCanonical, encodeCanonical } from '../../core/canonical-cbor.ts'
import { equalBytes } from '../../core/bytes.ts'

/** What is remembered of one column of a row, as fingerprints: equal ones are equal values. */
export interface ColumnState {
  /** What the column held when it was last made equal to the space; null where the row was not there. */
  readonly local: Uint8Array | null
  /** What the field held then; null where the space had no such field. It may differ from `local`: `5` in a TEXT column is `'5'`. */
  readonly remote: Uint8Array | null
}

/**
 * What is remembered of a row: how table and space stood when they were last made to agree, column by column. A local change is a column
 * that is not `local` any more, a remote one a field that is not `remote`; so what was applied is never taken for a change of this side, also
 * where the table changes what it is given (affinity, triggers of its own).
 */
export type RowState = ReadonlyMap<string, ColumnState>

/** Canonical DAG-CBOR: column → bytes where both are equal, else `[local, remote]`. */
export function encodeRowState(state: RowState): Uint8Array {
  return encodeCanonical(
    Object.fromEntries(
      [...state].map(([column, { local, remote }]) => [
        column,
        areSame(local, remote) && local !== null ? local : [local, remote],
      ]),
    ),
  )
}

/** Reads {@link encodeRowState}. Total: of what is damaged nothing is remembered, and the row is compared as a new one. */
export function decodeRowState(bytes: Uint8Array): RowState {
  const state = new Map<string, ColumnState>()
  const decoded = decodeCanonical(bytes)
  if (!decoded.ok || typeof decoded.value !== 'object' || decoded.value === null) return state
  if (Array.isArray(decoded.value) || decoded.value instanceof Uint8Array) return state
  for (const [column, value] of Object.entries(decoded.value)) {
    if (value instanceof Uint8Array) {
      state.set(column, { local: value, remote: value })
      continue
    }
    if (!Array.isArray(value) || value.length !== 2) continue
    const [local, remote] = value as unknown[]
    if (isPrint(local) && isPrint(remote)) state.set(column, { local, remote })
  }
  return state
}

/** True where both are the same fingerprint, or neither is there. */
export function areSame(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : equalBytes(a, b)
}

const isPrint = (value: unknown): value is Uint8Array | null => value === null || value instanceof Uint8Array
