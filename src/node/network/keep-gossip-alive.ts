import type { Network } from './libp2p.ts'

/**
 * When the one of two connections closes that carried gossip's streams, gossipsub stays silent towards that peer for ever
 * (js-libp2p 3.3). Identifying again on the connection that is left makes it open new streams.
 */
export function keepGossipAlive(network: Network, log: (message: string) => void): void {
  network.addEventListener('connection:close', ({ detail: closed }) => {
    const [left] = network.getConnections(closed.remotePeer)
    if (left === undefined || network.status !== 'started') return
    network.services.identify.identify(left).catch((error: unknown) => {
      log(`identify: ${error instanceof Error ? error.message : String(error)}`)
    })
  })
}
