import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import Corestore from 'corestore'
import type { Commit } from '../../src/node/exchange/history-file.ts'
import { historyCommands } from './history-party.ts'

/** What one process tells the others: where it listens, and the key of its log. */
interface Told {
  readonly port: number
  readonly key: Buffer
}

/**
 * A log in each process that the others replicate, a block for each commit. It merges nothing: of the writes to a path the one that is later by its
 * author's clock is taken here.
 */
export const commands = historyCommands(async ({ directory, nodes }, onCommit) => {
  const store = new Corestore(directory)
  const own = store.get({ name: 'own' })
  await own.ready()
  const files = new Map<
    string,
    { readonly timeMs: number; readonly index: number; readonly hash: string | null }
  >()
  const sockets: Socket[] = []
  const complete = Promise.withResolvers<void>()

  const take = ({ index, timeMs, changes }: Commit) => {
    for (const [path, hash] of changes) {
      const known = files.get(path)
      const isLater =
        known === undefined || timeMs > known.timeMs || (timeMs === known.timeMs && index > known.index)
      if (isLater) files.set(path, { timeMs, index, hash })
    }
    onCommit(index)
  }
  const add = (socket: Socket, isInitiator: boolean) => {
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    const stream = store.replicate(isInitiator)
    stream.on('error', () => socket.destroy())
    socket.pipe(stream).pipe(socket)
    sockets.push(socket)
    if (sockets.length === nodes - 1) complete.resolve()
  }
  const follow = async (key: Buffer) => {
    const core = store.get({ key })
    await core.ready()
    for await (const block of core.createReadStream({ live: true }))
      take(JSON.parse((block as Buffer).toString()) as Commit)
  }
  const server = createServer((socket) => {
    // Its first 32 bytes are the key of its log, since it is told of by nobody here.
    socket.once('readable', () => {
      void follow(socket.read(32) as Buffer).catch(() => {})
      add(socket, false)
    })
  })
  return {
    connect: async (told) => {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      for (const { port, key } of told as readonly Told[]) {
        const socket = connect(port, '127.0.0.1')
        await once(socket, 'connect')
        socket.write(own.key)
        void follow(Buffer.from(key)).catch(() => {})
        add(socket, true)
      }
      return { port: (server.address() as AddressInfo).port, key: own.key } satisfies Told
    },
    connected: async () => await complete.promise,
    write: (commit) => {
      void own.append(Buffer.from(JSON.stringify(commit))).then(() => take(commit))
    },
    files: () =>
      new Map([...files].flatMap(([path, { hash }]) => (hash === null ? [] : [[path, hash] as const]))),
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await store.close()
    },
  }
})
