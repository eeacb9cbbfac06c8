import { memory } from '@libp2p/memory'
import { noise } from '@libp2p/noise'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { expect, it, onTestFinished } from 'vitest'
import { steadyYamux } from '../../src/node/network/steady-yamux.ts'

const ADDRESS = '/memory/steady-yamux'

/** A peer on libp2p's memory transport. */
async function start(listen: readonly string[]) {
  const libp2p = await createLibp2p({
    addresses: { listen: [...listen] },
    transports: [memory()],
    connectionEncrypters: [noise()],
    streamMuxers: [steadyYamux({})],
    connectionMonitor: { enabled: false },
  })
  onTestFinished(async () => await libp2p.stop())
  return libp2p
}

it('lets a stream end that is opened in the moment in which its connection closes, and harms nobody else', async () => {
  const alice = await start([ADDRESS])
  const mallory = await start([])
  await alice.handle('/echo', (stream) => void stream.send(Uint8Array.of(7)))
  // An error that nobody can catch would end this test run, as it would end a node.
  const connection = await mallory.dial(multiaddr(ADDRESS))
  const opening = connection.newStream('/echo', { signal: AbortSignal.timeout(1_000) })
  connection.abort(new Error('hung up'))
  await expect(opening).rejects.toThrow()
  const again = await mallory.dialProtocol(multiaddr(ADDRESS), '/echo')
  for await (const data of again) {
    expect([...data.subarray()]).toEqual([7])
    break
  }
})

it('opens a window again once half of it is used, not after every message, and stalls nobody by it', async () => {
  const alice = await start([ADDRESS])
  const bob = await start([])
  let updates = 0
  let bytes = 0
  const { promise, resolve } = Promise.withResolvers<void>()
  const messages = 200
  const large = 2 * 1024 * 1024
  await alice.handle('/sink', (stream) => {
    const sender = stream as unknown as { sendFrame: (header: { readonly type: number }) => unknown }
    const sendFrame = sender.sendFrame.bind(sender)
    sender.sendFrame = (header, ...rest: []) => {
      updates += Number(header.type === 1)
      return sendFrame(header, ...rest)
    }
    stream.addEventListener('message', ({ data }) => {
      bytes += data.byteLength
      if (bytes === messages) stream.send(Uint8Array.of(updates))
      if (bytes === messages + large) resolve()
    })
  })
  const stream = await bob.dialProtocol(multiaddr(ADDRESS), '/sink')
  const answer = new Promise<number>((tell) => {
    stream.addEventListener('message', ({ data }) => tell(data.subarray()[0] ?? Number.NaN))
  })
  for (let i = 0; i < messages; i++) stream.send(Uint8Array.of(1))
  expect(await answer).toBeLessThanOrEqual(1)
  stream.send(new Uint8Array(large))
  await promise
  // Each opens after half a window, which grows to 1 MiB at most: four for 2 MiB, of which the last may come after all has arrived.
  expect(updates).toBeGreaterThan(2)
})
