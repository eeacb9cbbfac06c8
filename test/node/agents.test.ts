import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AGENT_GRANTS_MAX, AGENT_NAME_CHARACTERS_MAX, AGENTS_MAX } from '../../src/core/limits.ts'
import type { Caller } from '../../src/node/agents/caller.ts'
import { orThrow } from '../../src/node/fault-error.ts'
import { createNode, type HanseNode } from '../../src/node/node.ts'
import type { Space } from '../../src/node/space/space.ts'

describe('agents of a node', () => {
  let folder: string
  let node: HanseNode
  let space: Space

  const start = async () => createNode({ dataDirectory: folder, online: false })
  const callerOf = (token: string): Caller => orThrow(node.agents.authenticate(token))

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hanse-agents-'))
    node = await start()
    space = node.createSpace({ name: 'lab' })
  })

  afterEach(async () => {
    await node.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  it('lets an agent write where it was told, under its own name, and nowhere else', () => {
    const { token, agent } = node.agents.add({
      name: 'scribe',
      reach: [{ space, role: 'writer', path: 'notes' }],
    })
    const access = callerOf(token).space('lab')
    access.space.put('notes/a', 1, { author: access.author })
    expect(space.log('notes/a')[0]?.author).toBe(agent.did)
    expect(() => access.space.put('plans/a', 1, { author: access.author })).toThrow(
      expect.objectContaining({ code: 'CAP_POLICY' }),
    )
    expect([access.mayWrite('notes/x'), access.mayWrite('plans')]).toEqual([true, false])
  })

  it('lets an agent read where it was told, and nowhere else, also where every member reads everything', () => {
    const { token } = node.agents.add({ name: 'watcher', reach: [{ space, role: 'reader', path: 'notes' }] })
    const access = callerOf(token).space('lab')
    expect(['notes', 'notes/a', 'notesx', ''].map((path) => access.mayRead(path))).toEqual([
      true,
      true,
      false,
      false,
    ])
    expect(access.readable()).toEqual(['notes'])
    expect(access.mayWrite('notes/a')).toBe(false)
    expect(() => access.requireRead('plans')).toThrow(expect.objectContaining({ code: 'NOT_ALLOWED' }))
  })

  it('keeps nothing from which a token could be made, and knows it again after a restart', async () => {
    const { token } = node.agents.add({ name: 'scribe', reach: [{ space, role: 'writer' }] })
    const access = callerOf(token).space('lab')
    access.space.put('a', 1, { author: access.author })
    await node.stop()
    const secret = Buffer.from(token.slice('hanse_agent_'.length), 'base64url')
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))
    for (const file of files.filter((name) => statSync(name).isFile())) {
      const bytes = readFileSync(file)
      expect(bytes.includes(secret) || bytes.includes(token)).toBe(false)
    }
    node = await start()
    ;[space] = node.spaces() as [Space]
    const again = callerOf(token).space('lab')
    again.space.put('a', 2, { author: again.author })
    expect(space.get('a')?.value).toBe(2)
    expect(space.status().forkedAuthors).toEqual([])
  })

  it('takes everything from a revoked agent, here and for everybody else, and leaves what it has written', () => {
    const { token, agent } = node.agents.add({ name: 'scribe', reach: [{ space, role: 'writer' }] })
    const access = callerOf(token).space('lab')
    access.space.put('a', 1, { author: access.author })
    const { revocations } = node.agents.revoke('scribe')
    expect(revocations).toHaveLength(1)
    expect(node.agents.authenticate(token)).toMatchObject({ ok: false, fault: { code: 'TOKEN_REVOKED' } })
    expect(() => access.space.put('a', 2, { author: access.author })).toThrow(
      expect.objectContaining({ code: 'CAP_REVOKED' }),
    )
    expect(space.get('a')?.value).toBe(1)
    expect(space.explainRight(agent.did).allowed).toBe(false)
  })

  it('takes the effect of what a revoked agent wrote when asked to', () => {
    const { token } = node.agents.add({ name: 'scribe', reach: [{ space, role: 'writer' }] })
    const access = callerOf(token).space('lab')
    access.space.put('a', 1, { author: access.author })
    node.agents.revoke('scribe', true)
    expect(space.get('a')).toBeUndefined()
  })

  it('gives an agent more under the token it has', () => {
    const other = node.createSpace({ name: 'other' })
    const { token } = node.agents.add({ name: 'scribe', reach: [{ space, role: 'reader' }] })
    expect(() => callerOf(token).space('other')).toThrow(expect.objectContaining({ code: 'NO_SPACE' }))
    node.agents.allow('scribe', [{ space: other, role: 'writer', path: 'x' }])
    expect(callerOf(token).space('other').mayWrite('x')).toBe(true)
  })

  it('refuses to hand out what the node has not got itself', async () => {
    const guest = await createNode({ online: false })
    space.grant({ to: guest.did, role: 'writer', path: 'notes' })
    await node.stop()
    await guest.stop()
    node = await start()
    const mine = node.createSpace({ name: 'mine' })
    const reach = [{ space: mine, role: 'writer' as const, path: '//' }]
    expect(() => node.agents.add({ name: 'x', reach })).toThrow(expect.objectContaining({ code: 'BAD_PATH' }))
    expect(node.agents.list()).toEqual([])
  })

  it('refuses names that are none or taken, and takes the longest', () => {
    const add = (name: string) => node.agents.add({ name, reach: [] })
    for (const name of ['', 'A', '-a', 'a b', 'a'.repeat(AGENT_NAME_CHARACTERS_MAX + 1)])
      expect(() => add(name)).toThrow(expect.objectContaining({ code: 'BAD_NAME' }))
    add('a'.repeat(AGENT_NAME_CHARACTERS_MAX))
    add('b')
    expect(() => add('b')).toThrow(expect.objectContaining({ code: 'TAKEN' }))
    node.agents.revoke('b')
    add('b')
    expect(node.agents.get('b').state).toBe('active')
  })

  it('refuses a delegation too many', () => {
    const reach = Array.from({ length: AGENT_GRANTS_MAX }, (_, i) => ({
      space,
      role: 'reader' as const,
      path: `p${i}`,
    }))
    node.agents.add({ name: 'a', reach })
    const more = [{ space, role: 'reader' as const, path: 'q' }]
    expect(() => node.agents.allow('a', more)).toThrow(expect.objectContaining({ code: 'LIMIT' }))
  })

  it('refuses an agent too many', () => {
    for (let i = 0; i < AGENTS_MAX; i += 1) node.agents.add({ name: `a${i}`, reach: [] })
    expect(() => node.agents.add({ name: 'more', reach: [] })).toThrow(
      expect.objectContaining({ code: 'LIMIT' }),
    )
  })
})
