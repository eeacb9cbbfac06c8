import { hostOf } from './address-network.ts'

/** A socket that somebody has opened, as far as it is looked at here. */
export interface PendingConnection {
  readonly remoteAddr: { readonly bytes: Uint8Array }
  abort(error: Error): void
  addEventListener(type: 'close', listener: () => void): void
}

/**
 * Inbound connections in the middle of their handshake, at most as many as it is made for. One more makes one go: the oldest of the
 * host that has most. A handshake takes an honest peer some tens of milliseconds, so the oldest are those that were opened and say
 * nothing. (libp2p by itself refuses the newest, and a hundred idle sockets lock everybody out for as long as their timeout, again
 * and again.)
 */
export class PendingConnections {
  /** With their hosts, the oldest first. */
  readonly #pending = new Map<PendingConnection, string>()

  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  get count(): number {
    return this.#pending.size
  }

  /** A handshake begins. */
  begin(connection: PendingConnection): void {
    this.#pending.set(connection, hostOf(connection.remoteAddr.bytes))
    connection.addEventListener('close', () => this.end(connection))
    if (this.#pending.size <= this.#max) return
    const oldest = this.#oldestOfLargestHost()
    this.#pending.delete(oldest)
    oldest.abort(new Error('its place went to a newer handshake'))
  }

  /** A handshake is through. */
  end(connection: PendingConnection): void {
    this.#pending.delete(connection)
  }

  #oldestOfLargestHost(): PendingConnection {
    const countByHost = new Map<string, number>()
    for (const host of this.#pending.values()) countByHost.set(host, (countByHost.get(host) ?? 0) + 1)
    const most = Math.max(...countByHost.values())
    const [oldest] = [...this.#pending.keys()].filter(
      (one) => countByHost.get(this.#pending.get(one) as string) === most,
    )
    return oldest as PendingConnection
  }
}
