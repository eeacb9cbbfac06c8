import type { PeerCursor } from './message.ts'

/** Another peer, as a transport has found it. */
export interface RemotePeer {
  /** Unique among the peers of this transport. */
  readonly id: string
  /**
   * Whether that peer may have the body of an operation at a path. Who the peer is, the transport has found out; what it says here is
   * asked for every body, so that a right that ends, ends at once. Left out: everything in a space where every member reads everything,
   * and nothing where reading is closed.
   */
  readonly mayRead?: ((path: string) => boolean) | undefined
}

/** What a peer gives to a transport when it starts it. */
export interface TransportHost {
  /** Of this peer, unique in the world. */
  readonly peerId: string
  /** The greatest version of messages that this peer reads. */
  readonly schemaVersion: number
  /** A peer is there: from now on it can be asked and sent to. */
  readonly onConnect: (peer: RemotePeer) => void
  /** A peer tells how far it is, and wants what it lacks. */
  readonly onSync: (peerId: string, cursor: unknown) => void
  /** A message came. Resolves when the peer has dealt with it: wait for that before reading more, so that a fast sender is slowed down. */
  readonly onReceive: (peerId: string, message: unknown) => Promise<void>
  /** A peer is gone. Whatever was not sent comes with the next connection. */
  readonly onDisconnect: (peerId: string) => void
}

/**
 * Carries messages between peers of one space. A transport knows nothing of operations; it may lose a connection at any time, and says so. Promises
 * (test/peer/transport-conformance.ts holds every transport to them):
 * 1. `onConnect` before anything else of a peer, `onDisconnect` after everything, each once per connection, and at both ends;
 * 2. messages of one peer arrive in the order in which they were sent, whole, or the connection ends;
 * 3. `send` and `sync` wait while the other side is slow, and reject when the connection is gone;
 * 4. `stop` ends every connection and everything that was started, and can be called at any time;
 * 5. nothing that comes from outside throws into the transport's caller: it is handed on, or ends the connection.
 */
export interface PeerTransport {
  /** For logs and events, such as `http`. */
  readonly name: string
  start(host: TransportHost): Promise<void>
  /** Tells a peer how far this one is: it answers with what is lacked. */
  sync(peerId: string, cursor: PeerCursor): Promise<void>
  /** Sends a message, which is JSON. */
  send(peerId: string, message: unknown): Promise<void>
  /** Ends the connection to a peer that does not keep to the rules; `code` says which fault it was. */
  disconnect(peerId: string, code: string): void
  stop(): Promise<void>
}
