import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { describe, expect, it, vi } from 'vitest'
import { ANCHORS_MAX, MEMBERS_DIALLED_MAX, PEERS_STORED_MAX } from '../../src/core/limits.ts'
import { Discovery } from '../../src/node/network/discovery.ts'
import type { Network } from '../../src/node/network/libp2p.ts'
import type { HostedSpace } from '../../src/node/space/hosted-space.ts'

const newPeer = async (): Promise<PeerId> => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))

/** As much of libp2p as a round without introduction nodes touches. */
async function createSetting(tagsOf: readonly (readonly string[])[]) {
  const own = await newPeer()
  const stored = await Promise.all(
    tagsOf.map(async (tags) => ({
      id: await newPeer(),
      addresses: [],
      tags: new Map(tags.map((tag) => [tag, { value: 50 }])),
    })),
  )
  const dialled: string[] = []
  const deleted: string[] = []
  const network = {
    peerId: own,
    services: {},
    getConnections: () => [],
    getPeers: () => [],
    addEventListener: () => {},
    dial: async (peer: PeerId) => {
      dialled.push(peer.toString())
      await Promise.resolve()
    },
    peerStore: {
      all: async () => await Promise.resolve(stored),
      merge: async () => await Promise.resolve(),
      delete: async (peer: PeerId) => {
        deleted.push(peer.toString())
        await Promise.resolve()
      },
    },
  }
  const discovery = new Discovery({
    network: network as unknown as Network,
    bootstrap: [],
    intervalMs: 3_600_000,
    spaces: () => [{} as HostedSpace],
    sharerCount: () => 0,
    log: () => {},
  })
  const idsTagged = (tag: string) => stored.filter(({ tags }) => tags.has(tag)).map(({ id }) => id.toString())
  return { discovery, dialled, deleted, idsTagged }
}

describe('a round of discovery', () => {
  it('dials as many remembered members as the limit says, all anchors first', async () => {
    const anchor = ['hanse-member', 'hanse-anchor']
    const members = Array.from({ length: 3 * MEMBERS_DIALLED_MAX }, () => ['hanse-member'])
    const anchors = Array.from({ length: ANCHORS_MAX }, () => anchor)
    const { discovery, dialled, idsTagged } = await createSetting([...members, ...anchors])
    await discovery.round()
    // A few at once, the next when these have ended; which takes some turns of the event loop.
    await vi.waitFor(() => expect(dialled).toHaveLength(MEMBERS_DIALLED_MAX))
    discovery.stop()
    expect(dialled).toHaveLength(MEMBERS_DIALLED_MAX)
    expect(new Set(dialled.slice(0, ANCHORS_MAX))).toEqual(new Set(idsTagged('hanse-anchor')))
  })

  it('takes strangers out of the peer store beyond what it may hold, and members never', async () => {
    const members = Array.from({ length: 24 }, () => ['hanse-member'])
    const strangers = Array.from({ length: PEERS_STORED_MAX }, () => [])
    const { discovery, deleted, idsTagged } = await createSetting([...members, ...strangers])
    await discovery.round()
    discovery.stop()
    expect(deleted).toHaveLength(members.length)
    expect(deleted.filter((id) => idsTagged('hanse-member').includes(id))).toEqual([])
    const full = await createSetting([...members, ...strangers.slice(members.length)])
    await full.discovery.round()
    full.discovery.stop()
    expect(full.deleted).toEqual([])
  })
})
