import { copyFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  TABLE_CONFLICTS_LISTED_MAX,
  TABLE_BATCH_ROWS_MAX,
  TABLE_KEY_COLUMNS_MAX,
  TABLE_OUTDATED_COLUMNS_MAX,
  TABLE_QUEUE_KEYS_MAX,
  TABLE_REFUSED_ROWS_MAX,
  TABLE_RETRY_LOOKS_MAX,
  TABLE_STATEMENTS_CACHED_MAX,
  TABLES_MAX,
} from '../../../src/core/limits.ts'
import { FaultError } from '../../../src/node/fault-error.ts'
import { decodeShareConfigs, encodeShareConfigs } from '../../../src/node/tables/share-config.ts'
import { Statements } from '../../../src/node/tables/statements.ts'
import { sharingSpace } from '../../../src/node/tables/sharing-space.ts'
import { SpaceTables } from '../../../src/node/tables/space-tables.ts'
import { SharedTable } from '../../../src/node/tables/shared-table.ts'
import { WAIT_MS } from '../federation.ts'
import { rowsOf, Sharing, type Side } from './sharing.ts'

const sharing: Sharing[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  for (const one of sharing.splice(0)) await one.stop()
})

const PEOPLE = 'CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT, age INTEGER, note)'
const ALL = 'SELECT id, name, age, note FROM people ORDER BY id'

async function startPeople(schema = PEOPLE) {
  const both = new Sharing()
  sharing.push(both)
  const [alice, bob] = (await both.start(schema)) as [Side, Side]
  for (const { space, db } of [alice, bob]) await space.tables.add({ db, table: 'people' })
  return { both, alice, bob }
}

/** The tables of a space as a node has them that has just been started. */
const restarted = ({ space }: Side): SpaceTables => {
  space.tables.close()
  return new SpaceTables(sharingSpace(space, space.hosted))
}

describe('a node that stops in the middle', () => {
  it('repeats what may not have been finished, and writes nothing twice', async () => {
    const { both, alice, bob } = await startPeople()
    alice.other.exec(`INSERT INTO people VALUES ('ada', 'Ada', 36, 1), ('eve', 'Eve', 1, 1)`)
    await both.settle()
    alice.other.exec(
      `UPDATE people SET age = 37 WHERE id = 'ada'; DELETE FROM people WHERE id = 'eve'; INSERT INTO people VALUES ('new', 'New', 1, 1)`,
    )
    // Durable in the space, and killed before the database is told.
    const write = alice.space.write.bind(alice.space)
    vi.spyOn(alice.space, 'write').mockImplementationOnce((...args) => {
      write(...args)
      throw new Error('killed')
    })
    await expect(alice.space.tables.checkLocalChanges()).rejects.toThrow('killed')
    const before = alice.space.status().operations
    const tables = restarted(alice)
    expect(await tables.checkLocalChanges()).toMatchObject([{ published: 0, applied: 0, fault: null }])
    expect(tables.list()).toMatchObject([{ waiting: 0 }])
    expect(alice.space.status().operations).toBe(before)
    await both.sync()
    await bob.space.tables.checkLocalChanges()
    expect(rowsOf(bob, ALL)).toEqual(rowsOf(alice, ALL))
    tables.close()
  })

  it('looks again at a row that another program changes just while it is published', async () => {
    const { both, alice, bob } = await startPeople()
    // Not told what changes in the space, so that nothing else leads it to the row again.
    const tables = restarted(alice)
    await tables.checkLocalChanges()
    alice.other.exec(`INSERT INTO people VALUES ('ada', 'Ada', 36, 1), ('eve', 'Eve', 1, 1)`)
    const write = alice.space.write.bind(alice.space)
    vi.spyOn(alice.space, 'write').mockImplementationOnce((...args) => {
      alice.other.exec(`UPDATE people SET age = 37 WHERE id = 'ada'; DELETE FROM people WHERE id = 'eve'`)
      return write(...args)
    })
    expect(await tables.checkLocalChanges()).toMatchObject([{ published: 2 }])
    expect(tables.list()).toMatchObject([{ waiting: 2 }])
    await tables.checkLocalChanges()
    tables.close()
    await both.sync()
    await bob.space.tables.checkLocalChanges()
    expect(rowsOf(bob, ALL)).toEqual([['ada', 'Ada', 37n, 1n]])
  })

  it('applies after a restart what came before it, and looks at nothing else', async () => {
    const { both, alice, bob } = await startPeople()
    alice.other.exec(`INSERT INTO people VALUES ('ada', 'Ada', 36, 1), ('eve', 'Eve', 1, 1)`)
    await both.settle()
    bob.space.tables.close()
    alice.other.exec(`UPDATE people SET age = 37 WHERE id = 'ada'`)
    await alice.space.tables.checkLocalChanges()
    await both.sync()
    bob.other.exec(`UPDATE people SET name = 'Eva' WHERE id = 'eve'`)
    const list = vi.spyOn(bob.space, 'list')
    const tables = restarted(bob)
    expect(await tables.checkLocalChanges()).toMatchObject([{ published: 1, applied: 1, compared: null }])
    expect(list).not.toHaveBeenCalled()
    expect(rowsOf(bob, ALL)).toEqual([
      ['ada', 'Ada', 37n, 1n],
      ['eve', 'Eva', 1n, 1n],
    ])
    tables.close()
    const again = restarted(bob)
    expect(await again.checkLocalChanges()).toMatchObject([{ published: 0, applied: 0, compared: null }])
    again.close()
  })

  it('applies the rest after it was stopped between two batches', async () => {
    const { both, alice, bob } = await startPeople()
    const rows = 2 * TABLE_BATCH_ROWS_MAX + 1
    alice.other.exec(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
       INSERT INTO people SELECT 'p' || i, '', i, 1 FROM n`,
    )
    await alice.space.tables.checkLocalChanges()
    await both.sync()
    const round = bob.space.tables.checkLocalChanges()
    const count = () => Number(rowsOf(bob, 'SELECT count(*) FROM people')[0]?.[0])
    while (count() === 0) await turn()
    const tables = restarted(bob)
    await round
    expect(count()).toBe(TABLE_BATCH_ROWS_MAX)
    expect(await tables.checkLocalChanges()).toMatchObject([{ applied: rows - TABLE_BATCH_ROWS_MAX }])
    expect(count()).toBe(rows)
    tables.close()
  })

  it('finds what was written while the triggers were gone, when it compares the whole', async () => {
    const { both, alice, bob } = await startPeople()
    alice.other.exec(`INSERT INTO people VALUES ('ada', 'Ada', 36, 1), ('eve', 'Eve', 1, 1)`)
    await both.settle()
    for (const [name] of rowsOf(alice, `SELECT name FROM sqlite_schema WHERE type = 'trigger'`))
      alice.other.exec(`DROP TRIGGER "${String(name)}"`)
    alice.other.exec(
      `UPDATE people SET age = 5; DELETE FROM people WHERE id = 'eve'; INSERT INTO people VALUES ('new', '', 0, 0)`,
    )
    await both.settle()
    expect(rowsOf(bob, ALL)).toEqual(rowsOf(alice, ALL))
    expect(await alice.space.tables.checkLocalChanges({ isWhole: true })).toMatchObject([
      { published: 0, applied: 0, compared: { rows: 2, incomplete: 0, foreign: 0 } },
    ])
  })

  it('finds by comparing the whole that only a part of a row is left, and deletes the row', async () => {
    const { both, alice, bob } = await startPeople()
    alice.other.exec(`INSERT INTO people VALUES ('ada', 'Ada', 36, 1), ('eve', 'Eve', 1, 1)`)
    await both.settle()
    bob.space.tables.close()
    alice.other.exec(`DELETE FROM people WHERE id = 'ada'`)
    await alice.space.tables.checkLocalChanges()
    alice.space.edit('people/ada', { age: 99 })
    await both.sync()
    const tables = restarted(bob)
    expect(await tables.checkLocalChanges({ isWhole: true })).toMatchObject([
      { applied: 1, compared: { rows: 1, incomplete: 1 } },
    ])
    expect(rowsOf(bob, ALL)).toEqual([['eve', 'Eve', 1n, 1n]])
    tables.close()
  })
})

describe('a database that is moved about', () => {
  it('is brought up to date again after it was put back from a backup', async () => {
    const { both, alice, bob } = await startPeople()
    bob.other.exec(`INSERT INTO people VALUES ('ada', 'Ada', 36, 1), ('eve', 'Eve', 1, 1)`)
    await both.settle()
    const backup = both.path('backup.sqlite')
    copyFileSync(alice.db, backup)
    alice.other.exec(
      `UPDATE people SET name = 'after the backup' WHERE id = 'ada'; INSERT INTO people VALUES ('new', '', 0, 0)`,
    )
    bob.other.exec(`DELETE FROM people WHERE id = 'eve'`)
    await both.settle()
    const expected = rowsOf(alice, ALL)
    renameSync(backup, alice.db)
    const operations = alice.space.status().operations
    await both.settle()
    const restored = new DatabaseSync(alice.db)
    expect(rowsOf({ other: restored }, ALL)).toEqual(expected)
    restored.close()
    expect(rowsOf(bob, ALL)).toEqual(expected)
    expect(alice.space.status().operations).toBe(operations)
  })

  it('takes the values of the space where it was put back from before it was shared', async () => {
    const { both, alice, bob } = await startPeople(
      `${PEOPLE}; INSERT INTO people VALUES ('ada', 'Ada', 36, 1)`,
    )
    await both.settle()
    bob.other.exec(`UPDATE people SET age = 40`)
    await both.settle()
    rmSync(alice.db)
    const fresh = new DatabaseSync(alice.db)
    fresh.exec(`${PEOPLE}; INSERT INTO people VALUES ('ada', 'Old', 1, 1), ('mine', 'M', 1, 1)`)
    await both.settle()
    for (const side of [{ other: fresh }, bob])
      expect(rowsOf(side, ALL)).toEqual([
        ['ada', 'Ada', 40n, 1n],
        ['mine', 'M', 1n, 1n],
      ])
    fresh.close()
  })

  it('is waited for where it is away, and no other is made in its place', async () => {
    const { alice, both } = await startPeople()
    renameSync(alice.db, both.path('elsewhere'))
    expect(await alice.space.tables.checkLocalChanges()).toMatchObject([{ fault: { code: 'NO_FILE' } }])
    writeFileSync(alice.db, 'no database, and long enough for a header'.repeat(10))
    expect(await alice.space.tables.checkLocalChanges()).toMatchObject([{ fault: { code: 'BAD_FILE' } }])
    renameSync(both.path('elsewhere'), alice.db)
    alice.other.exec(`INSERT INTO people VALUES ('ada', 'Ada', 36, 1)`)
    expect(await alice.space.tables.checkLocalChanges()).toMatchObject([{ published: 1, fault: null }])
  })

  it('is tried again where another program holds it locked', async () => {
    const { alice } = await startPeople()
    alice.other.exec(`INSERT INTO people VALUES ('ada', 'Ada', 36, 1); BEGIN EXCLUSIVE`)
    expect(await alice.space.tables.checkLocalChanges()).toMatchObject([
      { published: 0, fault: { code: 'BUSY' } },
    ])
    alice.other.exec('COMMIT')
    expect(await alice.space.tables.checkLocalChanges()).toMatchObject([{ published: 1, fault: null }])
  })
})

describe('a running node', () => {
  it('notices both directions by itself, and says when something is amiss', async () => {
    const { both, alice, bob } = await startPeople()
    const told: string[] = []
    for (const { space } of [alice, bob])
      space.tables.start({
        pollIntervalMs: 20,
        onTrouble: (_db, table, what) => told.push(`${table}: ${what}`),
      })
    alice.other.exec(`INSERT INTO people VALUES ('ada', 'Ada', 36, 1)`)
    await expect.poll(() => rowsOf(bob, ALL), { timeout: WAIT_MS }).toHaveLength(1)
    bob.other.exec(`UPDATE people SET age = 40`)
    await expect.poll(() => rowsOf(alice, 'SELECT age FROM people'), { timeout: WAIT_MS }).toEqual([[40n]])
    bob.other.exec('CREATE UNIQUE INDEX one_age ON people (age)')
    alice.other.exec(`INSERT INTO people VALUES ('eve', 'Eve', 40, 1)`)
    await expect.poll(() => told, { timeout: WAIT_MS }).toEqual(["people: 1 row differs from the space's"])
    bob.other.exec('DROP INDEX one_age')
    await expect.poll(() => told.at(-1), { timeout: WAIT_MS }).toBe('people: in order again')
    await both.settle()
    expect(rowsOf(bob, ALL)).toEqual(rowsOf(alice, ALL))
  })

  it('keeps what it may not publish, and publishes it once it may', async () => {
    const { both, alice, bob } = await startPeople()
    alice.other.exec(`INSERT INTO people VALUES ('ada', 'Ada', 36, 1), ('eve', 'Eve', 1, 1)`)
    await both.settle()
    const refuse = vi.spyOn(bob.space, 'write').mockImplementation(() => {
      throw new FaultError({ code: 'CAP_MISSING', detail: 'not allowed' })
    })
    bob.other.exec(`UPDATE people SET name = 'mine'`)
    alice.other.exec(`UPDATE people SET age = 50`)
    await alice.space.tables.checkLocalChanges()
    await both.sync()
    expect(await bob.space.tables.checkLocalChanges()).toMatchObject([
      { published: 0, applied: 0, fault: { code: 'CAP_MISSING' } },
    ])
    expect(bob.space.tables.list()).toMatchObject([{ waiting: 2, fault: { code: 'CAP_MISSING' } }])
    // Changed back: there is nothing left to publish, and all the more to apply.
    bob.other.exec(`UPDATE people SET name = 'Eve' WHERE id = 'eve'`)
    refuse.mockRestore()
    await both.settle()
    for (const side of [alice, bob])
      expect(rowsOf(side, 'SELECT name, age FROM people ORDER BY id')).toEqual([
        ['mine', 50n],
        ['Eve', 50n],
      ])
  })
})

describe('a node that may write some rows only', () => {
  it('publishes those, and keeps the others until it may', async () => {
    const both = new Sharing()
    sharing.push(both)
    const schema = 'CREATE TABLE jobs (owner TEXT, id INTEGER, what TEXT, PRIMARY KEY (owner, id))'
    const [alice, bob] = (await both.start(schema, 'jobs/bob')) as [Side, Side]
    for (const { space, db } of [alice, bob]) await space.tables.add({ db, table: 'jobs' })
    const jobs = 'SELECT * FROM jobs ORDER BY owner, id'
    for (let id = 0; id < TABLE_REFUSED_ROWS_MAX + 1; id++)
      bob.other.exec(`INSERT INTO jobs VALUES ('alice', ${id}, 'not his'), ('bob', ${id}, 'his')`)
    const report = await bob.space.tables.checkLocalChanges()
    expect(report).toMatchObject([{ fault: { code: 'CAP_POLICY' } }])
    expect(bob.space.tables.list()).toMatchObject([{ waiting: TABLE_REFUSED_ROWS_MAX + 1, conflicts: 0 }])
    await both.settle()
    expect(rowsOf(alice, jobs)).toHaveLength(TABLE_REFUSED_ROWS_MAX + 1)
    alice.other.exec(`UPDATE jobs SET what = 'done' WHERE owner = 'bob' AND id = 0`)
    await both.settle()
    expect(rowsOf(bob, `SELECT what FROM jobs WHERE owner = 'bob' AND id = 0`)).toEqual([['done']])
    // Those behind more refused ones than are tried at once have their turn too.
    for (let id = 0; id < TABLE_REFUSED_ROWS_MAX; id++)
      bob.other.exec(`INSERT INTO jobs VALUES ('carol', ${id}, 'not his')`)
    bob.other.exec(`INSERT INTO jobs VALUES ('bob', 1000, 'late')`)
    await both.settle()
    expect(rowsOf(alice, 'SELECT what FROM jobs WHERE id = 1000')).toEqual([['late']])
    alice.space.grant({ to: bob.node.did, role: 'writer' })
    await both.settle()
    expect(rowsOf(alice, jobs)).toEqual(rowsOf(bob, jobs))
    expect(bob.space.tables.list()).toMatchObject([{ waiting: 0, fault: null }])
  })
})

describe('bounds', () => {
  it('lists so many rows that differ, and so many columns that are missing, and counts the rest', async () => {
    const { both, alice, bob } = await startPeople()
    bob.other.exec('CREATE UNIQUE INDEX one_age ON people (age)')
    const rows = TABLE_CONFLICTS_LISTED_MAX + 2
    for (let row = 0; row < rows; row++)
      alice.other.exec(`INSERT INTO people VALUES (printf('p%03d', ${row}), '', 7, 1)`)
    const fields = Object.fromEntries(
      Array.from({ length: TABLE_OUTDATED_COLUMNS_MAX + 1 }, (_, index) => [`extra${index}`, 1]),
    )
    alice.space.edit('people/wide', { id: 'wide', ...fields })
    await both.settle()
    const [status] = bob.space.tables.list()
    expect(status).toMatchObject({ conflicts: rows - 1 })
    expect(status?.conflictRows).toHaveLength(TABLE_CONFLICTS_LISTED_MAX)
    expect(status?.outdated).toHaveLength(TABLE_OUTDATED_COLUMNS_MAX)
  })

  it('takes keys of so many columns, and so many tables', async () => {
    const columns = (count: number) => Array.from({ length: count }, (_, index) => `k${index}`).join(', ')
    const keyed = (name: string, count: number) =>
      `CREATE TABLE ${name} (${columns(count)}, PRIMARY KEY (${columns(count)}));`
    const { alice } = await startPeople(
      `${PEOPLE}; ${keyed('most', TABLE_KEY_COLUMNS_MAX)} ${keyed('more', TABLE_KEY_COLUMNS_MAX + 1)}`,
    )
    const add = async (table: string) => await alice.space.tables.add({ db: alice.db, table })
    expect(await add('most')).toMatchObject({ fault: null })
    await expect(add('more')).rejects.toThrow(/at most 16/)
    alice.other.exec('CREATE TABLE last (id TEXT PRIMARY KEY); CREATE TABLE beyond (id TEXT PRIMARY KEY)')
    const away = { file: `${alice.db}-away`, table: 't', columns: null, prefer: 'space' } as const
    const others = Array.from({ length: TABLES_MAX - 3 }, (_, index) => ({
      ...away,
      id: `${index}`,
      prefix: `away${index}`,
    }))
    const { store } = alice.space.hosted
    const shared = decodeShareConfigs(store.note('tables'))
    expect(shared).toHaveLength(2)
    store.transaction('process', (writer) =>
      writer.putNote('tables', encodeShareConfigs([...shared, ...others])),
    )
    expect(await add('last')).toMatchObject({ fault: null })
    await expect(add('beyond')).rejects.toMatchObject({ code: 'LIMIT' })
  })

  it('leaves a table with a fault alone for so many looks, and no more', async () => {
    const { alice } = await startPeople()
    const table = new SharedTable(sharingSpace(alice.space, alice.space.hosted), {
      id: '00',
      file: `${alice.db}-away`,
      table: 'people',
      prefix: 'others',
      columns: null,
      prefer: 'space',
    })
    let looks = 0
    for (let failure = 0; failure < 10; failure++) {
      expect(await table.round()).toMatchObject({ fault: { code: 'NO_FILE' } })
      for (looks = 0; !table.isDue(); looks++) expect(looks).toBeLessThan(TABLE_RETRY_LOOKS_MAX)
    }
    expect(looks).toBe(TABLE_RETRY_LOOKS_MAX)
    table.close()
  })

  it('keeps so many statements, and prepares the others anew', () => {
    const db = new DatabaseSync(':memory:')
    const prepare = vi.spyOn(db, 'prepare')
    const statements = new Statements(db)
    for (let number = 0; number <= TABLE_STATEMENTS_CACHED_MAX; number++)
      expect(statements.first(`SELECT ${number}`)).toEqual([BigInt(number)])
    statements.first(`SELECT ${TABLE_STATEMENTS_CACHED_MAX}`)
    expect(prepare).toHaveBeenCalledTimes(TABLE_STATEMENTS_CACHED_MAX + 1)
    expect(statements.first('SELECT 0')).toEqual([0n])
    expect(prepare).toHaveBeenCalledTimes(TABLE_STATEMENTS_CACHED_MAX + 2)
    db.close()
  })

  it('compares the whole table where more rows have changed than are remembered', async () => {
    const { alice } = await startPeople()
    await alice.space.tables.checkLocalChanges()
    const table = new SharedTable(sharingSpace(alice.space, alice.space.hosted), {
      id: '00',
      file: alice.db,
      table: 'people',
      prefix: 'others',
      columns: null,
      prefer: 'space',
    })
    await alice.space.tables.remove(alice.db, 'people')
    expect(await table.round()).toMatchObject({ compared: { rows: 0 } })
    const changes = async (rows: number) => {
      for (let row = 0; row < rows; row++) table.touch(`others/${row}`)
      return await table.round()
    }
    expect(await changes(TABLE_QUEUE_KEYS_MAX)).toMatchObject({ compared: null })
    expect(await changes(TABLE_QUEUE_KEYS_MAX + 1)).toMatchObject({ compared: { rows: 0 } })
    table.close()
  })
})
