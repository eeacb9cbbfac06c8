import { join } from 'node:path'
import { type Figures, sizeOf, type Sizes, type Subject } from '../../measure.ts'
import { Party } from '../../party.ts'
import { inFolder } from '../in-folder.ts'
import { type HanseCluster, startHanse } from './hanse-cluster.ts'
import { sustainedRate, WatchedCluster } from './offer.ts'
import { HANSE, latencyFigures } from './subjects.ts'

/** What mallory has sent so far. */
interface Sent {
  readonly messages: number
  readonly streams: number
  readonly identities: number
}

/**
 * A cluster in which one node has mallory at its door: node and mallory in processes of their own. What is measured is what the other nodes
 * see of each other. `isFlooded`: false for the same without her, since machine and processes are shared.
 */
export function floodedSubject(isFlooded: boolean): Subject {
  return {
    name: isFlooded ? 'Hanse, one node flooded' : 'Hanse, nobody floods',
    without: '',
    run: async (sizes) => await inFolder(async (folder) => await run(sizes, folder, isFlooded)),
  }
}

async function run(sizes: Sizes, folder: string, isFlooded: boolean): Promise<Figures> {
  const victim = await Party.start(new URL('victim-party.ts', import.meta.url))
  const mallory = await Party.start(new URL('mallory-party.ts', import.meta.url))
  const others = sizeOf(sizes, 'nodes') - 1
  const seconds = sizeOf(sizes, 'seconds')
  try {
    const started = Promise.withResolvers<HanseCluster>()
    const cluster = await WatchedCluster.start(
      async (init) => {
        const hanse = await startHanse(init)
        started.resolve(hanse)
        return hanse
      },
      { folder, nodes: others, degree: others - 1 },
    )
    const { nodes, spaces } = await started.promise
    const invite = () => spaces[0]?.invite({ role: 'writer', addresses: false })
    const address = await victim.ask<string>('start', {
      link: invite(),
      dataDirectory: join(folder, 'victim'),
      peers: nodes.map(
        ({ addresses, peerId }) => `${String(addresses[0]).replace(/\/p2p\/.*$/, '')}/p2p/${peerId}`,
      ),
    })
    await cluster.offer({ rate: 20, seconds: 1, changes: 1 })
    if (isFlooded) await mallory.ask('flood', { link: invite(), victim: address }, 30_000)
    const beganMs = performance.now()
    const before = await mallory.ask<Sent>('sent')
    const quiet = await cluster.offer({ rate: 10, seconds: 2 * seconds, changes: 1 })
    const operationsPerSecond = await sustainedRate(cluster, HANSE.from, { seconds, changes: 1 })
    const after = await mallory.ask<Sent>('sent')
    const tookSeconds = (performance.now() - beganMs) / 1000
    await mallory.ask('stop', undefined, 20_000)
    await cluster.stop()
    return {
      ...latencyFigures(quiet),
      operationsPerSecond,
      garbagePerSecond: (after.messages - before.messages + after.streams - before.streams) / tookSeconds,
      identitiesOfMallory: after.identities,
    }
  } finally {
    await mallory.stop()
    await victim.stop()
  }
}
