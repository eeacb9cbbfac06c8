import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { decodeCanonical, encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { parsePath } from '../../src/core/path.ts'
import { decodeRowKey, encodeRowKey } from '../../src/node/tables/row-key.ts'
import { decodeRowState, encodeRowState } from '../../src/node/tables/row-state.ts'
import { decodeShareConfigs, encodeShareConfigs } from '../../src/node/tables/share-config.ts'
import { fingerprint, type SqlValue, toFieldValue, toSqlValue } from '../../src/node/tables/sql-value.ts'
import { value } from '../grammar.ts'
import { holds, type Target } from '../target.ts'

const sqlValue: fc.Arbitrary<SqlValue> = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.double({ noNaN: true }),
  fc.uint8Array({ maxLength: 8 }),
)

/** Paths below a shared table: strangers write items there. */
const rowKey: Target = {
  name: 'row-key',
  form: 'text',
  inputBytesMax: 1024,
  words: ['/', '~t', '~r', '~b', '%2F', '%CC%81', 'Infinity', '-0', '9223372036854775807', '1e21'],
  valid: fc
    .array(sqlValue, { minLength: 1, maxLength: 3 })
    .map((values) => Buffer.from(encodeRowKey(values))),
  run(input) {
    const path = Buffer.from(input).toString('utf8')
    const columns = path.split('/').length
    holds(!decodeRowKey(path, columns + 1).ok, 'a key has as many segments as columns')
    const read = decodeRowKey(path, columns)
    if (!read.ok) return false
    holds(encodeRowKey(read.value) === path, 'a key has one path')
    // A key may be longer than a path.
    const parsed = parsePath(path)
    holds(parsed.ok || /bytes|segments/.test(parsed.fault.detail), 'a key is a path')
    return true
  },
}

const print = fc.option(fc.uint8Array({ maxLength: 16 }))

/** What is kept of shared tables, here and in the user's database; and the fields of rows, which strangers write. */
const tableNotes: Target = {
  name: 'table-notes',
  form: 'cbor',
  inputBytesMax: 16 * 1024,
  valid: fc.oneof(
    fc
      .dictionary(fc.constantFrom('id', 'name', ''), fc.record({ local: print, remote: print }))
      .map((state) => encodeRowState(new Map(Object.entries(state)))),
    fc
      .option(fc.array(fc.string(), { maxLength: 2 }))
      .map((columns) =>
        encodeShareConfigs([{ id: 'a', file: '/b', table: 'c', prefix: 'd', columns, prefer: 'space' }]),
      ),
    value.map(encodeCanonical),
  ),
  run(input) {
    const state = decodeRowState(input)
    holds(
      isDeepStrictEqual(decodeRowState(encodeRowState(state)), state),
      'a state is read as it was written',
    )
    const configs = decodeShareConfigs(input)
    const again = decodeShareConfigs(encodeShareConfigs(configs))
    holds(isDeepStrictEqual(again, configs), 'shared tables are read as they were written')
    const field = decodeCanonical(input)
    if (!field.ok) return false
    const taken = toSqlValue(field.value)
    if (taken.ok)
      holds(
        fingerprint(toFieldValue(taken.value, false)).length <= 16,
        'what a column takes is a field again',
      )
    return true
  },
}

/** What sharing tables reads. */
export const TABLE_TARGETS: readonly Target[] = [rowKey, tableNotes]
