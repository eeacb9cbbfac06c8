import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Processes } from '../../../src/demo/processes.ts'
import { type Figures, seconds } from '../../measure.ts'
import { Party } from '../../party.ts'
import { bytesOf, inFolder } from '../in-folder.ts'
import { readRecorded } from './recorded.ts'

/** What each party is opened with. */
export interface Opened {
  /** Its own, to keep data in. */
  readonly directory: string
  /** Name of the recorded history. */
  readonly history: string
  /** Its place among the parties that write, from 0. */
  readonly index: number
  readonly nodes: number
  /** Multiaddrs of the introduction node; none where peers are connected with each other by `connect`. */
  readonly bootstrap: readonly string[]
}

/** Bound of everybody finding everybody, in ms. */
const MEETING_TIMEOUT_MS = 60_000
const POLL_MS = 50

/** Replays over processes of Hanse that know only an introduction node. */
export async function replayOverHanse(name: string, nodes: number): Promise<Figures> {
  return await inFolder(async (folder) => {
    const processes = new Processes()
    const bootstrap = await processes.startIntroducer(join(folder, 'introduction'))
    try {
      const module = new URL('hanse-party.ts', import.meta.url)
      return await replayOver(module, name, nodes, folder, bootstrap, async (parties) => {
        const [owner, ...others] = parties as [Party, ...Party[]]
        const link = await owner.ask<string>('found')
        await Promise.all(others.map((party) => party.ask('join', link)))
        await untilAllMeet(parties)
      })
    } finally {
      await processes.stopAll()
    }
  })
}

/** Replays over processes of a peer, each connected with each by TCP. `module`: a party with `open`, `connect`, `replay`, `matches`, `close`. */
export async function replayOverPeer(module: URL, name: string, nodes: number): Promise<Figures> {
  return await inFolder(
    async (folder) =>
      await replayOver(module, name, nodes, folder, [], async (parties) => {
        const told: unknown[] = []
        for (const party of parties) told.push(await party.ask('connect', told))
        await Promise.all(parties.map((party) => party.ask('connected')))
      }),
  )
}

async function replayOver(
  module: URL,
  history: string,
  nodes: number,
  folder: string,
  bootstrap: readonly string[],
  connect: (parties: readonly Party[]) => Promise<void>,
): Promise<Figures> {
  const parties: Party[] = []
  try {
    for (let index = 0; index < nodes; index++) {
      const directory = join(folder, `party-${index}`)
      mkdirSync(directory)
      const party = await Party.start(module)
      parties.push(party)
      await party.ask('open', { directory, history, index, nodes, bootstrap } satisfies Opened)
    }
    await connect(parties)
    await Promise.all(parties.map((party) => party.mark()))
    const taken = await seconds(async () => {
      await Promise.all(parties.map((party) => party.ask('replay')))
    })
    const used = await Promise.all(parties.map((party) => party.usage()))
    const matches = await Promise.all(parties.map((party) => party.ask<boolean>('matches')))
    const roots = new Set(await Promise.all(parties.map((party) => party.ask<string>('stateRoot'))))
    await Promise.all(parties.map((party) => party.ask('close')))
    const { commits } = readRecorded(history).history
    const changes = commits.reduce((count, commit) => count + commit.changes.length, 0)
    return {
      matches: matches.every(Boolean) ? 1 : 0,
      isEqualEverywhere: roots.size === 1 ? 1 : 0,
      operationsPerSecond: commits.length / taken,
      changesPerSecond: changes / taken,
      wireBytesPerOperation: used.reduce((sum, { bytesOut }) => sum + bytesOut, 0) / commits.length,
      storedBytes: bytesOf(join(folder, 'party-0')),
      cpuSeconds: used.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
      peakMb: Math.max(...used.map(({ peakMb }) => peakMb)),
    }
  } finally {
    await Promise.all(parties.map((party) => party.stop()))
  }
}

/** Until every node has proved itself to every other, and all hold the same. */
async function untilAllMeet(parties: readonly Party[]): Promise<void> {
  const deadlineMs = performance.now() + MEETING_TIMEOUT_MS
  for (;;) {
    const standings = await Promise.all(
      parties.map((party) => party.ask<{ readonly root: string; readonly peers: number }>('standing')),
    )
    const haveMet = standings.every(
      ({ root, peers }) => root === standings[0]?.root && peers === parties.length - 1,
    )
    if (haveMet) return
    if (performance.now() > deadlineMs) throw new Error(`not met in time: ${JSON.stringify(standings)}`)
    await setTimeout(POLL_MS)
  }
}
