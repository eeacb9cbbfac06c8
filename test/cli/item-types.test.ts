import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Machine, type RunningNode } from './hanse.ts'
import { containing, matching } from './matchers.ts'

const machine = new Machine()
afterAll(async () => machine.remove())

interface Written {
  readonly id: string
}

describe('items of every type on one node', () => {
  let data: string
  beforeAll(async () => {
    data = await machine.init('carol')
    await machine.json(data, 'space', 'create', 'Types')
  })
  const run = async (...args: readonly string[]) => await machine.hanse(data, args)
  const out = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await run(...args)
    expect([code, stderr]).toEqual([0, ''])
    return stdout
  }

  it('edges are drawn, shown as arrows, replaced and taken away', async () => {
    expect(await out('link', 'people/ada', 'knows', 'people/grace', '{"since":1833}')).toMatch(
      /^people\/ada –knows→ people\/grace written by operation [0-9a-f]{12}\n$/,
    )
    await out('link', 'people/ada', 'knows', 'people/bob')
    await out('link', 'people/ada', 'knows', 'people/bob', '7', '--text')
    expect(await out('get', 'people/ada')).toBe(
      '–knows→ people/bob  "7"\n–knows→ people/grace  {"since":1833}\n',
    )
    expect(await out('list', 'people')).toBe(
      'people/ada  edge      –knows→ people/bob  "7", –knows→ people/grace  {"since":1833}\n',
    )
    expect(await machine.json(data, 'unlink', 'people/ada', 'knows', 'people/bob')).toMatchObject({
      id: matching(/^[0-9a-f]{64}$/),
      label: 'knows',
      to: 'people/bob',
    })
    expect(await machine.json(data, 'get', 'people/ada', '--type', 'edge')).toEqual({
      path: 'people/ada',
      type: 'edge',
      value: [{ label: 'knows', to: 'people/grace', value: { since: 1833 } }],
    })
    expect(await run('unlink', 'people/ada', 'knows', 'people/bob')).toMatchObject({
      code: 1,
      stderr: containing('there is no edge "knows" from "people/ada" to "people/bob"'),
    })
  })

  it('logs take entries, give the last of them or those after one, and stay for good', async () => {
    const entries = Array.from({ length: 30 }, (_, i) => ({ append: 'journal', value: `entry ${i}` }))
    const file = join(machine.folder, 'entries.json')
    writeFileSync(file, JSON.stringify(entries))
    await machine.json(data, 'write', file)
    const { id } = await machine.json<Written>(data, 'append', 'journal', '{"n":1}')
    expect(
      (await machine.hanse(data, ['append', 'journal', '-'], { input: 'two\nlines\u001b[2J' })).code,
    ).toBe(0)
    const lines = (await out('get', 'journal', '--last', '3')).split('\n')
    expect(lines).toEqual([
      matching(/^\d\d:\d\d:\d\d {2}….{8} {2}entry 29$/),
      matching(/^\d\d:\d\d:\d\d {2}….{8} {2}\{"n":1\}$/),
      matching(/^\d\d:\d\d:\d\d {2}….{8} {2}two ⏎ lines\\u\{1b\}\[2J$/),
      '',
    ])
    expect((await out('get', 'journal')).split('\n')).toHaveLength(33)
    const whole = await machine.json<{ value: readonly { value: unknown; id: string; index: number }[] }>(
      data,
      'get',
      'journal',
    )
    expect(whole.value.map(({ value }) => value).slice(28, 31)).toEqual(['entry 28', 'entry 29', { n: 1 }])
    const first = whole.value[27]
    expect(
      await machine.json(data, 'get', 'journal', '--after', `${first?.id}/${first?.index}`),
    ).toMatchObject({
      value: [{ index: 28 }, { index: 29 }, { id }, {}],
    })
    expect(await out('list', 'journal')).toMatch(/^journal {2}log {7}32 entries, the last .* {2}two ⏎ /)
    expect(await machine.json(data, 'list', 'journal')).toMatchObject([
      { omitted: 22, value: { length: 10 } },
    ])
    for (const args of [
      ['delete', 'journal'],
      ['delete', 'journal', '--type', 'log'],
    ]) {
      const { code, stderr } = await run(...args, '--json')
      expect([code, JSON.parse(stderr)]).toMatchObject([1, { error: { code: 'APPEND_ONLY' } }])
    }
  })

  it('tags are added and removed, several at once, and shown in one line', async () => {
    expect(await out('tag', 'tasks/7', 'urgent', 'two words', 'ä', '"quoted"')).toBe(
      'tasks/7: "\\"quoted\\"" "two words" urgent ä\n',
    )
    expect(await machine.json(data, 'untag', 'tasks/7', 'ä', '"quoted"', 'never there')).toMatchObject({
      type: 'set',
      value: ['two words', 'urgent'],
    })
    expect(await out('get', 'tasks/7')).toBe('"two words" urgent\n')
    expect(await run('untag', 'tasks/7', 'never there')).toMatchObject({
      code: 1,
      stderr: containing('has none of these tags'),
    })
  })

  it('counters count up and down, and beyond what a number holds', async () => {
    expect(await out('count', 'votes')).toBe('votes: 1\n')
    expect(await out('count', 'votes', '-3')).toBe('votes: -2\n')
    expect(await out('count', 'votes', '+12')).toBe('votes: 10\n')
    expect(await machine.json(data, 'count', 'votes', '9007199254740991')).toMatchObject({
      value: '9007199254741001',
    })
    expect(await out('delete', 'votes', '--type', 'counter')).toMatch(/^votes deleted by operation/)
    expect(await machine.json(data, 'count', 'votes', '5')).toMatchObject({ type: 'counter', value: 5 })
  })

  it('claims hold for who came first, queue behind it where that is wanted, and are released', async () => {
    expect(await machine.json(data, 'claim', 'v1', 'build 7')).toMatchObject({ held: true, final: false })
    expect(await out('get', 'v1')).toMatch(/^build 7 {2}held by ….{8} \(provisional\)\n$/)
    const { code, stderr } = await run('claim', 'v1', '--json')
    expect([code, JSON.parse(stderr)]).toMatchObject([1, { error: { code: 'CLAIMED' } }])
    expect(await machine.json(data, 'claim', 'v1', 'build 8', '--queue')).toMatchObject({ held: false })
    expect(await machine.json(data, 'get', 'v1')).toMatchObject({ value: { value: 'build 7', final: false } })
    expect(await machine.json(data, 'release', 'v1')).toMatchObject({ author: null })
    expect(await run('release', 'v1')).toMatchObject({ code: 1, stderr: containing('nobody claims "v1"') })
  })

  it('several types at one path are told apart by --type, in get, list and delete', async () => {
    await out('put', 'both', '1')
    await out('tag', 'both', 'x')
    await out('append', 'both', 'y')
    expect(await out('get', 'both')).toBe('1\n')
    expect(await out('get', 'both', '--type', 'set')).toBe('x\n')
    expect(await out('list', 'both', '--type', 'set')).toBe('both  set       x\n')
    await out('delete', 'both', '--type', 'register')
    expect(await out('get', 'both')).toMatch(/ {2}y\n$/)
    // Everything but the log goes, which says nothing about itself.
    await out('delete', 'both')
    expect(await machine.json(data, 'list', 'both')).toMatchObject([{ type: 'log' }])
    expect(await run('delete', 'both', '--type', 'map')).toMatchObject({
      code: 1,
      stderr: containing('there is no map at "both"'),
    })
  })

  it('several edits are one operation: JSON lines from standard input, all of them or none', async () => {
    const lines = [
      { put: 'batch/a', value: { '/': { bytes: 'AQI' } } },
      { edit: 'batch/m', set: { x: 1 }, remove: ['y'] },
      { link: 'batch/a', label: 'of', to: 'batch/m' },
      { append: 'batch/log', value: null },
      { tag: 'batch/a', add: ['t'] },
      { count: 'batch/n', by: -2 },
      { count: 'batch/n' },
      { claim: 'batch/c', value: 1 },
    ].map((edit) => JSON.stringify(edit))
    const input = `${lines.join('\n\n')}\n`
    const before = await machine.json<readonly unknown[]>(data, 'log')
    const { stdout } = await machine.hanse(data, ['write', '-', '--json'], { input })
    expect(JSON.parse(stdout)).toMatchObject({ edits: 8, id: matching(/^[0-9a-f]{64}$/) })
    expect(await machine.json<readonly unknown[]>(data, 'log')).toHaveLength(Math.min(before.length + 1, 20))
    const listed = await machine.json<readonly { path: string; type: string; value: unknown }[]>(
      data,
      'list',
      'batch',
    )
    expect(listed.map(({ path, type }) => `${path} ${type}`)).toEqual([
      'batch/a edge',
      'batch/a register',
      'batch/a set',
      'batch/c claim',
      'batch/log log',
      'batch/m map',
      'batch/n counter',
    ])
    expect(listed[6]).toMatchObject({ value: -1 })

    const bad = `${lines[0]}\n\n{"count":"batch/n","by":0.5}\n`
    expect(await machine.hanse(data, ['write', '-'], { input: bad })).toMatchObject({
      code: 2,
      stderr: containing('line 3: a counter takes whole numbers'),
    })
    expect(await machine.json(data, 'get', 'batch/n')).toMatchObject({ value: -1 })
  })

  it.each<readonly [string, string]>([
    ['', 'there is nothing to write'],
    ['[]', 'there is nothing to write'],
    ['[{"put":"a","value":1}', 'this is no JSON array'],
    ['{"put":"a","value":1}\n{"put":', 'line 2 is no JSON'],
    ['[{"put":"a","value":1}, 7]', 'edit 2: an edit is an object'],
    ['{"write":"a"}', 'line 1: an edit has one of the keys put, edit'],
    ['{"put":"a","append":"a","value":1}', 'line 1: an edit has one of the keys'],
    ['{"put":"a"}', 'line 1: put needs "value"'],
    ['{"put":"a","value":1,"vale":2}', 'line 1: put has no key "vale"'],
    ['{"put":7,"value":1}', 'line 1: "put" is a text'],
    ['{"put":"/a","value":1}', 'line 1: path "/a"'],
    ['{"edit":"a","set":[]}', 'line 1: "set" is an object'],
    ['{"tag":"a","add":"b"}', 'line 1: "add" is a list of texts'],
    ['{"tag":"a","add":[""]}', 'line 1: the tag "" has 0 bytes'],
    ['{"link":"a","label":"b/c","to":"d"}', 'line 1: the label of an edge'],
    ['{"count":"a","by":"1"}', 'line 1: "by" is a whole number'],
    ['{"delete":"a","type":"thing"}', 'line 1: --type must be one of'],
    ['{"put":"a","value":{"/":{"bytes":3}}}', 'line 1: {"/": …} holds'],
  ])('write refuses what is no edit, with its line: %s', async (input, part) => {
    const { code, stdout, stderr } = await machine.hanse(data, ['write', '-'], { input })
    expect(stderr).toContain(part)
    expect([code, stdout]).toEqual([2, ''])
  })
})

describe('two nodes that write at the same time', () => {
  let alice: RunningNode
  let bob: RunningNode
  const both = async <T>(work: (data: string) => Promise<T>) =>
    await Promise.all([alice, bob].map(({ data }) => work(data)))

  beforeAll(async () => {
    const [atAlice, atBob] = await Promise.all([machine.init('alice'), machine.init('bob')])
    await machine.json(atAlice, 'space', 'create', 'Shared')
    ;[alice, bob] = await Promise.all([machine.up(atAlice), machine.up(atBob)])
    const { link } = await machine.json<{ link: string }>(alice.data, 'invite', '--role', 'writer')
    await machine.json(bob.data, 'join', link)
  })

  it('see the same items of every type, each with what both did', async () => {
    await machine.json(alice.data, 'tag', 'task', 'from alice')
    await machine.json(alice.data, 'count', 'tally', '40')
    await machine.json(alice.data, 'claim', 'release', 'alice was first')
    await both(async (data) => await machine.json(data, 'sync'))
    await both(async (data) => {
      const name = data === alice.data ? 'alice' : 'bob'
      await machine.json(data, 'link', 'home', 'with', `people/${name}`)
      await machine.json(data, 'append', 'diary', `by ${name}`)
      await machine.json(data, 'tag', 'task', `${name}’s`)
      await machine.json(data, 'count', 'tally', name === 'alice' ? '3' : '-1')
    })
    expect(await machine.hanse(bob.data, ['claim', 'release'])).toMatchObject({
      code: 1,
      stderr: containing(`${alice.listening.did} holds "release" already`),
    })
    await machine.json(bob.data, 'claim', 'release', 'bob is next', '--queue')
    await machine.json(bob.data, 'sync')
    const values = async (data: string) =>
      (await machine.json<readonly { path: string; value: unknown }[]>(data, 'list')).filter(
        ({ path }) => path !== 'diary',
      )
    const [one, other] = await both(values)
    expect(one).toEqual(other)
    expect(one).toMatchObject([
      { path: 'home', value: [{ to: 'people/alice' }, { to: 'people/bob' }] },
      { path: 'release', value: { value: 'alice was first', author: alice.listening.did } },
      { path: 'tally', value: 42 },
      { path: 'task', value: ['alice’s', 'bob’s', 'from alice'] },
    ])
    const diaries = await both(
      async (data) => await machine.json<{ value: readonly unknown[] }>(data, 'get', 'diary'),
    )
    expect(diaries[0]).toEqual(diaries[1])
    expect(diaries[0]?.value).toHaveLength(2)

    const released = await machine.json(alice.data, 'release', 'release')
    expect(released).toMatchObject({ author: bob.listening.did })
  })
})
