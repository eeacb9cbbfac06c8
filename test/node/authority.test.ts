import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { formatDid } from '../../src/core/principal.ts'
import type { Signer } from '../../src/core/signature.ts'
import { createNode, type HanseNode } from '../../src/node/node.ts'
import type { Space } from '../../src/node/space/space.ts'
import { alice, bob, carol, dave, mallory, NOW_MS, seedNamed } from '../cast.ts'
import { matching, withCode } from '../cli/matchers.ts'

const nodes: HanseNode[] = []
afterAll(async () => {
  await Promise.all(nodes.map(async (node) => await node.stop()))
})

/** A node without a network; what it holds is carried by hand. */
async function offline(name: string, now: () => number): Promise<HanseNode> {
  const seeds = { peer: seedNamed(`peer of ${name}`), author: seedNamed(name) }
  const node = await createNode({ seeds, online: false, now })
  nodes.push(node)
  return node
}

/** Gives `to` everything that `from` has. */
async function carry(from: Space, to: Space): Promise<void> {
  const all = Array.from({ length: from.hosted.store.count() }, (_, ordinal) =>
    from.hosted.operation(ordinal),
  )
  await to.hosted.replica.receive(all, 'by hand')
}

const did = ({ publicKey }: Signer): string => formatDid(publicKey)

describe('authority in a space', () => {
  let nowMs = NOW_MS
  let spaces: Record<'alice' | 'bob' | 'carol' | 'mallory', Space>

  /** Everybody gets what everybody has. */
  async function meet(): Promise<void> {
    for (const from of Object.values(spaces)) for (const to of Object.values(spaces)) await carry(from, to)
    for (const from of Object.values(spaces)) for (const to of Object.values(spaces)) await carry(from, to)
  }

  function expectAgreement(): void {
    const roots = Object.values(spaces).map((space) => {
      const { clockRoot, stateRoot } = space.status()
      return { clockRoot, stateRoot }
    })
    for (const one of roots) expect(one).toEqual(roots[0])
  }

  // Alice owns; bob is admin by alice and mallory writes by bob; carol writes by alice.
  beforeEach(async () => {
    nowMs = NOW_MS
    const now = () => nowMs++
    const owner = await offline('alice', now)
    const space = owner.createSpace({ name: 'harbour' })
    spaces = { alice: space, bob: space, carol: space, mallory: space }
    for (const name of ['bob', 'carol'] as const) {
      const node = await offline(name, now)
      spaces[name] = node.join(space.invite({ role: name === 'bob' ? 'admin' : 'writer' }))
      await carry(space, spaces[name])
      spaces[name].publishPendingTokens()
      await carry(spaces[name], space)
    }
    await carry(space, spaces.bob)
    const guest = await offline('mallory', now)
    spaces.mallory = guest.join(spaces.bob.invite({ role: 'writer' }))
    await carry(spaces.bob, spaces.mallory)
    spaces.mallory.publishPendingTokens()
    await meet()
  })

  it('is taken back with what came before left as it was, on every node alike', async () => {
    spaces.mallory.put('notes/before', 'honest')
    await meet()
    const report = spaces.alice.revoke({ target: did(mallory) })
    expect(report).toMatchObject({ masked: [], revived: [], outOfReach: [] })
    expect(report.revocations.length).toBe(1)
    // She has not heard of it.
    spaces.mallory.put('notes/after', 'too late')
    spaces.mallory.put('notes/before', 'changed')
    await meet()
    for (const space of [spaces.alice, spaces.bob, spaces.carol, spaces.mallory]) {
      expect(space.get('notes/before')?.value).toBe('honest')
      expect(space.get('notes/after')).toBeUndefined()
    }
    expectAgreement()
    // Now she has, and cannot even write.
    expect(() => spaces.mallory.put('notes/again', 1)).toThrow(withCode('CAP_REVOKED'))
  })

  it('is taken back from an operation on, or altogether', async () => {
    spaces.mallory.put('notes/one', 1)
    const second = spaces.mallory.put('notes/two', 2)
    spaces.mallory.put('notes/three', 3)
    await meet()
    const target = did(mallory)
    const preview = spaces.bob.revoke({ target, since: second, dryRun: true })
    expect(preview.revocations).toEqual([])
    expect(preview.masked).toEqual([
      { author: target, path: 'notes/three', operations: 1 },
      { author: target, path: 'notes/two', operations: 1 },
    ])
    expect(spaces.bob.get('notes/two')?.value).toBe(2)
    expect(spaces.bob.revoke({ target, since: second }).masked).toEqual(preview.masked)
    await meet()
    expect([...spaces.carol.list('notes')].map(({ path }) => path)).toEqual(['notes/one'])
    expect(spaces.carol.explain(second)).toMatchObject({ verdict: 'masked', code: 'REVOKED' })
    expect(spaces.carol.log('notes').map(({ path, masked }) => [path, masked])).toEqual([
      ['notes/three', true],
      ['notes/two', true],
      ['notes/one', false],
    ])
    expect(spaces.bob.revoke({ target, purge: true }).masked).toContainEqual({
      author: target,
      path: 'notes/one',
      operations: 1,
    })
    await meet()
    expect([...spaces.carol.list('notes')]).toEqual([])
    expectAgreement()
  })

  it('is not taken from equals, nor from those above', async () => {
    await carry(spaces.alice, spaces.bob)
    expect(() => spaces.bob.revoke({ target: did(alice) })).toThrow(withCode('NOT_ABOVE'))
    expect(() => spaces.bob.revoke({ target: did(carol) })).toThrow(withCode('NOT_ABOVE'))
    expect(() => spaces.carol.revoke({ target: did(bob) })).toThrow(withCode('NOT_ABOVE'))
    expect(() => spaces.alice.revoke({ target: did(dave) })).toThrow(withCode('NOT_FOUND'))
  })

  it('leaves nothing of what a revoked admin grants and writes behind everybody’s back', async () => {
    await meet()
    const { endedBelow, tokens } = spaces.alice.revoke({ target: did(bob) })
    // Mallory's own key, and the key of the link that bob had given her.
    expect(tokens.length).toBe(1)
    expect(endedBelow.map(({ audience }) => audience)).toContain(did(mallory))
    expect(endedBelow.length).toBe(2)
    expect(endedBelow.map(({ audience }) => audience)).not.toContain(did(carol))
    // Bob has not heard of it, backdates nothing, and makes friends.
    const friend = await offline('dave', () => nowMs)
    spaces.bob.grant({ to: did(dave), role: 'admin' })
    const daves = friend.join(spaces.bob.invite({ role: 'admin' }))
    await carry(spaces.bob, daves)
    daves.publishPendingTokens()
    daves.put('notes/by-dave', 'in bob’s name')
    spaces.bob.revoke({ target: did(mallory), purge: true })
    spaces.mallory.put('notes/by-mallory', 'under bob')
    await carry(daves, spaces.alice)
    await meet()
    expectAgreement()
    expect([...spaces.carol.list('notes')]).toEqual([])
    const states = Object.fromEntries(
      spaces.alice.delegations().map(({ audience, state }) => [audience, state]),
    )
    expect(states).toMatchObject({
      [did(alice)]: 'active',
      [did(bob)]: 'revoked',
      [did(carol)]: 'active',
      [did(dave)]: 'revoked',
      [did(mallory)]: 'revoked',
    })
  })

  it('gives operations back that were hit by mistake', async () => {
    const good = spaces.mallory.put('notes/good', 'harmless')
    const bad = spaces.mallory.put('notes/bad', 'harmful')
    await meet()
    spaces.alice.revoke({ target: did(mallory), purge: true })
    await meet()
    expect(spaces.carol.get('notes/good')).toBeUndefined()
    const [endorsement] = spaces.bob.endorse([good])
    await meet()
    for (const space of Object.values(spaces)) {
      expect(space.get('notes/good')?.value).toBe('harmless')
      expect(space.get('notes/bad')).toBeUndefined()
    }
    expectAgreement()
    expect(spaces.carol.explain(good)).toMatchObject({
      verdict: 'admitted',
      endorsedBy: [{ operation: endorsement, author: did(bob) }],
    })
    expect(spaces.carol.explain(bad)).toMatchObject({ verdict: 'masked', endorsedBy: [] })
    expect(() => spaces.mallory.endorse([bad])).toThrow(withCode('NOT_ABOVE'))
  })

  it('contains a compromised author, and names what others built on it', async () => {
    spaces.mallory.put('notes/honest', 1)
    const first = spaces.mallory.put('notes/stolen', 2)
    await meet()
    const seen = spaces.carol.put('notes/seen', 'wrote this having seen it')
    await meet()
    const report = spaces.bob.contain({ author: did(mallory), since: first })
    expect(report.tainted.map(({ id }) => id)).toEqual([seen])
    expect(report.masked).toEqual([{ author: did(mallory), path: 'notes/stolen', operations: 1 }])
    await meet()
    expectAgreement()
    expect([...spaces.alice.list('notes')].map(({ path }) => path)).toEqual(['notes/honest', 'notes/seen'])
  })

  it('contains an author who has forked, and goes on from the branch that stays', async () => {
    const kept = spaces.mallory.put('notes/kept', 1)
    await meet()
    // The same key on another machine, whose program does not mind that there is more of its log.
    const twin = await offline('the twin', () => nowMs++)
    const link = spaces.alice.invite({ role: 'reader' })
    const copy = twin.join(link)
    await carry(spaces.alice, copy)
    const left = spaces.mallory.put('notes/left', 1)
    copy.put('notes/right', 1, { author: mallory })
    await carry(copy, spaces.alice)
    await meet()
    expect(spaces.alice.status().forkedAuthors).toEqual([did(mallory)])
    // Not built on while the fork stands.
    const own = spaces.alice.put('notes/own', 1)
    const deps = spaces.alice.hosted.operation(spaces.alice.hosted.store.count() - 1).header.deps
    expect(deps.map((id) => Buffer.from(id).toString('hex'))).not.toContain(left)
    expect(own).toBeDefined()
    spaces.alice.put('notes/left', 'hers', { timeMs: NOW_MS })
    expect(spaces.alice.get('notes/left')?.value).toBe('hers')
    expect(() => spaces.alice.delete('notes/right')).toThrow(withCode('FROZEN'))
    spaces.bob.contain({ author: did(mallory), since: left })
    await meet()
    expectAgreement()
    const shown = [...spaces.carol.list('notes')].map(({ path }) => path)
    expect(shown).toEqual(['notes/kept', 'notes/left', 'notes/own', 'notes/right'])
    expect(spaces.carol.get('notes/left')?.value).toBe('hers')
    expect(spaces.carol.explain(kept)).toMatchObject({ verdict: 'admitted' })
  })

  it('goes before the first write of a guest who has what it takes but has told nobody yet', async () => {
    const friend = await offline('dave', () => nowMs)
    const daves = friend.join(spaces.alice.invite({ role: 'writer' }))
    expect(() => daves.put('notes/dave', 1)).toThrow(withCode('CAP_MISSING'))
    await carry(spaces.alice, daves)
    daves.put('notes/dave', 2)
    await carry(daves, spaces.alice)
    expect(spaces.alice.get('notes/dave')?.value).toBe(2)
  })

  it('is passed on no more often than it allows', async () => {
    const once = spaces.alice.invite({ role: 'admin', depth: 0 })
    const friend = await offline('dave', () => nowMs)
    const daves = friend.join(once)
    await carry(spaces.alice, daves)
    daves.publishPendingTokens()
    daves.put('notes/dave', 1)
    expect(() => daves.grant({ to: did(mallory), role: 'writer' })).toThrow(
      withCode('CAP_CHAIN', 'passed on 1 times'),
    )
  })

  it('is explained with every chain and the link at which each fails', () => {
    spaces.alice.revoke({ target: did(mallory) })
    const refused = spaces.alice.explainRight(did(mallory), 'notes')
    expect(refused.allowed).toBe(false)
    expect(refused.chains).toMatchObject([{ code: 'CAP_REVOKED' }])
    expect(spaces.alice.explainRight(did(carol), 'notes')).toMatchObject({ allowed: true })
    expect(spaces.alice.explainRight(did(carol), '', '/cap/grant').chains).toMatchObject([
      { code: 'CAP_COMMAND', detail: matching(/token 1 grants \/op, not \/cap\/grant/) },
    ])
    expect(spaces.alice.explainRight(did(dave), '').chains).toEqual([])
  })
})
