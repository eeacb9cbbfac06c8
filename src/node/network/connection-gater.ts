import type { Connection, ConnectionGater, MultiaddrConnection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { NARROW_NETWORK, publicNetworkOf, WIDE_NETWORK } from '../../core/address-network.ts'
import { PENDING_CONNECTIONS_MAX } from '../../core/limits.ts'
import { PendingConnections } from '../../core/pending-connections.ts'
import { decideSlot, type SlotHolder } from './connection-slots.ts'

/** What the gater asks of the node around it. */
export interface GaterHost {
  /** This node's clock, ms since 1970. */
  readonly now: () => number
  /** Every connection now. */
  readonly connections: () => readonly Connection[]
  /** Named by the user, or an introduction node. */
  readonly isPinned: (peer: string) => boolean
  /** Past the handshake of a space. */
  readonly isProven: (peer: string) => boolean
  /** Banned by its id. */
  readonly isBanned: (peer: string) => boolean
  /** True for a network (NARROW_NETWORK) from which too many banned peers came. */
  readonly isNetworkBanned: (network: string) => boolean
  readonly log: (message: string) => void
}

/**
 * Who may be connected: libp2p asks at every step of a connection. A ban by id holds for everybody; a ban by network not for
 * pinned peers. Since only the encrypted handshake says who it is, inbound connections are judged right after it.
 * `inner`: a gater of the user's own, which may refuse more.
 */
export function createConnectionGater(host: GaterHost, inner: ConnectionGater = {}): ConnectionGater {
  const isUnwelcome = (peer: PeerId, address: Multiaddr): boolean => {
    const name = peer.toString()
    if (host.isBanned(name)) return true
    const network = networkOf(address, NARROW_NETWORK)
    return network !== null && !host.isPinned(name) && host.isNetworkBanned(network)
  }
  const hasNoSlot = (peer: PeerId, connection: MultiaddrConnection, isInbound: boolean): boolean => {
    const nowMs = host.now()
    const standing = (name: string) => ({ isPinned: host.isPinned(name), isProven: host.isProven(name) })
    const name = peer.toString()
    const network = networkOf(connection.remoteAddr, WIDE_NETWORK)
    const newcomer = { id: '', peer: name, isInbound, network, openedAtMs: nowMs, ...standing(name) }
    const connections = host.connections().filter(({ status }) => status === 'open')
    const holders = connections.map((one): SlotHolder => {
      const holder = one.remotePeer.toString()
      return {
        id: one.id,
        peer: holder,
        isInbound: one.direction === 'inbound',
        network: networkOf(one.remoteAddr, WIDE_NETWORK),
        openedAtMs: one.timeline.open,
        ...standing(holder),
      }
    })
    const decision = decideSlot(newcomer, holders, nowMs)
    if (decision.kind === 'refuse') {
      host.log(`no place for ${name}: ${decision.reason}`)
      return true
    }
    const { evicted } = decision
    connections.find(({ id }) => id === evicted?.id)?.abort(new Error('its place went to a newcomer'))
    return false
  }
  const pending = new PendingConnections(PENDING_CONNECTIONS_MAX)
  return {
    ...inner,
    denyInboundConnection: async (connection) => {
      pending.begin(connection)
      return (await inner.denyInboundConnection?.(connection)) ?? false
    },
    denyDialPeer: async (peer) =>
      host.isBanned(peer.toString()) || ((await inner.denyDialPeer?.(peer)) ?? false),
    // libp2p's own default refuses private addresses in browsers only; here an address is as good as its peer.
    denyDialMultiaddr: async (address) => (await inner.denyDialMultiaddr?.(address)) ?? false,
    denyInboundEncryptedConnection: async (peer, connection) =>
      isUnwelcome(peer, connection.remoteAddr) ||
      ((await inner.denyInboundEncryptedConnection?.(peer, connection)) ?? false),
    denyOutboundEncryptedConnection: async (peer, connection) =>
      isUnwelcome(peer, connection.remoteAddr) ||
      ((await inner.denyOutboundEncryptedConnection?.(peer, connection)) ?? false),
    denyInboundUpgradedConnection: async (peer, connection) => {
      pending.end(connection)
      return (
        ((await inner.denyInboundUpgradedConnection?.(peer, connection)) ?? false) ||
        hasNoSlot(peer, connection, true)
      )
    },
    denyOutboundUpgradedConnection: async (peer, connection) =>
      ((await inner.denyOutboundUpgradedConnection?.(peer, connection)) ?? false) ||
      hasNoSlot(peer, connection, false),
  }
}

/** Null where the address is that of a relay: it says nothing of who is behind it. */
export function networkOf(address: Multiaddr, size: typeof WIDE_NETWORK): string | null {
  const isRelayed = address.getComponents().some(({ name }) => name === 'p2p-circuit')
  return isRelayed ? null : publicNetworkOf(address.bytes, size)
}
