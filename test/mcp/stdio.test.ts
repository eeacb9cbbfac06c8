import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { endOf, Machine } from '../cli/hanse.ts'
import { McpAgent } from './mcp-client.ts'

const main = new URL('../../src/cli/main.ts', import.meta.url).pathname

let machine: Machine
let agents: McpAgent[]

beforeEach(() => {
  machine = new Machine()
  agents = []
})

afterEach(async () => {
  for (const agent of agents) await agent.close()
  await machine.remove()
})

/** An assistant that starts `hanse mcp` by itself, with what `hanse agent add --mcp` has printed. */
async function assistant(data: string, token: string): Promise<McpAgent & { readonly notes: string[] }> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [main, 'mcp', '--data', data],
    env: { HANSE_TOKEN: token },
    stderr: 'pipe',
  })
  const notes: string[] = []
  transport.stderr?.on('data', (chunk: Buffer) => notes.push(chunk.toString()))
  const agent = await McpAgent.over(transport)
  agents.push(agent)
  return Object.assign(agent, { notes })
}

async function token(data: string, name: string, ...args: readonly string[]): Promise<string> {
  const { agentToken } = await machine.json<{ agentToken: string }>(data, 'agent', 'add', name, ...args)
  return agentToken
}

/** Waits until what an agent reads at a path is as it should be. */
async function until(agent: McpAgent, path: string, fits: (value: unknown) => boolean): Promise<void> {
  let { cursor } = await agent.call('changes_since', { cursor: 'now' })
  for (;;) {
    const found = await agent.raw('read', { path })
    if (found.isError !== true && fits(found.structuredContent?.['value'])) return
    cursor = (await agent.call('wait_for_change', { cursor, timeout_seconds: 5 })).cursor
  }
}

const is = (wanted: unknown) => (value: unknown) => value === wanted

describe('hanse mcp', () => {
  it('lets two agents on one node and one on another share a memory, each as itself', async () => {
    const first = await machine.init('first')
    const second = await machine.init('second')
    await machine.json(first, 'space', 'create', 'lab')
    const { listening } = await machine.up(first)
    const { link } = await machine.json<{ link: string }>(first, 'invite', '--role', 'admin')
    await machine.json(second, 'join', link)
    await machine.up(second, '--peers', listening.addresses[0] ?? '')
    const alice = await assistant(first, await token(first, 'alice', '--can', 'write'))
    const reader = await assistant(first, await token(first, 'reader', '--can', 'read', '--path', 'notes'))
    await expect
      .poll(async () => (await machine.hanse(second, ['agent', 'add', 'probe', '--can', 'write'])).code, {
        timeout: 40_000,
      })
      .toBe(0)
    const carol = await assistant(second, await token(second, 'carol', '--can', 'write'))

    await alice.call('write', { edits: [{ action: 'put', path: 'notes/a', value: 'from alice' }] })
    await until(carol, 'notes/a', is('from alice'))
    await until(reader, 'notes/a', is('from alice'))
    await carol.call('relate', { from: 'notes/a', label: 'answered by', to: 'notes/b' })
    await carol.call('write', { edits: [{ action: 'put', path: 'notes/b', value: 'from carol' }] })
    await carol.call('write', { edits: [{ action: 'put', path: 'private/b', value: 'not for readers' }] })
    await until(alice, 'private/b', is('not for readers'))
    await until(reader, 'notes/b', is('from carol'))

    const { operations } = await alice.call('history', { path: 'notes/b' })
    expect(operations[0].by).toBe((await carol.call('who_am_i')).did)
    expect((await carol.call('history', { path: 'notes/b' })).operations[0].by).toBe('you')
    expect(await reader.failure('read', { path: 'private/b' })).toContain('NOT_ALLOWED')
    expect(await reader.tools()).not.toContain('write')
    expect(
      await reader.failure('write', { edits: [{ action: 'put', path: 'notes/c', value: 1 }] }),
    ).toContain('disabled')
    // Work is divided by a claim: whoever was first, all agree in the end.
    const claim = { edits: [{ action: 'claim', path: 'tasks/1', value: null }] }
    expect((await alice.call('write', claim)).claims[0].yours).toBe(true)
    const aliceDid = (await alice.call('who_am_i')).did
    await until(carol, 'tasks/1', (value) => (value as { author: string }).author === aliceDid)
    expect((await carol.call('write', claim)).claims[0].yours).toBe(false)
  })

  it('goes on by itself when the node is started again: same session for the client, same subscriptions', async () => {
    const data = await machine.init('node')
    await machine.json(data, 'space', 'create', 'lab')
    const node = await machine.up(data)
    const alice = await assistant(data, await token(data, 'alice', '--can', 'write'))
    const uri = 'hanse://lab/notes'
    await alice.client.subscribeResource({ uri })
    let heard = Promise.withResolvers<void>()
    alice.client.setNotificationHandler(ResourceUpdatedNotificationSchema, () => heard.resolve())
    await alice.call('write', { edits: [{ action: 'put', path: 'notes/a', value: 1 }] })
    await heard.promise
    await node.stop('SIGKILL')
    const meanwhile = alice.call('read', { path: 'notes/a' })
    await machine.up(data)
    expect((await meanwhile).value).toBe(1)
    expect(alice.notes.join('')).toContain('connected to the node again')
    // Told once because it may have changed, and then of what does.
    heard = Promise.withResolvers<void>()
    await alice.call('write', { edits: [{ action: 'put', path: 'notes/b', value: 2 }] })
    await heard.promise
  })

  it('says what to do where no node runs, as an answer and on standard error, and ends with its input', async () => {
    const data = await machine.init('node')
    const child = machine.start(data, ['mcp'])
    child.stdin?.end()
    expect(await endOf(child)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('HANSE_TOKEN'),
    })
    await expect(assistant(data, 'hanse_agent_x')).rejects.toThrow(/start it with "hanse up"/)
    const url = await machine.hanse(data, ['mcp', '--url', 'http://example.com'], {
      env: { HANSE_TOKEN: 'x' },
    })
    expect(url).toMatchObject({ code: 2, stderr: expect.stringContaining('https') })
  })

  it('tells a client whose token is none, and one whose token was taken back, why it is not served', async () => {
    const data = await machine.init('node')
    await machine.json(data, 'space', 'create', 'lab')
    await machine.up(data)
    await expect(assistant(data, 'hanse_agent_x')).rejects.toThrow(/not an agent token/)
    const alice = await assistant(data, await token(data, 'alice', '--can', 'write'))
    await alice.call('list')
    await machine.json(data, 'agent', 'revoke', 'alice')
    await expect(alice.call('list')).rejects.toThrow(/revoked/)
  })

  it('writes nothing but messages, one a line, and keeps the digits of large integers', async () => {
    const data = await machine.init('node')
    await machine.json(data, 'space', 'create', 'lab')
    await machine.up(data)
    const HANSE_TOKEN = await token(data, 'alice', '--can', 'write')
    const call = (id: number, name: string, args: string) =>
      `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${name}","arguments":${args}}}`
    const clientInfo = { name: 'x', version: '0' }
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo }
    const input = [
      JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
      '{"jsonrpc":"2.0","method":"notifications/initialized"}',
      call(2, 'write', '{"edits":[{"action":"put","path":"big","value":12345678901234567890}]}'),
      'nonsense',
      '',
    ].join('\n')
    const { code, stdout, stderr } = await machine.hanse(data, ['mcp'], { input, env: { HANSE_TOKEN } })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const answers = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly id: unknown })
    expect(new Set(answers.map(({ id }) => id))).toEqual(new Set([1, 2, null]))
    expect(answers).toHaveLength(3)
    const { value } = await machine.json<{ value: unknown }>(data, 'get', 'big')
    expect(String(value)).toMatch(/^1234567890123456/)
    expect((await machine.hanse(data, ['get', 'big', '--json'])).stdout).toContain('12345678901234567890')
  })

  it('takes its token from a file, and what hanse agent add --mcp prints starts it', async () => {
    const data = await machine.init('node')
    await machine.json(data, 'space', 'create', 'lab')
    await machine.up(data)
    type Configuration = {
      mcpServers: { hanse: { command: string; args: string[]; env: Record<string, string> } }
    }
    const { mcp } = await machine.json<{ mcp: Configuration }>(
      data,
      'agent',
      'add',
      'alice',
      '--can',
      'write',
      '--mcp',
    )
    const { command, args, env } = mcp.mcpServers.hanse
    const alice = await McpAgent.over(new StdioClientTransport({ command, args, env, stderr: 'pipe' }))
    agents.push(alice)
    expect(await alice.call('who_am_i')).toMatchObject({
      name: 'alice',
      spaces: [{ space: 'lab', write: [''] }],
    })
  })
})
