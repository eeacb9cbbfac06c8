import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { FaultError } from '../fault-error.ts'

/** A peer id a user has typed. Throws `BAD_PEER`. */
export function parsePeer(text: string): PeerId {
  try {
    return peerIdFromString(text)
  } catch {
    throw new FaultError({
      code: 'BAD_PEER',
      detail: `${JSON.stringify(text)} is not a peer id: see "hanse peers"`,
    })
  }
}
