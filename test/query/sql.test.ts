import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  SQL_ANSWER_BYTES_MAX,
  SQL_COLUMNS_MAX,
  SQL_PARAMETERS_MAX,
  SQL_PROCESS_IDLE_MS,
  SQL_PROCESSES_MAX,
  SQL_QUERY_CHARACTERS_MAX,
  SQL_ROWS_MAX,
  SQL_TIMEOUT_MS_MAX,
  SQL_VALUE_BYTES_MAX,
  SQL_WAITING_MAX,
} from '../../src/core/limits.ts'
import { createNode } from '../../src/node/node.ts'
import { QueryPool } from '../../src/node/query/query-pool.ts'
import type { Space } from '../../src/node/space/space.ts'
import { matching } from '../cli/matchers.ts'
import { createQueryHome, type QueryHome } from './query-home.ts'

let home: QueryHome
let space: Space
beforeAll(async () => {
  home = await createQueryHome()
  ;({ space } = home)
  space.put('notes/today', 'buy milk')
  space.edit('people/ada', { name: 'Ada', born: 1815 })
})
afterAll(async () => home.close())

/** Never ends by itself. */
const ENDLESS = 'WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n'
const upTo = (count: number) =>
  `WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT ${count}) SELECT x FROM n`

describe('space.sql', () => {
  it('answers with columns and rows, what was written a moment ago among them', async () => {
    space.put('notes/now', { at: 'once' })
    expect(await space.sql("SELECT path, value FROM items WHERE path LIKE 'notes/%'")).toEqual({
      columns: ['path', 'value'],
      rows: [
        { path: 'notes/now', value: '{"at":"once"}' },
        { path: 'notes/today', value: '"buy milk"' },
      ],
      more: false,
    })
  })

  it('gives values as SQLite has them, integers with all their digits', async () => {
    const query =
      "SELECT NULL AS a, 1.5 AS b, 9007199254740993 AS c, -7 AS d, x'00ff' AS e, 'ü' AS f, 1 AS a, 2 AS a"
    const { columns, rows } = await space.sql(query)
    expect(columns).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'a:1', 'a:2'])
    expect(rows).toEqual([
      {
        a: null,
        b: 1.5,
        c: 9_007_199_254_740_993n,
        d: -7,
        e: new Uint8Array([0, 255]),
        f: 'ü',
        'a:1': 1,
        'a:2': 2,
      },
    ])
  })

  it('takes parameters by place or by name, of every type', async () => {
    const byPlace = await space.sql('SELECT ? AS a, typeof(?) AS b, ? AS c, ? AS d', [
      'x',
      42,
      2n ** 60n,
      new Uint8Array([1]),
    ])
    expect(byPlace.rows).toEqual([{ a: 'x', b: 'integer', c: 2n ** 60n, d: new Uint8Array([1]) }])
    const byName = await space.sql('SELECT path FROM items WHERE path = :path OR path = $other', {
      path: 'people/ada',
      other: 'notes/today',
    })
    expect(byName.rows).toEqual([{ path: 'notes/today' }, { path: 'people/ada' }])
  })

  it.each([
    ['an INSERT', "INSERT INTO refused VALUES (1, x'', '', '', '', 0)"],
    ['an UPDATE', "UPDATE cells SET path = 'x'"],
    ['a DELETE', 'DELETE FROM cells'],
    ['a table', 'CREATE TABLE x (y)'],
    ['a temporary view', 'CREATE TEMP VIEW x AS SELECT 1'],
    ['dropping', 'DROP VIEW items'],
    ['another file', "ATTACH ':memory:' AS x"],
    ['a copy', "VACUUM INTO 'copy.sqlite'"],
    ['a transaction', 'BEGIN'],
    ['a setting', 'PRAGMA journal_mode = DELETE'],
    ['a setting that only is read', 'PRAGMA database_list'],
    ['code from a file', "SELECT load_extension('x')"],
    ['large values for nothing', 'SELECT length(randomblob(9))'],
    ['tokens that are not published', 'SELECT * FROM notes'],
    ['the same under the name of a view', 'WITH items AS (SELECT * FROM notes) SELECT * FROM items'],
    ['the same inside an expression', 'SELECT (SELECT count(*) FROM main.notes)'],
    ['the same, only counted', 'SELECT count(*) FROM notes'],
    ['schemas of modules', 'SELECT * FROM pragma_database_list'],
    ['pages of the file', 'SELECT * FROM dbstat'],
  ])('lets a query do nothing but read, and refuses %s', async (_what, query) => {
    await expect(space.sql(query)).rejects.toMatchObject({
      code: matching(/^SQL_(FORBIDDEN|ERROR)$/),
    })
    await expect(space.sql('SELECT count(*) AS items FROM items')).resolves.toMatchObject({ more: false })
  })

  it.each([
    ['SELECT * FROM nobody', /^no such table: nobody; the views are authors, .*, items, .*, search, /],
    ['SELECT nobody FROM items', /^no such column: nobody; "select \* from VIEW limit 1" shows the columns/],
    ['SELEC', /^near "SELEC": syntax error; a query is one SELECT/],
    [
      'SELECT * FROM notes',
      /^access to main\.notes\.name is prohibited: a query may not read the table notes; the views are/,
    ],
    ['SELECT 1; SELECT 2', /^one statement at a time/],
    ['SELECT 1\0; DROP', /NUL/],
    ['', /no statements/],
    ["SELECT * FROM search WHERE search MATCH 'a b OR'", /^fts5: syntax error/],
  ])('says what is wrong with %j in the words of SQLite, and what to do', async (query, message) => {
    await expect(space.sql(query)).rejects.toThrow(message)
  })

  it('takes a comment and a semicolon after the statement', async () => {
    await expect(space.sql('SELECT 1 AS a; -- done\n/* really */ ;')).resolves.toMatchObject({
      rows: [{ a: 1 }],
    })
  })

  it('says that a parameter is one too many, or has a name that is not there', async () => {
    await expect(space.sql('SELECT ?', [1, 2])).rejects.toThrow(
      'the query takes 1 parameter, and 2 were given: give one --param VALUE for each ?',
    )
    await expect(space.sql('SELECT :a, @b', { a: 1, b: 1, c: 1 })).rejects.toThrow(
      'the query has no parameter "c", only :a, @b',
    )
    await expect(space.sql('SELECT 1', { b: 1 })).rejects.toThrow('takes no parameter, and 1 was given')
  })

  it.each([
    ['SELECT ?', [], /takes 1 parameter, and 0 were given: give one --param VALUE for each \?/],
    ['SELECT ?, ?3', [1], /takes 3 parameters, and 1 was given/],
    ['SELECT ?', { a: 1 }, /takes 1 parameter by place/],
    ['SELECT :a, $b, :a', { a: 1 }, /lacks \$b: give --param :b=VALUE/],
    ['SELECT :a', [], /lacks :a: /],
    ['SELECT :a', [1], /by name: give --param :a=VALUE/],
    ['SELECT :a, ?', [1], /both \? and names \(:a\)/],
  ])('takes no NULL for a parameter that is missing: %s', async (query, parameters, message) => {
    const asked = space.sql(query, parameters)
    await expect(asked).rejects.toThrow(message)
    await expect(asked).rejects.toMatchObject({ code: 'SQL_PARAMETERS' })
  })

  it('counts no sign in a text, a name or a comment as a parameter', async () => {
    const query = `SELECT '?''?' AS "a?:b", ? AS [c?], 'x' AS \`d:e?\`, 1 AS f$g, ?2 AS ü /* ? */ -- :x ?`
    await expect(space.sql(query, [7, 8])).resolves.toMatchObject({
      rows: [{ 'a?:b': "?'?", 'c?': 7, 'd:e?': 'x', f$g: 1, ü: 8 }],
    })
    await expect(space.sql('SELECT ?1 AS a, ?1 AS b, ? AS c', [1, 2])).resolves.toMatchObject({
      rows: [{ a: 1, b: 1, c: 2 }],
    })
    await expect(space.sql('SELECT :a AS a, :a AS b', { ':a': 1 })).resolves.toMatchObject({
      rows: [{ a: 1, b: 1 }],
    })
  })

  it('gives the first rows and says that there are more', async () => {
    const { rows, more } = await space.sql(upTo(11), [], { maxRows: 10 })
    expect([rows.length, more]).toEqual([10, true])
    await expect(space.sql(upTo(10), [], { maxRows: 10 })).resolves.toMatchObject({ more: false })
  })

  it('gives no more than an answer holds', async () => {
    const piece = SQL_ANSWER_BYTES_MAX / 4
    const large = `SELECT printf('%${piece}d', x) AS y FROM (${upTo(5)})`
    const { rows, more } = await space.sql(large)
    expect([rows.length, more]).toEqual([4, true])
    const wide = `SELECT ${Array.from({ length: 5 }, () => `printf('%${piece}d', 1)`).join(', ')}`
    await expect(space.sql(wide)).rejects.toThrow(
      `the first row alone has more than ${SQL_ANSWER_BYTES_MAX} bytes`,
    )
  })

  it('makes no value that is larger than the bound', async () => {
    const sized = (bytes: number) => `SELECT length(printf('%${bytes}d', 1)) AS size`
    // SQLite counts the end of a text with it.
    await expect(space.sql(sized(SQL_VALUE_BYTES_MAX - 1))).resolves.toMatchObject({
      rows: [{ size: SQL_VALUE_BYTES_MAX - 1 }],
    })
    await expect(space.sql(sized(SQL_VALUE_BYTES_MAX + 1))).rejects.toThrow(/too big.*select less at once/)
  })

  it.each([
    ['a query', `SELECT ${' '.repeat(SQL_QUERY_CHARACTERS_MAX)}1`, [], {}],
    ['parameters', 'SELECT 1', Array.from({ length: SQL_PARAMETERS_MAX + 1 }, () => 1), {}],
    ['rows', 'SELECT 1', [], { maxRows: SQL_ROWS_MAX + 1 }],
    ['no rows', 'SELECT 1', [], { maxRows: 0 }],
    ['time', 'SELECT 1', [], { timeoutMs: SQL_TIMEOUT_MS_MAX + 1 }],
    ['no time', 'SELECT 1', [], { timeoutMs: 0 }],
  ])('refuses one past its bound: %s', async (_what, query, parameters, options) => {
    await expect(space.sql(query, parameters, options)).rejects.toMatchObject({ code: 'USAGE' })
  })

  it('refuses a column too many', async () => {
    const wide = (columns: number) => `SELECT ${Array.from({ length: columns }, () => '1').join()}`
    await expect(space.sql(wide(SQL_COLUMNS_MAX))).resolves.toMatchObject({ more: false })
    await expect(space.sql(wide(SQL_COLUMNS_MAX + 1))).rejects.toMatchObject({ code: 'SQL_ERROR' })
  })

  it('stops a query that does not end, and nothing waits for it meanwhile', async () => {
    const endless = space.sql(ENDLESS, [], { timeoutMs: 1_000 })
    const outcome = Promise.allSettled([endless])
    // Another query, and a write, while it runs.
    await expect(space.sql('SELECT 1 AS a')).resolves.toMatchObject({ rows: [{ a: 1 }] })
    expect(space.put('notes/meanwhile', 1)).toMatch(/^[0-9a-f]{64}$/)
    expect(await outcome).toMatchObject([
      {
        reason: {
          code: 'SQL_TIMEOUT',
          message:
            'the query took longer than 1000 ms and was stopped: let it read less, or allow it more time',
        },
      },
    ])
    await expect(space.sql('SELECT 1 AS a')).resolves.toMatchObject({ rows: [{ a: 1 }] })
  })

  it('stops a query that takes too much memory', async () => {
    const hoard = `SELECT count(y) FROM (SELECT printf('%1000d', x) AS y FROM (${upTo(10_000_000)}) ORDER BY y)`
    await expect(space.sql(hoard, [], { timeoutMs: 60_000 })).rejects.toMatchObject({ code: 'SQL_MEMORY' })
  })

  it('stops a query that whoever asked has given up', async () => {
    const given = new AbortController()
    const running = space.sql(ENDLESS, [], { signal: given.signal })
    given.abort(new Error('never mind'))
    await expect(running).rejects.toThrow('never mind')
    await expect(
      space.sql(ENDLESS, [], { signal: AbortSignal.abort(new Error('too late')) }),
    ).rejects.toThrow('too late')
  })

  it('lets queries wait for their turn, up to a bound', async () => {
    const enough = new AbortController()
    const endless = Array.from({ length: SQL_PROCESSES_MAX + SQL_WAITING_MAX }, async () =>
      space.sql(ENDLESS, [], { signal: enough.signal }),
    )
    await expect(space.sql('SELECT 1')).rejects.toMatchObject({ code: 'SQL_BUSY' })
    enough.abort(new Error('enough'))
    const outcomes = await Promise.allSettled(endless)
    expect(outcomes.map(({ status }) => status)).toEqual(endless.map(() => 'rejected'))
    await expect(space.sql('SELECT 1 AS a')).resolves.toMatchObject({ rows: [{ a: 1 }] })
  })

  it('is refused in a space that is kept in memory', async () => {
    const node = await createNode({ online: false })
    const fleeting = node.createSpace({ name: 'Fleeting' })
    await expect(fleeting.sql('SELECT 1')).rejects.toMatchObject({ code: 'NO_SQL' })
    await expect(fleeting.search('milk')).rejects.toMatchObject({ code: 'NO_SQL' })
    await node.stop()
  })

  it('ends with the space', async () => {
    const other = await createQueryHome()
    const outcome = Promise.allSettled([other.space.sql(ENDLESS)])
    await other.space.sql('SELECT 1')
    await other.close()
    expect(await outcome).toMatchObject([{ reason: { code: 'SQL_STOPPED' } }])
    await expect(other.space.sql('SELECT 1')).rejects.toMatchObject({ code: 'SQL_STOPPED' })
  })

  it('goes on with another process where one was ended by somebody else', async () => {
    const pool = new QueryPool({ file: '/nowhere/at/all.sqlite', indexFile: '/nowhere/at/all.search' })
    const request = { kind: 'sql', query: 'SELECT 1', parameters: [], rowsMax: 1, reach: null } as const
    for (const _time of [1, 2]) {
      await expect(pool.run(request, { timeoutMs: 1_000 })).rejects.toMatchObject({
        code: 'SQL_STOPPED',
        message: matching(/^the process for queries has ended \(Error: unable to open database file\)/),
      })
    }
    pool.close()
  })

  it('keeps no process alive that has asked', async () => {
    const child = runScript(`await space.sql('SELECT 1')`, 'asked')
    const [code] = (await once(child, 'exit', bounded())) as [number]
    expect(code).toBe(0)
  })

  it.runIf(process.platform === 'linux')('leaves no process behind where it is killed', async () => {
    const killed = `${home.dataDirectory}-killed/`
    const child = runScript(
      `
      const running = space.sql(${JSON.stringify(ENDLESS)}, [], { timeoutMs: 200_000 })
      await space.sql('SELECT 1')
      console.log('asked')
      await running`,
      'killed',
    )
    await once(child.stdout as Readable, 'data', bounded())
    const [working] = processesOn(killed)
    expect(working).toBeDefined()
    child.kill('SIGKILL')
    const deadline = AbortSignal.timeout(20_000)
    while (processesOn(killed).length > 0 && !deadline.aborted) await nextTurn()
    expect(processesOn(killed)).toEqual([])
  })

  it.runIf(process.platform === 'linux')('keeps its processes for a while, and no longer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const other = await createQueryHome()
      await Promise.all([other.space.sql('SELECT 1'), other.space.sql('SELECT 1')])
      const running = processesOn(other.file)
      expect(running).toHaveLength(SQL_PROCESSES_MAX)
      vi.advanceTimersByTime(SQL_PROCESS_IDLE_MS - 1)
      await other.space.sql('SELECT 1')
      expect(processesOn(other.file)).toEqual(running)
      vi.advanceTimersByTime(SQL_PROCESS_IDLE_MS)
      vi.useRealTimers()
      const deadline = AbortSignal.timeout(20_000)
      while (processesOn(other.file).length > 0 && !deadline.aborted) await nextTurn()
      expect(processesOn(other.file)).toEqual([])
      await other.close()
    } finally {
      vi.useRealTimers()
    }
  })

  const bounded = () => ({ signal: AbortSignal.timeout(20_000) })

  /** A program that opens a node of its own and asks it. */
  function runScript(script: string, name: string): ChildProcess {
    const node = JSON.stringify(new URL('../../src/node/node.ts', import.meta.url).href)
    const whole = `
      import { createNode } from ${node}
      const node = await createNode({ dataDirectory: process.argv[1], online: false })
      const space = node.createSpace({ name: 'Fleet' })
      ${script}`
    const child = spawn(
      process.execPath,
      ['--input-type=module', '--eval', whole, `${home.dataDirectory}-${name}`],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    onTestFinished(() => void child.kill('SIGKILL'))
    return child
  }

  /** The processes that answer queries on files with that in their path. */
  function processesOn(name: string): readonly string[] {
    return readdirSync('/proc').filter((entry) => {
      if (!/^\d+$/.test(entry)) return false
      try {
        const line = readFileSync(`/proc/${entry}/cmdline`, 'utf8')
        return line.includes('query-main.ts') && line.includes(name)
      } catch {
        // It has ended meanwhile.
        return false
      }
    })
  }
})
