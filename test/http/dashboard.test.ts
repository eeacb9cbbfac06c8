import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DASHBOARD_BATCH_MAX, DASHBOARD_BRANCH_MAX, DASHBOARD_RECENT_MAX } from '../../src/core/limits.ts'
import { toHex } from '../../src/core/bytes.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { readFolder } from '../../src/http/dashboard/folder.ts'
import { forksWithBranches } from '../../src/http/dashboard/fork-branches.ts'
import { createHome, forge, mallory } from '../cast.ts'
import { ServedNode } from './served-node.ts'

type Forged = ReturnType<typeof forge>

describe('what the dashboard asks', () => {
  let served: ServedNode
  let cookie = ''

  beforeEach(async () => {
    served = await ServedNode.start()
    const secret = new URL(served.server.createLink()).hash.slice('#link='.length)
    const { headers } = await served.ask(null, 'POST', '/v1/session', { secret })
    cookie = headers.get('set-cookie')?.split(';')[0] ?? ''
  })

  afterEach(async () => served.stop())

  async function look(path: string, body?: unknown) {
    const { origin } = served.server
    const response = await fetch(`${origin}/v1/dashboard${path}`, {
      headers: { cookie, origin, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    })
    return { status: response.status, body: await response.json() }
  }

  it('is answered to the operator’s browser and to nobody else, agents that run the node included', async () => {
    const reach = [{ space: served.space, role: 'admin' as const }]
    const { token } = served.node.agents.add({ name: 'boss', reach, isOperator: true })
    const space = `/spaces/${served.space.id}`
    const asked = ['operations', 'held', 'forks', 'folder?path=', 'items?path=a']
    for (const path of ['/overview', '/events', ...asked.map((one) => `${space}/${one}`)]) {
      const nobody = (await served.ask(null, 'GET', `/v1/dashboard${path}`)).body.code
      const agent = (await served.ask(token, 'GET', `/v1/dashboard${path}`)).body.code
      const own = path === '/events' ? 200 : (await look(path)).status
      expect({ path, nobody, agent, own }).toEqual({
        path,
        nobody: 'NO_TOKEN',
        agent: 'NOT_ALLOWED',
        own: 200,
      })
    }
  })

  it('says nothing of itself in the OpenAPI document, which is for programs', async () => {
    const { body } = await served.ask(null, 'GET', '/openapi.json')
    expect(Object.keys(body.paths).filter((path) => path.includes('dashboard'))).toEqual([])
  })

  it('shows the node at a glance, with a revision per space that moves when something happens', async () => {
    const before = await look('/overview')
    served.space.put('notes/a', 'hello')
    const after = await look('/overview')
    expect(after.body).toMatchObject({ did: served.node.did, online: false, peers: [], spacesMore: 0 })
    expect(after.body.names[served.node.did]).toBe('this node')
    expect(after.body.spaces).toMatchObject([
      { id: served.space.id, name: 'lab', operations: 2, conflicts: 0 },
    ])
    expect(after.body.spaces[0].revision).toBeGreaterThan(before.body.spaces[0].revision)
  })

  it('pages through operations, the latest first', async () => {
    for (let i = 0; i < DASHBOARD_BATCH_MAX + 5; i++) served.space.put('n', i)
    const first = (await look(`/spaces/lab/operations`)).body
    expect(first.operations).toHaveLength(DASHBOARD_BATCH_MAX)
    const rest = (await look(`/spaces/lab/operations?before=${first.next}`)).body
    expect(rest.next).toBeNull()
    const ids = [...first.operations, ...rest.operations].map(({ id }) => id)
    expect(new Set(ids).size).toBe(served.space.hosted.store.count())
  })

  it('shows an item as it was at a point', async () => {
    const first = served.space.put('notes/a', 'old')
    served.space.put('notes/a', 'new')
    expect((await look('/spaces/lab/items?path=notes/a')).body.items).toMatchObject([{ value: 'new' }])
    const then = await look(`/spaces/lab/items?path=notes/a&at=${first}`)
    expect(then.body.items).toMatchObject([{ type: 'register', value: 'old' }])
  })

  it('lists what is directly below a path, whatever lies deeper', async () => {
    const { space } = served
    for (const path of ['a', 'a-b', 'a/x', 'a/y/z', 'b/c/d', 'b/c/e', 'c']) space.put(path, path)
    space.tag('a', ['tag'])
    const { store } = space.hosted
    const root = readFolder('', store, 10)
    expect(root.entries).toEqual([
      { name: 'a', path: 'a', types: ['register', 'set'], hasBelow: true },
      { name: 'a-b', path: 'a-b', types: ['register'], hasBelow: false },
      { name: 'b', path: 'b', types: [], hasBelow: true },
      { name: 'c', path: 'c', types: ['register'], hasBelow: false },
    ])
    expect(readFolder('a', store, 10).entries.map(({ path }) => path)).toEqual(['a/x', 'a/y'])
    expect(readFolder('', store, 4)).toEqual({ ...root, hasMore: false })
    expect(readFolder('', store, 3)).toMatchObject({ hasMore: true })
    expect((await look('/spaces/lab/folder?path=b/c')).body.entries).toHaveLength(2)
  })

  it('tells what happens, and begins with all that is remembered', async () => {
    const events = await follow()
    expect((await events.next('snapshot')).overview.spaces).toHaveLength(1)
    const id = served.space.put('notes/a', 1)
    const { operations, more } = await events.next('operations')
    expect({ ids: operations.map((one: { id: string }) => one.id), more }).toEqual({ ids: [id], more: 0 })
    expect(await events.next('sample')).toMatchObject({ written: 1, received: 0 })
    for (let i = 0; i < DASHBOARD_RECENT_MAX + 1; i++) served.space.put('n', i)
    const many = await events.next('operations')
    expect(many).toMatchObject({ more: DASHBOARD_RECENT_MAX + 1 - DASHBOARD_BATCH_MAX })
    await events.stop()
    const again = await follow()
    expect((await again.next('snapshot')).operations).toHaveLength(DASHBOARD_RECENT_MAX)
    await again.stop()
  })

  it('stops telling when the session has ended', async () => {
    const events = await follow()
    await events.next('snapshot')
    const { origin } = served.server
    await fetch(`${origin}/v1/session`, { method: 'DELETE', headers: { cookie, origin } })
    served.space.put('secret', 1)
    await expect(events.next('operations')).rejects.toThrow('ended')
  })

  /** The events of the dashboard, one after the other. */
  async function follow() {
    const stop = new AbortController()
    const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(20_000)])
    const response = await fetch(`${served.server.origin}/v1/dashboard/events`, {
      headers: { cookie },
      signal,
    })
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    const decoder = new TextDecoder()
    let text = ''
    return {
      // oxlint-disable-next-line typescript/no-explicit-any
      async next(event: string): Promise<any> {
        for (;;) {
          const end = text.indexOf('\n\n')
          const block = end === -1 ? null : text.slice(0, end)
          if (block !== null) text = text.slice(end + 2)
          const match = block === null ? null : /^event: (\S+)\ndata: (.*)$/s.exec(block)
          if (match?.[1] === event) return JSON.parse(match[2] as string)
          if (block !== null) continue
          const { done, value } = await reader.read()
          if (done) throw new Error('the stream has ended')
          text += decoder.decode(value, { stream: true })
        }
      },
      stop: async () => {
        await reader.cancel()
        stop.abort()
      },
    }
  }

  it('shows both branches of a fork, each from its beginning and not beyond a bound', async () => {
    const base = forge({ author: mallory, body: [setRegister('mallory/x', 0)] })
    const left = forge({ author: mallory, prev: base, body: [setRegister('mallory/x', 1)] })
    const right = [forge({ author: mallory, prev: base, body: [setRegister('mallory/x', 2)] })]
    for (let i = 0; i < DASHBOARD_BRANCH_MAX; i++)
      right.push(forge({ author: mallory, prev: right.at(-1) as Forged }))
    const { hosted } = await createHome([base, left, ...right])
    const [fork, ...others] = forksWithBranches(hosted)
    expect(others).toEqual([])
    const idsOf = (operations: readonly Forged[]) => operations.map(({ id }) => toHex(id))
    const shown = fork?.branches.map((branch) => ({
      ids: branch.operations.map(({ id }) => id),
      more: branch.more,
    }))
    expect(shown).toContainEqual({ ids: idsOf([left]), more: 0 })
    expect(shown).toContainEqual({ ids: idsOf(right.slice(0, DASHBOARD_BRANCH_MAX)), more: 1 })
  })
})
