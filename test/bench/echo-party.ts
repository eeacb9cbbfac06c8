import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'

/** A party that answers bytes with as many bytes, and one that asks it. */
const server = createServer((socket) => socket.pipe(socket))

export const commands = {
  listen: async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  },
  /** So many exchanges of so many bytes. */
  exchange: async ({ port, times, bytes }: Record<'port' | 'times' | 'bytes', number>) => {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    for (let i = 0; i < times; i++) {
      socket.write(Buffer.alloc(bytes))
      for (let got = 0; got < bytes; ) got += ((await once(socket, 'data')) as [Buffer])[0].length
    }
    socket.end()
    await once(socket, 'close')
  },
  fail: () => {
    throw new Error('as it was told to')
  },
  die: () => process.exit(3),
}
