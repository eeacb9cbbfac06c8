import { noise as chainsafeNoise } from '@chainsafe/libp2p-noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { afterEach, expect, test } from 'vitest'
import { createFederation, until, untilEqual, WAIT_MS } from '../node/federation.ts'

const federation = createFederation()
afterEach(async () => await federation.stopAll())

test('a node whose Noise is the @chainsafe package connects, syncs both ways and hears gossip', async () => {
  const listen = ['/ip4/127.0.0.1/tcp/0']
  const alice = await federation.start('alice', { listen, transport: {} })
  const hers = alice.createSpace({ name: 'the square' })
  for (let i = 0; i < 100; i++) hers.put(`notes/${i}`, i)
  const bob = await federation.start('bob', {
    listen,
    transport: {
      transports: [tcp()],
      connectionEncrypters: [chainsafeNoise()],
      streamMuxers: [yamux()],
    },
  })
  const his = bob.join(hers.invite({ role: 'writer' }))
  await until(hers, () => hers.hosted.store.heads(bob.author.publicKey).length === 1, 'bob is in')
  his.put('docs/from-bob', 'over the other Noise')
  hers.put('docs/from-alice', 'and back')
  await untilEqual(hers, his)
  expect(hers.get('docs/from-bob')?.value).toBe('over the other Noise')
  expect(his.get('docs/from-alice')?.value).toBe('and back')
  const reports = await his.sync(undefined, AbortSignal.timeout(WAIT_MS))
  expect([...reports.values()].map(({ inSync }) => inSync)).toEqual([true])
})
