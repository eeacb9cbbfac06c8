import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSigner } from '../../src/core/native-signature.ts'
import { formatDid } from '../../src/core/principal.ts'
import { createNode } from '../../src/node/node.ts'
import { seedNamed } from '../cast.ts'
import { ServedNode } from './served-node.ts'

const bob = formatDid(createSigner(seedNamed('bob')).publicKey)
const carol = formatDid(createSigner(seedNamed('carol')).publicKey)

describe('delegations over HTTP', () => {
  let served: ServedNode
  let admin: string
  let writer: string

  beforeEach(async () => {
    served = await ServedNode.start()
    admin = served.token('admin', 'admin')
    writer = served.token('writer', 'writer', 'notes')
  })
  afterEach(async () => served.stop())

  const ask = async (token: string, method: string, path: string, body?: unknown) =>
    await served.ask(token, method, `/v1/spaces/lab${path}`, body)

  it('gives on what the caller has, narrower, and nothing more', async () => {
    const given = await ask(admin, 'POST', '/delegations', { to: bob, role: 'writer', path: 'notes/bob' })
    expect(given.status).toBe(201)
    const { did } = served.node.agents.get('admin')
    const [shown] = served.space.delegations().filter(({ digest }) => digest === given.body.token)
    expect(shown).toMatchObject({ issuer: did, audience: bob, path: 'notes/bob', state: 'active' })
    expect(
      (await ask(writer, 'POST', '/delegations', { to: bob, role: 'writer', path: 'notes/a' })).status,
    ).toBe(201)
    for (const more of [{ role: 'writer' }, { role: 'writer', path: 'vault' }, { role: 'admin' }]) {
      const refused = await ask(writer, 'POST', '/delegations', { to: bob, ...more })
      expect(refused.status).toBe(403)
      expect(refused.body.code).toMatch(/^CAP_/)
    }
    const malformed = await ask(admin, 'POST', '/delegations', { to: 'bob', role: 'writer' })
    expect([malformed.status, malformed.body.errors[0].pointer]).toEqual([400, '/body/to'])
  })

  it('lists to an agent what concerns it, and to whoever reads everything all', async () => {
    served.space.grant({ to: carol, role: 'writer', path: 'vault' })
    const audiences = async (token: string) =>
      (await ask(token, 'GET', '/delegations')).body.delegations.map(
        ({ audience }: { audience: string }) => audience,
      )
    expect(await audiences(writer)).toEqual([served.node.agents.get('writer').did])
    expect(await audiences(admin)).toContain(carol)
  })

  it('takes back what the caller has given, and tells first what would happen', async () => {
    const { token: digest } = (
      await ask(admin, 'POST', '/delegations', { to: bob, role: 'writer', path: 'notes' })
    ).body
    const author = createSigner(seedNamed('bob'))
    served.space.put('notes/by-bob', 1, { author })
    const dry = (await ask(admin, 'POST', '/revocations', { target: digest, purge: true, dryRun: true })).body
    expect(dry).toMatchObject({ tokens: [digest], revocations: [], masked: [{ author: bob, operations: 1 }] })
    expect(served.space.get('notes/by-bob')?.value).toBe(1)
    const done = (await ask(admin, 'POST', '/revocations', { target: digest, purge: true })).body
    expect(done.revocations).toHaveLength(1)
    expect(served.space.get('notes/by-bob')).toBeUndefined()
    const [masked] = served.space.hosted.store.heads(author.publicKey)
    const id = Buffer.from(masked?.id ?? []).toString('hex')
    expect((await ask(admin, 'POST', '/endorsements', { operations: [id] })).body.ids).toHaveLength(1)
    expect(served.space.get('notes/by-bob')?.value).toBe(1)
  })

  it('lets nobody take back what is above or beside them', async () => {
    const own = served.space.delegations().find(({ audience }) => audience === served.node.did)
    for (const target of [own?.digest, served.node.agents.get('admin').did]) {
      const { status, body } = await ask(writer, 'POST', '/revocations', { target })
      expect([status, body.code]).toEqual([403, 'NOT_ABOVE'])
    }
  })

  it('contains an author from an operation on, and tells what others built on it where the caller reads', async () => {
    await ask(writer, 'POST', '/delegations', { to: bob, role: 'writer', path: 'notes' })
    const since = served.space.put('notes/bad', 1, { author: createSigner(seedNamed('bob')) })
    served.space.put('vault/after', 1)
    served.space.put('notes/after', 1)
    const report = (await ask(writer, 'POST', '/containments', { author: bob, since })).body
    expect(report.tainted.map(({ path }: { path: string }) => path)).toEqual(['notes/after'])
    expect(report).toMatchObject({ taintedCount: 2, masked: [{ author: bob, path: 'notes/bad' }] })
    expect(served.space.get('notes/bad')).toBeUndefined()
  })

  it('explains a right, and to a narrow token only its own', async () => {
    const yes = (await ask(writer, 'GET', '/rights?path=notes/a')).body
    expect(yes).toMatchObject({
      allowed: true,
      path: 'notes/a',
      author: served.node.agents.get('writer').did,
    })
    const no = (await ask(writer, 'GET', '/rights?path=vault')).body
    expect(no).toMatchObject({ allowed: false, chains: [{ code: 'CAP_POLICY' }] })
    expect((await ask(writer, 'GET', `/rights?author=${bob}`)).status).toBe(403)
    const whole = served.token('whole', 'reader')
    expect((await ask(whole, 'GET', `/rights?author=${bob}`)).body).toMatchObject({ allowed: false })
  })

  it('invites with no more than the caller has', async () => {
    const { status, body } = await ask(writer, 'POST', '/invites', {
      role: 'writer',
      path: 'notes/guests',
      depth: 0,
    })
    expect(status).toBe(201)
    const guest = await createNode({ online: false })
    expect(guest.join(body.link).id).toBe(served.space.id)
    await guest.stop()
    expect((await ask(writer, 'POST', '/invites', { role: 'writer' })).status).toBe(403)
  })
})

describe('running a node over HTTP', () => {
  let served: ServedNode
  let operator: string

  beforeEach(async () => {
    served = await ServedNode.start()
    operator = served.node.agents.add({ name: 'root', reach: [], isOperator: true }).token
  })
  afterEach(async () => served.stop())

  it('is for operators alone', async () => {
    const owner = served.token('owner', 'admin')
    const space = '/v1/spaces/lab'
    for (const [method, path, body] of [
      ['GET', '/v1/agents'],
      ['POST', '/v1/agents', { name: 'x', reach: [] }],
      ['POST', '/v1/agents/owner/grants', { reach: [] }],
      ['DELETE', '/v1/agents/owner'],
      ['GET', '/v1/status'],
      ['GET', '/v1/peers'],
      ['POST', '/v1/peers', { address: '/ip4/127.0.0.1/tcp/1' }],
      ['POST', '/v1/spaces', { name: 'x' }],
      ['POST', '/v1/spaces/join', { link: 'x' }],
      ['GET', `${space}/status`],
      ['GET', `${space}/held`],
      ['GET', `${space}/refused`],
      ['GET', `${space}/forks`],
      ['POST', `${space}/sync`, {}],
      ['GET', '/metrics'],
    ] as const) {
      const { status, body: problem } = await served.ask(owner, method, path, body)
      expect([path, status, problem.code]).toEqual([path, 403, 'NOT_ALLOWED'])
    }
  })

  it('adds an agent, gives it more and takes everything from it', async () => {
    const reach = [{ space: 'lab', role: 'writer', path: 'notes' }]
    const made = await served.ask(operator, 'POST', '/v1/agents', { name: 'scribe', reach })
    expect([made.status, made.headers.get('cache-control')]).toEqual([201, 'no-store'])
    const { token } = made.body
    expect((await served.ask(token, 'GET', '/v1/whoami')).body).toMatchObject({ name: 'scribe' })
    const more = { reach: [{ space: 'lab', role: 'reader', path: 'shared' }] }
    const allowed = await served.ask(operator, 'POST', '/v1/agents/scribe/grants', more)
    expect(allowed.body.grants).toHaveLength(2)
    const listed = (await served.ask(operator, 'GET', '/v1/agents')).body.agents
    expect(listed.map(({ name }: { name: string }) => name)).toEqual(['root', 'scribe'])
    expect(JSON.stringify(listed)).not.toContain(token)
    // Of what it writes by and of what it reads by: an invite that the agent has made may carry either.
    expect((await served.ask(operator, 'DELETE', '/v1/agents/scribe')).body.revocations).toHaveLength(2)
    expect((await served.ask(token, 'GET', '/v1/whoami')).body.code).toBe('TOKEN_REVOKED')
    expect((await served.ask(operator, 'DELETE', '/v1/agents/nobody')).status).toBe(404)
  })

  it('tells how the node and its spaces stand', async () => {
    served.space.put('notes/a', 1)
    const { body } = await served.ask(operator, 'GET', '/v1/status')
    expect(body).toMatchObject({ online: false, did: served.node.did, unreadable: [], connectedPeers: 0 })
    expect(body.spaces).toMatchObject([{ name: 'lab', operations: served.space.hosted.store.count() }])
    const space = '/v1/spaces/lab'
    expect((await served.ask(operator, 'GET', `${space}/status`)).body).toEqual(body.spaces[0])
    expect((await served.ask(operator, 'GET', `${space}/held`)).body).toMatchObject({ held: [] })
    expect((await served.ask(operator, 'GET', `${space}/forks`)).body).toEqual({ forks: [], more: false })
    expect((await served.ask(operator, 'GET', `${space}/refused`)).body).toEqual({ refused: [], counts: {} })
    expect((await served.ask(operator, 'GET', '/v1/peers')).body).toMatchObject({
      online: false,
      connections: [],
    })
  })

  it('makes spaces and joins them', async () => {
    const made = await served.ask(operator, 'POST', '/v1/spaces', { name: 'second' })
    expect(made.status).toBe(201)
    expect(served.node.space('second').id).toBe(made.body.id)
    const host = await createNode({ online: false })
    const link = host.createSpace({ name: 'theirs' }).invite({ role: 'writer' })
    const joined = await served.ask(operator, 'POST', '/v1/spaces/join', { link })
    expect([joined.status, joined.body.id]).toEqual([201, host.spaces()[0]?.id])
    await host.stop()
    expect((await served.ask(operator, 'POST', '/v1/spaces/join', { link: 'x' })).body.code).toBe(
      'BAD_INVITE',
    )
    expect((await served.ask(operator, 'POST', `/v1/spaces/lab/sync`, {})).body.code).toBe('OFFLINE')
  })
})

describe('syncing over HTTP', () => {
  it('connects, and says what came of it', async () => {
    const listen = ['/ip4/127.0.0.1/tcp/0']
    const quiet = { listen, dht: false, relay: false, antiEntropyIntervalMs: 3_600_000 }
    const alice = await ServedNode.start({ nodeOptions: quiet })
    const other = await createNode({ ...quiet })
    const space = other.join(alice.space.invite({ role: 'writer', addresses: false }))
    alice.space.put('notes/a', 1)
    const token = alice.node.agents.add({ name: 'root', reach: [], isOperator: true }).token
    const ask = async (path: string, body: unknown) => (await alice.ask(token, 'POST', path, body)).body
    const [address] = other.addresses
    expect(await ask('/v1/peers', { address })).toEqual({ peer: other.peerId })
    const summary = await ask('/v1/spaces/lab/sync', { peer: address })
    expect(summary).toMatchObject({ peers: [{ peer: other.peerId, reached: true }] })
    expect(summary.bytesSent).toBeGreaterThan(0)
    expect(space.get('notes/a')?.value).toBe(1)
    expect((await ask('/v1/spaces/lab/sync', {})).inSync).toBe(true)
    expect(await ask('/v1/peers', { address: 'nowhere' })).toMatchObject({ code: 'BAD_ADDRESS' })
    const gone = '/ip4/127.0.0.1/tcp/1'
    expect(await ask('/v1/peers', { address: gone })).toMatchObject({ code: 'UNREACHABLE', status: 502 })
    await other.stop()
    await alice.stop()
  })
})
