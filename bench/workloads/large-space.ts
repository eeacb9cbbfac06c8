import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createNode } from '../../src/node/node.ts'
import type { ItemEdit } from '../../src/node/space/item-edit.ts'
import type { Space } from '../../src/node/space/space.ts'
import { importSnapshotFile } from '../../src/node/exchange/import-file.ts'
import { type Figures, seconds, sizeOf, type Sizes, type Subject, type Workload } from '../measure.ts'
import { inFolder } from './in-folder.ts'

const WORDS =
  'harbour ledger cog salt herring amber wool wax beer grain timber council guild seal charter letter'.split(
    ' ',
  )

const word = (i: number) => WORDS[i % WORDS.length] as string

/** A space of so many operations of one change each: registers, maps, edges, log entries and tags in turn. */
function fill(space: Space, operations: number): void {
  for (let i = 0; i < operations; i++) {
    const path = `people/${i % 50_000}`
    const value = `${word(i)} ${word(i >> 4)} ${word(i >> 8)} ${i}`
    const edits: readonly ItemEdit[] = [
      { kind: 'put', path: `notes/${i}`, value },
      { kind: 'edit', path, set: { name: value, born: i } },
      { kind: 'link', path, label: 'knows', to: `people/${(i * 7) % 50_000}` },
      { kind: 'append', path: `events/${i % 100}`, value: { did: value } },
      { kind: 'tag', path, add: [word(i)] },
    ]
    space.write([edits[i % edits.length] as ItemEdit])
  }
}

async function hanse(sizes: Sizes): Promise<Figures> {
  const operations = sizeOf(sizes, 'operations')
  return await inFolder(async (folder) => {
    const dataDirectory = join(folder, 'one')
    const node = await createNode({ dataDirectory, online: false })
    const space = node.createSpace({ name: 'large' })
    const fillSeconds = await seconds(() => fill(space, operations))
    await node.stop()

    let again = await createNode({ dataDirectory: join(folder, 'other'), online: false })
    await again.stop()
    const openSeconds = await seconds(async () => {
      again = await createNode({ dataDirectory, online: false })
      if (again.space(space.id).get('notes/0') === undefined) throw new Error('a wrong answer')
    })
    const opened = again.space(space.id)
    const rootSeconds = await seconds(() => opened.hosted.replica.stateRoot())

    // The first search brings the index up to date.
    const indexSeconds = await seconds(async () => await opened.search('herring'))
    const searchMs = 1000 * (await seconds(async () => await opened.search('amber guild', { limit: 20 })))
    const rowMs =
      1000 *
      (await seconds(async () => await opened.sql('select value from fields where path = ?', ['notes/5'])))
    const joinMs =
      1000 *
      (await seconds(
        async () =>
          await opened.sql(
            `select e.target, t.tag from edges e join tags t on t.path = e.target where e.source = 'people/7' limit 50`,
          ),
      ))

    const file = join(folder, 'snapshot')
    const exportSeconds = await seconds(async () => await opened.exchange.exportSnapshot({ file }))
    const mb = statSync(file).size / 1e6
    await again.stop()
    const target = await createNode({ dataDirectory: join(folder, 'other'), online: false })
    const importSeconds = await seconds(async () => await importSnapshotFile(target, { file }))
    await target.stop()
    return {
      writesPerSecond: operations / fillSeconds,
      openSeconds,
      rootSeconds,
      indexSeconds,
      searchMs,
      sqlRowMs: rowMs,
      sqlJoinMs: joinMs,
      snapshotMb: mb,
      exportMbPerSecond: mb / exportSeconds,
      exportOperationsPerSecond: operations / exportSeconds,
      importMbPerSecond: mb / importSeconds,
      importOperationsPerSecond: operations / importSeconds,
    }
  })
}

/** The same rows in SQLite alone: opening and reading, and its own backup. */
const floor: Subject = {
  name: 'SQLite alone',
  without: 'sign, authorise, keep history or check what it takes in',
  run: async (sizes) =>
    await inFolder(async (folder) => {
      const operations = sizeOf(sizes, 'operations')
      const path = join(folder, 'rows.sqlite')
      const database = new DatabaseSync(path)
      database.exec('PRAGMA journal_mode = WAL; CREATE TABLE rows (path TEXT PRIMARY KEY, value TEXT)')
      const insert = database.prepare('INSERT INTO rows VALUES (?, ?)')
      database.exec('BEGIN')
      for (let i = 0; i < operations; i++) insert.run(`notes/${i}`, `${word(i)} ${word(i >> 4)} ${i}`)
      database.exec('COMMIT')
      database.close()
      let again = database
      const openSeconds = await seconds(() => {
        again = new DatabaseSync(path)
        again.prepare('SELECT value FROM rows WHERE path = ?').get('notes/0')
      })
      const sqlRowMs =
        1000 * (await seconds(() => again.prepare('SELECT value FROM rows WHERE path = ?').get('notes/5')))
      again.close()
      return { openSeconds, sqlRowMs }
    }),
}

export const LARGE_SPACE: Workload = {
  name: 'large-space',
  question: 'What does a large space cost: to open, to query, to search, to export and to import?',
  sizes: { operations: 100_000 },
  quick: { operations: 2_000 },
  subjects: [{ name: 'Hanse', without: '', run: hanse }, floor],
  compared: {},
}
