import { didOf } from '../../../src/demo/people.ts'
import { Replay } from '../../../src/demo/replay.ts'
import { createNode, type HanseNode } from '../../../src/node/node.ts'
import type { Space } from '../../../src/node/space/space.ts'
import type { Commands } from '../../party.ts'
import type { Opened } from './parties.ts'
import { isAsRecorded, readRecorded } from './recorded.ts'

/** One federation node, as the demo runs it but for mallory: it writes what its people wrote once what they built on has arrived. */
let opened: Opened
let node: HanseNode
let space: Space

export const commands: Commands = {
  async open(given: Opened): Promise<void> {
    opened = given
    node = await createNode({
      dataDirectory: opened.directory,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      bootstrap: opened.bootstrap,
      antiEntropyIntervalMs: 2_000,
      discoveryIntervalMs: 2_000,
    })
  },

  /** Makes the space and grants every person the right to write; gives a link for the others. */
  found(): string {
    const { history } = readRecorded(opened.history)
    const timeMs = history.commits[0]?.timeMs ?? 0
    space = node.createSpace({ name: 'history', timeMs })
    space.grantAll(
      Array.from({ length: history.people }, (_, person) => ({ to: didOf(person), role: 'writer' as const })),
      timeMs,
    )
    return space.invite({ role: 'reader', path: '', addresses: false })
  },

  join(link: string): void {
    space = node.join(link)
  },

  /** Root of the clock, and with how many nodes it is compared. */
  standing(): { readonly root: string; readonly peers: number } {
    return {
      root: space.status().clockRoot,
      peers: space.peers.all().filter(({ isProven }) => isProven).length,
    }
  },

  /** Writes; resolves when every commit of everybody is here. */
  async replay(): Promise<void> {
    const { history } = readRecorded(opened.history)
    const replay = new Replay(space, history, opened.index, opened.nodes)
    const { promise, resolve } = Promise.withResolvers<void>()
    const check = () => {
      if (replay.arrived === history.commits.length) resolve()
    }
    replay.start()
    space.hosted.replica.addEventListener('admitted', check)
    check()
    await promise
  },

  matches(): boolean {
    const shown = new Map(Array.from(space.list(), ({ path, value }) => [path, value]))
    return isAsRecorded(shown, readRecorded(opened.history).expected)
  },

  stateRoot: () => space.status().stateRoot,

  async close(): Promise<void> {
    await node.stop()
  },
}
