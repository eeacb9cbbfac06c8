import type { Multiaddr } from '@multiformats/multiaddr'
import { NARROW_NETWORK } from '../../core/address-network.ts'
import { Reputation, type Standing } from '../reputation.ts'
import { networkOf } from './connection-gater.ts'
import { NetworkBans } from './network-bans.ts'

/** Who is trusted with a connection: what peers did, which networks they came from, and whom the user named. */
export class PeerStandings {
  readonly #reputation: Reputation
  readonly #networks: NetworkBans
  readonly #pinned = new Set<string>()

  constructor(now: () => number) {
    this.#reputation = new Reputation(now)
    this.#networks = new NetworkBans((peer) => this.#reputation.isBanned(peer))
  }

  /** Holds an offence against a peer that is connected from these addresses; true when this bans it now. */
  blame(
    peer: string,
    offence: { readonly code: string; readonly detail: string },
    addresses: readonly Multiaddr[],
  ): boolean {
    if (!this.#reputation.blame(peer, offence.code, offence.detail)) return false
    const networks = addresses.map((address) => networkOf(address, NARROW_NETWORK))
    this.#networks.note(
      peer,
      networks.filter((network) => network !== null),
    )
    return true
  }

  /** Keeps evidence of what is no offence. */
  note(peer: string, { code, detail }: { readonly code: string; readonly detail: string }): void {
    this.#reputation.blame(peer, code, detail, 0)
  }

  /** A peer the user named, or an introduction node; an address without a peer id names nobody. */
  pin(address: Multiaddr): void {
    const peer = address.getComponents().findLast(({ name }) => name === 'p2p')?.value
    if (peer !== undefined) this.#pinned.add(peer)
  }

  isPinned(peer: string): boolean {
    return this.#pinned.has(peer)
  }

  isBanned(peer: string): boolean {
    return this.#reputation.isBanned(peer)
  }

  isNetworkBanned(network: string): boolean {
    return this.#networks.isBanned(network)
  }

  standingOf(peer: string): Standing {
    return this.#reputation.standingOf(peer)
  }
}
