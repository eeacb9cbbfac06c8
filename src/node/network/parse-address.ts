import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { FaultError } from '../fault-error.ts'

/** A multiaddr that a user has typed. Throws `BAD_ADDRESS`. */
export function parseAddress(text: string): Multiaddr {
  try {
    return multiaddr(text)
  } catch {
    throw new FaultError({
      code: 'BAD_ADDRESS',
      detail: `${JSON.stringify(text)} is not a multiaddr: it looks like /ip4/192.0.2.1/tcp/4001/p2p/12D3Koo…`,
    })
  }
}
