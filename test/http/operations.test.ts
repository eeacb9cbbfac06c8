import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ServedNode } from './served-node.ts'

const lab = '/v1/spaces/lab'

describe('batches, texts and logs over HTTP', () => {
  let served: ServedNode
  let scribe: string

  beforeEach(async () => {
    served = await ServedNode.start()
    scribe = served.token('scribe', 'writer', 'notes')
  })

  afterEach(async () => served.stop())

  const ask = async (method: string, path: string, body?: unknown, headers = {}) =>
    served.ask(scribe, method, lab + path, body, headers)
  const count = () => served.space.hosted.store.count()

  it('writes edits of every kind as one operation', async () => {
    served.space.put('notes/gone', 1)
    served.space.link('notes/e', 'old', 'notes/x')
    const before = count()
    const edits = [
      { kind: 'put', path: 'notes/r', value: 'r' },
      { kind: 'edit', path: 'notes/m', set: { a: 1 } },
      { kind: 'link', path: 'notes/e', label: 'to', to: 'people/ada' },
      { kind: 'unlink', path: 'notes/e', label: 'old', to: 'notes/x' },
      { kind: 'append', path: 'notes/l', value: 'entry' },
      { kind: 'tag', path: 'notes/s', add: ['x'] },
      { kind: 'count', path: 'notes/c', by: 3 },
      { kind: 'claim', path: 'notes/k', value: 'mine' },
      {
        kind: 'text',
        path: 'notes/t',
        splices: [
          { at: 0, insert: 'ab' },
          { at: 1, delete: 1, insert: 'c' },
        ],
      },
      { kind: 'delete', path: 'notes/gone', type: 'register' },
    ]
    const { status, body } = await ask('POST', '/operations', { edits })
    expect([status, body.edits]).toEqual([200, 10])
    // Beside it, the delegation of the agent was published when it was made.
    expect(count()).toBe(before + 1)
    expect(served.space.explain(body.operation).verdict).toBe('admitted')
    expect(served.space.text('notes/t').toString()).toBe('ac')
    expect(served.space.get('notes/gone')).toBeUndefined()
    expect(served.space.get('notes/e')?.value).toEqual([{ label: 'to', to: 'people/ada', value: null }])
  })

  it('names the element that cannot be done, and writes nothing', async () => {
    served.space.text('notes/t').set('abc')
    served.space.put('notes/there', 1)
    const good = { kind: 'put', path: 'notes/a', value: 1 }
    const bad: (readonly [unknown, string, string])[] = [
      [{ kind: 'put', path: 'notes//b', value: 1 }, 'BAD_PATH', ''],
      [{ kind: 'put', path: 'notes/b' }, 'BAD_REQUEST', ''],
      [{ kind: 'put', path: 'notes/b', value: 1, extra: 1 }, 'BAD_REQUEST', ''],
      [{ kind: 'burn', path: 'notes/b' }, 'BAD_REQUEST', ''],
      [{ kind: 'count', path: 'notes/b', by: 'x' }, 'BAD_REQUEST', '/by'],
      [{ kind: 'put', path: 'notes/b', value: { '/': { bytes: '?' } } }, 'BAD_VALUE', ''],
      [{ kind: 'link', path: 'notes/b', label: '', to: 'x' }, 'BAD_EDGE', ''],
      [{ kind: 'delete', path: 'notes/b', type: 'log' }, 'APPEND_ONLY', ''],
      [{ kind: 'text', path: 'notes/t', splices: [{ at: 9, insert: 'x' }] }, 'BAD_POSITION', ''],
      [{ kind: 'put', path: 'notes/there', value: 2, ifNoneMatch: '*' }, 'IF_MATCH', ''],
      [{ kind: 'put', path: 'elsewhere', value: 1 }, 'CAP_POLICY', ''],
      [{ kind: 'delete', path: 'elsewhere', type: 'register' }, 'NOT_ALLOWED', ''],
    ]
    const before = count()
    for (const [element, code, where] of bad) {
      const { body } = await ask('POST', '/operations', { edits: [good, good, element] })
      expect([code, body.errors?.map(({ pointer }: { pointer: string }) => pointer), body.code]).toEqual([
        code,
        [`/body/edits/2${where}`],
        code,
      ])
    }
    expect(count()).toBe(before)
    expect((await ask('POST', '/operations', { edits: [] })).body.errors[0].pointer).toBe('/body/edits')
  })

  it('builds on the operations that are named', async () => {
    const base = served.space.put('notes/a', 'base')
    served.space.put('notes/a', 'later')
    const edits = [{ kind: 'put', path: 'notes/b', value: 1 }]
    const { body } = await ask('POST', '/operations', { edits, after: [base], timeMs: 1_700_000_000_000 })
    const [logged] = (await ask('GET', '/operations')).body.operations
    expect(logged.id).toBe(body.operation)
    expect(logged.parents).toContain(base)
    const unknown = await ask('POST', '/operations', { edits, after: ['0'.repeat(64)] })
    expect([unknown.status, unknown.body.code]).toEqual([404, 'UNKNOWN_OPERATION'])
  })

  it('says that edits over several delegations of one agent are several operations', async () => {
    const reach = ['a', 'b'].map((path) => ({ space: served.space, role: 'writer' as const, path }))
    const { token } = served.node.agents.add({ name: 'two', reach })
    const edits = ['a/1', 'b/1'].map((path) => ({ kind: 'put', path, value: 1 }))
    const { status, body } = await served.ask(token, 'POST', `${lab}/operations`, { edits })
    expect([status, body.errors]).toEqual([403, undefined])
    expect(body.detail).toMatch(/write them as several/)
    const one = await served.ask(token, 'POST', `${lab}/operations`, { edits: edits.slice(0, 1) })
    expect(one.status).toBe(200)
  })

  it('edits texts by code points, by splices and by deltas', async () => {
    const made = await ask('PUT', '/texts/notes/t', { text: '🙂 smile' })
    expect(made.body).toMatchObject({ length: 7 })
    await ask('POST', '/texts/notes/t', { splices: [{ at: 1, insert: '!' }] })
    const delta = [{ retain: 3 }, { insert: 'a ' }, { delete: 2 }]
    const edited = await ask('POST', '/texts/notes/t', { delta })
    expect(served.space.text('notes/t').toString()).toBe('🙂! a ile')
    const read = await ask('GET', '/texts/notes/t?from=1&to=4')
    expect(read.body).toMatchObject({ text: '! a', from: 1, length: 8, incomplete: false })
    expect(read.headers.get('etag')).toBe(edited.body.etag)
    const late = await ask('PUT', '/texts/notes/t', { text: 'x' }, { 'if-match': made.body.etag })
    expect(late.status).toBe(412)
    expect((await ask('PUT', '/texts/notes/t', { text: '🙂! a ile' })).body.operation).toBeNull()
    expect((await ask('GET', '/texts/notes/none')).status).toBe(404)
  })

  it('merges what is typed on top of an earlier version', async () => {
    const first = served.space.text('notes/t').set('one two')
    served.space.text('notes/t').insert(0, 'zero ')
    await ask('POST', '/texts/notes/t', { splices: [{ at: 7, insert: ' three' }], after: [first] })
    expect(served.space.text('notes/t').toString()).toBe('zero one two three')
  })

  it('names with a pointer what of a text it cannot use', async () => {
    served.space.text('notes/t').set('abc')
    for (const [method, body, pointer] of [
      ['POST', { splices: [{ at: 4, insert: 'x' }] }, '/body'],
      ['POST', { splices: [{ at: 0, insert: '\ud800' }] }, '/body/splices/0'],
      ['POST', { delta: [{ retain: 1, insert: 'x' }] }, '/body/delta/0'],
      ['POST', { delta: [{ retain: -1 }] }, '/body/delta/0/retain'],
      ['PUT', { text: 1 }, '/body/text'],
    ] as const) {
      const answer = await ask(method, '/texts/notes/t', body)
      expect([body, answer.status, answer.body.errors?.[0]?.pointer]).toEqual([body, 400, pointer])
    }
    expect((await ask('POST', '/texts/notes/t', {})).status).toBe(400)
    expect(served.space.text('notes/t').toString()).toBe('abc')
  })

  it('reads logs from the start, after an entry, and from the end', async () => {
    for (let i = 0; i < 5; i++) served.space.append('notes/l', i)
    served.space.append('secret/l', 'hidden')
    const values = ({ entries }: { entries: { value: number }[] }) => entries.map(({ value }) => value)
    const first = (await ask('GET', '/logs/notes/l?limit=2')).body
    expect(values(first)).toEqual([0, 1])
    const second = (await ask('GET', `/logs/notes/l?limit=9&after=${first.next}`)).body
    expect([values(second), second.next]).toEqual([[2, 3, 4], null])
    expect(values((await ask('GET', '/logs/notes/l?last=true&limit=2')).body)).toEqual([3, 4])
    expect((await ask('GET', '/items/notes/l?entries=2')).body).toMatchObject({ more: true, etag: null })
    expect((await ask('GET', '/logs/notes/l?after=x')).body.errors[0].pointer).toBe('/querystring/after')
    expect((await ask('GET', '/logs/secret/l')).status).toBe(403)
  })
})
