import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MCP_EDITS_MAX, MCP_RESULT_CHARACTERS } from '../../src/core/limits.ts'
import { READING_TOOLS } from '../../src/mcp/reading-tools.ts'
import { ServedNode } from '../http/served-node.ts'
import { McpAgent } from './mcp-client.ts'

let served: ServedNode
let agents: McpAgent[]

beforeEach(async () => {
  served = await ServedNode.start()
  agents = []
})

afterEach(async () => {
  for (const agent of agents) await agent.close()
  await served.stop()
})

async function agent(name: string, role: 'reader' | 'writer' = 'writer', path = ''): Promise<McpAgent> {
  const one = await McpAgent.overHttp(served.server.origin, served.token(name, role, path))
  agents.push(one)
  return one
}

describe('tools for agents over MCP', () => {
  it('say of themselves what they do, so that a client knows which of them change something', async () => {
    const { client } = await agent('alice')
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual([
      'who_am_i',
      'status',
      'list',
      'read',
      'search',
      'history',
      'changes_since',
      'wait_for_change',
      'write',
      'append_event',
      'relate',
      'delete',
    ])
    const reading = tools.filter(({ annotations }) => annotations?.readOnlyHint === true)
    expect(new Set(reading.map(({ name }) => name))).toEqual(READING_TOOLS)
    const destructive = tools.filter(({ annotations }) => annotations?.destructiveHint === true)
    expect(destructive.map(({ name }) => name)).toEqual(['write', 'delete'])
    for (const { description, inputSchema, outputSchema } of tools) {
      expect(description?.length).toBeGreaterThan(60)
      expect(inputSchema.additionalProperties).toBe(false)
      expect(outputSchema).toBeDefined()
    }
    // All of them are in a model's context all the time.
    expect(JSON.stringify(tools).length).toBeLessThan(24_000)
    expect(client.getInstructions()).toContain('memory that you share')
  })

  it('write edits of every type as one operation, signed by the agent, and read them again', async () => {
    const alice = await agent('alice')
    const { operation } = await alice.call('write', {
      edits: [
        { action: 'put', path: 'facts/answer', value: 42 },
        { action: 'edit', path: 'people/ada', set: { name: 'Ada', born: 1815 } },
        { action: 'text', path: 'notes/plan', text: 'First we sail, then we rest.' },
        { action: 'append', path: 'log/ship', value: 'cast off' },
        { action: 'link', path: 'people/ada', label: 'knows', to: 'people/charles' },
        { action: 'tag', path: 'tags/ada', add: ['poet', 'mathematician'] },
        { action: 'count', path: 'counts/votes', by: 3 },
        { action: 'claim', path: 'tasks/1', value: 'mine' },
      ],
    })
    const { author } = served.space.history.of('facts/answer').versions[0] ?? {}
    expect(author).toBe((await alice.call('who_am_i')).did)
    expect(author).not.toBe(served.node.did)
    expect(served.space.history.of('counts/votes').versions[0]?.operation).toBe(operation)
    const values = []
    for (const [path, type] of [
      ['facts/answer'],
      ['people/ada', 'map'],
      ['notes/plan'],
      ['people/ada', 'edge'],
      ['tags/ada'],
      ['counts/votes'],
    ])
      values.push((await alice.call('read', type === undefined ? { path } : { path, type })).value)
    expect(values).toEqual([
      42,
      { born: 1815, name: 'Ada' },
      'First we sail, then we rest.',
      [{ label: 'knows', to: 'people/charles', value: null }],
      ['mathematician', 'poet'],
      3,
    ])
    expect((await alice.call('read', { path: 'log/ship' })).value).toMatchObject([
      { by: 'you', value: 'cast off' },
    ])
    expect((await alice.call('read', { path: 'tasks/1' })).value).toMatchObject({
      by: 'you',
      claimed: 'mine',
      final: false,
    })
  })

  it('write all of several edits or none, and say which of them is wrong', async () => {
    const alice = await agent('alice')
    const good = { action: 'put', path: 'a', value: 1 }
    const bad = [
      [{ action: 'put', path: 'b' }, 'edit 2, put at "b": put needs "value"'],
      [{ action: 'put', path: 'b', value: 1, text: 'x' }, 'put takes no "text"'],
      [{ action: 'put', path: '/b', value: 1 }, 'BAD_PATH'],
      [{ action: 'replace', path: 'b', find: 'x', with: 'y' }, '"find" does not stand in the text'],
      [{ action: 'release', path: 'b' }, 'release goes alone'],
    ] as const
    for (const [edit, message] of bad)
      expect(await alice.failure('write', { edits: [good, edit] })).toContain(message)
    expect(
      await alice.failure('write', { edits: Array.from({ length: MCP_EDITS_MAX + 1 }, () => good) }),
    ).toContain('100')
    expect(served.space.get('a')).toBeUndefined()
    const most = Array.from({ length: MCP_EDITS_MAX }, (_, i) => ({
      action: 'put',
      path: `most/${i}`,
      value: i,
    }))
    await alice.call('write', { edits: most })
    expect([...served.space.list('most')]).toHaveLength(MCP_EDITS_MAX)
  })

  it('change one place of a text, and leave the rest to those who wrote it', async () => {
    const alice = await agent('alice')
    served.space.text('notes/plan').set('one two three')
    await alice.call('write', {
      edits: [
        { action: 'replace', path: 'notes/plan', find: 'two', with: 'zwei' },
        { action: 'replace', path: 'notes/plan', find: 'zwei three', with: 'zwei drei' },
      ],
    })
    expect(served.space.text('notes/plan').toString()).toBe('one zwei drei')
    const authors = new Set(
      served.space
        .text('notes/plan')
        .blame()
        .map(({ author }) => author),
    )
    expect(authors.size).toBe(2)
    served.space.text('notes/plan').set('a b a')
    expect(
      await alice.failure('write', {
        edits: [{ action: 'replace', path: 'notes/plan', find: 'a', with: 'c' }],
      }),
    ).toContain('more than once')
  })

  it('give a claim to the first who makes it, tell the second so, and let it go again', async () => {
    const alice = await agent('alice')
    const bob = await agent('bob')
    const claim = { edits: [{ action: 'claim', path: 'tasks/1', value: null }] }
    expect((await alice.call('write', claim)).claims).toEqual([{ path: 'tasks/1', by: 'you', yours: true }])
    expect((await bob.call('write', claim)).claims).toEqual([{ path: 'tasks/1', by: 'alice', yours: false }])
    const release = { edits: [{ action: 'release', path: 'tasks/1' }] }
    expect((await alice.call('write', release)).claims).toEqual([
      { path: 'tasks/1', by: 'bob', yours: false },
    ])
    expect((await alice.call('write', release)).operation).toBeNull()
  })

  it('append, relate and delete, and tell when there was nothing to do', async () => {
    const alice = await agent('alice')
    await alice.call('append_event', { path: 'log', value: { saw: 'land' } })
    await alice.call('relate', { from: 'a', label: 'supports', to: 'b', value: { sure: 0.9 } })
    expect((await alice.call('read', { path: 'a', type: 'edge' })).value).toEqual([
      { label: 'supports', to: 'b', value: { sure: 0.9 } },
    ])
    const away = { from: 'a', label: 'supports', to: 'b', remove: true }
    expect((await alice.call('relate', away)).operation).toMatch(/^[0-9a-f]{64}$/)
    expect((await alice.call('relate', away)).operation).toBeNull()
    expect(await alice.failure('delete', { path: 'log' })).toContain('APPEND_ONLY')
    served.space.put('gone', 1)
    await alice.call('delete', { path: 'gone' })
    expect(served.space.get('gone')).toBeUndefined()
    expect(await alice.failure('delete', { path: 'gone' })).toContain('NOT_FOUND')
  })

  it('keep the digits of integers that a number cannot hold', async () => {
    const alice = await agent('alice')
    served.space.put('big', 12_345_678_901_234_567_890n)
    const { content } = await alice.raw('read', { path: 'big' })
    expect(content[0]).toMatchObject({ text: expect.stringContaining('12345678901234567890') })
  })

  it('say what is there where nothing is found, and what to try', async () => {
    const alice = await agent('alice')
    served.space.put('notes/monday', 1)
    const failure = await alice.failure('read', { path: 'notes/munday' })
    expect(failure).toContain('NOT_FOUND')
    expect(failure).toContain('"notes/monday"')
    expect(failure).toContain('What to try: call list')
    expect(await alice.failure('status', { space: 'nowhere' })).toContain('there is lab')
    served.node.createSpace({ name: 'second' })
    // One that she does not reach makes no difference.
    await alice.call('list')
  })

  it('ask which space is meant where several are reached', async () => {
    const alice = await agent('alice')
    const second = served.node.createSpace({ name: 'second' })
    served.node.agents.allow('alice', [{ space: second, role: 'writer' }])
    expect(await alice.failure('list')).toContain('lab, second')
    await alice.call('write', { space: 'second', edits: [{ action: 'put', path: 'a', value: 1 }] })
    expect(second.get('a')?.value).toBe(1)
    expect((await alice.call('status')).spaces).toHaveLength(2)
  })

  it('stay short whatever there is, and lead to all of it page by page', async () => {
    const alice = await agent('alice')
    const { space } = served
    const long = 'abcdefghij'.repeat(5_000)
    space.text('long').set(`${long}😀`)
    space.put('value', { list: Array.from({ length: 5_000 }, (_, i) => i) })
    for (let i = 0; i < 120; i++) space.append('log', `entry ${i} ${'x'.repeat(200)}`)
    space.edit(
      'map',
      Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`field${i}`, 'y'.repeat(100)])),
    )
    const read = async (args: Record<string, unknown>) => {
      const answer = await alice.call('read', args)
      expect(JSON.stringify(answer).length).toBeLessThan(MCP_RESULT_CHARACTERS + 1_000)
      return answer
    }
    const pages = async (path: string, first?: string) => {
      const values = []
      for (let page = first; ; ) {
        const { value, next } = await read({ path, ...(page === undefined ? {} : { page }) })
        values.push(value)
        if (next === undefined) return values
        page = next
      }
    }
    expect((await pages('long')).join('')).toBe(`${long}😀`)
    expect(JSON.parse((await pages('value')).join(''))).toEqual(space.get('value')?.value)
    expect(Object.assign({}, ...(await pages('map')))).toEqual(space.get('map')?.value)
    const entries = (await pages('log', 'first')).flat()
    expect(entries.map(({ value }: { value: string }) => value.split(' ')[1])).toEqual(
      Array.from({ length: 120 }, (_, i) => String(i)),
    )
    const last = await read({ path: 'log' })
    expect(last.value.at(-1).value).toContain('entry 119')
    expect(last.note).toContain('first')
  })

  it('list page by page, each item once, with no more than the beginning of its value', async () => {
    const alice = await agent('alice')
    for (let i = 0; i < 120; i++) served.space.put(`many/${String(i).padStart(3, '0')}`, 'z'.repeat(1_000))
    const paths = []
    for (let page: string | undefined; ; ) {
      const { items, next } = await alice.call('list', {
        path: 'many',
        limit: 50,
        ...(page === undefined ? {} : { page }),
      })
      paths.push(...items.map(({ path }: { path: string }) => path))
      expect(items[0].preview.length).toBeLessThan(250)
      if (next === undefined) break
      page = next
    }
    expect(paths).toEqual(Array.from({ length: 120 }, (_, i) => `many/${String(i).padStart(3, '0')}`))
    expect(await alice.failure('list', { page: 'nonsense' })).toContain('BAD_PAGE')
  })

  it('tell the history of an item and of a folder, by the names of agents, and what was before', async () => {
    const alice = await agent('alice')
    const bob = await agent('bob')
    const first = await alice.call('write', { edits: [{ action: 'put', path: 'notes/a', value: 'old' }] })
    await bob.call('write', { edits: [{ action: 'put', path: 'notes/a', value: 'new' }] })
    const { of, operations } = await alice.call('history', { path: 'notes/a' })
    expect(of).toBe('item')
    expect(operations).toMatchObject([
      { by: 'bob', did: ['register: = "new"'], shows: true },
      { by: 'you', did: ['register: = "old"'], shows: false },
    ])
    const folder = await alice.call('history', { path: 'notes', limit: 1 })
    expect(folder).toMatchObject({ of: 'folder', operations: [{ by: 'bob' }] })
    const older = await alice.call('history', { path: 'notes', limit: 1, page: folder.next })
    expect(older.operations).toMatchObject([{ operation: first.operation }])
    expect((await alice.call('read', { path: 'notes/a', at: first.operation })).value).toBe('old')
  })

  it('search, and say what to do where nothing is found', async () => {
    const alice = await agent('alice')
    served.space.text('notes/light').set('The keeper of the lighthouse writes at night.')
    const { hits } = await alice.call('search', { words: 'lighthouse keep*' })
    expect(hits).toMatchObject([{ path: 'notes/light', snippet: expect.stringContaining('⟦lighthouse⟧') }])
    expect((await alice.call('search', { words: 'submarine' })).note).toContain('fewer')
    expect(await alice.failure('search', { words: '!?' })).toContain('letters or digits')
  })

  it('follow changes from a cursor, an operation of very many edits among them', async () => {
    const alice = await agent('alice')
    const { cursor } = await alice.call('changes_since', { cursor: 'now' })
    served.space.put('a', 1)
    served.space.write(
      Array.from({ length: 500 }, (_, i) => ({ kind: 'put' as const, path: `many/${i}`, value: i })),
    )
    served.space.put('b', 2)
    const told = []
    for (let from = cursor; ; ) {
      const { changes, cursor: next } = await alice.call('changes_since', { cursor: from, limit: 1 })
      if (changes.length === 0) break
      told.push(...changes)
      from = next
    }
    expect(told.map(({ items, more = 0 }) => items.length + more)).toEqual([1, 500, 1])
    expect(told.at(-1)).toMatchObject({
      by: 'the node',
      cause: 'written',
      items: [{ path: 'b', did: ['= 2'] }],
    })
    expect(await alice.failure('changes_since', { cursor: 'nonsense' })).toContain('BAD_CURSOR')
  })

  it('wait until somebody writes, and no longer than they were told', async () => {
    const alice = await agent('alice')
    const bob = await agent('bob')
    const { cursor } = await alice.call('changes_since', { cursor: 'now' })
    const waiting = alice.call('wait_for_change', { cursor, path: 'notes', timeout_seconds: 20 })
    await bob.call('write', { edits: [{ action: 'put', path: 'elsewhere', value: 0 }] })
    await bob.call('write', { edits: [{ action: 'put', path: 'notes/a', value: 1 }] })
    const woken = await waiting
    expect(woken.changes).toMatchObject([{ by: 'bob', items: [{ path: 'notes/a' }] }])
    const again = await alice.call('wait_for_change', {
      cursor: woken.cursor,
      path: 'notes',
      timeout_seconds: 0.1,
    })
    expect(again).toMatchObject({ changes: [], note: expect.stringContaining('0.1 s') })
    // What was written before the wait began counts at once.
    const missed = await alice.call('wait_for_change', { cursor, path: 'notes', timeout_seconds: 20 })
    expect(missed.changes).toHaveLength(1)
    expect(await alice.failure('wait_for_change', { timeout_seconds: 51 })).toContain('timeout_seconds')
  })
})

describe('an agent that may only read', () => {
  it('sees no tool that writes, and cannot call one by its name', async () => {
    const reader = await agent('reader', 'reader')
    expect(new Set(await reader.tools())).toEqual(READING_TOOLS)
    for (const [name, args] of [
      ['write', { edits: [{ action: 'put', path: 'a', value: 1 }] }],
      ['append_event', { path: 'log', value: 1 }],
      ['relate', { from: 'a', label: 'b', to: 'c' }],
      ['delete', { path: 'a' }],
    ] as const)
      expect(await reader.failure(name, args)).toContain('disabled')
    expect(served.space.hosted.store.count()).toBe(1)
  })

  it('is shown them once it may write, and is told so', async () => {
    const reader = await agent('reader', 'reader')
    const { promise: told, resolve } = Promise.withResolvers<void>()
    reader.client.setNotificationHandler(
      (await import('@modelcontextprotocol/sdk/types.js')).ToolListChangedNotificationSchema,
      () => resolve(),
    )
    served.node.agents.allow('reader', [{ space: served.space, role: 'writer', path: 'notes' }])
    await told
    expect(await reader.tools()).toContain('write')
    await reader.call('write', { edits: [{ action: 'put', path: 'notes/a', value: 1 }] })
    expect(await reader.failure('write', { edits: [{ action: 'put', path: 'b', value: 1 }] })).toContain(
      'CAP_',
    )
  })
})

describe('an agent that reaches one folder', () => {
  it('reads, finds, follows and writes nothing else, by any tool', async () => {
    const { space } = served
    space.put('secret/a', 'treasure')
    space.put('notes/a', 'harmless')
    space.link('secret/a', 'near', 'notes/a')
    space.append('secret/log', 'treasure')
    const alice = await agent('alice', 'writer', 'notes')
    const everything = [
      await alice.call('who_am_i'),
      await alice.call('list'),
      await alice.call('search', { words: 'treasure' }),
      await alice.call('search', { words: 'harmless' }),
      await alice.call('history'),
      await alice.call('changes_since'),
      await alice.call('status'),
    ]
    expect(JSON.stringify(everything)).not.toMatch(/secret|treasure/)
    expect(JSON.stringify(everything.slice(1, 6))).toContain('notes/a')
    const path = 'secret/a'
    for (const [name, args] of [
      ['read', { path }],
      ['read', { path, at: 'now' }],
      ['read', { path: 'secret/none' }],
      ['list', { path: 'secret' }],
      ['search', { words: 'treasure', path: 'secret' }],
      ['history', { path }],
      ['changes_since', { path: 'secret' }],
      ['wait_for_change', { path: 'secret', timeout_seconds: 0.1 }],
      ['delete', { path }],
      ['delete', { path: 'secret/none' }],
      ['relate', { from: path, label: 'near', to: 'notes/a', remove: true }],
      ['write', { edits: [{ action: 'text', path: 'secret/text', text: 'x' }] }],
      ['write', { edits: [{ action: 'replace', path: 'secret/text', find: 'x', with: 'y' }] }],
    ] as const) {
      const failure = await alice.failure(name, args)
      expect(failure).toContain('NOT_ALLOWED')
      expect(failure).toContain('who_am_i')
    }
    for (const edit of [
      { action: 'put', path, value: 1 },
      { action: 'edit', path, set: { a: 1 } },
      { action: 'append', path: 'secret/log', value: 1 },
      { action: 'link', path, label: 'near', to: 'b' },
      { action: 'tag', path, add: ['x'] },
      { action: 'count', path },
      { action: 'claim', path, value: 1 },
    ])
      expect(await alice.failure('write', { edits: [edit] })).toMatch(/CAP_/)
    expect(space.get(path)?.value).toBe('treasure')
  })

  it('is not woken by what it does not reach', async () => {
    const alice = await agent('alice', 'reader', 'notes')
    const { cursor } = await alice.call('changes_since', { cursor: 'now' })
    const waiting = alice.call('wait_for_change', { cursor, timeout_seconds: 20 })
    served.space.put('secret/a', 1)
    served.space.put('notes/a', 2)
    expect(JSON.stringify(await waiting)).toMatch(/notes\/a/)
    expect(JSON.stringify(await waiting)).not.toMatch(/secret/)
  })
})
