import { BANNED_PEERS_PER_NETWORK_MAX, BANS_MAX } from '../../core/limits.ts'

/**
 * Networks from which several banned peers came: peer ids are free, addresses are not. A network is banned while at least
 * BANNED_PEERS_PER_NETWORK_MAX of its peers are, so its ban ends with theirs. Networks are those of publicNetworkOf: the own
 * machine and private networks are never banned.
 */
export class NetworkBans {
  /** Networks each banned peer was seen in, the oldest first. */
  readonly #networksByPeer = new Map<string, readonly string[]>()
  readonly #isBanned: (peer: string) => boolean

  constructor(isBanned: (peer: string) => boolean) {
    this.#isBanned = isBanned
  }

  /** A peer was banned while it was connected from these networks. */
  note(peer: string, networks: readonly string[]): void {
    this.#networksByPeer.delete(peer)
    this.#networksByPeer.set(peer, networks)
    for (const [oldest] of this.#networksByPeer) {
      if (this.#networksByPeer.size <= BANS_MAX) break
      this.#networksByPeer.delete(oldest)
    }
  }

  /** True while so many peers of the network are banned that all of it is. */
  isBanned(network: string): boolean {
    let banned = 0
    for (const [peer, networks] of this.#networksByPeer) {
      if (!this.#isBanned(peer)) this.#networksByPeer.delete(peer)
      else if (networks.includes(network) && ++banned >= BANNED_PEERS_PER_NETWORK_MAX) return true
    }
    return false
  }
}
