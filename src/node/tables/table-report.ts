import type { Fault } from '../../core/result.ts'
import type { Comparison } from './compare-rows.ts'
import type { Conflict } from './share-store.ts'

/** What one round has done. */
export interface TableReport {
  readonly db: string
  readonly table: string
  /** Rows whose changes were written to the space. */
  readonly published: number
  /** Rows that were changed by what others wrote. */
  readonly applied: number
  /** Rows that are not the same here and in the space. */
  readonly conflicts: number
  /** Of a comparison of the whole; null where only what has changed was looked at. */
  readonly compared: Comparison | null
  readonly fault: Fault | null
}

/** How a shared table stands. */
export interface TableStatus {
  readonly db: string
  readonly table: string
  readonly path: string
  /** Columns besides the primary key that are shared; null for all. */
  readonly columns: readonly string[] | null
  /** Rows written here that have not been published yet. */
  readonly waiting: number
  /** Rows that are not the same here and in the space. */
  readonly conflicts: number
  /** The first TABLE_CONFLICTS_LISTED_MAX of them, and why. */
  readonly conflictRows: readonly Conflict[]
  /** Fields that others write and for which the table has no column. */
  readonly outdated: readonly string[]
  /** `PRAGMA user_version` here, and the newest that a node has told. */
  readonly schemaVersion: { readonly here: number; readonly newest: number }
  readonly fault: Fault | null
}
