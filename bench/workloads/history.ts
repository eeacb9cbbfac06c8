import { fileURLToPath } from 'node:url'
import { importHistory } from '../../src/node/exchange/import-history.ts'
import { readExpected, readHistory } from '../../src/node/exchange/history-file.ts'
import { createNode } from '../../src/node/node.ts'
import { type Figures, seconds, type Workload } from '../measure.ts'
import { bytesOf, inFolder } from './in-folder.ts'

/** Every commit as one signed operation of its author, every changed path a register, each commit on disk before the next. */
async function apply(name: string): Promise<Figures> {
  const folder = new URL(name === 'specs' ? '../../src/demo/data/' : '../data/history/', import.meta.url)
  const history = readHistory(fileURLToPath(new URL(`${name}.jsonl.gz`, folder)))
  const expected = readExpected(fileURLToPath(new URL(`${name}.expected.json.gz`, folder)))
  const changes = history.commits.reduce((count, commit) => count + commit.changes.length, 0)
  return await inFolder(async (dataDirectory) => {
    const node = await createNode({ dataDirectory, online: false })
    const space = node.createSpace({ name })
    const taken = await seconds(async () => {
      await importHistory(space, history, { owner: node.author })
    })
    const shown = new Map(Array.from(space.list(), ({ path, value }) => [path, value]))
    const matches =
      shown.size === expected.size && [...expected].every(([path, hash]) => shown.get(path) === hash)
    await node.stop()
    return {
      matches: matches ? 1 : 0,
      operationsPerSecond: history.commits.length / taken,
      changesPerSecond: changes / taken,
      storedBytes: bytesOf(dataDirectory),
    }
  })
}

export const HISTORY: Workload = {
  name: 'history',
  question: 'How fast is a real history applied, commit by commit?',
  sizes: { history: 'js-libp2p' },
  quick: { history: 'specs' },
  subjects: [{ name: 'Hanse', without: '', run: async ({ history }) => await apply(String(history)) }],
  compared: {},
}
