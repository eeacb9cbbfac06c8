import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PEER_REFUSED_MAX } from '../../src/core/limits.ts'
import { createNode, type HanseNode } from '../../src/node/node.ts'
import type { Space } from '../../src/node/space/space.ts'
import { InProcessHub } from '../../src/peer/in-process.ts'
import { Peer } from '../../src/peer/peer.ts'
import type { PeerEvents } from '../../src/peer/peer-events.ts'
import type { PeerTransport, TransportHost } from '../../src/peer/transport.ts'

type EventOf<K extends keyof PeerEvents> = PeerEvents[K] extends CustomEvent<infer D> ? D : never

/** The next event of a kind that fits. */
async function next<K extends keyof PeerEvents>(
  peer: Peer,
  kind: K,
  fits: (detail: EventOf<K>) => boolean = () => true,
): Promise<EventOf<K>> {
  return await new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no event ${kind}`)), 15_000)
    const listener = (event: unknown) => {
      const { detail } = event as CustomEvent<EventOf<K>>
      if (!fits(detail)) return
      clearTimeout(late)
      peer.removeEventListener(kind, listener)
      resolve(detail)
    }
    peer.addEventListener(kind, listener)
  })
}

/** A transport whose other end is a test. */
class Puppet implements PeerTransport {
  readonly name = 'puppet'
  readonly sent: unknown[] = []
  host!: TransportHost
  ended: string | null = null
  start(host: TransportHost): Promise<void> {
    this.host = host
    host.onConnect({ id: 'mallory', mayRead: () => true })
    return Promise.resolve()
  }
  sync = async () => {}
  send(_peerId: string, message: unknown): Promise<void> {
    this.sent.push(message)
    return Promise.resolve()
  }
  disconnect(_peerId: string, code: string): void {
    this.ended = code
  }
  stop = async () => {}
}

describe('a Peer', () => {
  let nodes: HanseNode[]
  let peers: Peer[]
  let alice: Space
  let bob: Space

  beforeEach(async () => {
    nodes = [await createNode({ online: false }), await createNode({ online: false })]
    peers = []
    const [first, second] = nodes as [HanseNode, HanseNode]
    alice = first.createSpace({ name: 'lab' })
    const link = alice.invite({ role: 'writer' })
    bob = second.join(link)
  })

  afterEach(async () => {
    for (const peer of peers) await peer.stop()
    for (const node of nodes) await node.stop()
  })

  const make = (space: Space, ...transports: PeerTransport[]): Peer => {
    const peer = new Peer(space, transports)
    peers.push(peer)
    return peer
  }

  async function meet(): Promise<readonly [Peer, Peer]> {
    const hub = new InProcessHub()
    const pair = [make(alice, hub.transport()), make(bob, hub.transport())] as const
    const caughtUp = next(pair[1], 'eose')
    for (const peer of pair) await peer.start()
    await caughtUp
    return pair
  }

  it('catches up with everything that was there, and says when it has', async () => {
    for (let i = 0; i < 5; i += 1) alice.put(`notes/${i}`, i)
    await meet()
    expect([...bob.list()].map(({ path }) => path)).toEqual([...alice.list()].map(({ path }) => path))
    await expect.poll(() => alice.status().clockRoot).toBe(bob.status().clockRoot)
  })

  it('gets what is written later, both ways, as it is written', async () => {
    const [a, b] = await meet()
    const seen = next(b, 'change', ({ items }) => items.some(({ path }) => path === 'live'))
    alice.put('live', 1)
    await seen
    const back = next(a, 'change', ({ items }) => items.some(({ path }) => path === 'back'))
    bob.put('back', 2)
    await back
    expect([alice.get('back')?.value, bob.get('live')?.value]).toEqual([2, 1])
  })

  it('passes on by one transport what has come by another', async () => {
    const [left, right] = [new InProcessHub(), new InProcessHub()]
    const third = await createNode({ online: false })
    nodes.push(third)
    const carol = third.join(alice.invite({ role: 'reader' }))
    const leftOfBob = left.transport()
    const rightOfBob = Object.assign(right.transport(), { name: 'right' })
    const pair = [
      make(alice, left.transport()),
      make(bob, leftOfBob, rightOfBob),
      make(carol, right.transport()),
    ]
    for (const peer of pair) await peer.start()
    const seen = next(pair[2] as Peer, 'change', ({ items }) => items.some(({ path }) => path === 'far'))
    alice.put('far', 1)
    await seen
    expect(carol.get('far')?.value).toBe(1)
  })

  it('refuses what is forged by its code, takes the rest, and ends with who goes on', async () => {
    alice.put('a', 1)
    const lines: string[] = []
    for await (const { text } of alice.exchange.operations()) lines.push(text.trimEnd())
    const puppet = new Puppet()
    const peer = make(bob, puppet)
    await peer.start()
    const forged = (lines.at(-1) as string).replace('"lamport":', '"lamport":1')
    const faults: string[] = []
    peer.addEventListener('fault', ({ detail }) => void faults.push(detail.code))
    const changes = ['{', forged, ...lines]
    await puppet.host.onReceive('mallory', { type: 'changes', schemaVersion: 1, changes })
    expect(bob.get('a')?.value).toBe(1)
    expect(faults.length).toBeGreaterThan(0)
    expect(puppet.ended).toBeNull()
    const flood = Array.from({ length: PEER_REFUSED_MAX }, () => '{')
    await puppet.host.onReceive('mallory', { type: 'changes', schemaVersion: 1, changes: flood })
    expect(puppet.ended).toBe('TOO_MANY')
  })

  it('says that it is outdated when the other speaks a later version, and what is needed', async () => {
    const puppet = new Puppet()
    const peer = make(bob, puppet)
    await peer.start()
    const told = next(peer, 'outdated')
    await puppet.host.onReceive('mallory', { type: 'changes', schemaVersion: 2, changes: [] })
    expect(await told).toMatchObject({ requiredVersion: 2, peerId: 'mallory', transport: 'puppet' })
    expect(puppet.ended).toBe('OUTDATED')
  })

  it('ends with whoever sends what is no message', async () => {
    for (const message of [
      null,
      1,
      {},
      { type: 'x', schemaVersion: 1 },
      { type: 'changes', schemaVersion: 1, changes: [1] },
    ]) {
      const puppet = new Puppet()
      const peer = make(bob, puppet)
      await peer.start()
      await puppet.host.onReceive('mallory', message)
      expect(puppet.ended).toBe('BAD_MESSAGE')
      await peer.stop()
    }
  })

  it('gives no body to whom the transport does not let read it, and the header so that histories stay equal', async () => {
    alice.put('open/a', 1)
    alice.put('secret/b', 'hidden')
    const hub = new InProcessHub()
    const bobs = make(
      bob,
      hub.transport((path) => path.startsWith('open')),
    )
    const caughtUp = next(bobs, 'eose')
    const alices = make(alice, hub.transport())
    await bobs.start()
    await alices.start()
    await caughtUp
    // The transport of bob's side says what it may have.
    expect([bob.get('open/a')?.value, bob.get('secret/b')?.value]).toEqual([1, undefined])
    await expect.poll(() => alice.status().clockRoot).toBe(bob.status().clockRoot)
  })

  it('publishes what another program has written to a shared table when it is told to look', async () => {
    const [a] = await meet()
    expect(await a.checkLocalChanges()).toEqual([])
  })

  it('knows itself: id, version, space and transports', () => {
    const peer = new Peer(() => alice, [new InProcessHub().transport()])
    expect(peer.getConfig()).toEqual({
      peerId: peer.id,
      schemaVersion: 1,
      space: alice.id,
      transports: ['in-process'],
    })
    expect(() => new Peer(alice, [new InProcessHub().transport(), new InProcessHub().transport()])).toThrow(
      TypeError,
    )
  })

  it('can be stopped and started again, and gets what it has missed', async () => {
    const [a, b] = await meet()
    await b.stop()
    expect(a.peers).toEqual([])
    alice.put('missed', 1)
    const caughtUp = next(b, 'eose')
    await b.start()
    await caughtUp
    expect(bob.get('missed')?.value).toBe(1)
  })
})
