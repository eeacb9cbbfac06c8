import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

const LENGTH_BYTES = 4

/** Whole messages over TCP, each with its length before it: for peers that have a protocol but no transport of their own. */
export class Frames {
  readonly #socket: Socket
  readonly #waiting: PromiseWithResolvers<Uint8Array>[] = []
  readonly #ready: Uint8Array[] = []

  constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    let chunks: Buffer[] = []
    let bytes = 0
    let wanted = LENGTH_BYTES
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      bytes += chunk.length
      while (bytes >= wanted) {
        const all = Buffer.concat(chunks)
        wanted = LENGTH_BYTES + all.readUInt32BE(0)
        chunks = [all]
        if (bytes < wanted) break
        this.#take(all.subarray(LENGTH_BYTES, wanted))
        const rest = all.subarray(wanted)
        chunks = rest.length > 0 ? [rest] : []
        bytes = rest.length
        wanted = LENGTH_BYTES
      }
    })
  }

  static async dial(port: number): Promise<Frames> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new Frames(socket)
  }

  send(message: Uint8Array): void {
    const length = Buffer.alloc(LENGTH_BYTES)
    length.writeUInt32BE(message.length)
    this.#socket.cork()
    this.#socket.write(length)
    this.#socket.write(message)
    this.#socket.uncork()
  }

  async receive(): Promise<Uint8Array> {
    const ready = this.#ready.shift()
    if (ready !== undefined) return ready
    const waiting = Promise.withResolvers<Uint8Array>()
    this.#waiting.push(waiting)
    return await waiting.promise
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(message: Uint8Array): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#ready.push(message)
    else waiting.resolve(message)
  }
}

/** Answers every connection with what it is given; the port. */
export async function serveFrames(onPeer: (frames: Frames) => Promise<void>): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    void onPeer(new Frames(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
