import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  IMPORT_COLUMNS_MAX,
  IMPORT_ROW_BYTES_MAX,
  IMPORT_ROWS_PER_OPERATION_MAX,
} from '../../src/core/limits.ts'
import { readCsvRows } from '../../src/node/exchange/csv-rows.ts'
import { type EntityRow, parseEntity, readJsonRows } from '../../src/node/exchange/entity-row.ts'
import {
  importEntities,
  type ImportEntitiesOptions,
  type RowReport,
} from '../../src/node/exchange/import-entities.ts'
import { readJsonValues } from '../../src/node/exchange/json-values.ts'
import { createNode, type HanseNode } from '../../src/node/node.ts'
import type { Space } from '../../src/node/space/space.ts'

async function* chunksOf(text: string, size = 5): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const told = ({ line, fields }: EntityRow) => [line, fields.ok ? fields.value : fields.fault.code]
const csv = async (text: string, options?: Parameters<typeof readCsvRows>[1]) =>
  (await Array.fromAsync(readCsvRows(chunksOf(text), options))).map(told)
const json = async (text: string) => (await Array.fromAsync(readJsonRows(chunksOf(text)))).map(told)

describe('rows of CSV', () => {
  it('are objects by the first row; empty cells are no fields', async () => {
    expect(await csv('\ufeffid,name\r\n1,"Ada, ""Countess"""\r\n\r\n2,\r\n')).toEqual([
      [2, { id: '1', name: 'Ada, "Countess"' }],
      [4, { id: '2' }],
    ])
    expect(await csv('a;b\n1;x"y\n', { delimiter: ';', readCell: (text) => text.length })).toEqual([
      [2, { a: 1, b: 3 }],
    ])
  })

  it('that do not fit the columns stop none of the others', async () => {
    expect(await csv('a,b\n1\n1,2,3\n1,"two\nlines"\n')).toEqual([
      [2, 'BAD_ROW'],
      [3, 'BAD_ROW'],
      [4, { a: '1', b: 'two\nlines' }],
    ])
  })

  it('end at a quote that is never closed, and say so', async () => {
    expect(await csv('a,b\n1,2\n3,"four\n5,6\n')).toEqual([
      [2, { a: '1', b: '2' }],
      [3, 'BAD_ROW'],
    ])
    const most = 'x'.repeat(IMPORT_ROW_BYTES_MAX)
    const rowsOf = async (row: string) =>
      await Array.fromAsync(readCsvRows(chunksOf(`a\n1\n${row}\n2\n`, 65_536)), ({ fields }) => fields.ok)
    expect(await rowsOf(most)).toEqual([true, true, true])
    expect(await rowsOf(`${most}x`)).toEqual([true, false])
  })

  it.each(['', 'a,a\n1,2\n', 'a,\n1,2\n', `${'x,'.repeat(IMPORT_COLUMNS_MAX)}x\n`])(
    'need columns with names: %#',
    async (text) => {
      await expect(csv(text)).rejects.toMatchObject({ code: 'BAD_FILE' })
    },
  )
})

describe('the key of CSV', () => {
  it('has to be a column, and is looked for once', async () => {
    await expect(csv('id,name\n1,2\n3,4\n', { key: 'nokey' })).rejects.toMatchObject({
      code: 'USAGE',
      message:
        'there is no column "nokey" to name the items by: the columns are "id", "name"; give one of them as the key',
    })
    const wide = Array.from({ length: 60 }, (_, i) => `c${i}`).join(',')
    await expect(csv(`${wide}\n`, { key: 'x' })).rejects.toThrow('"c49" and 10 more;')
    expect(await csv('id,name\n1,2\n', { key: 'id' })).toEqual([[2, { id: '1', name: '2' }]])
  })
})

describe('objects of JSON', () => {
  it('are numbered from 1, whatever lines they are on', async () => {
    const rows = await Array.fromAsync(readJsonRows(chunksOf('[{"a":1}, 3,\n{"a":2}]')))
    expect(rows.map(({ line, index, fields }) => [line, index, fields.ok])).toEqual([
      [1, 1, true],
      [1, 2, false],
      [2, 3, true],
    ])
  })

  it('are the elements of an array, or come one after the other', async () => {
    const expected = [{ a: 1 }, { b: [1, { c: ']}' }] }, { d: '"\\' }]
    const array = JSON.stringify(expected)
    const lines = expected.map((one) => JSON.stringify(one)).join('\n')
    for (const text of [
      array,
      JSON.stringify(expected, null, 2),
      lines,
      lines.replaceAll('\n', ''),
      ` ${array} `,
    ])
      expect((await json(text)).map(([, fields]) => fields)).toEqual(expected)
    expect(await json('')).toEqual([])
    expect(await json('[]')).toEqual([])
  })

  it('are divided like that whatever they hold and however the bytes come', async () => {
    const object = fc.dictionary(fc.string({ unit: 'binary', maxLength: 6 }), fc.jsonValue({ maxDepth: 3 }))
    await fc.assert(
      fc.asyncProperty(
        fc.array(object, { maxLength: 5 }),
        fc.boolean(),
        fc.constantFrom(0, 2),
        fc.integer({ min: 1, max: 30 }),
        async (objects, isArray, indent, size) => {
          const text = isArray
            ? JSON.stringify(objects, null, indent)
            : objects.map((one) => JSON.stringify(one, null, indent)).join('\n')
          const values = await Array.fromAsync(readJsonValues(chunksOf(text, size), 10_000))
          const read = values.map(({ text: one }) =>
            one.ok ? (JSON.parse(one.value) as unknown) : one.fault,
          )
          expect(JSON.stringify(read)).toBe(JSON.stringify(objects))
        },
      ),
      { numRuns: 200 },
    )
  })

  it('that are none stop none of the others', async () => {
    expect(await json('[{"a":1},\n 3, "x", {bad}, [1], null,\n{"a":2}')).toEqual([
      [1, { a: 1 }],
      [2, 'BAD_JSON'],
      [2, 'BAD_JSON'],
      [2, 'BAD_JSON'],
      [2, 'BAD_JSON'],
      [2, 'BAD_JSON'],
      [3, { a: 2 }],
      [3, 'BAD_JSON'],
    ])
    expect(await json('{"a":1}\n}\n{"a":2')).toEqual([
      [1, { a: 1 }],
      [2, 'BAD_JSON'],
      [3, 'BAD_JSON'],
    ])
    expect(parseEntity('{"a":{"/":{"bytes":"%"}}}')).toMatchObject({ ok: false })
    expect(parseEntity(`{"a":${'['.repeat(100)}${']'.repeat(100)}}`)).toMatchObject({ ok: false })
    expect(parseEntity(`{"a":${'['.repeat(900_000)}${']'.repeat(900_000)}}`)).toMatchObject({ ok: false })
  })

  it('of more than a row may have are passed over', async () => {
    const long = `{"a":"${'x'.repeat(IMPORT_ROW_BYTES_MAX)}"}`
    const rows = await Array.fromAsync(readJsonRows(chunksOf(`[${long},{"b":1}]`, 65_536)))
    expect(rows.map(told)).toEqual([
      [1, 'LIMIT'],
      [1, { b: 1 }],
    ])
    const wide = Object.fromEntries(Array.from({ length: IMPORT_COLUMNS_MAX + 1 }, (_, i) => [`f${i}`, i]))
    expect(parseEntity(JSON.stringify(wide))).toMatchObject({ ok: false, fault: { code: 'LIMIT' } })
  })
})

describe('entities in a space', () => {
  let node: HanseNode
  let space: Space

  beforeAll(async () => {
    node = await createNode({ online: false })
    space = node.createSpace({ name: 'entities' })
  })
  afterAll(async () => node.stop())

  async function take(
    rows: readonly (Record<string, unknown> | null)[],
    options: Partial<ImportEntitiesOptions> = {},
  ) {
    async function* entities(): AsyncGenerator<EntityRow> {
      for (const [i, fields] of rows.entries())
        yield { line: i + 1, fields: fields === null ? parseEntity('') : { ok: true, value: fields } }
    }
    const reports: RowReport[] = []
    const onReport = (report: RowReport) => void reports.push(report)
    const counts = await importEntities(space, entities(), { path: 'people', onReport, ...options })
    return { counts, reports }
  }

  it('become map items by their key, and are not written twice', async () => {
    const rows = [{ id: 'ada', born: 1815 }, { id: 'bob', tags: ['x'] }, { id: 7 }]
    expect((await take(rows, { key: 'id' })).counts).toEqual({
      written: 3,
      unchanged: 0,
      refused: 0,
      operations: 1,
    })
    expect(space.get('people/ada')).toMatchObject({ type: 'map', value: { id: 'ada', born: 1815 } })
    expect(space.get('people/7')).toMatchObject({ value: { id: 7 } })
    const changed = [...rows.slice(0, 2), { id: 7, more: true }]
    const again = await take(changed, { key: 'id' })
    expect(again.counts).toEqual({ written: 1, unchanged: 2, refused: 0, operations: 1 })
    expect(space.get('people/7')).toMatchObject({ value: { id: 7, more: true } })
  })

  it('are numbered where they have no key, and may be registers', async () => {
    await take([{ a: 1 }, { a: 2 }], { path: 'list', type: 'register' })
    expect(space.get('list/2')).toMatchObject({ type: 'register', value: { a: 2 } })
    expect((await take([{ a: 1 }], { path: 'list', type: 'register' })).counts.unchanged).toBe(1)
  })

  it('that cannot be items are refused, each by itself', async () => {
    const { counts, reports } = await take(
      [
        { id: 'a/b' },
        { id: '..' },
        { id: '' },
        { name: 'nobody' },
        null,
        { id: 'long', text: 'x'.repeat(300_000) },
        { id: 'deep', value: { '': 1 }, ['']: 1 },
        { id: 'fine' },
      ],
      { key: 'id', path: 'odd' },
    )
    expect(counts).toEqual({ written: 1, unchanged: 0, refused: 7, operations: 1 })
    expect(reports.map(({ line, code }) => [line, code])).toEqual([
      [1, 'BAD_KEY_VALUE'],
      [2, 'BAD_PATH'],
      [3, 'BAD_KEY_VALUE'],
      [4, 'BAD_KEY_VALUE'],
      [5, 'BAD_JSON'],
      [6, 'LIMIT'],
      [7, 'BAD_FIELD_NAME'],
      [8, undefined],
    ])
  })

  it('fill operations, and no more than that', async () => {
    const many = Array.from({ length: IMPORT_ROWS_PER_OPERATION_MAX + 1 }, (_, i) => ({ n: i }))
    expect((await take(many, { path: 'many' })).counts.operations).toBe(2)
    const large = Array.from({ length: 5 }, (_, i) => ({ text: `${i}`.repeat(100_000) }))
    expect((await take(large, { path: 'large' })).counts).toMatchObject({ written: 5, operations: 3 })
  })

  it('are only told of in a dry run', async () => {
    const before = space.hosted.store.count()
    const { counts, reports } = await take([{ id: 'x' }], { key: 'id', path: 'dry', dryRun: true })
    expect(counts).toEqual({ written: 1, unchanged: 0, refused: 0, operations: 1 })
    expect(reports).toEqual([{ line: 1, outcome: 'written', path: 'dry/x', id: null }])
    expect(space.hosted.store.count()).toBe(before)
  })

  it('of one file about one item end with the last', async () => {
    await take(
      [
        { id: 'x', v: 1 },
        { id: 'x', v: 2 },
        { id: 'x', v: 1 },
      ],
      { key: 'id', path: 'twice' },
    )
    expect(space.get('twice/x')).toMatchObject({ value: { v: 1 } })
  })
})
