import { type Figures, sizeOf, type Sizes, type Subject } from '../../measure.ts'
import { inFolder } from '../in-folder.ts'
import type { StartLiveCluster } from './cluster.ts'
import { startGossipsub } from './gossipsub.ts'
import { startHanse } from './hanse-cluster.ts'
import { startPlainStreams } from './plain-streams.ts'
import { type Offered, sustainedRate, WatchedCluster } from './offer.ts'

/** One way of telling others at once what was written. */
export interface LivePeer {
  readonly name: string
  readonly without: string
  readonly isFloor?: true
  /** Where the search for the highest rate begins: about what it was when last measured, so that it is soon found. */
  readonly from: number
  readonly start: StartLiveCluster
}

/** The rate at which latency is measured, in operations a second. */
const QUIET_RATE = 10
/** For how many times the time of one offer it is: of a hundred operations the 99th percentile is not just the latest of all. */
const QUIET_OFFERS = 5
/**
 * How long a cluster runs before it is measured: Hanse's main thread has 14 ms of work for an operation in the first second, 9 to 18 in
 * the second, 7 in the fourth, and 6 to 7 from there on.
 */
const WARM_UP_SECONDS = 4

/** A peer of the package of its own, whose types are not known here. */
function peer(file: string): StartLiveCluster {
  return async (init) => {
    const module = new URL(`../../peers/live/${file}.ts`, import.meta.url).href
    const { start } = (await import(module)) as { readonly start: StartLiveCluster }
    return await start(init)
  }
}

const IN_MEMORY = 'sign, authorise or keep on disk'

export const HANSE: LivePeer = { name: 'Hanse', without: '', from: 200, start: startHanse }
export const ORBITDB: LivePeer = {
  name: 'OrbitDB',
  without: 'authorise but by order of arrival',
  from: 15,
  start: peer('orbitdb'),
}
export const HYPERCORE: LivePeer = {
  name: 'Hypercore',
  without: 'authorise; signs a tree for each append; a log for each author, nothing merged',
  from: 200,
  start: peer('hypercore'),
}
export const AUTOMERGE: LivePeer = {
  name: 'automerge-repo',
  without: IN_MEMORY,
  from: 60,
  start: peer('automerge'),
}
export const YJS: LivePeer = {
  name: 'Yjs',
  without: `${IN_MEMORY}, nor encrypt`,
  from: 3_000,
  start: peer('yjs'),
}
export const GOSSIPSUB: LivePeer = {
  name: 'gossipsub alone, unsigned',
  without: 'sign, check, store or repair',
  isFloor: true,
  from: 200,
  start: async (init) => await startGossipsub(init, false),
}
export const GOSSIPSUB_SIGNED: LivePeer = {
  name: 'gossipsub alone, signed messages',
  without: 'check rights, store or repair',
  isFloor: true,
  from: 80,
  start: async (init) => await startGossipsub(init, true),
}
export const PLAIN_STREAMS: LivePeer = {
  name: 'plain streams',
  without:
    'decide about an operation, pass on or repair: it signs, syncs to disk, sends, checks and writes rows',
  isFloor: true,
  from: 600,
  start: startPlainStreams,
}

/** Latency while all is quiet, and the highest rate that is sustained: of operations of one change. */
export function liveSubject({ name, without, isFloor, from, start }: LivePeer): Subject {
  return {
    name,
    without,
    ...(isFloor === undefined ? {} : { isFloor }),
    run: async (sizes) =>
      await withCluster(start, sizes, async (cluster, seconds) => {
        const quiet = await cluster.offer({ rate: QUIET_RATE, seconds: QUIET_OFFERS * seconds, changes: 1 })
        return {
          ...latencyFigures(quiet),
          cpuMsPerOperation: (1000 * quiet.cpuSeconds) / quiet.due,
          operationsPerSecond: await sustainedRate(cluster, from, { seconds, changes: 1 }),
        }
      }),
  }
}

/** The highest rate that is sustained of operations of many changes, in changes a second. */
export function groupedSubject({ name, without, isFloor, start }: LivePeer, from: number): Subject {
  return {
    name,
    without,
    ...(isFloor === undefined ? {} : { isFloor }),
    run: async (sizes) =>
      await withCluster(start, sizes, async (cluster, seconds) => {
        const changes = sizeOf(sizes, 'changes')
        const quiet = await cluster.offer({ rate: QUIET_RATE, seconds, changes })
        const operationsPerSecond = await sustainedRate(cluster, from, { seconds, changes })
        return { ...latencyFigures(quiet), changesPerSecond: operationsPerSecond * changes }
      }),
  }
}

/** Median and 99th percentile of the time from a write until the last of the others shows it. */
export function latencyFigures({ latenciesMs }: Offered): Figures {
  const at = (share: number) => latenciesMs[Math.ceil(latenciesMs.length * share) - 1] ?? Number.NaN
  return { medianMs: at(0.5), p99Ms: at(0.99) }
}

/**
 * Gives work a cluster that has run for WARM_UP_SECONDS at twice the quiet rate, so that what it does is compiled and nothing is left of
 * the meeting.
 */
async function withCluster(
  start: StartLiveCluster,
  sizes: Sizes,
  work: (cluster: WatchedCluster, seconds: number) => Promise<Figures>,
): Promise<Figures> {
  return await inFolder(async (folder) => {
    const nodes = sizeOf(sizes, 'nodes')
    const cluster = await WatchedCluster.start(start, { folder, nodes, degree: sizeOf(sizes, 'degree') })
    await cluster.offer({ rate: 2 * QUIET_RATE, seconds: WARM_UP_SECONDS, changes: 1 })
    const figures = await work(cluster, sizeOf(sizes, 'seconds'))
    await cluster.stop()
    return figures
  })
}
