import type { PeerCursor } from './message.ts'
import type { PeerTransport, TransportHost } from './transport.ts'

/** A place in one process where peers meet: every transport made here is connected to every other that is started. */
export class InProcessHub {
  readonly #members = new Set<InProcessTransport>()

  /** A transport to this place. `mayRead`: what whoever is connected through it may have; default as `RemotePeer` says. */
  transport(mayRead?: (path: string) => boolean): PeerTransport {
    return new InProcessTransport(this.#members, mayRead)
  }
}

/** Messages go as JSON values, never as objects that both sides hold. */
class InProcessTransport implements PeerTransport {
  readonly name = 'in-process'
  readonly #members: Set<InProcessTransport>
  /** What this side may have of the others. */
  readonly #mayRead: ((path: string) => boolean) | undefined
  readonly #linked = new Map<string, InProcessTransport>()
  #host: TransportHost | null = null

  constructor(members: Set<InProcessTransport>, mayRead: ((path: string) => boolean) | undefined) {
    this.#members = members
    this.#mayRead = mayRead
  }

  start(host: TransportHost): Promise<void> {
    this.#host = host
    for (const other of this.#members) {
      this.#link(other)
      other.#link(this)
    }
    this.#members.add(this)
    return Promise.resolve()
  }

  async sync(peerId: string, cursor: PeerCursor): Promise<void> {
    const [other, own] = this.#ends(peerId)
    const copy = structuredClone(cursor)
    await nextTurn()
    other.#host?.onSync(own.peerId, copy)
  }

  async send(peerId: string, message: unknown): Promise<void> {
    const [other, own] = this.#ends(peerId)
    const copy = structuredClone(message)
    await nextTurn()
    await other.#host?.onReceive(own.peerId, copy)
  }

  disconnect(peerId: string): void {
    const other = this.#linked.get(peerId)
    const own = this.#host?.peerId
    if (other === undefined || own === undefined) return
    this.#unlink(peerId)
    other.#unlink(own)
  }

  stop(): Promise<void> {
    this.#members.delete(this)
    for (const peerId of this.#linked.keys()) this.disconnect(peerId)
    this.#host = null
    return Promise.resolve()
  }

  #link(other: InProcessTransport): void {
    if (other.#host === null || this.#host === null) return
    this.#linked.set(other.#host.peerId, other)
    const { peerId: id } = other.#host
    const host = this.#host
    // Both sides are linked before either speaks.
    queueMicrotask(() => {
      if (this.#linked.has(id)) host.onConnect({ id, mayRead: other.#mayRead })
    })
  }

  #unlink(peerId: string): void {
    if (this.#linked.delete(peerId)) this.#host?.onDisconnect(peerId)
  }

  #ends(peerId: string): readonly [InProcessTransport, TransportHost] {
    const other = this.#linked.get(peerId)
    if (other === undefined || this.#host === null) throw new Error(`the peer ${peerId} is not connected`)
    return [other, this.#host]
  }
}

const nextTurn = async (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve)
  })
