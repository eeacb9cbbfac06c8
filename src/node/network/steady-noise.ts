import type { SecuredConnection } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import type { Uint8ArrayList } from 'uint8arraylist'
import { noiseCrypto } from './noise-crypto.ts'

/** As much of a connection that Noise has secured as is touched here (@libp2p/noise 17.0). */
interface Secured {
  readonly decoder: { lengthDecoder(bytes: Uint8ArrayList): number }
  encrypt(chunk: Uint8Array | Uint8ArrayList): Uint8Array | Uint8ArrayList
}

/** A message of this length is never there yet, so its reader waits for more. The longest there is. */
const NOT_THERE_YET = 0xff_ff

/**
 * Noise that finds out without an error that there is no further message to read: after each message that has come, it asks for the length
 * of the next, and where there are no two bytes it throws a RangeError for itself to catch, whose stack alone takes longer than
 * to decrypt an operation (27 µs; the whole way of one from the socket to gossipsub took 85).
 *
 * And Noise that hands a message to the socket in one piece: the length in front of it would be written by itself, a system call and a packet
 * for two bytes.
 */
export function steadyNoise(): ReturnType<typeof noise> {
  const create = noise(noiseCrypto === undefined ? {} : { crypto: noiseCrypto })
  return (components) => {
    const encrypter = create(components)
    const secureInbound = encrypter.secureInbound.bind(encrypter)
    const secureOutbound = encrypter.secureOutbound.bind(encrypter)
    encrypter.secureInbound = async (...of) => steadied(await secureInbound(...of))
    encrypter.secureOutbound = async (...of) => steadied(await secureOutbound(...of))
    return encrypter
  }
}

function steadied<Of extends SecuredConnection>(secured: Of): Of {
  const connection = secured.connection as unknown as Secured
  connection.decoder.lengthDecoder = (bytes) =>
    bytes.byteLength < 2 ? NOT_THERE_YET : bytes.get(0) * 256 + bytes.get(1)
  const encrypt = connection.encrypt.bind(connection)
  connection.encrypt = (chunk) => encrypt(chunk).subarray()
  return secured
}
