import * as Y from 'yjs'
import { historyCommands } from './history-party.ts'
import { TcpMesh } from './tcp-mesh.ts'

/** One Y.Doc in each process: the files, and how many commits of each process there are; updates go to everybody. */
export const commands = historyCommands(({ index, nodes }, onCommit) => {
  const doc = new Y.Doc()
  // Not a random one, so that every run breaks ties alike.
  doc.clientID = index + 1
  const files = doc.getMap('files')
  const commits = doc.getMap<true>('commits')
  const mesh = new TcpMesh(nodes - 1, (update) => Y.applyUpdate(doc, update, 'remote'))
  doc.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin !== 'remote') mesh.broadcast(update)
  })
  commits.observe(({ keysChanged }) => {
    for (const key of keysChanged) onCommit(Number(key))
  })
  return {
    connect: async (told) => await mesh.open(told as readonly number[]),
    connected: async () => await mesh.complete(),
    write: (commit) =>
      doc.transact(() => {
        for (const [path, hash] of commit.changes) {
          if (hash === null) files.delete(path)
          else files.set(path, hash)
        }
        commits.set(String(commit.index), true)
      }),
    files: () => new Map(files.entries()),
    close: () => mesh.close(),
  }
})
