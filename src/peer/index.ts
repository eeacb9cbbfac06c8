export type { PeerTally, PeerEvents, PeerName } from './peer-events.ts'
export {
  type FastifyTransportOptions,
  FastifyServerTransport,
  type PeerClient,
} from './fastify-server-transport.ts'
export { HttpClientTransport, type HttpClientTransportOptions } from './http-client-transport.ts'
export { InProcessHub } from './in-process.ts'
export {
  PEER_SCHEMA_VERSION,
  type PeerCursor,
  type PeerMessage,
  readPeerCursor,
  readPeerMessage,
} from './message.ts'
export { Peer, type PeerConfig } from './peer.ts'
export type { PeerTransport, RemotePeer, TransportHost } from './transport.ts'
