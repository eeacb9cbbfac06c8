import { Readable } from 'node:stream'
// csv-parse of the node-csv project: streams, has no dependencies, has been maintained since 2010 and is what most programs read CSV with.
import { CsvError, parse } from 'csv-parse'
import { IMPORT_COLUMNS_MAX, IMPORT_ROW_BYTES_MAX } from '../../core/limits.ts'
import { fail, ok } from '../../core/result.ts'
import { FaultError } from '../fault-error.ts'
import type { EntityRow } from './entity-row.ts'

/** How a file of comma-separated values is written. */
export interface CsvOptions {
  /** Between two columns. Default: a comma. */
  readonly delimiter?: string | undefined
  /** A column that there has to be. */
  readonly key?: string | undefined
  /** Reads a cell as something else than its text. */
  readonly readCell?: ((text: string) => unknown) | undefined
}

/**
 * The rows of a CSV file (RFC 4180; lines may end either way), each as an object by the names in its first row; an empty cell is no field. A
 * row with another number of cells is a fault in its own place. Where a quote is not closed, or a row has more than IMPORT_ROW_BYTES_MAX,
 * nobody can tell where the next row begins: that is the last fault, and says so. Throws `BAD_FILE` for a first row that names no columns,
 * and `USAGE` for one without `key`.
 */
export async function* readCsvRows(
  source: AsyncIterable<Uint8Array>,
  { delimiter = ',', key, readCell = (text) => text }: CsvOptions = {},
): AsyncGenerator<EntityRow> {
  const records = Readable.from(source, { objectMode: false }).compose(
    parse({
      delimiter,
      bom: true,
      info: true,
      record_delimiter: ['\r\n', '\n'],
      relax_column_count: true,
      // A quote in the middle of a cell is one.
      relax_quotes: true,
      skip_empty_lines: true,
      // It asks before it takes a byte, and so lets one more in.
      max_record_size: IMPORT_ROW_BYTES_MAX - 1,
    }),
  ) as unknown as AsyncIterable<CsvRecord>
  let columns: readonly string[] | null = null
  /** Of the last row that was read, where it ends. */
  let end = 0
  try {
    for await (const { record, info } of records) {
      end = info.lines
      if (columns === null) columns = readColumns(record, key)
      else yield { line: end - linesIn(record), fields: toFields(columns, record, readCell) }
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    const detail = `${error.message}; nothing after it was read`
    yield { line: end + 1, fields: fail('BAD_ROW', detail) }
  }
  if (columns === null) throw new FaultError({ code: 'BAD_FILE', detail: 'the file holds no row' })
}

interface CsvRecord {
  readonly record: readonly string[]
  readonly info: { readonly lines: number }
}

/** Lines that a row goes on for beyond its first. */
const linesIn = (record: readonly string[]): number =>
  record.reduce((sum, cell) => sum + cell.split('\n').length - 1, 0)

function readColumns(record: readonly string[], key: string | undefined): readonly string[] {
  const bad = (why: string) =>
    new FaultError({ code: 'BAD_FILE', detail: `the first row names the columns, and ${why}` })
  if (record.length > IMPORT_COLUMNS_MAX)
    throw bad(`these are ${record.length}, at most ${IMPORT_COLUMNS_MAX} are taken`)
  if (record.includes('')) throw bad('one of them has no name')
  const twice = record.find((name, i) => record.indexOf(name) !== i)
  if (twice !== undefined) throw bad(`${JSON.stringify(twice.slice(0, 40))} is there twice`)
  if (key !== undefined && !record.includes(key)) {
    const some = record.slice(0, COLUMNS_TOLD_MAX).map((name) => JSON.stringify(name.slice(0, 40)))
    const rest = record.length > some.length ? ` and ${record.length - some.length} more` : ''
    throw new FaultError({
      code: 'USAGE',
      detail: `there is no column ${JSON.stringify(key)} to name the items by: the columns are ${some.join(', ')}${rest}; give one of them as the key`,
    })
  }
  return record
}

/** Columns that a fault names. */
const COLUMNS_TOLD_MAX = 50

function toFields(
  columns: readonly string[],
  cells: readonly string[],
  readCell: (text: string) => unknown,
): EntityRow['fields'] {
  if (cells.length !== columns.length)
    return fail('BAD_ROW', `the row has ${cells.length} cells, and there are ${columns.length} columns`)
  const filled = cells
    .map((cell, i) => [columns[i] as string, cell] as const)
    .filter(([, cell]) => cell !== '')
  return ok(Object.fromEntries(filled.map(([name, cell]) => [name, readCell(cell)])))
}
