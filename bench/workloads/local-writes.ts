import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { createNode } from '../../src/node/node.ts'
import type { ItemEdit } from '../../src/node/space/item-edit.ts'
import { type Figures, seconds, sizeOf, type Sizes, type Workload } from '../measure.ts'
import { inFolder } from './in-folder.ts'

/** One write of each type; `i` tells them apart. */
const EDITS: Readonly<Record<string, (i: number) => ItemEdit>> = {
  register: (i) => ({ kind: 'put', path: `notes/${i}`, value: `entry ${i} of the benchmark` }),
  map: (i) => ({ kind: 'edit', path: `people/${i % 1_000}`, set: { name: `name ${i}`, born: i } }),
  edge: (i) => ({ kind: 'link', path: `people/${i % 1_000}`, label: 'knows', to: `people/${i}` }),
  log: (i) => ({ kind: 'append', path: `events/${i % 10}`, value: { did: 'something', n: i } }),
  set: (i) => ({ kind: 'tag', path: `people/${i % 1_000}`, add: [`tag ${i % 50}`] }),
  counter: (i) => ({ kind: 'count', path: `hits/${i % 100}`, by: 1 }),
  claim: (i) => ({ kind: 'claim', path: `releases/${i}`, value: i }),
}

/** Signed, authorised, on disk before the next: writes per second by type, `perOperation` of them in one operation. */
async function writeAll(sizes: Sizes, perOperation: number): Promise<Figures> {
  const writes = sizeOf(sizes, 'writes')
  const figures: Record<string, number> = {}
  for (const [type, editOf] of Object.entries(EDITS)) {
    await inFolder(async (dataDirectory) => {
      const node = await createNode({ dataDirectory, online: false })
      const space = node.createSpace({ name: 'bench' })
      const taken = await seconds(() => {
        for (let i = 0; i < writes; i += perOperation)
          space.write(Array.from({ length: Math.min(perOperation, writes - i) }, (_, j) => editOf(i + j)))
      })
      await node.stop()
      figures[`${type}PerSecond`] = writes / taken
    })
  }
  return figures
}

/** One row for each write in a table of SQLite, synced as Hanse's own are: nothing signed, no history, no merging. */
async function writeRows(sizes: Sizes): Promise<Figures> {
  const writes = sizeOf(sizes, 'writes')
  return await inFolder(async (folder) => {
    const database = new DatabaseSync(join(folder, 'rows.sqlite'))
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE rows (path TEXT PRIMARY KEY, value TEXT)',
    )
    const insert = database.prepare('INSERT OR REPLACE INTO rows VALUES (?, ?)')
    const taken = await seconds(() => {
      for (let i = 0; i < writes; i++) insert.run(`notes/${i}`, `"entry ${i} of the benchmark"`)
    })
    database.close()
    return { registerPerSecond: writes / taken }
  })
}

export const LOCAL_WRITES: Workload = {
  name: 'local-writes',
  question: 'How many writes a second does a space take, by type, each durable before the next?',
  sizes: { writes: 5_000 },
  quick: { writes: 500 },
  subjects: [
    { name: 'Hanse, one write an operation', without: '', run: async (sizes) => await writeAll(sizes, 1) },
    { name: 'Hanse, 100 writes an operation', without: '', run: async (sizes) => await writeAll(sizes, 100) },
    {
      name: 'SQLite alone, one row a transaction',
      without: 'sign, authorise, keep history or merge',
      run: writeRows,
    },
  ],
  compared: { registerPerSecond: 'more' },
}
