import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Sockets to every other process, and messages over them as they are, each after its length: the least that a peer's bytes need. */
export class TcpMesh {
  readonly #server = createServer((socket) => this.#add(socket))
  readonly #sockets: Socket[] = []
  readonly #peers: number
  readonly #onMessage: (message: Uint8Array) => void
  readonly #complete = Promise.withResolvers<void>()

  /** `peers`: how many others there are. */
  constructor(peers: number, onMessage: (message: Uint8Array) => void) {
    this.#peers = peers
    this.#onMessage = onMessage
  }

  /** Dials those who listen already, and listens for the others; gives its port. */
  async open(ports: readonly number[]): Promise<number> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    for (const port of ports) {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      this.#add(socket)
    }
    return (this.#server.address() as AddressInfo).port
  }

  /** Resolves once there is a socket to everybody. */
  async complete(): Promise<void> {
    await this.#complete.promise
  }

  broadcast(message: Uint8Array): void {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(message.length)
    const frame = Buffer.concat([length, message])
    for (const socket of this.#sockets) socket.write(frame)
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #add(socket: Socket): void {
    socket.setNoDelay(true)
    this.#sockets.push(socket)
    let rest: Buffer = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      let at = 0
      while (rest.length - at >= 4 && rest.length - at - 4 >= rest.readUInt32BE(at)) {
        const end = at + 4 + rest.readUInt32BE(at)
        this.#onMessage(rest.subarray(at + 4, end))
        at = end
      }
      rest = rest.subarray(at)
    })
    if (this.#sockets.length === this.#peers) this.#complete.resolve()
  }
}
