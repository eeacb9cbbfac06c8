import { MessageChannel, type MessagePort } from 'node:worker_threads'
import type { PeerTransport, TransportHost } from '../../src/peer/transport.ts'

/** What goes over the port: an answer to each message is what makes its sender wait. */
type Said =
  | { readonly kind: 'hello'; readonly peerId: string }
  | { readonly kind: 'sync'; readonly cursor: unknown }
  | { readonly kind: 'send'; readonly id: number; readonly message: unknown }
  | { readonly kind: 'taken'; readonly id: number }
  | { readonly kind: 'bye' }

/** Two ends of one channel, each of which is given its port anew whenever it is started. */
export function createPortPair(): readonly [PeerTransport, PeerTransport] {
  const first = new MessagePortTransport()
  const second = new MessagePortTransport()
  const meet = () => {
    if (!first.isStarted || !second.isStarted) return
    const { port1, port2 } = new MessageChannel()
    first.connect(port1)
    second.connect(port2)
  }
  first.onStarted = meet
  second.onStarted = meet
  return [first, second]
}

/**
 * A third transport, as docs/transports.md has it for an example: a `MessagePort`, as between a page and its worker. It is here to show that
 * the suite can be passed by somebody who knows nothing but the interface.
 */
class MessagePortTransport implements PeerTransport {
  readonly name = 'message-port'
  onStarted: () => void = () => {}
  #host: TransportHost | null = null
  #port: MessagePort | null = null
  #peerId: string | null = null
  #next = 0
  readonly #waiting = new Map<
    number,
    { readonly done: () => void; readonly failed: (error: Error) => void }
  >()

  get isStarted(): boolean {
    return this.#host !== null
  }

  start(host: TransportHost): Promise<void> {
    this.#host = host
    this.onStarted()
    return Promise.resolve()
  }

  connect(port: MessagePort): void {
    this.#port = port
    port.on('message', (said: Said) => this.#take(said))
    port.postMessage({ kind: 'hello', peerId: this.#host?.peerId })
  }

  sync(_peerId: string, cursor: unknown): Promise<void> {
    if (this.#peerId === null) return Promise.reject(new Error('not connected'))
    this.#port?.postMessage({ kind: 'sync', cursor })
    return Promise.resolve()
  }

  async send(_peerId: string, message: unknown): Promise<void> {
    if (this.#peerId === null) throw new Error('not connected')
    const id = this.#next++
    await new Promise<void>((done, failed) => {
      this.#waiting.set(id, { done, failed })
      this.#port?.postMessage({ kind: 'send', id, message })
    })
  }

  disconnect(): void {
    this.#port?.postMessage({ kind: 'bye' })
    this.#close()
  }

  stop(): Promise<void> {
    this.disconnect()
    this.#host = null
    return Promise.resolve()
  }

  #take(said: Said): void {
    switch (said.kind) {
      case 'hello':
        this.#peerId = said.peerId
        this.#host?.onConnect({ id: said.peerId })
        break
      case 'sync':
        if (this.#peerId !== null) this.#host?.onSync(this.#peerId, said.cursor)
        break
      case 'send':
        if (this.#peerId !== null)
          void this.#host?.onReceive(this.#peerId, said.message).then(() => {
            this.#port?.postMessage({ kind: 'taken', id: said.id })
          })
        break
      case 'taken':
        this.#waiting.get(said.id)?.done()
        this.#waiting.delete(said.id)
        break
      case 'bye':
        this.#close()
        break
    }
  }

  #close(): void {
    const gone = this.#peerId
    this.#peerId = null
    this.#port?.close()
    this.#port = null
    for (const { failed } of this.#waiting.values()) failed(new Error('the connection has ended'))
    this.#waiting.clear()
    if (gone !== null) this.#host?.onDisconnect(gone)
  }
}
