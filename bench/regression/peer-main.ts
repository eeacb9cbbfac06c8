import { once } from 'node:events'
import { createNode } from '../../src/node/node.ts'
import type { Space } from '../../src/node/space/space.ts'
import { costOf } from './cost.ts'
import { createFloor } from './floor.ts'
import { fill, operationsOf, writeMore } from './operations.ts'

/**
 * One side of a cold sync over loopback, a process of its own, driven by messages of main.ts:
 *
 *     node bench/regression/peer-main.ts source DIRECTORY OPERATIONS
 *     node bench/regression/peer-main.ts receiver DIRECTORY [LINK]
 */
const OPTIONS = { listen: ['/ip4/127.0.0.1/tcp/0'], dht: false, relay: false, antiEntropyIntervalMs: 600_000 }
/** Bound of waiting for a comparison to end, in ms. */
const SYNC_TIMEOUT_MS = 60_000

const [role, dataDirectory = '', given] = process.argv.slice(2)
// Whoever drives this is gone: nobody is left to stop it.
process.on('disconnect', () => process.exit(1))
if (role === 'source') await source(Number(given))
else await receive(given)

/** Says when it holds everything; then answers `invite` with a link, and a number with that many operations more. */
async function source(operations: number): Promise<void> {
  const node = await createNode({ ...OPTIONS, dataDirectory })
  const space = node.createSpace({ name: 'regression' })
  fill(space, operations)
  let written = operations
  const verifyAll = createFloor(operationsOf(space))
  process.on('message', (message: number | 'invite' | 'verify') => {
    if (message === 'invite') process.send?.(space.invite({ role: 'reader' }))
    else if (message === 'verify') void costOf(verifyAll).then((cost) => process.send?.(cost))
    else {
      writeMore(space, written, message)
      written += message
      process.send?.(space.hosted.store.count())
    }
  })
  process.send?.(space.hosted.store.count())
}

/**
 * With a link: joins, and takes everything. Without: goes on with what the directory has. Tells what it took until both proved to be equal,
 * then what one comparison more takes, and ends.
 */
async function receive(link: string | undefined): Promise<void> {
  const node = await createNode({ ...OPTIONS, dataDirectory })
  const idleMb = peakMb()
  let space: Space | undefined
  let first = 0
  const cost = await costOf(async () => {
    space = link === undefined ? node.spaces()[0] : node.join(link)
    if (space === undefined) throw new Error('the directory has no space')
    first = await bytesOfRun(space)
  })
  const opened = space as Space
  const again = bytesOfRun(opened)
  await opened.sync()
  const figures = {
    ...cost,
    operations: opened.status().operations,
    bytes: first,
    bytesAgain: await again,
    idleMb,
    peakMb: peakMb(),
  }
  await node.stop()
  process.send?.(figures, () => process.exit(0))
}

/** Bytes of a link's next run that ends in sync, both directions, as the link counts them. */
async function bytesOfRun(space: Space): Promise<number> {
  let bytes = 0
  for (;;) {
    const [event] = (await once(space, 'sync', { signal: AbortSignal.timeout(SYNC_TIMEOUT_MS) })) as [
      CustomEvent<{
        readonly report: { readonly inSync: boolean }
        readonly runTraffic: { readonly bytesSent: number; readonly bytesReceived: number }
      }>,
    ]
    const { report, runTraffic } = event.detail
    bytes += runTraffic.bytesSent + runTraffic.bytesReceived
    if (report.inSync) return bytes
  }
}

function peakMb(): number {
  return process.resourceUsage().maxRSS / 1024
}
