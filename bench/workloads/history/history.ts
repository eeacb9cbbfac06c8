import { importHistory } from '../../../src/node/exchange/import-history.ts'
import { createNode } from '../../../src/node/node.ts'
import { type Figures, seconds, sizeOf, type Subject, type Workload } from '../../measure.ts'
import { bytesOf, inFolder } from '../in-folder.ts'
import { replayOverHanse, replayOverPeer } from './parties.ts'
import { isAsRecorded, readRecorded } from './recorded.ts'

/** Every commit as one signed operation of its author, every changed path a register, each commit on disk before the next. */
async function apply(name: string): Promise<Figures> {
  const { history, expected } = readRecorded(name)
  const changes = history.commits.reduce((count, commit) => count + commit.changes.length, 0)
  return await inFolder(async (dataDirectory) => {
    const node = await createNode({ dataDirectory, online: false })
    const space = node.createSpace({ name })
    const taken = await seconds(async () => {
      await importHistory(space, history, { owner: node.author })
    })
    const shown = new Map(Array.from(space.list(), ({ path, value }) => [path, value]))
    await node.stop()
    return {
      matches: isAsRecorded(shown, expected) ? 1 : 0,
      operationsPerSecond: history.commits.length / taken,
      changesPerSecond: changes / taken,
      storedBytes: bytesOf(dataDirectory),
    }
  })
}

/** One process. */
export const HISTORY_IMPORT: Workload = {
  name: 'history-import',
  question: 'How fast is a real history applied by one node, commit by commit?',
  sizes: { history: 'js-libp2p' },
  quick: { history: 'specs' },
  subjects: [{ name: 'Hanse', without: '', run: async ({ history }) => await apply(String(history)) }],
  compared: {},
}

function peer(name: string, file: string, without: string): Subject {
  // A package of its own, so its modules are not imported here.
  const module = new URL(`../../peers/${file}`, import.meta.url)
  return {
    name,
    without,
    run: async (sizes) => await replayOverPeer(module, String(sizes['history']), sizeOf(sizes, 'nodes')),
  }
}

export const HISTORY: Workload = {
  name: 'history',
  question:
    'How fast does a real history go through several processes, each writing for its share of the people, and only on what has arrived there?',
  sizes: { history: 'js-libp2p', nodes: 5 },
  quick: { history: 'specs', nodes: 3 },
  rounds: 3,
  subjects: [
    {
      name: 'Hanse',
      without: '',
      run: async (sizes) => await replayOverHanse(String(sizes['history']), sizeOf(sizes, 'nodes')),
    },
    peer(
      'Hypercore',
      'history-hypercore.ts',
      'authorise or merge; a log of each process, not of each person',
    ),
    peer('Automerge', 'history-automerge.ts', 'sign, authorise or keep on disk; changes over plain TCP'),
    peer('Yjs', 'history-yjs.ts', 'sign, authorise or keep on disk; updates over plain TCP'),
  ],
  compared: { operationsPerSecond: 'more', wireBytesPerOperation: 'less', peakMb: 'less' },
}
