import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ANCHORS_MAX } from '../../src/core/limits.ts'
import type { HanseNode } from '../../src/node/node.ts'
import { createFederation, until } from '../node/federation.ts'

const federation = createFederation()
let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hanse-anchors-'))
})

afterEach(async () => {
  await federation.stopAll()
  rmSync(directory, { recursive: true, force: true })
})

/** Ids of the peers a node remembers as anchors. */
async function anchorsOf(node: HanseNode): Promise<readonly string[]> {
  const peers = (await node.network?.libp2p.peerStore.all()) ?? []
  return peers.filter(({ tags }) => tags.has('hanse-anchor')).map(({ id }) => id.toString())
}

it('remembers a few of the members that it dialled itself, and dials them first after a restart', async () => {
  const alice = await federation.start('alice')
  const home = alice.createSpace({ name: 'home' })
  const invite = home.invite({ role: 'writer' })
  const others: HanseNode[] = []
  for (let i = 0; i < ANCHORS_MAX + 1; i++) {
    const other = await federation.start(`other ${i}`)
    others.push(other)
    const space = other.join(invite)
    await until(space, () => space.name === 'home', `other ${i} is in`)
  }
  const bob = await federation.start('bob', {
    dataDirectory: join(directory, 'bob'),
    peers: others.flatMap(({ addresses }) => [...addresses]),
  })
  const away = bob.join(home.invite({ role: 'writer', addresses: false }))
  const carol = await federation.start('carol')
  const guest = carol.join(home.invite({ role: 'writer', addresses: false }))
  const connected = () => away.status().peers.filter(({ connected }) => connected).length
  await until(away, () => connected() === others.length, 'bob has dialled all')
  // Carol comes to bob, and all came to alice: whoever dials us chooses us, and is no anchor.
  const [address = ''] = bob.addresses
  await carol.network?.libp2p.dial(multiaddr(address))
  await until(guest, () => guest.name === 'home', 'carol is in')
  expect(await anchorsOf(alice)).toEqual([])
  const anchors = await anchorsOf(bob)
  expect(anchors).toHaveLength(ANCHORS_MAX)
  const dialledByBob = others.map(({ peerId }) => peerId)
  expect(dialledByBob).toEqual(expect.arrayContaining([...anchors]))
  await bob.stop()

  const dialled: string[] = []
  const again = await federation.start('bob', {
    dataDirectory: join(directory, 'bob'),
    connectionGater: {
      denyDialPeer: (peer) => {
        dialled.push(peer.toString())
        return false
      },
    },
  })
  await until(again.space(home.id), () => dialled.length > ANCHORS_MAX, 'bob dials')
  expect(new Set(dialled.slice(0, ANCHORS_MAX))).toEqual(new Set(anchors))
})
