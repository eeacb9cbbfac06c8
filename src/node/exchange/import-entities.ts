import { equalBytes } from '../../core/bytes.ts'
import { encodeCanonical } from '../../core/canonical-cbor.ts'
import { BODY_BYTES_MAX, IMPORT_ROWS_PER_OPERATION_MAX } from '../../core/limits.ts'
import { parsePath } from '../../core/path.ts'
import { fail, ok, type Fault, type Result } from '../../core/result.ts'
import { editMap, MAP } from '../../core/types/map/change.ts'
import { REGISTER, setRegister } from '../../core/types/register/change.ts'
import { checkEdit } from '../space/check-edit.ts'
import type { ItemEdit } from '../space/item-edit.ts'
import type { Space } from '../space/space.ts'
import type { EntityRow } from './entity-row.ts'

/**
 * What became of a row:
 * - `written`: it is in the operation `id` (with `dryRun`, it would be in one);
 * - `unchanged`: its item shows just that;
 * - `refused`: it cannot become an item.
 */
export interface RowReport {
  readonly line: number
  /** Which object of a JSON file it is, from 1; absent for rows of CSV. */
  readonly index?: number
  readonly outcome: 'written' | 'unchanged' | 'refused'
  /** Of the item; absent where there is none. */
  readonly path?: string
  /** Of the operation, hexadecimal; null in a dry run. */
  readonly id?: string | null
  readonly code?: string
  readonly detail?: string
}

export interface ImportEntitiesOptions {
  /** Where the items go: each is one segment below it. */
  readonly path: string
  /** The field that names an item; it stays a field of it. Default: items are numbered from 1, in the order of the file. */
  readonly key?: string | undefined
  /** `map`: fields merge one by one; those that a row does not have stay. `register`: the whole replaces what is there. Default `map`. */
  readonly type?: 'map' | 'register' | undefined
  /** Writes nothing, and reports what would be written. Default false. */
  readonly dryRun?: boolean
  readonly onReport?: (report: RowReport) => void | Promise<void>
  readonly signal?: AbortSignal
}

/** How many rows came to what, and in how many operations. */
export interface EntityCounts {
  readonly written: number
  readonly unchanged: number
  readonly refused: number
  readonly operations: number
}

/** A row that is to be written. */
interface Prepared {
  readonly at: Pick<EntityRow, 'line' | 'index'>
  readonly edit: Extract<ItemEdit, { readonly kind: 'put' | 'edit' }>
  readonly bytes: number
}

/**
 * Writes the rows of a file as items, as many as fit into one operation at a time. A row that cannot become an item stops none of the
 * others; what is there already is not written again. Throws what writing throws, e.g. where this node may not write there: what was
 * written before stays.
 */
export async function importEntities(
  space: Space,
  rows: AsyncIterable<EntityRow>,
  options: ImportEntitiesOptions,
): Promise<EntityCounts> {
  return await new EntityImport(space, options).run(rows)
}

class EntityImport {
  readonly #space: Space
  readonly #options: ImportEntitiesOptions
  readonly #counts = { written: 0, unchanged: 0, refused: 0, operations: 0 }
  #batch: Prepared[] = []
  /** Of the items in the batch. */
  readonly #paths = new Set<string>()
  #bytes = 0
  #number = 0

  constructor(space: Space, options: ImportEntitiesOptions) {
    this.#space = space
    this.#options = options
  }

  async run(rows: AsyncIterable<EntityRow>): Promise<EntityCounts> {
    for await (const { fields, ...at } of rows) {
      this.#number++
      const edit = fields.ok ? this.#toEdit(fields.value) : fields
      if (!edit.ok) {
        const { code, detail } = edit.fault
        await this.#report({ ...at, outcome: 'refused', code, detail })
      } else await this.#take({ at, edit: edit.value, bytes: sizeOf(edit.value) })
    }
    await this.#flush()
    return this.#counts
  }

  async #take(row: Prepared): Promise<void> {
    const { at, bytes, edit } = row
    const { path } = edit
    if (bytes > BODY_BYTES_MAX) {
      const detail = `the item would have ${bytes} bytes, at most ${BODY_BYTES_MAX} fit into an operation`
      return await this.#report({ ...at, outcome: 'refused', path, code: 'LIMIT', detail })
    }
    // What is in the batch is not in the store yet: a second row for one item must not be compared with what it replaces.
    if (!this.#paths.has(path) && isThere(this.#space, edit))
      return await this.#report({ ...at, outcome: 'unchanged', path })
    if (this.#batch.length === IMPORT_ROWS_PER_OPERATION_MAX || this.#bytes + bytes > BODY_BYTES_MAX)
      await this.#flush()
    this.#batch.push(row)
    this.#paths.add(path)
    this.#bytes += bytes
  }

  async #flush(): Promise<void> {
    const batch = this.#batch
    this.#batch = []
    this.#paths.clear()
    this.#bytes = 0
    if (batch.length === 0) return
    this.#options.signal?.throwIfAborted()
    const edits = batch.map(({ edit }) => edit)
    const id = this.#options.dryRun === true ? null : this.#space.write(edits)
    this.#counts.operations++
    for (const { at, edit } of batch) await this.#report({ ...at, outcome: 'written', path: edit.path, id })
  }

  #toEdit(fields: Readonly<Record<string, unknown>>): Result<Prepared['edit']> {
    const { path: prefix, key, type = 'map' } = this.#options
    const name = key === undefined ? ok(String(this.#number)) : readName(fields[key], key)
    if (!name.ok) return name
    const path = parsePath(prefix === '' ? name.value : `${prefix}/${name.value}`)
    if (!path.ok) return path
    if (type === 'map' && Object.keys(fields).length === 0) return fail('BAD_ROW', 'it has no field')
    const edit =
      type === 'map'
        ? ({ kind: 'edit', path: path.value, set: fields } as const)
        : ({ kind: 'put', path: path.value, value: fields } as const)
    const checked = checkEdit(edit)
    return checked.ok ? ok(edit) : checked
  }

  async #report(report: RowReport): Promise<void> {
    this.#counts[report.outcome]++
    await this.#options.onReport?.(report)
  }
}

/** The value of the key as one segment of a path. */
function readName(value: unknown, key: string): Result<string, Fault<'BAD_KEY_VALUE'>> {
  if (value === undefined)
    return fail('BAD_KEY_VALUE', `it has no field ${JSON.stringify(key)}, which is to name it`)
  if (value === '') return fail('BAD_KEY_VALUE', `its ${JSON.stringify(key)} is empty, and is to name it`)
  const name = typeof value === 'string' || typeof value === 'bigint' || isInteger(value) ? String(value) : ''
  if (name === '')
    return fail('BAD_KEY_VALUE', `its ${JSON.stringify(key)} is neither a text nor a whole number`)
  if (name.includes('/'))
    return fail(
      'BAD_KEY_VALUE',
      `its ${JSON.stringify(key)} holds a slash, and is to be one segment of a path`,
    )
  return ok(name.normalize('NFC'))
}

function sizeOf(edit: Prepared['edit']): number {
  return edit.kind === 'put'
    ? setRegister(edit.path, edit.value).length
    : editMap(edit.path, { set: edit.set ?? {} }).length
}

/** True where the item shows all of that already. */
function isThere({ hosted: { store } }: Space, edit: Prepared['edit']): boolean {
  const cells: readonly (readonly [typeof MAP | typeof REGISTER, string, unknown])[] =
    edit.kind === 'put'
      ? [[REGISTER, '', edit.value]]
      : Object.entries(edit.set ?? {}).map(([field, value]) => [MAP, field, value])
  return cells.every(([type, field, value]) => {
    const cell = store.cell({ path: edit.path, type, field })
    return cell !== undefined && !cell.removed && equalBytes(cell.value, encodeCanonical(value))
  })
}

const isInteger = (value: unknown): value is number => Number.isSafeInteger(value)
