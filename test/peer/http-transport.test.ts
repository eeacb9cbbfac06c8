import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createNode, type HanseNode } from '../../src/node/node.ts'
import type { Space } from '../../src/node/space/space.ts'
import { HttpClientTransport } from '../../src/peer/http-client-transport.ts'
import { Peer } from '../../src/peer/peer.ts'
import { ServedNode } from '../http/served-node.ts'

describe('a Peer over HTTP', () => {
  let served: ServedNode
  let node: HanseNode
  let bob: Space
  let peers: Peer[]

  beforeEach(async () => {
    served = await ServedNode.start()
    node = await createNode({ online: false })
    bob = node.join(served.space.invite({ role: 'writer' }))
    peers = []
  })

  afterEach(async () => {
    for (const peer of peers) await peer.stop()
    await node.stop()
    await served.stop()
  })

  function connect(token: string, space: Space = bob) {
    const troubles: Error[] = []
    const transport = new HttpClientTransport({
      url: `${served.server.origin}/v1/spaces/lab`,
      token,
      random: () => 0,
      onTrouble: (error) => void troubles.push(error),
    })
    const peer = new Peer(space, [transport])
    peers.push(peer)
    return { peer, transport, troubles }
  }

  const once = async (peer: Peer, kind: 'eose' | 'connect' | 'disconnect' | 'change') =>
    new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no event ${kind}`)), 15_000)
      peer.addEventListener(
        kind,
        () => {
          clearTimeout(late)
          resolve()
        },
        { once: true },
      )
    })

  it('syncs with a served node, both ways and live', async () => {
    for (let i = 0; i < 300; i += 1) served.space.put(`notes/${i}`, i)
    const { peer, transport } = connect(served.token('bob', 'reader'))
    const caughtUp = once(peer, 'eose')
    await peer.start()
    await caughtUp
    expect(bob.get('notes/299')?.value).toBe(299)
    expect([transport.isConnected, transport.reconnectAttempts]).toEqual([true, 0])
    expect(transport.remotePeerId).not.toBeNull()
    const arrived = new Promise<void>((resolve) => {
      served.space.addEventListener('change', ({ detail }) => {
        if (detail.touched.some(({ path }) => path === 'mine')) resolve()
      })
    })
    bob.put('mine', 1)
    await arrived
    const live = once(peer, 'change')
    served.space.put('theirs', 2)
    await live
    expect([served.space.get('mine')?.value, bob.get('theirs')?.value]).toEqual([1, 2])
  })

  it('comes again after the connection was lost, and gets what it has missed', async () => {
    const { peer, transport } = connect(served.token('bob', 'reader'))
    const caughtUp = once(peer, 'eose')
    await peer.start()
    await caughtUp
    const gone = once(peer, 'disconnect')
    const again = once(peer, 'eose')
    transport.disconnect()
    await gone
    served.space.put('missed', 1)
    await again
    // It came before the end of what was stored, or right after it, live.
    await expect.poll(() => bob.get('missed')?.value, { timeout: 15_000 }).toBe(1)
  })

  it('says why it cannot connect, and goes on trying with longer pauses', async () => {
    const { peer, transport, troubles } = connect('hanse_agent_wrong')
    await peer.start()
    await expect.poll(() => transport.reconnectAttempts, { timeout: 15_000 }).toBeGreaterThan(1)
    expect(troubles[0]).toMatchObject({ code: 'BAD_TOKEN' })
    expect(transport.isConnected).toBe(false)
  })

  it('gives a token no more bodies than it reaches', async () => {
    served.space.put('notes/a', 1)
    served.space.put('secret/b', 'hidden')
    const { peer } = connect(served.token('bob', 'reader', 'notes'))
    const caughtUp = once(peer, 'eose')
    await peer.start()
    await caughtUp
    expect([bob.get('notes/a')?.value, bob.get('secret/b')?.value]).toEqual([1, undefined])
  })

  it('ends the stream of a token that is revoked', async () => {
    const { peer, transport, troubles } = connect(served.token('bob', 'reader'))
    const caughtUp = once(peer, 'eose')
    await peer.start()
    await caughtUp
    const gone = once(peer, 'disconnect')
    served.node.agents.revoke('bob')
    await gone
    await expect.poll(() => troubles.length, { timeout: 15_000 }).toBeGreaterThan(0)
    expect(troubles.at(-1)).toMatchObject({ code: 'TOKEN_REVOKED' })
    expect(transport.isConnected).toBe(false)
  })

  it('takes no browser for a peer, whose session would end without the stream', async () => {
    const secret = new URL(served.server.createLink()).hash.slice('#link='.length)
    const { headers } = await served.ask(null, 'POST', '/v1/session', { secret })
    const cookie = headers.get('set-cookie')?.split(';')[0] ?? ''
    const url = `${served.server.origin}/v1/spaces/lab/peer/events?peer=page-0000001`
    expect((await fetch(url, { headers: { cookie } })).status).toBe(403)
  })

  it('takes nothing under the session of somebody else', async () => {
    const [mine, other] = [served.token('bob', 'reader'), served.token('mallory', 'reader')]
    const abort = new AbortController()
    const stream = await fetch(`${served.server.origin}/v1/spaces/lab/peer/events?peer=bob-00000001`, {
      headers: { authorization: `Bearer ${mine}` },
      signal: abort.signal,
    })
    const reader = (stream.body as ReadableStream<Uint8Array>).getReader()
    let text = ''
    while (!text.includes('"session"')) text += Buffer.from((await reader.read()).value ?? []).toString()
    const session = /"session":"([^"]+)"/.exec(text)?.[1]
    const post = async (token: string, named = session) =>
      served.ask(token, 'POST', '/v1/spaces/lab/peer/messages', { session: named, type: 'sync', cursor: {} })
    expect(await post(other)).toMatchObject({ body: { code: 'NO_SESSION' } })
    // The id of a peer is no secret; what follows it is.
    for (const guess of ['', '0'.repeat(32)])
      expect(await post(mine, `bob-00000001.${guess}`)).toMatchObject({ body: { code: 'NO_SESSION' } })
    expect((await post(mine)).status).toBe(204)
    const taken = await served.ask(other, 'GET', '/v1/spaces/lab/peer/events?peer=bob-00000001')
    expect(taken).toMatchObject({ body: { code: 'BAD_PEER' } })
    abort.abort()
  })
})
