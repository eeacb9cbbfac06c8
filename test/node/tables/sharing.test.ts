import { afterEach, describe, expect, it } from 'vitest'
import { rowsOf, Sharing, type Side } from './sharing.ts'

const sharing: Sharing[] = []
afterEach(async () => {
  for (const one of sharing.splice(0)) await one.stop()
})

async function start(
  schema: string,
): Promise<{ readonly both: Sharing; readonly alice: Side; readonly bob: Side }> {
  const both = new Sharing()
  sharing.push(both)
  const [alice, bob] = (await both.start(schema)) as [Side, Side]
  return { both, alice, bob }
}

const PEOPLE = 'CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT, age INTEGER, note)'
const ALL = 'SELECT id, name, age, note FROM people ORDER BY id'

async function startPeople(schema = PEOPLE) {
  const started = await start(schema)
  for (const { space, db } of [started.alice, started.bob]) await space.tables.add({ db, table: 'people' })
  return started
}

describe('a shared table', () => {
  it('shows what any program inserts, changes and deletes on the other side', async () => {
    const { both, alice, bob } = await startPeople()
    alice.other.exec(`INSERT INTO people VALUES ('ada', 'Ada', 36, NULL), ('bob', 'Bob', 40, x'00ff')`)
    await both.settle()
    expect(rowsOf(bob, ALL)).toEqual([
      ['ada', 'Ada', 36n, null],
      ['bob', 'Bob', 40n, new Uint8Array([0, 255])],
    ])
    bob.other.exec(`UPDATE people SET age = 37 WHERE id = 'ada'; DELETE FROM people WHERE id = 'bob'`)
    await both.settle()
    expect(rowsOf(alice, ALL)).toEqual([['ada', 'Ada', 37n, null]])
  })

  it('keeps what SQLite tells apart: storage classes, large integers, NULL, empty and odd texts', async () => {
    const { both, alice, bob } = await start(
      'CREATE TABLE v (id INTEGER PRIMARY KEY, anything, r REAL, n NUMERIC, t TEXT)',
    )
    for (const { space, db } of [alice, bob]) await space.tables.add({ db, table: 'v' })
    const insert = alice.other.prepare('INSERT INTO v VALUES (?, ?, ?, ?, ?)')
    const values = [
      [2, 2, 2, 'two'],
      [2n, 2n, 2n, ''],
      [null, null, null, null],
      [2n ** 53n + 1n, -(2n ** 63n), 2n ** 63n - 1n, 'a\0b'],
      [1e300, Infinity, -Infinity, '1'],
      [0.1, -1.5, 1e20, 'e\u0301'],
      ['2', new Uint8Array([]), '0042', '\u{1f600}'],
      [new Uint8Array([1, 2, 3]), 2 ** 53, 'x', '{"real":2}'],
    ] as const
    for (const [index, row] of values.entries()) insert.run(index, ...row)
    await both.settle()
    const all = 'SELECT *, typeof(anything), typeof(r), typeof(n), typeof(t) FROM v ORDER BY id'
    expect(rowsOf(bob, all)).toEqual(rowsOf(alice, all))
    expect(rowsOf(bob, 'SELECT count(*) FROM v')).toEqual([[BigInt(values.length)]])
    // And nothing of it is written back.
    const before = bob.space.status().operations
    await both.settle()
    expect(alice.space.status().operations).toBe(before)
  })

  it('merges by column where both sides change one row', async () => {
    const { both, alice, bob } = await startPeople()
    alice.other.exec(`INSERT INTO people VALUES ('ada', 'Ada', 36, 'x')`)
    await both.settle()
    alice.other.exec(`UPDATE people SET name = 'Ada L.'`)
    bob.other.exec(`UPDATE people SET age = 37`)
    await both.settle()
    for (const side of [alice, bob]) expect(rowsOf(side, ALL)).toEqual([['ada', 'Ada L.', 37n, 'x']])
    expect(alice.space.get('people/ada', 'map')?.value).toEqual({
      id: 'ada',
      name: 'Ada L.',
      age: 37,
      note: 'x',
    })
  })

  it('deletes a row on both sides where one deletes it and the other changes it at the same time', async () => {
    const { both, alice, bob } = await startPeople()
    alice.other.exec(`INSERT INTO people VALUES ('ada', 'Ada', 36, 'x')`)
    await both.settle()
    alice.other.exec(`DELETE FROM people`)
    bob.other.exec(`UPDATE people SET age = 37`)
    await both.settle()
    for (const side of [alice, bob]) expect(rowsOf(side, ALL)).toEqual([])
    // What was changed stays in the space, and does not show in a row that is inserted later.
    expect(alice.space.get('people/ada', 'map')?.value).toEqual({ age: 37 })
    bob.other.exec(`INSERT INTO people (id, name) VALUES ('ada', 'Another')`)
    await both.settle()
    for (const side of [alice, bob]) expect(rowsOf(side, ALL)).toEqual([['ada', 'Another', null, null]])
  })

  it('takes a changed primary key for another row', async () => {
    const { both, alice, bob } = await startPeople()
    alice.other.exec(`INSERT INTO people VALUES ('ada', 'Ada', 36, 'x')`)
    await both.settle()
    bob.other.exec(`UPDATE people SET id = 'lovelace' WHERE id = 'ada'`)
    await both.settle()
    expect(rowsOf(alice, ALL)).toEqual([['lovelace', 'Ada', 36n, 'x']])
    expect([...alice.space.list('people')].map(({ path }) => path)).toEqual(['people/lovelace'])
  })

  it('has rows of composite keys with any text in them, also WITHOUT ROWID', async () => {
    const { both, alice, bob } = await start(
      'CREATE TABLE "odd ""name""" (a TEXT, "b/c" INTEGER, d BLOB, "select" TEXT, PRIMARY KEY (a, "b/c", d)) WITHOUT ROWID',
    )
    for (const { space, db } of [alice, bob]) await space.tables.add({ db, table: 'odd "name"', path: 'odd' })
    const insert = alice.other.prepare('INSERT INTO "odd ""name""" VALUES (?, ?, ?, ?)')
    const keys = ['', 'a/b', '..', '.', '42', '~t', 'e\u0301', '\u00e9', '%2F', "o'hara", '\n', '\u0308x']
    for (const [index, key] of keys.entries()) insert.run(key, -index, new Uint8Array([index]), key)
    await both.settle()
    const all = 'SELECT *, length(a) FROM "odd ""name""" ORDER BY 1, 2, 3'
    expect(rowsOf(bob, all)).toEqual(rowsOf(alice, all))
    expect(rowsOf(bob, all)).toHaveLength(keys.length)
    bob.other.exec('DELETE FROM "odd ""name"""')
    await both.settle()
    expect(rowsOf(alice, all)).toEqual([])
  })

  it('notices rows that a REPLACE takes away, for which SQLite fires no trigger', async () => {
    const { both, alice, bob } = await start(
      'CREATE TABLE u (id INTEGER PRIMARY KEY, mail TEXT UNIQUE COLLATE NOCASE, a, b, UNIQUE (a, b))',
    )
    for (const { space, db } of [alice, bob]) await space.tables.add({ db, table: 'u' })
    const all = 'SELECT * FROM u ORDER BY id'
    alice.other.exec(
      `INSERT INTO u VALUES (1, 'x@y', 1, 1), (2, 'y@y', 1, 2), (3, 'z@y', 2, 1), (4, 'p@y', 2, 2)`,
    )
    await both.settle()
    alice.other.exec(`INSERT OR REPLACE INTO u VALUES (11, 'X@Y', 9, 9)`)
    await both.settle()
    expect(rowsOf(bob, all).map(([id]) => id)).toEqual([2n, 3n, 4n, 11n])
    alice.other.exec(
      `UPDATE OR REPLACE u SET a = 1 WHERE id = 4; UPDATE OR REPLACE u SET mail = 'Z@y' WHERE id = 11`,
    )
    await both.settle()
    expect(rowsOf(bob, all).map(([id]) => id)).toEqual([4n, 11n])
    expect(rowsOf(bob, all)).toEqual(rowsOf(alice, all))
    alice.other.exec(
      `INSERT INTO u VALUES (11, 'new@y', 0, 0) ON CONFLICT (id) DO UPDATE SET mail = excluded.mail`,
    )
    await both.settle()
    expect(rowsOf(bob, 'SELECT mail FROM u WHERE id = 11')).toEqual([['new@y']])
  })

  it('notices them too where an index covers expressions, a part of the rows, or a key of two spellings', async () => {
    const { both, alice, bob } = await start(
      `CREATE TABLE part (id TEXT PRIMARY KEY, n); CREATE UNIQUE INDEX partly ON part (n) WHERE n > 0;
       CREATE TABLE expr (id TEXT PRIMARY KEY, n); CREATE UNIQUE INDEX by_sum ON expr (n + 1);
       CREATE TABLE spelt (id TEXT PRIMARY KEY COLLATE NOCASE, n)`,
    )
    for (const table of ['part', 'expr', 'spelt']) {
      for (const { space, db } of [alice, bob]) await space.tables.add({ db, table })
      alice.other.exec(`INSERT INTO ${table} VALUES ('Ada', 1)`)
      await both.settle()
      alice.other.exec(`REPLACE INTO ${table} VALUES ('${table === 'spelt' ? 'ADA' : 'Bob'}', 1)`)
      await both.settle()
      expect(rowsOf(alice, `SELECT * FROM ${table}`)).toHaveLength(1)
      expect(rowsOf(bob, `SELECT * FROM ${table}`)).toEqual(rowsOf(alice, `SELECT * FROM ${table}`))
      expect(bob.space.tables.list().at(-1)).toMatchObject({ table, conflicts: 0 })
    }
  })

  it('does not write over what was changed without a trigger', async () => {
    const { both, alice, bob } = await startPeople()
    alice.other.exec(
      `INSERT INTO people VALUES ('ada', 'Ada', 36, 1), ('eve', 'Eve', 1, 1), ('bob', 'Bob', 1, 1)`,
    )
    await both.settle()
    bob.other.exec(
      `UPDATE people SET name = 'mine' WHERE id = 'ada'; DELETE FROM people WHERE id = 'eve'; DELETE FROM _hanse_changes_1`,
    )
    alice.other.exec(`UPDATE people SET age = 50, name = 'hers'`)
    await both.settle()
    for (const side of [alice, bob])
      expect(rowsOf(side, 'SELECT id, name, age FROM people ORDER BY id')).toEqual([
        ['ada', 'mine', 50n],
        ['bob', 'hers', 50n],
      ])
  })

  it('never makes a statement of another program fail, whatever its conflict clause', async () => {
    const { both, alice, bob } = await startPeople()
    for (const clause of ['ABORT', 'FAIL', 'ROLLBACK', 'IGNORE', 'REPLACE']) {
      for (const age of [1, 2, 3])
        alice.other.exec(
          `INSERT OR IGNORE INTO people VALUES ('${clause}', '', 0, 0); UPDATE OR ${clause} people SET age = ${age} WHERE id = '${clause}'`,
        )
      alice.other.exec(
        `DELETE FROM people WHERE id = '${clause}'; INSERT OR ${clause} INTO people VALUES ('${clause}', '', 4, 0)`,
      )
    }
    await both.settle()
    expect(rowsOf(bob, 'SELECT DISTINCT age, count(*) FROM people')).toEqual([[4n, 5n]])
    expect(alice.space.tables.list()[0]).toMatchObject({ waiting: 0, conflicts: 0 })
  })

  it('leaves generated columns to each side', async () => {
    const { both, alice, bob } = await start(
      'CREATE TABLE g (id TEXT PRIMARY KEY, n INTEGER, twice AS (n * 2) STORED UNIQUE, thrice AS (n * 3))',
    )
    for (const { space, db } of [alice, bob]) await space.tables.add({ db, table: 'g' })
    alice.other.exec(`INSERT INTO g VALUES ('x', 2)`)
    await both.settle()
    expect(rowsOf(bob, 'SELECT * FROM g')).toEqual([['x', 2n, 4n, 6n]])
    expect(alice.space.get('g/x', 'map')?.value).toEqual({ id: 'x', n: 2 })
  })

  it('shares only the columns that were named', async () => {
    const { both, alice, bob } = await startPeopleColumns()
    alice.other.exec(`INSERT INTO people VALUES ('ada', 'Ada', 36, 'mine')`)
    await both.settle()
    expect(rowsOf(bob, ALL)).toEqual([['ada', 'Ada', null, null]])
    bob.other.exec(`UPDATE people SET note = 'his', name = 'A.'`)
    await both.settle()
    expect(rowsOf(alice, ALL)).toEqual([['ada', 'A.', 36n, 'mine']])
  })

  it('publishes and applies more rows than fit into one batch or operation', async () => {
    const { both, alice, bob } = await startPeople()
    const rows = 4_500
    alice.other.exec(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
       INSERT INTO people SELECT 'p' || i, 'name ' || i, i, hex(randomblob(60)) FROM n`,
    )
    await both.settle()
    expect(rowsOf(bob, ALL)).toEqual(rowsOf(alice, ALL))
    expect(alice.space.status().operations).toBeLessThan(20)
  })
})

async function startPeopleColumns() {
  const started = await start(PEOPLE)
  for (const { space, db } of [started.alice, started.bob])
    await space.tables.add({ db, table: 'people', columns: ['NAME'] })
  return started
}

describe('adding a table', () => {
  it('neither doubles nor rewrites rows that both have from the beginning', async () => {
    const { both, alice, bob } = await start(
      `${PEOPLE}; INSERT INTO people VALUES ('ada', 'Ada', 36, 1.0), ('bob', NULL, 2, x'00')`,
    )
    expect(await alice.space.tables.add({ db: alice.db, table: 'people' })).toMatchObject({ published: 2 })
    await both.sync()
    expect(await bob.space.tables.add({ db: bob.db, table: 'people' })).toMatchObject({
      published: 0,
      applied: 0,
    })
    await both.settle()
    for (const side of [alice, bob]) expect(rowsOf(side, ALL)).toHaveLength(2)
    bob.other.exec(`UPDATE people SET age = 3 WHERE id = 'bob'; DELETE FROM people WHERE id = 'ada'`)
    await both.settle()
    expect(rowsOf(alice, ALL)).toEqual([['bob', null, 3n, new Uint8Array([0])]])
  })

  it('merges rows that both add before they meet', async () => {
    const { both, alice, bob } = await start(`${PEOPLE}; INSERT INTO people VALUES ('ada', 'Ada', 36, 1)`)
    alice.other.exec(`INSERT INTO people VALUES ('a', 'of alice', 1, 1)`)
    bob.other.exec(`INSERT INTO people VALUES ('b', 'of bob', 1, 1)`)
    for (const { space, db } of [alice, bob]) await space.tables.add({ db, table: 'people' })
    await both.settle()
    expect(rowsOf(alice, ALL)).toHaveLength(3)
    expect(rowsOf(bob, ALL)).toEqual(rowsOf(alice, ALL))
  })

  it('asks whose values stand where they differ', async () => {
    for (const prefer of ['space', 'local'] as const) {
      const { both, alice, bob } = await start(
        `${PEOPLE}; INSERT INTO people VALUES ('ada', 'Ada', 36, 1), ('eve', 'Eve', 1, 1)`,
      )
      bob.other.exec(`UPDATE people SET name = 'Countess' WHERE id = 'ada'`)
      await alice.space.tables.add({ db: alice.db, table: 'people' })
      await both.sync()
      await expect(bob.space.tables.add({ db: bob.db, table: 'people' })).rejects.toThrow(
        /1 row is there already/,
      )
      expect(bob.space.tables.list()).toEqual([])
      expect(rowsOf(bob, `SELECT name FROM sqlite_schema WHERE name LIKE '%hanse%'`)).toEqual([])
      await bob.space.tables.add({ db: bob.db, table: 'people', prefer })
      await both.settle()
      const name = prefer === 'space' ? 'Ada' : 'Countess'
      for (const side of [alice, bob])
        expect(rowsOf(side, ALL)).toEqual([
          ['ada', name, 36n, 1n],
          ['eve', 'Eve', 1n, 1n],
        ])
    }
  })

  it('refuses what cannot be shared, and says what to do', async () => {
    const { alice } = await start(
      `CREATE TABLE bare (a, b); CREATE TABLE strict_one (id TEXT PRIMARY KEY, a, must TEXT NOT NULL);
       CREATE VIEW seen AS SELECT 1 AS id; CREATE TABLE plain (id INTEGER PRIMARY KEY, a)`,
    )
    const add = async (table: string, columns?: readonly string[], path?: string) =>
      await alice.space.tables.add({ db: alice.db, table, columns, path })
    await expect(add('bare')).rejects.toThrow(/no primary key.*UUID/)
    await expect(add('seen')).rejects.toThrow(/it is a view/)
    await expect(add('none')).rejects.toThrow(/there is no table "none"/)
    await expect(add('strict_one', ['a'])).rejects.toThrow(/"must" must not be NULL/)
    await expect(add('strict_one', ['b'])).rejects.toThrow(/no column "b"/)
    await expect(add('strict_one', undefined, '')).rejects.toThrow(/--path/)
    await expect(alice.space.tables.add({ db: `${alice.db}-none`, table: 'x' })).rejects.toThrow(/no file/)
    expect((await add('plain')).warnings[0]).toMatch(/INTEGER PRIMARY KEY/)
    await expect(add('plain')).rejects.toThrow(/shared already/)
    await expect(add('strict_one', undefined, 'plain/below')).rejects.toThrow(/not above or below/)
  })

  it('refuses a table that another node shares, until it is given up or taken over', async () => {
    const { alice, bob } = await start(PEOPLE)
    await alice.space.tables.add({ db: alice.db, table: 'people' })
    await expect(bob.space.tables.add({ db: alice.db, table: 'people' })).rejects.toMatchObject({
      code: 'TAKEN',
    })
    expect(bob.space.tables.list()).toEqual([])
    await bob.space.tables.add({ db: alice.db, table: 'people', takeOver: true })
    alice.other.exec(`INSERT INTO people VALUES ('ada', 'Ada', 36, 1)`)
    const [report] = await alice.space.tables.checkLocalChanges()
    expect(report).toMatchObject({ published: 0, fault: { code: 'TAKEN' } })
    expect(await bob.space.tables.checkLocalChanges()).toMatchObject([{ published: 1, fault: null }])
    // What is another's now is left alone.
    await alice.space.tables.remove(alice.db, 'people')
    expect(bob.space.tables.list()).toMatchObject([{ waiting: 0, fault: null }])
  })

  it('leaves nothing of its own behind when a table is removed', async () => {
    const { alice } = await startPeople()
    const names = `SELECT name FROM sqlite_schema WHERE name LIKE '%hanse%'`
    expect(rowsOf(alice, names).length).toBeGreaterThan(5)
    await alice.space.tables.remove(alice.db, 'PEOPLE')
    expect(rowsOf(alice, names)).toEqual([])
    alice.other.exec(`INSERT INTO people VALUES ('ada', 'Ada', 36, 1)`)
    expect(await alice.space.tables.checkLocalChanges()).toEqual([])
    await expect(alice.space.tables.remove(alice.db, 'people')).rejects.toThrow(/not shared/)
  })
})

describe('rows that a table does not take', () => {
  const SCHEMA = `
    CREATE TABLE parent (id TEXT PRIMARY KEY);
    CREATE TABLE child (id TEXT PRIMARY KEY, parent TEXT REFERENCES parent (id), mail TEXT UNIQUE, n INTEGER NOT NULL DEFAULT 0 CHECK (n < 10));`

  async function startFamily(schema = SCHEMA) {
    const started = await start(schema)
    for (const { space, db } of [started.alice, started.bob])
      for (const table of ['parent', 'child']) await space.tables.add({ db, table })
    return started
  }
  const conflictsOf = ({ space }: Side) =>
    space.tables.list().flatMap(({ conflictRows }) => conflictRows.map(({ key, code }) => `${key} ${code}`))

  it('are listed with the reason, never stop the rest, and are taken once nothing stands in their way', async () => {
    const { both, alice, bob } = await startFamily()
    // What bob's table allows and alice's does not.
    bob.other.exec(`PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON`)
    alice.other.exec(`INSERT INTO child VALUES ('mine', NULL, 'x@y', 1)`)
    bob.other.exec(
      `INSERT INTO child VALUES ('his', NULL, 'x@y', 1), ('large', NULL, 'l@y', 11), ('orphan', 'nobody', 'o@y', 1), ('good', NULL, 'g@y', 2)`,
    )
    await both.settle()
    expect(conflictsOf(alice)).toEqual(['his UNIQUE', 'large CHECK', 'orphan FOREIGN_KEY'])
    expect(conflictsOf(bob)).toEqual(['mine UNIQUE'])
    expect(rowsOf(alice, 'SELECT id FROM child ORDER BY id')).toEqual([['good'], ['mine']])

    alice.other.exec(`INSERT INTO parent VALUES ('nobody'); UPDATE child SET mail = 'm@y' WHERE id = 'mine'`)
    bob.other.exec(`UPDATE child SET n = 9 WHERE id = 'large'`)
    await both.settle()
    for (const side of [alice, bob]) {
      expect(conflictsOf(side)).toEqual([])
      expect(rowsOf(side, 'SELECT id, mail, n FROM child ORDER BY id')).toEqual([
        ['good', 'g@y', 2n],
        ['his', 'x@y', 1n],
        ['large', 'l@y', 9n],
        ['mine', 'm@y', 1n],
        ['orphan', 'o@y', 1n],
      ])
    }
  })

  it('are listed where a value is missing that must be there', async () => {
    const { both, alice, bob } = await start(`CREATE TABLE m (id TEXT PRIMARY KEY, a NOT NULL, b)`)
    for (const { space, db } of [alice, bob]) await space.tables.add({ db, table: 'm' })
    alice.space.edit('m/x', { id: 'x', b: 1 })
    alice.space.edit('m/y', { id: 'y', a: 2 ** 70 })
    alice.space.edit('m/z', { id: 'z', a: 2n ** 63n })
    alice.space.edit('m/w', { id: 'w', a: true, b: ['list'] })
    alice.space.edit('m/no~t', { id: 'no' })
    alice.space.edit('m/two/segments', { id: 'two' })
    alice.space.put('m/x', 'a register is no row')
    await both.settle()
    expect(conflictsOf(bob)).toEqual(['no~t NOT_NULL', 'x NOT_NULL', 'z NO_SQL_VALUE'])
    expect(rowsOf(bob, 'SELECT * FROM m ORDER BY id')).toEqual([
      ['w', 1n, '["list"]'],
      ['y', 2 ** 70, null],
    ])
    const before = alice.space.status().operations
    await both.settle()
    expect(alice.space.status().operations).toBe(before)
  })

  it('are told from the others by a deferred foreign key too, and by a trigger that rolls back', async () => {
    const { both, alice, bob } = await startFamily(
      `CREATE TABLE parent (id TEXT PRIMARY KEY);
       CREATE TABLE child (id TEXT PRIMARY KEY, parent TEXT REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);
       CREATE TRIGGER picky BEFORE INSERT ON child WHEN NEW.id = 'bad' AND EXISTS (SELECT 1 FROM _hanse_applying) BEGIN SELECT RAISE(ROLLBACK, 'not here'); END;
       CREATE TABLE _hanse_applying (active INTEGER NOT NULL);`,
    )
    bob.other.exec(`PRAGMA foreign_keys = OFF`)
    bob.other.exec(
      `INSERT INTO child VALUES ('a', NULL), ('bad', NULL), ('c', 'nobody'), ('d', NULL), ('e', NULL)`,
    )
    await both.settle()
    expect(rowsOf(alice, 'SELECT id FROM child ORDER BY id')).toEqual([['a'], ['d'], ['e']])
    expect(conflictsOf(alice)).toEqual(['bad TRIGGER', 'c FOREIGN_KEY'])
    bob.other.exec(`INSERT INTO parent VALUES ('nobody')`)
    await both.settle()
    expect(conflictsOf(alice)).toEqual(['bad TRIGGER'])
  })

  it('are not those that only exchange unique values', async () => {
    const { both, alice, bob } = await start(
      `CREATE TABLE list (id TEXT PRIMARY KEY, place INTEGER NOT NULL UNIQUE);
       INSERT INTO list VALUES ('a', 1), ('b', 2), ('c', 3)`,
    )
    for (const { space, db } of [alice, bob]) await space.tables.add({ db, table: 'list' })
    await both.settle()
    alice.other.exec(
      `UPDATE list SET place = -place; UPDATE list SET place = CASE id WHEN 'a' THEN 3 WHEN 'b' THEN 1 ELSE 2 END`,
    )
    await both.settle()
    expect(rowsOf(bob, 'SELECT * FROM list ORDER BY id')).toEqual([
      ['a', 3n],
      ['b', 1n],
      ['c', 2n],
    ])
    expect(conflictsOf(bob)).toEqual([])
  })

  it('come to the same end where a row is put below one that is deleted with all below it', async () => {
    const { both, alice, bob } = await startFamily(
      `CREATE TABLE parent (id TEXT PRIMARY KEY);
       CREATE TABLE child (id TEXT PRIMARY KEY, parent TEXT REFERENCES parent (id) ON DELETE CASCADE);`,
    )
    alice.other.exec(`INSERT INTO parent VALUES ('p'); INSERT INTO child VALUES ('c1', 'p')`)
    await both.settle()
    alice.other.exec(`DELETE FROM parent`)
    bob.other.exec(`INSERT INTO child VALUES ('c2', 'p')`)
    await bob.space.tables.checkLocalChanges()
    await both.settle()
    for (const side of [alice, bob]) {
      expect(rowsOf(side, 'SELECT * FROM parent')).toEqual([])
      expect(rowsOf(side, 'SELECT * FROM child')).toEqual([])
      expect(conflictsOf(side)).toEqual([])
    }
    expect([...alice.space.list('child')]).toEqual([])
  })

  it('are listed where the space does not take them: too large, or with too long a key', async () => {
    const { both, alice, bob } = await startPeople()
    alice.other.exec(
      `INSERT INTO people VALUES ('large', hex(zeroblob(150000)), 1, 1), (hex(zeroblob(600)), 'long', 1, 1), ('good', '', 1, 1)`,
    )
    await both.settle()
    expect(rowsOf(bob, 'SELECT id FROM people')).toEqual([['good']])
    expect(conflictsOf(alice).map((one) => one.replace(/0{9,}/, '0…'))).toEqual([
      '0… KEY_TOO_LONG',
      'large ROW_TOO_LARGE',
    ])
    alice.other.exec(
      `UPDATE people SET name = 'small' WHERE id = 'large'; DELETE FROM people WHERE name = 'long'`,
    )
    await both.settle()
    expect(conflictsOf(alice)).toEqual([])
    expect(rowsOf(bob, 'SELECT id, name FROM people WHERE age = 1 ORDER BY id')).toEqual([
      ['good', ''],
      ['large', 'small'],
    ])
  })

  it('are listed where the table would keep the key as another', async () => {
    const { both, alice, bob } = await start('CREATE TABLE k (id TEXT PRIMARY KEY, a)')
    bob.other.exec('DROP TABLE k; CREATE TABLE k (id INTEGER PRIMARY KEY, a)')
    for (const { space, db } of [alice, bob]) await space.tables.add({ db, table: 'k' })
    alice.other.exec(`INSERT INTO k VALUES ('42', 'a text')`)
    bob.other.exec(`INSERT INTO k VALUES (7, 'an integer')`)
    await both.settle()
    expect(conflictsOf(bob)).toEqual(['~t42 KEPT_AS_ANOTHER'])
    expect(conflictsOf(alice)).toEqual(['7 KEPT_AS_ANOTHER'])
    expect(rowsOf(bob, 'SELECT * FROM k')).toEqual([[7n, 'an integer']])
  })

  it('wait for one side to change where neither takes the other’s', async () => {
    const { both, alice, bob } = await startPeople()
    alice.other.exec(`INSERT INTO people VALUES ('x', 'small', 2, 'hers')`)
    await both.settle()
    bob.other.exec(`UPDATE people SET name = hex(zeroblob(150000))`)
    alice.other.exec(`UPDATE people SET age = 3`)
    await both.settle()
    expect(bob.space.tables.list()).toMatchObject([{ waiting: 0, conflicts: 1 }])
    expect(conflictsOf(bob)).toEqual(['x ROW_TOO_LARGE'])
    alice.other.exec(`UPDATE people SET age = 4`)
    await both.settle()
    expect(bob.space.tables.list()).toMatchObject([{ waiting: 0, conflicts: 1 }])
    expect(rowsOf(bob, 'SELECT age FROM people')).toEqual([[2n]])
    bob.other.exec(`UPDATE people SET name = 'also small'`)
    await both.settle()
    for (const side of [alice, bob]) expect(rowsOf(side, ALL)).toEqual([['x', 'also small', 4n, 'hers']])
    expect(conflictsOf(bob)).toEqual([])
  })
})

describe('a schema that changes', () => {
  it('takes part from the moment a column is added, on either side first', async () => {
    const { both, alice, bob } = await startPeople()
    alice.other.exec(`INSERT INTO people VALUES ('ada', 'Ada', 36, 1), ('eve', 'Eve', 1, 1)`)
    await both.settle()
    alice.other.exec(
      `ALTER TABLE people ADD COLUMN city TEXT DEFAULT 'London'; UPDATE people SET city = 'Paris' WHERE id = 'ada'`,
    )
    await both.settle()
    expect(bob.space.tables.list()[0]).toMatchObject({ outdated: ['city'], conflicts: 0 })
    // A row written by who does not know the column leaves it as it is.
    bob.other.exec(`UPDATE people SET age = 37 WHERE id = 'ada'`)
    await both.settle()
    bob.other.exec(`ALTER TABLE people ADD COLUMN city TEXT DEFAULT 'London'`)
    await both.settle()
    const cities = 'SELECT id, age, city FROM people ORDER BY id'
    for (const side of [alice, bob])
      expect(rowsOf(side, cities)).toEqual([
        ['ada', 37n, 'Paris'],
        ['eve', 1n, 'London'],
      ])
    expect(bob.space.tables.list()[0]?.outdated).toEqual([])
    bob.other.exec(`UPDATE people SET city = 'Rome'`)
    await both.settle()
    expect(rowsOf(alice, cities)).toEqual(rowsOf(bob, cities))
  })

  it('is told along by user_version, and a newer one is reported', async () => {
    const { both, alice, bob } = await startPeople()
    alice.other.exec(`PRAGMA user_version = 3`)
    await both.settle()
    expect(bob.space.tables.list()[0]?.schemaVersion).toEqual({ here: 0, newest: 3 })
    alice.other.exec(`INSERT INTO people VALUES ('ada', 'Ada', 36, 1)`)
    bob.other.exec(`PRAGMA user_version = 4`)
    await both.settle()
    expect(alice.space.tables.list()[0]?.schemaVersion).toEqual({ here: 3, newest: 4 })
    expect(rowsOf(bob, ALL)).toHaveLength(1)
  })

  it('may be made anew by a migration that drops the triggers', async () => {
    const { both, alice, bob } = await startPeople()
    alice.other.exec(
      `INSERT INTO people VALUES ('ada', 'Ada', 36, 1), ('eve', 'Eve', 1, 1), ('bob', 'Bob', 1, 1)`,
    )
    await both.settle()
    alice.other.exec(
      `BEGIN; CREATE TABLE next (id TEXT PRIMARY KEY, name TEXT NOT NULL, age INTEGER, note, extra DEFAULT 7);
       INSERT INTO next SELECT id, upper(name), age, note, NULL FROM people WHERE id <> 'bob'; DROP TABLE people;
       ALTER TABLE next RENAME TO people; COMMIT; UPDATE people SET age = 2 WHERE id = 'eve'`,
    )
    await both.settle()
    expect(rowsOf(bob, ALL)).toEqual([
      ['ada', 'ADA', 36n, 1n],
      ['eve', 'EVE', 2n, 1n],
    ])
    expect(bob.space.tables.list()[0]?.outdated).toEqual(['extra'])
  })

  it('says so where the table is gone or has another key, and deletes nothing elsewhere', async () => {
    const { both, alice, bob } = await startPeople()
    alice.other.exec(`INSERT INTO people VALUES ('ada', 'Ada', 36, 1)`)
    await both.settle()
    alice.other.exec(`DROP TABLE people`)
    await both.settle()
    expect(alice.space.tables.list()[0]?.fault?.code).toBe('NO_TABLE')
    expect(rowsOf(bob, ALL)).toHaveLength(1)
    alice.other.exec(`CREATE TABLE people (name TEXT PRIMARY KEY, id TEXT)`)
    expect(await alice.space.tables.checkLocalChanges()).toMatchObject([{ fault: { code: 'BAD_TABLE' } }])
    alice.other.exec(`DROP TABLE people; ${PEOPLE}; INSERT INTO people VALUES ('ada', 'Ada', 37, 1)`)
    await both.settle()
    expect(rowsOf(bob, ALL)).toEqual([['ada', 'Ada', 37n, 1n]])
  })
})

describe('a table with triggers of its own', () => {
  it('does not answer the other side for ever', async () => {
    const { both, alice, bob } = await start(
      `CREATE TABLE doc (id TEXT PRIMARY KEY, body TEXT, changed INTEGER DEFAULT 0, times INTEGER DEFAULT 0);
       CREATE TABLE journal (id TEXT PRIMARY KEY DEFAULT (hex(randomblob(8))), doc TEXT);
       CREATE TRIGGER touch AFTER UPDATE OF body ON doc BEGIN
         UPDATE doc SET changed = abs(random()), times = times + 1 WHERE id = NEW.id;
         INSERT INTO journal (doc) VALUES (NEW.id);
       END;`,
    )
    for (const { space, db } of [alice, bob])
      for (const table of ['doc', 'journal']) await space.tables.add({ db, table })
    alice.other.exec(`INSERT INTO doc (id, body) VALUES ('d', 'one')`)
    await both.settle()
    alice.other.exec(`UPDATE doc SET body = 'two'`)
    await both.settle()
    const before = alice.space.status().operations
    await both.settle()
    expect(alice.space.status().operations).toBe(before)
    expect(rowsOf(bob, 'SELECT body FROM doc')).toEqual([['two']])
    bob.other.exec(`UPDATE doc SET body = 'three'`)
    await both.settle()
    expect(rowsOf(alice, 'SELECT body FROM doc')).toEqual([['three']])
    // The journal of each has what its own trigger wrote besides; only what programs caused travels.
    expect([...alice.space.list('journal')]).toHaveLength(2)
    const own = rowsOf(bob, 'SELECT * FROM journal')
    expect(own.length).toBeGreaterThan(2)
    await bob.space.tables.checkLocalChanges({ isWhole: true })
    expect(rowsOf(bob, 'SELECT * FROM journal')).toEqual(own)
    expect([...bob.space.list('journal')]).toHaveLength(2)
    // A row that only its trigger has made is published whole, once a program changes it.
    bob.other.exec(`UPDATE journal SET doc = 'mine'`)
    await both.settle()
    const all = 'SELECT * FROM journal ORDER BY id'
    expect(rowsOf(alice, all).filter(([, doc]) => doc === 'mine')).toEqual(rowsOf(bob, all))
  })

  it('may take rows of others away again, without taking them from the others', async () => {
    const { both, alice, bob } = await startPeople()
    bob.other.exec(
      `CREATE TRIGGER few AFTER INSERT ON people BEGIN
         DELETE FROM people WHERE id NOT IN (SELECT id FROM people ORDER BY age DESC LIMIT 2); END`,
    )
    alice.other.exec(
      `INSERT INTO people VALUES ('a', '', 1, 1), ('b', '', 2, 1), ('c', '', 3, 1), ('d', '', 4, 1)`,
    )
    await both.settle()
    expect(await bob.space.tables.checkLocalChanges({ isWhole: true })).toMatchObject([
      { published: 0, applied: 0 },
    ])
    await both.settle()
    expect(rowsOf(alice, ALL)).toHaveLength(4)
    expect(rowsOf(bob, ALL).map(([id]) => id)).toEqual(['c', 'd'])
    bob.other.exec('DROP TRIGGER few')
    alice.other.exec(`UPDATE people SET name = 'again' WHERE id = 'a'`)
    await both.settle()
    expect(rowsOf(bob, ALL).map(([id]) => id)).toEqual(['a', 'c', 'd'])
  })
})
