import type { PeerId } from '@libp2p/interface'
import { toHex } from '../../core/bytes.ts'
import type { Network } from './libp2p.ts'

/** Code of a link that ended without anybody's fault. */
const LINK_CLOSED = 'LINK_CLOSED'

/** A space, as far as it is told from others here. */
interface Shared {
  readonly topic: Uint8Array
}

export interface SpacePeersInit {
  readonly network: () => Network
  /** True for a peer, as text, that is not dealt with. */
  readonly isBanned: (peer: string) => boolean
}

/**
 * Who shares which space. A *sharer* has been past the space's handshake on a connection that lasts; its link may have been let go
 * since, because the space rests. For anything that needs a proof at that moment (gossip, bodies, attachments) only the link counts.
 */
export class SpacePeers {
  readonly #init: SpacePeersInit
  /** By the space's topic, hexadecimal, then by peer. */
  readonly #sharers = new Map<string, Map<string, PeerId>>()
  readonly #speakers = new Set<string>()

  constructor(init: SpacePeersInit) {
    this.#init = init
  }

  /** A connected peer speaks the sync protocol: introduction nodes do not. */
  onSpeaker(peer: PeerId): void {
    this.#speakers.add(peer.toString())
  }

  /** A peer has proved that it may read a space. */
  onProven({ topic }: Shared, peer: PeerId): void {
    const key = toHex(topic)
    const sharers = this.#sharers.get(key) ?? new Map<string, PeerId>()
    this.#sharers.set(key, sharers.set(peer.toString(), peer))
  }

  /** A link has ended. One that was let go says nothing against the peer; any other reason does. */
  onClose({ topic }: Shared, peer: PeerId, code: string | null): void {
    if (code !== null && code !== LINK_CLOSED) this.#sharers.get(toHex(topic))?.delete(peer.toString())
  }

  /** The last connection to a peer has closed. Gives the topics, hexadecimal, of the spaces that it shared. */
  onGone(peer: PeerId): readonly string[] {
    this.#speakers.delete(peer.toString())
    return [...this.#sharers].filter(([, sharers]) => sharers.delete(peer.toString())).map(([topic]) => topic)
  }

  isSharer({ topic }: Shared, peer: PeerId): boolean {
    return this.#sharers.get(toHex(topic))?.has(peer.toString()) ?? false
  }

  isSharerOfAny(peer: PeerId): boolean {
    return [...this.#sharers.values()].some((sharers) => sharers.has(peer.toString()))
  }

  /** Connected peers that share a space. */
  sharers({ topic }: Shared): readonly PeerId[] {
    return [...(this.#sharers.get(toHex(topic))?.values() ?? [])]
  }

  /** Peers to compare a space with: those that share it, and connected ones that may. */
  of({ topic }: Shared): readonly PeerId[] {
    const sharers = this.#sharers.get(toHex(topic))
    const { network, isBanned } = this.#init
    const others = network()
      .getPeers()
      .filter((peer) => this.#speakers.has(peer.toString()) && sharers?.has(peer.toString()) !== true)
    return [...(sharers?.values() ?? []), ...others].filter((peer) => !isBanned(peer.toString()))
  }
}
