import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { concatBytes } from './bytes.ts'
import { SIGNATURE_KEYS_CACHED_MAX } from './limits.ts'
import {
  PUBLIC_KEY_BYTES,
  SIGNATURE_BYTES,
  type SignatureClaim,
  type Signer,
  type VerifySignature,
  verifyZip215,
} from './signature.ts'

/** Whatever the platform says about a signature; may throw. Only its *accept* is believed. */
export interface NativeEd25519 {
  readonly verifySync: VerifySignature
  readonly verifyAsync: (...of: Parameters<VerifySignature>) => Promise<boolean>
  /** Many at once, wherever that is done best; by `verifySync` where there is no such place. Claims have the right lengths. */
  readonly acceptAll?: (claims: readonly SignatureClaim[]) => Promise<readonly boolean[]>
}

/** The predicate of `verifyZip215`, faster. All are total: they never throw or reject. */
export interface SignatureVerifier {
  readonly verifySync: VerifySignature
  /**
   * Which claims the native verifier accepts, in their order: the cheap half of the predicate. What it does not accept may still be good: ask
   * `verifySync`, which then costs about 1 ms on the calling thread.
   */
  readonly acceptAll: (claims: readonly SignatureClaim[]) => Promise<readonly boolean[]>
  /** Verifies on the runtime's thread pool; a native reject costs about 1 ms on the calling thread. */
  readonly verifyAsync: (...of: Parameters<VerifySignature>) => Promise<boolean>
}

/**
 * Makes a verifier whose verdict is ZIP215 whatever `native` says on edge cases.
 *
 * Conditions: the lengths are right; and native accepts (every native verifier's equation implies ZIP215's) or noble does.
 * So honest signatures cost the native price, and only refused ones the dear one: limit refusals per peer.
 */
export function createSignatureVerifier(native: NativeEd25519 = createNodeEd25519()): SignatureVerifier {
  // Not async: such a call would keep the claims of a whole batch until they are answered.
  const acceptFit = (claims: readonly SignatureClaim[]): Promise<readonly boolean[]> => {
    if (native.acceptAll === undefined) return Promise.resolve(acceptEach(claims, native.verifySync))
    const count = claims.length
    const none = () => new Array<boolean>(count).fill(false)
    try {
      return native.acceptAll(claims).catch(none)
    } catch {
      return Promise.resolve(none())
    }
  }
  return {
    verifySync(signature, message, publicKey) {
      if (!hasRightLengths(signature, publicKey)) return false
      try {
        if (native.verifySync(signature, message, publicKey)) return true
      } catch {
        // A throw is a reject, and a reject is checked again.
      }
      return verifyZip215(signature, message, publicKey)
    },
    async verifyAsync(signature, message, publicKey) {
      if (!hasRightLengths(signature, publicKey)) return false
      try {
        if (await native.verifyAsync(signature, message, publicKey)) return true
      } catch {
        // As above.
      }
      return verifyZip215(signature, message, publicKey)
    },
    acceptAll(claims) {
      // A claim of wrong lengths goes no further; nearly always there is none.
      if (claims.every(hasLengths)) return acceptFit(claims)
      const fit = claims.filter(hasLengths)
      return acceptFit(fit).then((accepted) => {
        const acceptedOf = new Map(fit.map((claim, i) => [claim, accepted[i] === true]))
        return claims.map((claim) => acceptedOf.get(claim) === true)
      })
    },
  }
}

/** Which claims a native verifier accepts, one after the other on this thread. A throw is a reject. */
export function acceptEach(claims: readonly SignatureClaim[], verify: VerifySignature): readonly boolean[] {
  return claims.map(({ signature, message, publicKey }) => {
    try {
      return verify(signature, message, publicKey)
    } catch {
      return false
    }
  })
}

/** Node's own Ed25519 (OpenSSL), with the key objects of the authors last seen kept ready. */
export function createNodeEd25519(keysMax: number = SIGNATURE_KEYS_CACHED_MAX): NativeEd25519 {
  const keyObject = createKeyCache(keysMax)
  return {
    verifySync: (signature, message, publicKey) => verify(null, message, keyObject(publicKey), signature),
    verifyAsync: (signature, message, publicKey) =>
      new Promise((resolve, reject) => {
        verify(null, message, keyObject(publicKey), signature, (error, accepted) => {
          if (error === null) resolve(accepted)
          else reject(error)
        })
      }),
  }
}

/** A signer for one seed of 32 bytes on Node's own Ed25519: the same bytes as `sign`, faster. Throws on another length. */
export function createSigner(seed: Uint8Array): Signer {
  if (seed.length !== PUBLIC_KEY_BYTES) throw new TypeError(`a seed has 32 bytes, not ${seed.length}`)
  const privateKey = createPrivateKey({ key: derOf(PKCS8_PREFIX, seed), format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return {
    publicKey: new Uint8Array(spki.subarray(SPKI_PREFIX.length)),
    sign: (message) => new Uint8Array(sign(null, message, privateKey)),
  }
}

/** DER in front of a raw Ed25519 public key (RFC 8410 §4). */
const SPKI_PREFIX = new Uint8Array(Buffer.from('302a300506032b6570032100', 'hex'))
/** DER in front of an Ed25519 seed (RFC 8410 §7). */
const PKCS8_PREFIX = new Uint8Array(Buffer.from('302e020100300506032b657004220420', 'hex'))

function derOf(prefix: Uint8Array, raw: Uint8Array): Buffer {
  return Buffer.from(concatBytes(prefix, raw).buffer)
}

/** Key objects by public key; the one unused for longest goes first. */
function createKeyCache(keysMax: number): (publicKey: Uint8Array) => KeyObject {
  const kept = new Map<string, KeyObject>()
  return (publicKey) => {
    const name = Buffer.from(publicKey.buffer, publicKey.byteOffset, publicKey.byteLength).toString('latin1')
    const found = kept.get(name)
    const key = found ?? createPublicKey({ key: derOf(SPKI_PREFIX, publicKey), format: 'der', type: 'spki' })
    // Map keeps insertion order: taking out and putting back makes this the newest.
    if (found !== undefined) kept.delete(name)
    else if (kept.size >= keysMax) kept.delete(kept.keys().next().value as string)
    kept.set(name, key)
    return key
  }
}

const hasLengths = ({ signature, publicKey }: SignatureClaim) => hasRightLengths(signature, publicKey)

function hasRightLengths(signature: Uint8Array, publicKey: Uint8Array): boolean {
  return signature.length === SIGNATURE_BYTES && publicKey.length === PUBLIC_KEY_BYTES
}
