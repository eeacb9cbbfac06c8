import type { IdentifyPush } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'

type Identified = Pick<
  Libp2p<{ identifyPush: IdentifyPush }>,
  'addEventListener' | 'getMultiaddrs' | 'getProtocols' | 'logger' | 'services'
>

/**
 * Tells peers of new addresses and protocols of this node, and only of new ones: libp2p pushes the whole of them a second after every event about
 * itself, mostly to peers that have just been told the same (js-libp2p 3.3), some 1,300 bytes a connection.
 */
export function pushWhatChanged(network: Identified): void {
  const log = network.logger.forComponent('hanse:identify-push')
  /** What this node was when it met a peer, or pushed last, by connection: identify has said at least that. */
  const told = new Map<string, string>()
  network.addEventListener('connection:open', ({ detail: { id } }) => told.set(id, describeSelf(network)))
  network.addEventListener('connection:close', ({ detail: { id } }) => told.delete(id))
  network.addEventListener('self:peer:update', () => {
    const now = describeSelf(network)
    const behind = [...told].filter(([, was]) => was !== now)
    for (const [id] of behind) told.set(id, now)
    if (behind.length === 0) return
    network.services.identifyPush.push().catch((error: unknown) => {
      log.error('%e', error)
    })
  })
}

function describeSelf(network: Identified): string {
  const addresses = network.getMultiaddrs().map((address) => address.toString())
  return [...addresses.toSorted(), ...network.getProtocols().toSorted()].join('\n')
}
