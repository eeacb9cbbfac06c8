import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ServedNode } from './served-node.ts'

const lab = '/v1/spaces/lab'

describe('history and conflicts over HTTP', () => {
  let served: ServedNode
  let scribe: string
  let did: string

  beforeEach(async () => {
    served = await ServedNode.start()
    scribe = served.token('scribe', 'writer', 'notes')
    did = (await served.ask(scribe, 'GET', '/v1/whoami')).body.did
  })

  afterEach(async () => served.stop())

  const ask = async (method: string, path: string, body?: unknown) =>
    served.ask(scribe, method, lab + path, body)

  it('tells the versions of an item, page by page', async () => {
    for (const value of ['one', 'two', 'three']) served.space.put('notes/a', value)
    const first = (await ask('GET', '/history/notes/a?limit=2')).body
    expect(first.versions.map((one: { edits: { value: string }[] }) => one.edits[0]?.value)).toEqual([
      'three',
      'two',
    ])
    const second = (await ask('GET', `/history/notes/a?limit=2&after=${first.next}`)).body
    expect([second.versions.length, second.next]).toEqual([1, null])
  })

  it('tells an item as it was, what has changed since, and who wrote what shows', async () => {
    const first = served.space.put('notes/a', 'one')
    served.space.put('notes/a', 'two')
    expect((await ask('GET', `/items/notes/a?at=${first}`)).body.value).toBe('one')
    expect((await ask('GET', `/items/notes/a?at=${first}^`)).body.code).toBe('NOT_FOUND')
    const { differences } = (await ask('GET', `/diff/notes/a?from=${first}`)).body
    expect(differences).toMatchObject([{ kind: 'changed', before: 'one', after: 'two' }])
    expect((await ask('GET', '/blame/notes/a')).body.blame).toMatchObject([
      { value: 'two', author: served.node.did },
    ])
  })

  it('takes an item back to what it was, signed by the agent', async () => {
    const first = served.space.put('notes/a', 'one')
    served.space.put('notes/a', 'two')
    const { body } = await ask('POST', '/revert/notes/a', { to: first })
    expect(served.space.get('notes/a')?.value).toBe('one')
    expect(served.space.explain(body.operation).author).toBe(did)
    expect((await ask('POST', '/revert/notes/a', { to: first })).body.operation).toBeNull()
  })

  it('tells of conflicts, and settles them as the agent', async () => {
    const { space } = served
    const base = space.put('notes/a', 'base')
    space.put('notes/a', 'mine', { after: [base] })
    const { body } = await ask('PUT', '/items/notes/a', { value: 'theirs', after: [base] })
    const listed = (await ask('GET', '/conflicts')).body
    expect(listed).toMatchObject({ conflicts: [{ path: 'notes/a', kind: 'written twice' }], next: null })
    const [{ winner, losers }] = listed.conflicts
    expect(new Set([winner.value, losers[0].value])).toEqual(new Set(['mine', 'theirs']))
    expect([winner.operation, losers[0].operation]).toContain(body.operation)
    const taken = await ask('POST', '/conflicts/notes/a', { take: losers[0].operation })
    expect(space.explain(taken.body.operation).author).toBe(did)
    expect(space.get('notes/a')?.value).toBe(losers[0].value)
    expect((await ask('GET', '/conflicts')).body.conflicts).toEqual([])
    expect((await ask('POST', '/conflicts/notes/a', { keep: true })).body.code).toBe('NOT_FOUND')
    expect((await ask('POST', '/conflicts/notes/a', {})).body.code).toBe('BAD_REQUEST')
  })

  it('keeps what shows where a conflict is settled so', async () => {
    const { space } = served
    const base = space.put('notes/b', 'base')
    space.put('notes/b', 'mine', { after: [base] })
    await ask('PUT', '/items/notes/b', { value: 'theirs', after: [base] })
    const shown = space.get('notes/b')?.value
    const kept = await ask('POST', '/conflicts/notes/b', { keep: true })
    expect(space.explain(kept.body.operation).author).toBe(did)
    expect(space.get('notes/b')?.value).toBe(shown)
  })

  it('hides conflicts out of reach, and pages over those within it', async () => {
    const { space } = served
    const other = served.token('other', 'writer')
    for (const path of ['a', 'notes/1', 'notes/2', 'notes', 'z']) {
      const base = space.put(path, 'base')
      space.put(path, 1, { after: [base] })
      await served.ask(other, 'PUT', `${lab}/items/${path}`, { value: 2, after: [base] })
    }
    expect((await served.ask(other, 'GET', `${lab}/conflicts`)).body.conflicts).toHaveLength(5)
    const paths = []
    let after = ''
    do {
      const { body } = await ask('GET', `/conflicts?limit=1${after}`)
      paths.push(...body.conflicts.map(({ path }: { path: string }) => path))
      after = body.next === null ? '' : `&after=${body.next}`
    } while (after !== '')
    expect(paths).toEqual(['notes', 'notes/1', 'notes/2'])
  })

  it('lists operations with what they did within reach, and neither shows nor counts the rest', async () => {
    const { space } = served
    space.put('secret/a', 'hidden')
    const both = space.write([
      { kind: 'put', path: 'notes/a', value: 1 },
      { kind: 'put', path: 'secret/b', value: 'hidden' },
    ])
    const own = space.put('notes/b', 2)
    const { body } = await ask('GET', '/operations')
    expect(body.operations.map(({ id }: { id: string }) => id)).toEqual([own, both])
    expect(body.operations[1]).toMatchObject({ changes: 1, edits: [{ path: 'notes/a' }], moreEdits: 0 })
    expect(JSON.stringify(body)).not.toContain('hidden')
    const paged = (await ask('GET', '/operations?limit=1')).body
    expect([paged.operations.length, paged.next]).toEqual([1, own])
    const rest = (await ask('GET', `/operations?limit=1&after=${paged.next}`)).body
    expect([rest.operations[0].id, rest.next]).toEqual([both, null])
    const all = await served.ask(served.token('all', 'reader'), 'GET', `${lab}/operations?limit=1000`)
    expect(all.body.operations).toHaveLength(space.hosted.store.count())
  })

  it('explains an operation, unless it is about what is out of reach', async () => {
    const { space } = served
    const hidden = space.put('secret/a', 1)
    const own = space.put('notes/a', 1)
    const both = space.write([
      { kind: 'put', path: 'notes/a', value: 1 },
      { kind: 'put', path: 'secret/b', value: 1 },
    ])
    expect((await ask('GET', `/operations/${own}`)).body).toMatchObject({
      verdict: 'admitted',
      detail: 'admitted with 1 changes',
    })
    expect((await ask('GET', `/operations/${both}`)).body.detail).not.toMatch(/\d/)
    const [one, none] = [
      await ask('GET', `/operations/${hidden}`),
      await ask('GET', `/operations/${'0'.repeat(64)}`),
    ]
    expect([one.status, none.status]).toEqual([404, 404])
    expect(one.body.detail.replace(hidden, '')).toBe(none.body.detail.replace('0'.repeat(64), ''))
  })

  it('computes what was added, updated and deleted since a version, within reach', async () => {
    const { space } = served
    for (const path of ['notes/old', 'notes/gone', 'secret/old']) space.put(path, 1)
    const fromVersion = space.exchange.clock()
    space.put('notes/new', 1)
    space.put('notes/old', 2)
    space.delete('notes/gone')
    space.put('secret/old', 2)
    space.put('secret/new', 2)
    const { body } = await ask('POST', '/delta', { fromVersion })
    expect(body).toMatchObject({
      added: [{ path: 'notes/new', type: 'register' }],
      updated: [{ path: 'notes/old', type: 'register' }],
      deleted: [{ path: 'notes/gone', type: 'register' }],
      toVersion: space.exchange.clock(),
    })
    const again = await ask('POST', '/delta', { fromVersion: body.toVersion })
    expect(again.body).toMatchObject({ added: [], updated: [], deleted: [] })
    expect((await ask('POST', '/delta', { fromVersion: { nobody: 1 } })).body.errors[0].pointer).toBe(
      '/body/fromVersion',
    )
  })

  it('ends a page that has become long, whatever it is of, and goes on from there', async () => {
    const { space } = served
    const large = 'x'.repeat(200_000)
    const rounds = 40
    for (let i = 0; i < rounds; i++)
      space.write([
        { kind: 'put', path: 'notes/a', value: `${i}${large}` },
        { kind: 'append', path: 'notes/l', value: i },
      ])
    for (let i = 0; i < rounds; i++) space.append('notes/large', `${i}${large}`)
    for (let i = 0; i < rounds; i++) space.put(`notes/many/${i}`, large)
    for (const [path, key, count, name] of [
      ['/history/notes/a?limit=1000', 'versions', rounds, 'after'],
      ['/operations?path=notes/a&limit=1000', 'operations', rounds, 'after'],
      ['/logs/notes/large?limit=1000', 'entries', rounds, 'after'],
      ['/items?path=notes/many&limit=1000', 'items', rounds, 'after'],
      ['/changes?path=notes/many&limit=1000', 'changes', rounds, 'since'],
    ] as const) {
      const sizes: number[] = []
      let next = ''
      do {
        const { body } = await ask('GET', path + next)
        sizes.push(body[key].length)
        const from = name === 'since' ? (body.more ? body.cursor : null) : body.next
        next = from === null ? '' : `&${name}=${from}`
      } while (next !== '')
      expect([path, sizes.reduce((sum, size) => sum + size, 0)]).toEqual([path, count])
      expect([path, sizes.length > 1]).toEqual([path, true])
    }
    const last = (await ask('GET', '/logs/notes/large?last=true&limit=1000')).body.entries
    expect(last.length).toBeLessThan(rounds)
    expect(last.at(-1).value).toBe(`${rounds - 1}${large}`)
  })

  it('refuses everything of the past that is out of reach', async () => {
    const { space } = served
    const base = space.put('secret/a', 1)
    for (const [method, path, body] of [
      ['GET', '/history/secret/a'],
      ['GET', `/items/secret/a?at=${base}`],
      ['GET', `/diff/secret/a?from=${base}`],
      ['GET', '/blame/secret/a'],
      ['POST', '/revert/secret/a', { to: base }],
      ['POST', '/conflicts/secret/a', { keep: true }],
    ] as const)
      expect([path, (await ask(method, path, body)).body.code]).toEqual([path, 'NOT_ALLOWED'])
  })

  it('names with a pointer what it cannot use', async () => {
    for (const [method, path, body, pointer] of [
      ['GET', '/history/notes?limit=0', undefined, '/querystring/limit'],
      ['GET', '/history/notes?type=x', undefined, '/querystring/type'],
      ['GET', '/diff/notes', undefined, '/querystring'],
      ['GET', '/diff/notes?from=yesterday', undefined, '/querystring'],
      ['GET', '/items/notes?at=yesterday', undefined, '/querystring/at'],
      ['POST', '/revert/notes', { to: 'yesterday' }, '/body'],
      ['POST', '/conflicts/notes', { take: 'x' }, '/body/take'],
      ['GET', '/conflicts?after=x', undefined, '/querystring/after'],
      ['GET', '/operations?path=a//b', undefined, '/querystring/path'],
      ['GET', '/operations/x', undefined, '/params/operation'],
    ] as const) {
      const answer = await ask(method, path, body)
      expect([path, answer.status, answer.body.errors?.[0]?.pointer]).toEqual([path, 400, pointer])
    }
  })
})
