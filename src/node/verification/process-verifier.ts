import {
  acceptEach,
  createNodeEd25519,
  createSignatureVerifier,
  type SignatureVerifier,
} from '../../core/native-signature.ts'
import { SIGNATURES_INLINE_MAX, VERIFIED_SIGNATURES_CACHED_MAX } from '../../core/limits.ts'
import type { SignatureClaim, VerifySignature } from '../../core/signature.ts'
import { SignaturePool } from './signature-pool.ts'
import { sodium } from './sodium.ts'
import { VerifiedSignatures } from './verified-signatures.ts'

/** The verifier of every node of this process: libsodium where there is one, threads for what is much, and each signature that comes alone looked at once. */
export function processVerifier(): SignatureVerifier {
  return verifier
}

const node = createNodeEd25519()
const verifySync: VerifySignature = sodium ?? node.verifySync
const pool = new SignaturePool()
const verified = new VerifiedSignatures(VERIFIED_SIGNATURES_CACHED_MAX)

const verifier = createSignatureVerifier({ verifySync, verifyAsync: node.verifyAsync, acceptAll })

/**
 * Many come from sync and files, once: to the threads, in one piece. Few come live, to each node of the process and from several peers: here, which takes
 * less than to hand them over, and remembered.
 */
function acceptAll(claims: readonly SignatureClaim[]): Promise<readonly boolean[]> {
  if (claims.length > SIGNATURES_INLINE_MAX) return pool.accept(claims)
  const accepted = acceptEach(claims, (signature, message, publicKey) => {
    if (verified.has(signature, message, publicKey)) return true
    const accepted = verifySync(signature, message, publicKey)
    if (accepted) verified.add(signature, message, publicKey)
    return accepted
  })
  return Promise.resolve(accepted)
}
