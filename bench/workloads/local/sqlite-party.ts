import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { localCommands, notePath, noteText } from './store.ts'

/** Rows of SQLite, synced as Hanse's own are: nothing signed, no history, no merging. */
export const commands = localCommands((folder) => {
  const database = new DatabaseSync(join(folder, 'rows.sqlite'))
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE IF NOT EXISTS rows (path TEXT PRIMARY KEY, value TEXT)',
  )
  const insert = database.prepare('INSERT OR REPLACE INTO rows VALUES (?, ?)')
  const find = database.prepare('SELECT value FROM rows WHERE path = ?')
  const range = database.prepare('SELECT value FROM rows WHERE path > ? AND path < ?')
  return {
    write(first, count) {
      database.exec('BEGIN')
      for (let i = first; i < first + count; i++) insert.run(notePath(i), noteText(i))
      database.exec('COMMIT')
    },
    get: (i) => find.get(notePath(i))?.['value'],
    // 0 is the character after the slash.
    list: (folder) => range.all(`notes/${folder}/`, `notes/${folder}0`),
    save: () => undefined,
    close: () => database.close(),
  }
})
