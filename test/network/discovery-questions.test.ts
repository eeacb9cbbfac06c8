import { setImmediate } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import { Discovery } from '../../src/node/network/discovery.ts'
import type { Network } from '../../src/node/network/libp2p.ts'
import type { HostedSpace } from '../../src/node/space/hosted-space.ts'

const newPeer = async (): Promise<PeerId> => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))

/** A node with one space and one introduction node, and what it has asked. */
async function createSetting() {
  const asked = { registrations: 0, queries: 0, provided: 0, providers: 0 }
  const scene = { sharers: 0, named: 0 }
  const network = {
    peerId: await newPeer(),
    services: {
      dht: {},
      sync: { isProvenAnywhere: () => false },
      introductions: {
        register: async () => {
          asked.registrations++
          return await Promise.resolve([])
        },
        query: async () => {
          asked.queries++
          const peers = Array.from({ length: scene.named }, async () => ({
            peerId: await newPeer(),
            multiaddrs: [multiaddr('/ip4/127.0.0.1/tcp/1')],
            seq: 1n,
          }))
          return { ok: true, value: { peers: await Promise.all(peers), bad: 0 } }
        },
      },
    },
    contentRouting: {
      provide: async () => {
        asked.provided++
        await Promise.resolve()
      },
      findProviders: () => {
        asked.providers++
        return []
      },
    },
    getConnections: () => [],
    getPeers: () => [],
    addEventListener: () => {},
    dial: async () => {
      await Promise.resolve()
      throw new Error('nobody there')
    },
    peerStore: {
      all: async () => await Promise.resolve([]),
      merge: async () => await Promise.resolve(),
    },
  }
  const space = { topic: new Uint8Array(32) } as HostedSpace
  const discovery = new Discovery({
    network: network as unknown as Network,
    bootstrap: [multiaddr('/ip4/127.0.0.1/tcp/2')],
    intervalMs: 3_600_000,
    spaces: () => [space],
    sharerCount: () => scene.sharers,
    log: () => {},
  })
  /** One round; what it has asked. */
  const round = async () => {
    const before = { ...asked }
    await discovery.round()
    // The DHT is not waited for.
    await setImmediate()
    return {
      registrations: asked.registrations - before.registrations,
      queries: asked.queries - before.queries,
      providers: asked.providers - before.providers,
    }
  }
  return { discovery, scene, round }
}

it('asks the DHT for providers where introduction nodes name nobody, or where those whom they named were no help', async () => {
  const { discovery, scene, round } = await createSetting()
  scene.named = 3
  expect(await round()).toEqual({ registrations: 1, queries: 1, providers: 0 })
  expect(await round()).toEqual({ registrations: 1, queries: 1, providers: 1 })
  scene.sharers = 1
  expect(await round()).toEqual({ registrations: 1, queries: 1, providers: 0 })
  // Alone again, with others named than those of then.
  scene.sharers = 0
  expect(await round()).toEqual({ registrations: 1, queries: 1, providers: 0 })
  discovery.stop()
  const alone = await createSetting()
  expect(await alone.round()).toEqual({ registrations: 1, queries: 1, providers: 1 })
  alone.discovery.stop()
})

it('asks introduction nodes for peers as long as some are missing, and says where it is itself all the same', async () => {
  const { discovery, scene, round } = await createSetting()
  scene.sharers = 7
  expect(await round()).toEqual({ registrations: 1, queries: 1, providers: 0 })
  scene.sharers = 8
  expect(await round()).toEqual({ registrations: 1, queries: 0, providers: 0 })
  discovery.stop()
})
