import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MCP_REQUESTS_MAX, MCP_SESSIONS_PER_TOKEN_MAX, MCP_SUBSCRIPTIONS_MAX } from '../../src/core/limits.ts'
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

async function begin(token: string): Promise<McpAgent> {
  const one = await McpAgent.overHttp(served.server.origin, token)
  agents.push(one)
  return one
}

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '0' } },
}

/** A request as HTTP has it. */
async function post(
  headers: Readonly<Record<string, string>>,
  body: unknown = INITIALIZE,
): Promise<Response> {
  return await fetch(`${served.server.origin}/mcp`, {
    method: 'POST',
    headers: {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      ...headers,
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  })
}

describe('a session of MCP over HTTP', () => {
  it('is there for the token that opened it, and for no other', async () => {
    const alice = await begin(served.token('alice', 'writer'))
    const bob = served.token('bob', 'writer')
    const list = { jsonrpc: '2.0', id: 2, method: 'tools/list' }
    const stolen = await post({ authorization: `Bearer ${bob}`, 'mcp-session-id': alice.sessionId }, list)
    expect(stolen.status).toBe(404)
    expect(await stolen.json()).toMatchObject({ code: 'NO_SESSION' })
    expect((await post({ 'mcp-session-id': alice.sessionId }, list)).status).toBe(401)
    expect((await post({ authorization: `Bearer ${bob}` }, list)).status).toBe(400)
    expect(await alice.tools()).toContain('read')
  })

  it('ends when its client ends it', async () => {
    const token = served.token('alice', 'writer')
    const { sessionId } = await begin(token)
    const headers = { authorization: `Bearer ${token}`, 'mcp-session-id': sessionId }
    const ended = await fetch(`${served.server.origin}/mcp`, { method: 'DELETE', headers })
    expect(ended.status).toBe(200)
    expect((await post(headers, { jsonrpc: '2.0', id: 2, method: 'tools/list' })).status).toBe(404)
  })

  it('ends with its token: nothing is answered, nobody told, and the connection closed', async () => {
    const token = served.token('alice', 'reader')
    const alice = await begin(token)
    await alice.client.subscribeResource({ uri: `hanse://${served.space.id}/notes` })
    const heard: string[] = []
    alice.client.setNotificationHandler(
      ResourceUpdatedNotificationSchema,
      ({ params }) => void heard.push(params.uri),
    )
    const { cursor } = await alice.call('changes_since', { cursor: 'now' })
    const waiting = alice.raw('wait_for_change', { cursor, timeout_seconds: 20 })
    const listening = await fetch(`${served.server.origin}/mcp`, {
      headers: {
        authorization: `Bearer ${token}`,
        'mcp-session-id': alice.sessionId,
        accept: 'text/event-stream',
      },
      signal: AbortSignal.timeout(10_000),
    })
    served.node.agents.revoke('alice')
    served.space.put('notes/a', 'after')
    const outcome = await waiting.catch((error: unknown) => ({ isError: true, content: String(error) }))
    expect(outcome.isError).toBe(true)
    expect(JSON.stringify(outcome)).not.toContain('notes/a')
    await expect(alice.tools()).rejects.toThrow(/TOKEN_REVOKED|revoked/)
    // The stream ends by itself, without having told anything.
    expect(await listening.text()).not.toContain('notes')
    expect(heard).toEqual([])
  })

  it('is one of a bounded number: the one that rests longest goes, unless somebody listens', async () => {
    const token = served.token('alice', 'writer')
    const headers = { authorization: `Bearer ${token}` }
    const resting = []
    for (let i = 0; i < MCP_SESSIONS_PER_TOKEN_MAX; i++) {
      const response = await post(headers)
      await response.text()
      resting.push(response.headers.get('mcp-session-id') ?? '')
    }
    const list = { jsonrpc: '2.0', id: 2, method: 'tools/list' }
    expect((await post({ ...headers, 'mcp-session-id': resting[0] ?? '' }, list)).status).toBe(200)
    const next = await post(headers)
    expect(next.status).toBe(200)
    expect((await post({ ...headers, 'mcp-session-id': resting[1] ?? '' }, list)).status).toBe(404)
    expect((await post({ ...headers, 'mcp-session-id': resting[0] ?? '' }, list)).status).toBe(200)
    const listening = []
    const ids = [resting[0], ...resting.slice(2), next.headers.get('mcp-session-id')]
    for (const id of ids) {
      const controller = new AbortController()
      const init = { headers: { ...headers, accept: 'text/event-stream', 'mcp-session-id': id ?? '' } }
      const { status } = await fetch(`${served.server.origin}/mcp`, { ...init, signal: controller.signal })
      expect(status).toBe(200)
      listening.push(controller)
    }
    const refused = await post(headers)
    expect(refused.status).toBe(429)
    expect(await refused.json()).toMatchObject({ code: 'TOO_MANY' })
    // Another token has sessions of its own.
    const other = served.token('bob', 'writer')
    expect((await post({ authorization: `Bearer ${other}` })).status).toBe(200)
    for (const controller of listening) controller.abort()
  })

  it('has a bounded number of requests under way, and forgets those that are given up', async () => {
    const alice = await begin(served.token('alice', 'writer'))
    const giveUp = new AbortController()
    const options = { signal: giveUp.signal, timeout: 60_000 }
    const args = { name: 'wait_for_change', arguments: { timeout_seconds: 50 } }
    const waiting = Array.from({ length: MCP_REQUESTS_MAX }, async () =>
      alice.client.callTool(args, undefined, options),
    )
    const outcomes = Promise.allSettled(waiting)
    const outcomeOf = async () =>
      alice.call('status').then(
        () => 'answered',
        (error: unknown) => String(error),
      )
    await expect.poll(outcomeOf, { timeout: 10_000 }).toContain('TOO_MANY')
    giveUp.abort()
    expect((await outcomes).every(({ status }) => status === 'rejected')).toBe(true)
    await expect.poll(outcomeOf, { timeout: 10_000 }).toBe('answered')
  })

  it('is opened by a browser’s cookie from our own page, and from no other', async () => {
    const secret = new URL(served.server.createLink()).hash.slice('#link='.length)
    const { headers } = await served.ask(null, 'POST', '/v1/session', { secret })
    const cookie = headers.get('set-cookie')?.split(';')[0] ?? ''
    expect((await post({ cookie })).status).toBe(403)
    expect((await post({ cookie, origin: 'https://evil.example' })).status).toBe(403)
    expect((await post({ cookie, 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    const own = await post({ cookie, origin: served.server.origin })
    expect(own.status).toBe(200)
    const id = own.headers.get('mcp-session-id') ?? ''
    await served.ask(null, 'DELETE', '/v1/session').catch(() => null)
    const list = { jsonrpc: '2.0', id: 2, method: 'tools/list' }
    expect((await post({ cookie, 'mcp-session-id': id }, list)).status).toBe(403)
  })

  it('is not begun by what is no beginning', async () => {
    const headers = { authorization: `Bearer ${served.token('alice', 'writer')}` }
    expect((await post(headers, { jsonrpc: '2.0', id: 1, method: 'tools/list' })).status).toBe(400)
    expect((await post({ ...headers, accept: 'text/html' })).status).toBe(406)
    expect((await post({ ...headers, 'mcp-session-id': 'made-up' })).status).toBe(404)
  })
})

describe('resources over MCP', () => {
  it('are the spaces and items within reach, page by page, and say what they are', async () => {
    const { space } = served
    space.put('secret/a', 'treasure')
    space.text('notes/plan.md').set('# Plan')
    space.put('notes/ü b', { c: 1 })
    space.edit('notes/two', { a: 1 })
    space.tag('notes/two', ['x'])
    for (let i = 0; i < 120; i++) space.put(`notes/many/${String(i).padStart(3, '0')}`, i)
    const { client } = await begin(served.token('alice', 'reader', 'notes'))
    const uris: string[] = []
    for (let cursor: string | undefined; ; ) {
      const page = await client.listResources(cursor === undefined ? {} : { cursor })
      uris.push(...page.resources.map(({ uri }) => uri))
      if (page.nextCursor === undefined) break
      cursor = page.nextCursor
    }
    expect(new Set(uris).size).toBe(uris.length)
    expect(uris).toHaveLength(1 + 120 + 4)
    const read = async (uri: string) => (await client.readResource({ uri })).contents[0]
    const all = await Promise.all(uris.map(async (uri) => [uri, await read(uri)] as const))
    const find = (end: string) => all.find(([uri]) => uri.endsWith(end))?.[1]
    expect(find('/notes/plan.md')).toMatchObject({ mimeType: 'text/markdown', text: '# Plan' })
    expect(find('/notes/%C3%BC%20b')).toMatchObject({ mimeType: 'application/json', text: '{"c":1}' })
    expect(find('/notes/two?type=set')).toMatchObject({ text: '["x"]' })
    expect(find('/notes/two?type=map')).toMatchObject({ text: '{"a":1}' })
    expect(JSON.stringify(all)).not.toMatch(/secret|treasure/)
    expect((await client.listResourceTemplates()).resourceTemplates).toMatchObject([
      { uriTemplate: 'hanse://{space}/{+path}{?type}' },
    ])
    for (const [uri, what] of [
      [`hanse://lab/secret/a`, /does not reach/],
      [`hanse://lab/notes/none`, /nothing shows/],
      [`hanse://other/notes`, /no space/],
      [`hanse://join/AAAA`, /no URI/],
      [`https://example.org/`, /no URI/],
    ] as const)
      await expect(read(uri)).rejects.toThrow(what)
  })

  it('tell subscribers of what changes at or below them, within their reach, and nothing else', async () => {
    const { space } = served
    const { client } = await begin(served.token('alice', 'reader', 'notes'))
    const heard: string[] = []
    const events = Promise.withResolvers<void>()
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params: { uri } }) => {
      heard.push(uri)
      if (uri.endsWith('/end')) events.resolve()
    })
    const [item, folder, whole, end, typed] = ['notes/a', 'notes/f', '', 'notes/end', 'notes/a?type=map'].map(
      (path) => `hanse://${space.id.slice(0, 16)}/${path}`,
    ) as [string, string, string, string, string]
    for (const uri of [item, folder, whole, end, typed]) await client.subscribeResource({ uri })
    await expect(client.subscribeResource({ uri: 'hanse://lab/secret' })).rejects.toThrow(/does not reach/)
    await client.unsubscribeResource({ uri: whole })
    // The GET on which it hears is opened after the handshake.
    space.put('secret/a', 1)
    space.put('notes/elsewhere', 1)
    space.put('notes/a', 1)
    space.put('notes/a', 2)
    space.put('notes/f/g', 1)
    space.put('notes/end', 1)
    await events.promise
    expect([...new Set(heard)].sort()).toEqual([item, end, folder].sort())
  })

  it('tell a subscriber of a folder nothing of what it does not reach in there', async () => {
    const { space, node } = served
    const token = served.token('alice', 'reader', 'team/notes')
    node.agents.allow('alice', [{ space, role: 'reader', path: 'end' }])
    const { client } = await begin(token)
    const heard: string[] = []
    const ended = Promise.withResolvers<void>()
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params: { uri } }) => {
      heard.push(uri)
      if (uri === 'hanse://lab/end') ended.resolve()
    })
    for (const path of ['team', 'end']) await client.subscribeResource({ uri: `hanse://lab/${path}` })
    space.put('team/secret', 1)
    space.put('end', 1)
    await ended.promise
    expect(heard).toEqual(['hanse://lab/end'])
  })

  it('are subscribed to in a bounded number', async () => {
    const { client } = await begin(served.token('alice', 'reader'))
    for (let i = 0; i < MCP_SUBSCRIPTIONS_MAX; i++)
      await client.subscribeResource({ uri: `hanse://lab/${i}` })
    await client.subscribeResource({ uri: 'hanse://lab/0' })
    await expect(client.subscribeResource({ uri: 'hanse://lab/more' })).rejects.toThrow(/at most 64/)
    await client.unsubscribeResource({ uri: 'hanse://lab/0' })
    await client.subscribeResource({ uri: 'hanse://lab/more' })
  })
})
