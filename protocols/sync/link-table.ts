import type { PeerId } from '@libp2p/interface'
import { toHex } from '../../src/core/bytes.ts'
import type { SyncLink } from './link.ts'

/** Names of spaces by the bytes of their ids, which are the same few objects at every frame. */
const names = new WeakMap<Uint8Array, string>()

function nameOf(spaceId: Uint8Array): string {
  const known = names.get(spaceId)
  if (known !== undefined) return known
  const name = toHex(spaceId)
  names.set(spaceId, name)
  return name
}

/** A peer and a space, as text. */
export const keyOf = (peer: PeerId, spaceId: Uint8Array): string => `${peer.toString()} ${nameOf(spaceId)}`

/** The links there are, at most one for each peer and space. Every message of gossip asks whether there is one. */
export class LinkTable {
  /** By peer, then by space. */
  readonly #links = new Map<string, Map<string, SyncLink>>()

  get(peer: PeerId, spaceId: Uint8Array): SyncLink | undefined {
    return this.#links.get(peer.toString())?.get(nameOf(spaceId))
  }

  set(peer: PeerId, spaceId: Uint8Array, link: SyncLink): void {
    const name = peer.toString()
    const links = this.#links.get(name) ?? new Map<string, SyncLink>()
    this.#links.set(name, links.set(nameOf(spaceId), link))
  }

  delete(peer: PeerId, spaceId: Uint8Array): void {
    const name = peer.toString()
    const links = this.#links.get(name)
    links?.delete(nameOf(spaceId))
    if (links?.size === 0) this.#links.delete(name)
  }

  /** Those to one peer, by its id as text. */
  of(peer: string): Iterable<SyncLink> {
    return this.#links.get(peer)?.values() ?? []
  }

  *all(): Iterable<SyncLink> {
    for (const links of this.#links.values()) yield* links.values()
  }
}
