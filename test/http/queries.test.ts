import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SQL_PARAMETERS_MAX } from '../../src/core/limits.ts'
import { ServedNode } from './served-node.ts'

describe('SQL, search and kinds over HTTP', () => {
  let served: ServedNode
  let whole: string
  let token: string

  beforeEach(async () => {
    served = await ServedNode.start()
    const { space } = served
    space.edit('people/ada', { name: 'Ada', born: 1815 })
    space.edit('people/grace', { name: 'Grace', born: 1906 })
    space.put('vault/plan', 'the umbrella plan of Ada')
    whole = served.token('whole', 'writer')
    token = served.token('scribe', 'writer', 'people')
  })
  afterEach(async () => served.stop())

  const ask = async (who: string, method: string, path: string, body?: unknown) =>
    await served.ask(who, method, `/v1/spaces/lab${path}`, body)
  const sql = async (who: string, query: string, rest: object = {}) =>
    await ask(who, 'POST', '/sql', { query, ...rest })

  it('answers SQL with parameters by place and by name', async () => {
    const query = "SELECT path, value ->> '$.born' AS born FROM items WHERE born > ? ORDER BY born"
    expect((await sql(token, query, { parameters: [1815] })).body).toEqual({
      columns: ['path', 'born'],
      rows: [{ path: 'people/grace', born: 1906 }],
      more: false,
    })
    const named = await sql(token, 'SELECT :a AS a, @b AS b, $c AS c', {
      parameters: { a: true, b: { '/': { bytes: 'AAH/' } }, c: null },
    })
    expect(named.body.rows).toEqual([{ a: 1, b: { '/': { bytes: 'AAH/' } }, c: null }])
    expect((await sql(token, 'SELECT path FROM items', { maxRows: 1 })).body).toMatchObject({ more: true })
  })

  it('narrows a token to what it reaches, and gives one that reaches everything everything', async () => {
    const paths = 'SELECT path FROM items ORDER BY path'
    expect((await sql(token, paths)).body.rows).toHaveLength(2)
    expect((await sql(whole, paths)).body.rows).toHaveLength(3)
    for (const query of ['SELECT * FROM cells', 'SELECT * FROM main.items', 'SELECT * FROM sqlite_schema']) {
      const { status, body } = await sql(token, query)
      expect([status, body.code]).toEqual([403, 'SQL_FORBIDDEN'])
    }
    expect((await ask(whole, 'GET', '/search?q=ada')).body.hits).toHaveLength(2)
    const { body } = await ask(token, 'GET', '/search?q=ada')
    expect(body.hits).toMatchObject([{ path: 'people/ada', field: 'name', snippet: '⟦Ada⟧' }])
    expect((await ask(token, 'GET', '/search?q=umbrella')).body.hits).toEqual([])
    expect((await ask(token, 'GET', '/search?q=ada&path=vault')).body.hits).toEqual([])
  })

  it('tells what is wrong with a query', async () => {
    const { status, body } = await sql(token, 'SELECT nothing FROM items')
    expect([status, body.code]).toEqual([400, 'SQL_ERROR'])
    expect((await sql(token, 'SELECT ?')).body.code).toBe('SQL_PARAMETERS')
    expect((await sql(token, 'SELECT ?', { parameters: [[1]] })).body.code).toBe('SQL_PARAMETERS')
    const many = Array.from({ length: SQL_PARAMETERS_MAX + 1 }, () => 1)
    expect((await sql(token, 'SELECT 1', { parameters: many })).body.code).toBe('BAD_REQUEST')
    const endless = 'WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n'
    expect((await sql(token, endless, { timeoutMs: 100 })).status).toBe(504)
    expect((await sql(token, endless, { timeoutMs: 0 })).status).toBe(400)
  })

  it('declares kinds as whoever asks, where it may write', async () => {
    const kind = { path: 'people', columns: [{ name: 'name', type: 'text' }] }
    const refused = await ask(token, 'PUT', '/kinds/people', kind)
    expect(refused.status).toBe(403)
    const { status, body } = await ask(whole, 'PUT', '/kinds/people', kind)
    expect([status, body.name]).toEqual([200, 'people'])
    expect(served.space.explain(body.id).author).toBe(served.node.agents.get('whole').did)
    expect((await sql(whole, 'SELECT name FROM people ORDER BY name')).body.rows).toHaveLength(2)
    expect((await ask(whole, 'GET', '/kinds')).body.kinds).toMatchObject([{ name: 'people', problem: null }])
    expect((await ask(token, 'GET', '/kinds')).body.kinds).toEqual([])
    expect((await ask(whole, 'PUT', '/kinds/select', kind)).body.code).toBe('BAD_KIND')
    expect((await ask(whole, 'DELETE', '/kinds/people')).status).toBe(200)
    expect((await ask(whole, 'DELETE', '/kinds/people')).status).toBe(404)
  })
})
