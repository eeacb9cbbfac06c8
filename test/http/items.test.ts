import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ServedNode } from './served-node.ts'

const items = '/v1/spaces/lab/items'

describe('items over HTTP', () => {
  let served: ServedNode
  let writer: string
  let scribe: string

  beforeEach(async () => {
    served = await ServedNode.start()
    writer = served.token('writer', 'writer')
    scribe = served.token('scribe', 'writer', 'notes')
  })

  afterEach(async () => served.stop())

  const ask = async (method: string, path: string, body?: unknown, headers = {}, token = writer) =>
    served.ask(token, method, path, body, headers)

  it('writes and reads an item of every type', async () => {
    const { space } = served
    expect((await ask('PUT', `${items}/a/register`, { value: { n: 1 } })).status).toBe(200)
    await ask('PATCH', `${items}/a/map`, { set: { name: 'Ada', born: 1815 } })
    await ask('PATCH', `${items}/a/map`, { remove: ['born'] })
    await ask('POST', `${items}/a/edge`, { kind: 'link', label: 'knows', to: 'a/map', value: 3 })
    await ask('POST', `${items}/a/log`, { kind: 'append', value: 'one' })
    await ask('POST', `${items}/a/set`, { kind: 'tag', add: ['x', 'y'] })
    await ask('POST', `${items}/a/set`, { kind: 'tag', remove: ['x'] })
    await ask('POST', `${items}/a/counter`, { kind: 'count', by: 5 })
    await ask('POST', `${items}/a/counter`, { kind: 'count' })
    await ask('POST', `${items}/a/claim`, { kind: 'claim', value: 'mine' })
    await ask('POST', `${items}/a/text`, { kind: 'text', splices: [{ at: 0, insert: 'héllo' }] })
    const values: Record<string, unknown> = {}
    for (const type of ['register', 'map', 'edge', 'log', 'set', 'counter', 'claim', 'text'])
      values[type] = (await ask('GET', `${items}/a/${type}`)).body.value
    expect(values).toMatchObject({
      register: { n: 1 },
      map: { name: 'Ada' },
      edge: [{ label: 'knows', to: 'a/map', value: 3 }],
      log: [{ value: 'one' }],
      set: ['y'],
      counter: 6,
      claim: { value: 'mine' },
      text: 'héllo',
    })
    expect((await ask('POST', `${items}/a/claim`, { kind: 'release' })).body.operation).toMatch(
      /^[0-9a-f]{64}$/,
    )
    expect((await ask('POST', `${items}/a/claim`, { kind: 'release' })).body.operation).toBeNull()
    const unlink = { kind: 'unlink', label: 'knows', to: 'a/map' }
    expect((await ask('POST', `${items}/a/edge`, unlink)).body.operation).not.toBeNull()
    expect((await ask('POST', `${items}/a/edge`, unlink)).body.operation).toBeNull()
    expect((await ask('DELETE', `${items}/a/register`)).status).toBe(200)
    expect((await ask('GET', `${items}/a/register`)).body.code).toBe('NOT_FOUND')
    expect(space.get('a/edge')).toBeUndefined()
  })

  it('signs what an agent writes with the key of that agent', async () => {
    const { body } = await ask('PUT', `${items}/notes/a`, { value: 1 }, {}, scribe)
    const { did } = (await ask('GET', '/v1/whoami', undefined, {}, scribe)).body
    expect(served.space.explain(body.operation).author).toBe(did)
  })

  it('takes paths percent-encoded, as long as they may be, and of any script', async () => {
    const path = `${'ä'.repeat(100)}/日本 %20?#/${'x'.repeat(700)}`
    const url = `${items}/${path.split('/').map(encodeURIComponent).join('/')}`
    expect((await ask('PUT', url, { value: 'there' })).status).toBe(200)
    expect((await ask('GET', url)).body).toMatchObject({ path, value: 'there' })
    expect((await ask('GET', `${items}/${encodeURIComponent(path)}`)).body).toMatchObject({ path })
    for (const bad of ['a//b', 'a/', 'x'.repeat(1100), 'a%2F..', '%E0%A4%A'])
      expect((await ask('GET', `${items}/${bad}`)).status).toBe(400)
  })

  it('keeps bytes, links and integers of 64 bits in values', async () => {
    const value = '{"bytes":{"/":{"bytes":"aGk"}},"big":18446744073709551615}'
    const response = await fetch(served.server.origin + `${items}/exact`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${writer}`, 'content-type': 'application/json' },
      body: `{"value":${value}}`,
    })
    expect(response.status).toBe(200)
    expect(served.space.get('exact')?.value).toEqual({
      bytes: new Uint8Array([104, 105]),
      big: 18446744073709551615n,
    })
    const { origin } = served.server
    const headers = { authorization: `Bearer ${writer}` }
    expect(await (await fetch(`${origin}${items}/exact`, { headers })).text()).toContain(
      '18446744073709551615',
    )
  })

  it('lists page by page, by prefix and type, and neither shows nor counts what is out of reach', async () => {
    const { space } = served
    for (const path of ['notes/1', 'notes/2', 'notes', 'notes-x', 'secret/1', 'a']) space.put(path, path)
    space.increment('notes/1', 2)
    space.append('notes/log', 1)
    const pages = []
    let after = ''
    do {
      const { body } = await ask('GET', `${items}?limit=2${after}`, undefined, {}, scribe)
      pages.push(body.items.map(({ path, type }: { path: string; type: string }) => `${type} ${path}`))
      after = body.next === null ? '' : `&after=${body.next}`
    } while (after !== '')
    expect(pages).toEqual([
      ['register notes', 'counter notes/1'],
      ['register notes/1', 'register notes/2'],
      ['log notes/log'],
    ])
    const { body } = await ask('GET', `${items}?path=secret`, undefined, {}, scribe)
    expect(body).toEqual({ items: [], next: null })
    const all = await ask('GET', `${items}?type=register&values=false`)
    expect(all.body.items).toHaveLength(6)
    expect(all.body.items[0]).toEqual({ path: 'a', type: 'register' })
  })

  it('lists several paths of one reach without a gap between pages', async () => {
    const reach = ['b', 'a', 'a-b'].map((path) => ({ space: served.space, role: 'reader' as const, path }))
    const { token } = served.node.agents.add({ name: 'three', reach })
    for (const path of ['a', 'a/x', 'a-b', 'a-b/y', 'a/z', 'b/1', 'c']) served.space.put(path, 1)
    const seen = []
    let after = ''
    do {
      const { body } = await ask('GET', `${items}?limit=1${after}`, undefined, {}, token)
      seen.push(body.items[0].path)
      after = body.next === null ? '' : `&after=${body.next}`
    } while (after !== '')
    expect(seen).toEqual(['a', 'a/x', 'a/z', 'a-b', 'a-b/y', 'b/1'])
  })

  it('refuses what is out of reach, and does not tell whether it is there', async () => {
    served.space.put('secret/a', 1)
    served.space.text('secret/t').insert(0, 'hidden')
    const tries: [string, string, unknown?][] = [
      ['GET', `${items}/secret/a`],
      ['GET', `${items}/secret/none`],
      ['PUT', `${items}/secret/a`, { value: 2 }],
      ['PATCH', `${items}/secret/a`, { remove: ['x'] }],
      ['POST', `${items}/secret/t`, { kind: 'text', splices: [{ at: 99, insert: 'x' }] }],
      ['POST', `${items}/secret/a`, { kind: 'count' }],
      ['POST', `${items}/secret/a`, { kind: 'release' }],
      ['DELETE', `${items}/secret/a`],
      ['DELETE', `${items}/secret/none`],
      ['GET', '/v1/spaces/lab/texts/secret/t'],
      ['PUT', '/v1/spaces/lab/texts/secret/t', { text: '' }],
      ['POST', '/v1/spaces/lab/texts/secret/t', { splices: [{ at: 99, insert: 'x' }] }],
      ['GET', '/v1/spaces/lab/logs/secret/a'],
    ]
    for (const [method, path, body] of tries) {
      const answer = await ask(method, path, body, {}, scribe)
      expect([method, path, answer.status]).toEqual([method, path, 403])
      expect(JSON.stringify(answer.body)).not.toContain('hidden')
      expect(answer.body.detail).not.toMatch(/\b6 characters/)
    }
    const conditional = await ask('PUT', `${items}/secret/a`, { value: 2 }, { 'if-match': '*' }, scribe)
    expect(conditional.body.code).toBe('NOT_ALLOWED')
    expect(served.space.get('secret/a')?.value).toBe(1)
  })

  it('lets who only reads change nothing, and says so', async () => {
    const { space } = served
    const base = space.put('notes/a', 1)
    space.put('notes/a', 2)
    space.text('notes/t').set('abc')
    space.claim('notes/c', 1)
    const reader = served.token('reader', 'reader', 'notes')
    const before = space.hosted.store.count()
    const tries: [string, string, unknown?][] = [
      ['PUT', 'items/notes/a', { value: 2 }],
      ['PATCH', 'items/notes/m', { set: { x: 1 } }],
      ['POST', 'items/notes/c', { kind: 'count' }],
      ['DELETE', 'items/notes/a'],
      ['PUT', 'texts/notes/t', { text: 'x' }],
      ['POST', 'texts/notes/t', { splices: [{ at: 0, insert: 'x' }] }],
      ['POST', 'revert/notes/a', { to: base }],
      ['POST', 'operations', { edits: [{ kind: 'put', path: 'notes/a', value: 1 }] }],
    ]
    for (const [method, path, body] of tries) {
      const answer = await ask(method, `/v1/spaces/lab/${path}`, body, {}, reader)
      expect([path, answer.status, answer.body.detail]).toEqual([
        path,
        403,
        expect.stringContaining('your token does not let you write at "notes/'),
      ])
    }
    expect(space.hosted.store.count()).toBe(before)
  })

  it('writes only what was read, by entity tags that name what shows', async () => {
    const first = await ask('PUT', `${items}/notes/a`, { value: 1 }, { 'if-none-match': '*' })
    expect(first.status).toBe(200)
    const again = await ask('PUT', `${items}/notes/a`, { value: 2 }, { 'if-none-match': '*' })
    expect([again.status, again.body.code]).toEqual([412, 'IF_MATCH'])
    const { headers, body } = await ask('GET', `${items}/notes/a`)
    const etag = headers.get('etag') as string
    expect(etag).toBe(first.body.etag)
    expect(body.etag).toBe(etag)
    expect((await ask('GET', `${items}/notes/a`, undefined, { 'if-none-match': etag })).status).toBe(304)
    // The value is the same again, and yet something was written.
    served.space.put('notes/a', 2)
    served.space.put('notes/a', 1)
    expect((await ask('PUT', `${items}/notes/a`, { value: 3 }, { 'if-match': etag })).status).toBe(412)
    const now = (await ask('GET', `${items}/notes/a`)).body.etag
    expect((await ask('PUT', `${items}/notes/a`, { value: 3 }, { 'if-match': `"x", ${now}` })).status).toBe(
      200,
    )
    expect((await ask('DELETE', `${items}/notes/a`, undefined, { 'if-match': now })).status).toBe(412)
    expect((await ask('PUT', `${items}/none`, { value: 3 }, { 'if-match': '*' })).status).toBe(412)
    expect(served.space.get('notes/a')?.value).toBe(3)
  })

  it('syncs together what is written at once, and gives each its own answer', async () => {
    const { space } = served
    // Connections are taken in one after the other, and are there afterwards.
    await Promise.all(Array.from({ length: 40 }, async () => await ask('GET', '/v1/spaces/lab')))
    const transaction = vi.spyOn(space.hosted.store, 'transaction')
    const first = { 'if-none-match': '*' }
    const answers = await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const path = i % 2 === 0 ? 'once/here' : `once/${i}`
        return await ask('PUT', `${items}/${path}`, { value: i }, first)
      }),
    )
    // Of those for one place, the first to be looked at; each of the others for itself.
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(21)
    expect(answers.filter(({ status }) => status === 412)).toHaveLength(19)
    expect(new Set(answers.flatMap(({ body }) => body.operation ?? [])).size).toBe(21)
    expect(transaction.mock.calls.length).toBeLessThan(40)
    expect([...space.list('once')]).toHaveLength(21)
  })

  it('names with a pointer what it cannot use', async () => {
    const pointers: (readonly [string, string, unknown, string])[] = [
      ['PUT', `${items}/a`, {}, '/body'],
      ['PUT', `${items}/a`, { value: 1, more: 1 }, '/body'],
      ['POST', `${items}/a`, { kind: 'count', by: 1.5 }, '/body/by'],
      ['POST', `${items}/a`, { kind: 'nonsense' }, '/body'],
      ['POST', `${items}/a`, { kind: 'text', splices: [{ at: 0 }, { at: -1 }] }, '/body/splices/1/at'],
      ['POST', `${items}/a`, { kind: 'append', value: { '/': 1 } }, '/body'],
      ['PUT', `${items}/a`, { value: 1, after: ['x'] }, '/body/after/0'],
      ['GET', `${items}?limit=0`, undefined, '/querystring/limit'],
      ['GET', `${items}?type=thing`, undefined, '/querystring/type'],
      ['GET', `${items}?after=x`, undefined, '/querystring/after'],
      ['GET', `${items}/a//b`, undefined, '/params/path'],
    ]
    for (const [method, path, body, pointer] of pointers) {
      const answer = await ask(method, path, body)
      expect([method, path, answer.status, answer.body.errors?.[0]?.pointer]).toEqual([
        method,
        path,
        400,
        pointer,
      ])
    }
    expect(served.space.hosted.store.cells({ prefix: '', limit: 1 })).toEqual([])
  })
})
