import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Machine, type RunningNode } from './hanse.ts'
import { containing } from './matchers.ts'

const machine = new Machine()
afterAll(async () => machine.remove())

const SCHEMA =
  'CREATE TABLE tasks (id TEXT PRIMARY KEY, title TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0, owner TEXT UNIQUE)'
const FAST = ['--table-poll-interval-ms', '50'] as const

interface Listed {
  readonly table: string
  readonly waiting: number
  readonly conflicts: number
  readonly conflictRows: readonly { readonly key: string; readonly code: string }[]
  readonly outdated: readonly string[]
  readonly fault: { readonly code: string } | null
}

/** Another program's connection, as one would open it that has never heard of Hanse. */
function openDatabase(name: string): { readonly file: string; readonly db: DatabaseSync } {
  const file = join(machine.folder, name)
  const db = new DatabaseSync(file, { timeout: 5_000 })
  db.exec(SCHEMA)
  return { file, db }
}

const tasksIn = (db: DatabaseSync) =>
  db.prepare('SELECT id, title, done FROM tasks ORDER BY id', { returnArrays: true }).all()

describe('a table shared between two running nodes', () => {
  let alice: RunningNode
  let bob: RunningNode
  const hers = openDatabase('hers.sqlite')
  const his = openDatabase('his.sqlite')
  const both = [hers.db, his.db]
  afterAll(() => both.map((db) => db.close()))

  const listed = async (data: string): Promise<Listed> =>
    (await machine.json<readonly [Listed]>(data, 'table', 'list'))[0]

  beforeAll(async () => {
    const [atAlice, atBob] = await Promise.all([machine.init('alice'), machine.init('bob')])
    await machine.json(atAlice, 'space', 'create', 'Fleet')
    ;[alice, bob] = await Promise.all([machine.up(atAlice, ...FAST), machine.up(atBob, ...FAST)])
    const { link } = await machine.json<{ link: string }>(alice.data, 'invite', '--role', 'writer')
    await machine.json(bob.data, 'join', link)
  })

  it('has the rows of both after it was added on both sides', async () => {
    hers.db.exec(`INSERT INTO tasks (id, title) VALUES ('a', 'of alice'), ('same', 'of both')`)
    his.db.exec(`INSERT INTO tasks (id, title) VALUES ('b', 'of bob'), ('same', 'of both')`)
    expect(await machine.json(alice.data, 'table', 'add', hers.file, 'tasks')).toMatchObject({
      table: 'tasks',
      path: 'tasks',
      published: 2,
      conflicts: 0,
      fault: null,
    })
    await expect
      .poll(async () => await machine.json(bob.data, 'list', 'tasks'), { timeout: 10_000 })
      .toHaveLength(2)
    const added = await machine.hanse(bob.data, ['table', 'add', his.file, 'tasks'])
    expect(added).toMatchObject({ code: 0, stdout: containing('1 row published, 1 of 3 applied') })
    await expect
      .poll(() => both.map(tasksIn), { timeout: 10_000 })
      .toEqual(
        both.map(() => [
          ['a', 'of alice', 0],
          ['b', 'of bob', 0],
          ['same', 'of both', 0],
        ]),
      )
  })

  it('shows on each side what another program writes on the other, column by column', async () => {
    hers.db.exec(`UPDATE tasks SET done = 1 WHERE id = 'same'`)
    his.db.exec(`UPDATE tasks SET title = 'of all' WHERE id = 'same'; DELETE FROM tasks WHERE id = 'a'`)
    await expect
      .poll(() => both.map(tasksIn), { timeout: 10_000 })
      .toEqual(
        both.map(() => [
          ['b', 'of bob', 0],
          ['same', 'of all', 1],
        ]),
      )
    expect(await machine.json(alice.data, 'get', 'tasks/same')).toMatchObject({
      value: { id: 'same', title: 'of all', done: 1, owner: null },
    })
  })

  it('takes what is written to the space for a row', async () => {
    await machine.json(alice.data, 'put', 'tasks/c', '--field', 'id=c', '--field', 'title=by hand')
    await expect.poll(() => tasksIn(his.db), { timeout: 10_000 }).toContainEqual(['c', 'by hand', 0])
  })

  it('lists rows that a table does not take, and takes them once they fit', async () => {
    await machine.json(alice.data, 'put', 'tasks/d', '--field', 'id=d')
    await expect
      .poll(async () => await listed(bob.data), { timeout: 10_000 })
      .toMatchObject({
        conflicts: 1,
        conflictRows: [{ key: 'd', code: 'NOT_NULL' }],
      })
    const checked = await machine.hanse(bob.data, ['table', 'check'])
    expect(checked).toMatchObject({ code: 1, stdout: containing('1 row differs') })
    const shown = await machine.hanse(bob.data, ['table', 'list'])
    expect(shown).toMatchObject({ code: 0, stdout: containing('d: NOT_NULL') })
    await machine.json(alice.data, 'put', 'tasks/d', '--field', 'title=now')
    await expect.poll(() => tasksIn(his.db), { timeout: 10_000 }).toContainEqual(['d', 'now', 0])
    await expect.poll(async () => await listed(bob.data), { timeout: 10_000 }).toMatchObject({ conflicts: 0 })
  })

  it('goes on with a column that one side adds', async () => {
    hers.db.exec(`ALTER TABLE tasks ADD COLUMN due TEXT; UPDATE tasks SET due = 'today' WHERE id = 'd'`)
    await expect
      .poll(async () => await listed(bob.data), { timeout: 10_000 })
      .toMatchObject({ outdated: ['due'] })
    his.db.exec('ALTER TABLE tasks ADD COLUMN due TEXT')
    await expect
      .poll(() => his.db.prepare(`SELECT due FROM tasks WHERE id = 'd'`).get(), { timeout: 10_000 })
      .toMatchObject({ due: 'today' })
  })

  it('neither loses nor repeats what is written while the node is down', async () => {
    await bob.stop()
    his.db.exec(`INSERT INTO tasks (id, title) VALUES ('e', 'while bob was down')`)
    hers.db.exec(`UPDATE tasks SET done = 1`)
    bob = await machine.up(bob.data, ...FAST)
    await expect
      .poll(() => both.map(tasksIn), { timeout: 10_000 })
      .toEqual(
        both.map(() => [
          ['b', 'of bob', 1],
          ['c', 'by hand', 1],
          ['d', 'now', 1],
          ['e', 'while bob was down', 0],
          ['same', 'of all', 1],
        ]),
      )
    expect(await listed(bob.data)).toMatchObject({ waiting: 0, conflicts: 0, fault: null })
  })

  it('tells of a trouble once, and goes on when it is over', async () => {
    hers.db.exec('ALTER TABLE tasks RENAME TO elsewhere')
    expect(
      await alice.event(({ event, what }) => event === 'table' && String(what).includes('no table')),
    ).toMatchObject({
      table: 'tasks',
    })
    hers.db.exec('ALTER TABLE elsewhere RENAME TO tasks')
    await alice.event(({ event, what }) => event === 'table' && what === 'in order again')
    expect(await listed(alice.data)).toMatchObject({ fault: null })
  })

  it('is let go of, and stays as it is', async () => {
    await machine.json(bob.data, 'table', 'remove', his.file, 'tasks')
    expect(await machine.json(bob.data, 'table', 'list')).toEqual([])
    expect(
      his.db.prepare(`SELECT count(*) AS n FROM sqlite_schema WHERE name LIKE '%hanse%'`).get(),
    ).toMatchObject({ n: 0 })
    expect(tasksIn(his.db)).toHaveLength(5)
    const again = await machine.hanse(bob.data, ['table', 'remove', his.file, 'tasks', '--json'])
    expect(again.code).toBe(1)
    expect(JSON.parse(again.stderr)).toMatchObject({ error: { code: 'NOT_SHARED' } })
  })
})

describe('a table shared without a running node', () => {
  it('is kept up to date by "hanse table sync", and what cannot be shared is refused', async () => {
    const data = await machine.init('carol')
    await machine.json(data, 'space', 'create', 'Alone')
    const { file, db } = openDatabase('carol.sqlite')
    db.exec(`CREATE TABLE bare (x)`)
    const refused = await machine.hanse(data, ['table', 'add', file, 'bare', '--json'])
    expect(refused.code).toBe(2)
    expect(JSON.parse(refused.stderr)).toMatchObject({ error: { code: 'BAD_TABLE' } })
    expect((await machine.hanse(data, ['table', 'add', `${file}-none`, 'x'])).code).toBe(2)

    await machine.json(data, 'table', 'add', file, 'tasks', '--path', 'work/tasks', '--columns', 'title')
    db.exec(`INSERT INTO tasks (id, title, done) VALUES ('a/b', 'one', 1)`)
    const synced = await machine.hanse(data, ['table', 'sync'])
    expect(synced).toMatchObject({ code: 0, stdout: 'tasks: 1 row published, 0 applied\n' })
    expect(await machine.json(data, 'get', 'work/tasks/a%2Fb')).toMatchObject({
      value: { id: 'a/b', title: 'one' },
    })
    await machine.json(data, 'put', 'work/tasks/a%2Fb', '--field', 'title=two')
    expect(await machine.json(data, 'table', 'sync')).toMatchObject([{ applied: 1 }])
    expect(tasksIn(db)).toEqual([['a/b', 'two', 1]])
    db.close()
  })
})
