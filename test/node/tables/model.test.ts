import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rowsOf, Sharing, type Side } from './sharing.ts'

/** Columns of the table, without its key. */
const COLUMNS = ['a', 'b', 'c'] as const
type Column = (typeof COLUMNS)[number]
type Values = Readonly<Record<Column, number | null>>
type Table = ReadonlyMap<string, Values>

type Edit =
  | { readonly kind: 'insert' | 'replace'; readonly id: string; readonly values: Values }
  | { readonly kind: 'update'; readonly id: string; readonly column: Column; readonly value: number | null }
  | { readonly kind: 'delete'; readonly id: string }
  | { readonly kind: 'rename'; readonly id: string; readonly to: string }

const id = fc.constantFrom('x', 'y', 'a/b', '7')
const value = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constant(null))
const values = fc.record({ a: value, b: value, c: value })
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ kind: fc.constantFrom('insert' as const, 'replace' as const), id, values }),
  fc.record({ kind: fc.constant('update' as const), id, column: fc.constantFrom(...COLUMNS), value }),
  fc.record({ kind: fc.constant('delete' as const), id }),
  fc.record({ kind: fc.constant('rename' as const), id, to: id }),
)
/** Between two meetings each side edits by itself. */
const phase = fc.record({ alice: fc.array(edit, { maxLength: 5 }), bob: fc.array(edit, { maxLength: 5 }) })

/** Alike for both, so that what the model says is what SQLite does. */
function run({ other }: Side, table: string, one: Edit): void {
  switch (one.kind) {
    case 'insert':
    case 'replace': {
      const verb = one.kind === 'insert' ? 'INSERT OR IGNORE' : 'REPLACE'
      other
        .prepare(`${verb} INTO ${table} VALUES (?, ?, ?, ?)`)
        .run(one.id, ...COLUMNS.map((column) => one.values[column]))
      return
    }
    case 'update':
      other.prepare(`UPDATE ${table} SET ${one.column} = ? WHERE id = ?`).run(one.value, one.id)
      return
    case 'delete':
      other.prepare(`DELETE FROM ${table} WHERE id = ?`).run(one.id)
      return
    case 'rename':
      other.prepare(`UPDATE OR REPLACE ${table} SET id = ? WHERE id = ?`).run(one.to, one.id)
  }
}

function tableOf(side: Side, table: string): Table {
  return new Map(
    rowsOf(side, `SELECT id, a, b, c FROM ${table}`).map(([key, ...row]) => [
      String(key),
      Object.fromEntries(
        COLUMNS.map((column, index) => [column, row[index] === null ? null : Number(row[index])]),
      ) as Values,
    ]),
  )
}

/**
 * The naive merge of what two sides made of one table: a row that one side has deleted is gone; of any other, a column that one side has changed is
 * that side's; one that both have changed is either's. Gives what is wrong, or null.
 */
function flawOf(merged: Table, base: Table, alice: Table, bob: Table): string | null {
  for (const key of new Set([...base.keys(), ...alice.keys(), ...bob.keys(), ...merged.keys()])) {
    const [before, hers, his, now] = [base.get(key), alice.get(key), bob.get(key), merged.get(key)]
    const isWanted =
      before === undefined ? (hers ?? his) !== undefined : hers !== undefined && his !== undefined
    if (isWanted !== (now !== undefined)) return `${key} is ${isWanted ? 'lost' : 'there'}`
    if (now === undefined) continue
    for (const column of COLUMNS) {
      const candidates = candidatesOf(before?.[column], hers?.[column], his?.[column])
      if (!candidates.includes(now[column]))
        return `${key}.${column} is ${now[column]}, not of ${candidates.join(', ')}`
    }
  }
  return null
}

type Cell = number | null | undefined
function candidatesOf(before: Cell, hers: Cell, his: Cell): readonly Cell[] {
  if (before === undefined) return [hers, his].filter((one) => one !== undefined)
  const changed = [hers, his].filter((one) => one !== before)
  return changed.length === 0 ? [before] : changed
}

describe('two databases that are edited at random', () => {
  const sharing = new Sharing()
  let alice: Side
  let bob: Side
  let tables = 0
  beforeAll(async () => {
    ;[alice, bob] = (await sharing.start('CREATE TABLE other (id TEXT PRIMARY KEY)')) as [Side, Side]
  })
  afterAll(async () => sharing.stop())

  it('are the same whenever they meet, and what the naive merge says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(phase, { minLength: 1, maxLength: 4 }), async (phases) => {
        const table = `t${tables++}`
        for (const { other, space, db } of [alice, bob]) {
          other.exec(`CREATE TABLE ${table} (id TEXT PRIMARY KEY, a, b, c)`)
          await space.tables.add({ db, table })
        }
        let base: Table = new Map()
        for (const { alice: hers, bob: his } of phases) {
          for (const one of hers) run(alice, table, one)
          for (const one of his) run(bob, table, one)
          const [atAlice, atBob] = [tableOf(alice, table), tableOf(bob, table)]
          await sharing.settle()
          const merged = tableOf(alice, table)
          expect(tableOf(bob, table)).toEqual(merged)
          expect(flawOf(merged, base, atAlice, atBob)).toBeNull()
          base = merged
        }
        for (const { space, db } of [alice, bob]) {
          expect(space.tables.list()).toMatchObject([{ waiting: 0, conflicts: 0, outdated: [], fault: null }])
          const [whole] = await space.tables.checkLocalChanges({ isWhole: true })
          expect(whole).toMatchObject({ published: 0, applied: 0, compared: { rows: base.size, foreign: 0 } })
          await space.tables.remove(db, table)
        }
      }),
      { numRuns: 40 },
    )
  })
})
