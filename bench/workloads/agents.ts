import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { formatDid } from '../../src/core/principal.ts'
import type { Signer } from '../../src/core/signature.ts'
import { createNode } from '../../src/node/node.ts'
import { createOwnSigner } from '../../src/node/own-signer.ts'
import type { Space } from '../../src/node/space/space.ts'
import { type Figures, seconds, sizeOf, type Sizes, type Workload } from '../measure.ts'
import { Party } from '../party.ts'
import { inFolder } from './in-folder.ts'
import { entryPath, entryValue } from './sync/entries.ts'

/** Bound of the neighbour's having it all, in ms. */
const NEIGHBOUR_TIMEOUT_MS = 120_000

/**
 * Agents that write through one node by the library, each with an author key and a right of its own; every write is an operation, signed by
 * the agent, authorised by its token, on disk when the call returns, and told to a second node. First one after the other; then all at once,
 * each waiting for its own write before the next: there the time of a write has the others' in it, which go to the disk together.
 */
async function agents(sizes: Sizes): Promise<Figures> {
  return await inFolder(async (folder) => {
    const node = await createNode({
      dataDirectory: join(folder, 'node'),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      dht: false,
      relay: false,
    })
    const neighbour = await Party.start(new URL('agents/neighbour-party.ts', import.meta.url))
    try {
      const space = node.createSpace({ name: 'agents' })
      const signers = Array.from({ length: sizeOf(sizes, 'agents') }, () =>
        createOwnSigner(new Uint8Array(randomBytes(32))),
      )
      const grantSeconds = await seconds(() =>
        space.grantAll(signers.map(({ publicKey }) => ({ to: formatDid(publicKey), role: 'writer' }))),
      )
      await neighbour.ask('join', {
        link: space.invite({ role: 'reader' }),
        dataDirectory: join(folder, 'neighbour'),
      })
      // Its own right is published last.
      await neighbour.ask('untilHolds', space.hosted.store.count() + 1, NEIGHBOUR_TIMEOUT_MS)
      const each = sizeOf(sizes, 'writesEach')
      writeInTurn(space, signers, 2, 0)
      const beganMs = performance.now()
      const first = 2 * signers.length
      const inTurnSeconds = await seconds(() => writeInTurn(space, signers, each, first))
      const latenciesMs: number[] = []
      const atOnceSeconds = await seconds(
        async () => await writeAtOnce(space, signers, each, first + each * signers.length, latenciesMs),
      )
      await neighbour.ask('untilHolds', space.hosted.store.count(), NEIGHBOUR_TIMEOUT_MS)
      const writes = signers.length * each
      const sorted = latenciesMs.toSorted((a, b) => a - b)
      const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN
      return {
        inTurnPerSecond: writes / inTurnSeconds,
        inTurnMs: (1000 * inTurnSeconds) / writes,
        atOncePerSecond: writes / atOnceSeconds,
        medianMs: at(0.5),
        p99Ms: at(0.99),
        neighbourHasPerSecond: (2 * writes) / ((performance.now() - beganMs) / 1000),
        grantSeconds,
      }
    } finally {
      await neighbour.stop()
      await node.stop()
    }
  })
}

function write(space: Space, author: Signer, n: number): void {
  space.put(entryPath(n), entryValue(n), { author })
}

function writeInTurn(space: Space, signers: readonly Signer[], each: number, first: number): void {
  for (let i = 0; i < each * signers.length; i++)
    write(space, signers[i % signers.length] as Signer, first + i)
}

/** Each agent wants to write as soon as its last write is done. */
async function writeAtOnce(
  space: Space,
  signers: readonly Signer[],
  each: number,
  first: number,
  latenciesMs: number[],
): Promise<void> {
  const run = async (author: Signer, agent: number) => {
    for (let i = 0; i < each; i++) {
      const wantedMs = performance.now()
      await space.writeSoon(() => write(space, author, first + i * signers.length + agent))
      latenciesMs.push(performance.now() - wantedMs)
    }
  }
  await Promise.all(signers.map(run))
}

export const AGENTS: Workload = {
  name: 'agents',
  question: 'How fast do a hundred agents write through one node, each with a key of its own?',
  sizes: { agents: 100, writesEach: 100 },
  quick: { agents: 20, writesEach: 25 },
  subjects: [{ name: 'Hanse', without: '', run: agents }],
  compared: {},
}
