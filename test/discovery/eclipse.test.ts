import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, expect, test } from 'vitest'
import { createBootstrapNode, type BootstrapNode } from '../../bootstrap/node.ts'
import { orThrow } from '../../src/node/fault-error.ts'
import { createNode, type HanseNode } from '../../src/node/node.ts'
import { createPlainNode, type PlainNode } from '../bootstrap/plain-node.ts'
import { seedNamed } from '../cast.ts'
import { until, untilEqual } from '../node/federation.ts'

const LOOPBACK = ['/ip4/127.0.0.1/tcp/0']
/** Colluders that each liar names: more than a node takes from one introducer, and together more than it takes in all. */
const COLLUDERS = 12
const running: (HanseNode | PlainNode | BootstrapNode)[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map(async (one) => await one.stop()))
})

async function startIntroducer(): Promise<BootstrapNode> {
  const node = orThrow(
    await createBootstrapNode({
      privateKey: await generateKeyPair('Ed25519'),
      listen: LOOPBACK,
      announce: [],
      maxConnections: 50,
      registrationTtlSeconds: 3_600,
      relayReservations: 0,
      relayDurationSeconds: 600,
      relayDataBytes: 1024,
    }),
  )
  running.push(node)
  return node
}

async function start(name: string, introducers: readonly BootstrapNode[]): Promise<HanseNode> {
  const node = await createNode({
    seeds: { peer: seedNamed(`peer of ${name}`), author: seedNamed(name) },
    listen: LOOPBACK,
    bootstrap: introducers.flatMap((one) => [...one.addresses()]),
    dht: false,
    relay: false,
    antiEntropyIntervalMs: 500,
    discoveryIntervalMs: 500,
  })
  running.push(node)
  return node
}

test('a newcomer with three introduction nodes, of which two name only colluders, meets an honest peer through the third', async () => {
  const [honest, liar, accomplice] = [
    await startIntroducer(),
    await startIntroducer(),
    await startIntroducer(),
  ]
  const alice = await start('alice', [honest])
  const home = alice.createSpace({ name: 'home' })
  for (let i = 0; i < 2 * COLLUDERS; i++) {
    const colluder = await createPlainNode()
    running.push(colluder)
    const [address = ''] = (i < COLLUDERS ? liar : accomplice).addresses()
    const registered = await colluder.services.introductions.register(
      multiaddr(address),
      [home.hosted.topic],
      AbortSignal.timeout(10_000),
    )
    expect(registered.every(({ outcome }) => outcome.ok)).toBe(true)
  }
  await until(home, () => honest.status().registered > 0, 'alice is listed')
  const bob = await start('bob', [liar, accomplice, honest])
  const away = bob.join(home.invite({ role: 'writer', addresses: false }))
  await untilEqual(home, away)
  expect(away.status().peers.filter(({ connected }) => connected)).toMatchObject([{ peer: alice.peerId }])
})
