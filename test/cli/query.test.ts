import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Machine, type RunningNode } from './hanse.ts'
import { containing, matching } from './matchers.ts'

const machine = new Machine()
afterAll(async () => machine.remove())

interface Answer {
  readonly columns: readonly string[]
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  readonly more: boolean
}

describe('asking a space while no node runs', () => {
  let data: string
  beforeAll(async () => {
    data = await machine.init('carol')
    await machine.json(data, 'space', 'create', 'Fleet')
    await machine.json(data, 'put', 'people/ada', '--field', 'name=Ada', '--field', 'born=1815')
    await machine.json(data, 'put', 'notes/storm', 'The storm, "the \u202egreat", came')
  })

  it('prints a table, JSON or comma-separated values', async () => {
    const query = 'select path, field, value, null as none from fields order by path, field'
    const { stdout } = await machine.hanse(data, ['sql', query])
    expect(stdout.split('\n')).toEqual([
      'path         field  value                                 none',
      'notes/storm         The storm, "the \\u{202e}great", came  NULL',
      'people/ada   born   1815                                  NULL',
      'people/ada   name   Ada                                   NULL',
      '',
    ])
    expect(await machine.json<Answer>(data, 'sql', query)).toEqual({
      columns: ['path', 'field', 'value', 'none'],
      rows: [
        { path: 'notes/storm', field: '', value: 'The storm, "the \u202egreat", came', none: null },
        { path: 'people/ada', field: 'born', value: 1815, none: null },
        { path: 'people/ada', field: 'name', value: 'Ada', none: null },
      ],
      more: false,
    })
    const csv = await machine.hanse(data, ['sql', `${query} limit 1`, '--csv'])
    expect(csv.stdout).toBe('path,field,value,none\nnotes/storm,,"The storm, ""the \u202egreat"", came",\n')
  })

  it('takes parameters, a query from standard input, bytes and large integers', async () => {
    const query = 'select ?1 as text, typeof(?2) as number, ?3 as large, ?4 as bytes'
    const parameters = [
      '--param',
      'Ada',
      '--param',
      '42',
      '--param',
      '9007199254740993',
      '--param',
      '{"/":{"bytes":"AP8"}}',
    ]
    const { stdout } = await machine.hanse(data, ['sql', '-', ...parameters, '--json'], { input: query })
    expect(stdout).toBe(
      '{"columns":["text","number","large","bytes"],"rows":[{"text":"Ada","number":"integer","large":9007199254740993,"bytes":{"/":{"bytes":"AP8"}}}],"more":false}\n',
    )
    const table = await machine.hanse(data, ['sql', query, ...parameters])
    expect(table.stdout).toContain('Ada   integer  9007199254740993  00ff')
    const named = await machine.json<Answer>(data, 'sql', 'select :who as who', '--param', ':who=a=b')
    expect(named.rows).toEqual([{ who: 'a=b' }])
  })

  it('says that there is more, or nothing', async () => {
    const limited = await machine.hanse(data, ['sql', 'select path from fields', '--limit', '1'])
    expect(limited).toMatchObject({ code: 0, stderr: containing('There is more: 1 row is shown') })
    expect(await machine.hanse(data, ['sql', 'select path from fields where 0'])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: containing('No rows.'),
    })
  })

  it.each([
    [['sql', 'drop table cells'], 2, /^hanse: not authorized: a query may not do anything but read\n$/],
    [['sql', 'select * from nobody'], 2, /^hanse: no such table: nobody; the views are authors, .*\n$/],
    [['sql', 'select 1', '--csv', '--json'], 2, /give one of --csv and --json/],
    [['sql', 'select ?', '--param', '{"a":1}'], 2, /a parameter is a text, a number, null or bytes/],
    [['sql', 'select ?', '--param', ':a=1', '--param', '2'], 2, /name every parameter or none/],
    [['sql', 'select path from items where path = ?'], 2, /takes 1 parameter, and 0 were given: .*--param/],
    [['search', '?!'], 2, /there is no word to search for/],
    [['search', 'a AND', '--raw'], 2, /fts5: syntax error/],
    [['kind', 'add', 'items', '--path', 'x'], 2, /is a name of SQL, or of a view/],
    [['kind', 'add', 'x', '--path', 'x', '--column', 'a:blob'], 2, /one of text, integer, real, json/],
    [['kind', 'remove', 'nobody'], 1, /no kind "nobody" is declared here/],
  ])('fails in one line, with what to do: %j', async (args, code, message) => {
    expect(await machine.hanse(data, args)).toMatchObject({ code, stderr: matching(message) })
  })

  it('stops a query that does not end', async () => {
    const endless = 'with recursive n (x) as (select 1 union all select x + 1 from n) select count(*) from n'
    expect(await machine.hanse(data, ['sql', endless, '--timeout', '1s'])).toMatchObject({
      code: 1,
      stderr: matching(/^hanse: the query took longer than 1000 ms and was stopped/),
    })
  })
})

describe('asking a space on two running nodes', () => {
  let alice: RunningNode
  let bob: RunningNode

  beforeAll(async () => {
    const [atAlice, atBob] = await Promise.all([machine.init('alice'), machine.init('bob')])
    await machine.json(atAlice, 'space', 'create', 'Fleet')
    ;[alice, bob] = await Promise.all([machine.up(atAlice), machine.up(atBob)])
    const { link } = await machine.json<{ link: string }>(alice.data, 'invite', '--role', 'writer')
    await machine.json(bob.data, 'join', link)
  })

  it('shows on the one what the other wrote, by SQL, kind and word', async () => {
    await machine.json(alice.data, 'put', 'people/ada', '--field', 'name=Ada', '--field', 'born=1815')
    await machine.json(alice.data, 'put', 'notes/weather', 'a storm in the north')
    const kind = [
      'kind',
      'add',
      'people',
      '--path',
      'people',
      '--column',
      'name:text',
      '--column',
      'born:integer',
    ]
    expect(await machine.json(alice.data, ...kind)).toMatchObject({
      name: 'people',
      id: matching(/^[0-9a-f]{64}$/),
    })
    expect((await machine.hanse(alice.data, kind)).stdout).toBe('people is declared so already\n')
    await machine.json(bob.data, 'sync')

    const people = await machine.json<Answer>(bob.data, 'sql', 'select key, name, born from people')
    expect(people.rows).toEqual([{ key: 'ada', name: 'Ada', born: 1815 }])
    expect((await machine.hanse(bob.data, ['kind', 'list'])).stdout).toMatch(
      /^KIND +PATH +COLUMNS\npeople +people +born:integer name:text\n$/,
    )
    expect(await machine.json(bob.data, 'search', 'storm', 'north')).toEqual([
      {
        path: 'notes/weather',
        type: 'register',
        field: '',
        snippet: 'a ⟦storm⟧ in the ⟦north⟧',
        score: matchingNumber,
      },
    ])
    expect((await machine.hanse(bob.data, ['search', 'stor*', '--path', 'notes'])).stdout).toBe(
      'notes/weather  register\n    a storm in the north\n',
    )
    expect((await machine.hanse(bob.data, ['search', 'storm', '--path', 'people'])).stderr).toContain(
      'Nothing has all',
    )

    await machine.json(bob.data, 'kind', 'remove', 'people')
    await machine.json(alice.data, 'sync')
    expect(await machine.hanse(alice.data, ['sql', 'select * from people'])).toMatchObject({ code: 2 })
  })

  it('goes on serving while a query does not end', async () => {
    const endless = 'with recursive n (x) as (select 1 union all select x + 1 from n) select count(*) from n'
    const stopped = machine.hanse(alice.data, ['sql', endless, '--timeout', '3s'])
    await machine.json(alice.data, 'put', 'notes/meanwhile', 'written')
    const { rows } = await machine.json<Answer>(
      alice.data,
      'sql',
      "select path from items where path = 'notes/meanwhile'",
    )
    expect(rows).toHaveLength(1)
    expect(await stopped).toMatchObject({ code: 1, stderr: containing('was stopped') })
  })

  it('hands out many rows, page by page', async () => {
    const many =
      'with recursive n (x) as (select 1 union all select x + 1 from n limit 10000) select x, x * 2 as y from n'
    const { rows } = await machine.json<Answer>(alice.data, 'sql', many)
    expect(rows).toHaveLength(10_000)
    expect(rows.at(-1)).toEqual({ x: 10_000, y: 20_000 })
  })
})

const matchingNumber: unknown = expect.any(Number)
