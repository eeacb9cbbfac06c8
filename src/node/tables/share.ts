import { ROOT_PATH } from '../../core/path.ts'
import type { ItemEdit } from '../space/item-edit.ts'
import type { Item } from '../space/item.ts'
import type { Capture } from './capture.ts'
import type { Fields } from './merge-row.ts'
import type { ShareStore } from './share-store.ts'
import type { TableFile } from './table-file.ts'
import type { TableRows } from './table-rows.ts'
import type { TableSchema } from './table-schema.ts'

/** What sharing tables needs of a space. */
export interface SharingSpace {
  write(edits: readonly ItemEdit[]): unknown
  get(path: string, type: 'map'): Item | undefined
  /** Items at or below a path, ascending by the UTF-8 bytes of their paths. */
  list(prefix: string): Iterable<Item>
  /** Stands for everything here now; good after a restart too. */
  cursor(): string
  /** Paths of maps below a prefix that have changed after a cursor, perhaps more than once. Throws a FaultError for a cursor of elsewhere. */
  changedSince(cursor: string, prefix: string): AsyncIterable<string>
  /** A value kept with the space on this node. */
  note(): Uint8Array | undefined
  putNote(value: Uint8Array): void
}

/** A shared table with its database open. */
export interface Share {
  readonly space: SharingSpace
  /** Where its rows are in the space. */
  readonly prefix: string
  readonly file: TableFile
  readonly schema: TableSchema
  readonly rows: TableRows
  readonly store: ShareStore
  readonly capture: Capture
  /** Fields of rows for which the table has no column; the first TABLE_OUTDATED_COLUMNS_MAX. */
  readonly outdated: Set<string>
}

/** The path of a row in the space. */
export function pathOf(prefix: string, key: string): string {
  return prefix === ROOT_PATH ? key : `${prefix}/${key}`
}

/** The key of the row at a path; null where it is none of that prefix. */
export function keyAt(prefix: string, path: string): string | null {
  return path.startsWith(`${prefix}/`) ? path.slice(prefix.length + 1) : null
}

/** The fields of a row in the space; undefined where it has none. */
export function fieldsOf(
  { space, prefix }: Pick<Share, 'space' | 'prefix'>,
  key: string,
): Fields | undefined {
  return space.get(pathOf(prefix, key), 'map')?.value as Fields | undefined
}
