import { createInterface } from 'node:readline'
import { toHex } from '../../src/core/bytes.ts'
import { createNode } from '../../src/node/node.ts'
import { seedNamed } from '../cast.ts'

// Run by flood.test.ts under a heap cap: a node as anybody runs it, that says what it needs and is told what to write.
const node = await createNode({
  seeds: { peer: seedNamed('peer of alice'), author: seedNamed('alice') },
  listen: ['/ip4/127.0.0.1/tcp/0'],
  dht: false,
  relay: false,
  antiEntropyIntervalMs: 1_000,
})
const space = node.createSpace({ name: 'the square', spaceSeed: seedNamed('the flooded space') })
const [owner] = [...space.hosted.store.tokens()]
if (owner === undefined) throw new Error('no owner token')

const say = (line: object): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

say({
  kind: 'ready',
  addresses: node.addresses,
  peer: node.peerId,
  space: space.id,
  topic: toHex(space.hosted.topic),
  ownerToken: toHex(owner.delegation.bytes),
  invite: space.invite({ role: 'writer' }),
})

setInterval(() => {
  const { rss, heapUsed } = process.memoryUsage()
  say({ kind: 'usage', rss, heapUsed, refused: space.status().refused })
}, 100)

for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'stop') break
  space.put(line, 'written in the flood')
}
await node.stop()
process.exit()
