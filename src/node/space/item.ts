import { toHex } from '../../core/bytes.ts'
import { decodeCanonical } from '../../core/canonical-cbor.ts'
import { formatDid } from '../../core/principal.ts'
import type { CellKey } from '../../core/types/cell.ts'
import { parseEdgeField } from '../../core/types/edge/change.ts'
import { parseEntryField } from '../../core/types/log/change.ts'
import type { CellRow, SpaceStore } from '../../storage/space-store.ts'
import { orThrow } from '../fault-error.ts'
import { isIncomplete } from '../replica/open-text.ts'
import type { ItemType } from './item-edit.ts'

/** An item as it shows now. */
export interface Item {
  readonly path: string
  readonly type: ItemType
  /**
   * By type. register, counter, text: the value. map: its fields as an object. edge: {@link EdgeValue}s by label and target. log:
   * {@link LogValue}s in order. set: its members in order. blob: its reference. claim: {@link ClaimValue}.
   */
  readonly value: unknown
  /** Of a text: true while the content of operations that may have changed it has not arrived, so that its value is not final. */
  readonly incomplete?: true
  /** Of a log: how many of its earlier entries are left out. */
  readonly omitted?: number
}

/** How items are listed. */
export interface ListOptions {
  /** Of a log, only the last so many entries. Default: all. */
  readonly entriesMax?: number
}

/** One edge from an item. */
export interface EdgeValue {
  readonly label: string
  readonly to: string
  /** Null where nothing was said. */
  readonly value: unknown
}

/** One entry of a log. */
export interface LogValue {
  /** Id of its operation, hexadecimal, and the index of its change there: its name. */
  readonly id: string
  readonly index: number
  /** `did:key` of its author. */
  readonly author: string
  /** Milliseconds since 1970, as the author's clock said. */
  readonly time: number
  readonly value: unknown
}

/** Who holds a claim, as far as is known here. */
export interface ClaimValue {
  readonly value: unknown
  /** `did:key` of who claims. */
  readonly author: string
  /** Id of the operation, hexadecimal. */
  readonly operation: string
  /** False while an earlier claim may still arrive: there are no validators yet who decide (DESIGN §9). */
  readonly final: boolean
}

/** The item of one type that shows at exactly a path. */
export function itemAt(path: string, type: ItemType, store: SpaceStore): Item | undefined {
  if (!TYPES_OF_FIELDS.has(type)) {
    const row = rowAt(path, type, store)
    return row === undefined ? undefined : toItem([row], store)
  }
  const [first, ...rest] = rowsOf(path, type, store)
  return first === undefined ? undefined : toItem([first, ...rest], store)
}

/** The types whose items have more cells than one, none of which has the field `''`. */
const TYPES_OF_FIELDS: ReadonlySet<ItemType> = new Set(['map', 'edge', 'log', 'set'])

/** The cells that show of one item, ascending by field; a page of them is in memory at a time. */
export function* rowsOf(path: string, type: ItemType, store: SpaceStore): Generator<CellRow> {
  if (!TYPES_OF_FIELDS.has(type)) {
    const row = rowAt(path, type, store)
    if (row !== undefined) yield row
    return
  }
  let after: CellKey = { path, type, field: '' }
  // Most items have few cells, and what follows them in the store is of others: little is read at first, and more each time.
  for (let limit = FIRST_PAGE; ; limit = Math.min(limit * FIRST_PAGE, LIST_PAGE)) {
    const page = store.cells({ prefix: path, after, limit })
    for (const row of page) {
      if (row.key.path !== path || row.key.type !== type) return
      yield row
    }
    const last = page.at(-1)
    if (last === undefined || page.length < limit) return
    after = last.key
  }
}

/** The one cell of an item of the other types, where it shows. */
function rowAt(path: string, type: ItemType, store: SpaceStore): CellRow | undefined {
  const key: CellKey = { path, type, field: '' }
  const cell = store.cell(key)
  return cell === undefined || cell.removed ? undefined : { key, cell }
}

/** Rows of the first page of one item. */
const FIRST_PAGE = 8

/** Rows of a page at a time. */
const LIST_PAGE = 256

/** The items that show at or below a path, ascending by path and type; a page of cells is in memory at a time, and the item at hand. */
export function* listItems(
  prefix: string,
  store: SpaceStore,
  { entriesMax = Number.POSITIVE_INFINITY }: ListOptions = {},
): Generator<Item> {
  for (const { rows, omitted } of groupByItem(visibleRows(prefix, store), entriesMax)) {
    const item = toItem(rows, store)
    yield omitted === 0 ? item : { ...item, omitted }
  }
}

function* visibleRows(prefix: string, store: SpaceStore): Generator<CellRow> {
  let after: CellKey | undefined
  for (;;) {
    const page = store.cells({ prefix, limit: LIST_PAGE, ...(after === undefined ? {} : { after }) })
    yield* page
    if (page.length < LIST_PAGE) return
    after = page.at(-1)?.key
  }
}

type ItemRows = readonly [CellRow, ...CellRow[]]

interface RowGroup {
  readonly rows: [CellRow, ...CellRow[]]
  omitted: number
}

function* groupByItem(rows: Iterable<CellRow>, entriesMax: number): Generator<RowGroup> {
  let group: RowGroup | null = null
  for (const row of rows) {
    const first: CellKey | undefined = group?.rows[0].key
    if (group === null || first?.path !== row.key.path || first.type !== row.key.type) {
      if (group !== null) yield group
      group = { rows: [row], omitted: 0 }
      continue
    }
    group.rows.push(row)
    if (row.key.type !== 'log' || group.rows.length <= entriesMax) continue
    group.rows.shift()
    group.omitted++
  }
  if (group !== null) yield group
}

/** The item that the cells of one item show. */
export function toItem(rows: ItemRows, store: SpaceStore): Item {
  const { path, type } = rows[0].key
  const isOpen = type === 'text' && isIncomplete(path, store)
  return { path, type, value: toValue(rows, store), ...(isOpen ? { incomplete: true } : {}) }
}

function toValue(rows: ItemRows, store: SpaceStore): unknown {
  const [first] = rows
  switch (first.key.type) {
    case 'register':
    case 'counter':
    case 'text':
    case 'blob':
      return valueOf(first)
    case 'map':
      return Object.fromEntries(rows.map((row) => [row.key.field, valueOf(row)]))
    case 'edge':
      return rows.map((row): EdgeValue => ({ ...parseEdgeField(row.key.field), value: valueOf(row) }))
    case 'log':
      return rows.map((row) => toLogValue(row, store))
    case 'set':
      return rows.map(({ key }) => key.field)
    case 'claim': {
      const { id } = first.cell
      return { value: valueOf(first), author: authorOf(id, store), operation: toHex(id), final: false }
    }
  }
}

/** One entry of a log, from its cell. */
export function toLogValue(row: CellRow, store: SpaceStore): LogValue {
  const { id, index, time } = parseEntryField(row.key.field)
  return { id: toHex(id), index, author: authorOf(id, store), time, value: valueOf(row) }
}

function authorOf(id: Uint8Array, store: SpaceStore): string {
  const entry = store.find(id)
  if (entry === undefined) throw new Error('bug: the writer of a cell is not in the store')
  return formatDid(entry.author)
}

function valueOf({ cell }: CellRow): unknown {
  return orThrow(decodeCanonical(cell.value))
}
