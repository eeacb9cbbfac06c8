import { concatBytes } from '../bytes.ts'
import { encodeCanonical } from '../canonical-cbor.ts'
import { SYNC_HANDSHAKE_TAG, SYNC_KNOWLEDGE_TAG } from '../domain-tags.ts'
import { sha256 } from '../hash.ts'
import { CAPS_MAX } from '../limits.ts'
import { fail, ok, type Result } from '../result.ts'
import { isWeakKey, type VerifySignature } from '../signature.ts'
import { verifyChain } from '../ucan/chain.ts'
import { decodeDelegation, verifyDelegation, type VerifiedDelegation } from '../ucan/delegation.ts'

/** Bytes of the nonce each side contributes. */
export const NONCE_BYTES = 32

/** What one side of a handshake is bound to, seen from the side that signs. */
export interface HandshakeBinding {
  readonly spaceId: Uint8Array
  /** Peer ids as bytes (multihash). */
  readonly signerPeer: Uint8Array
  readonly otherPeer: Uint8Array
  readonly signerNonce: Uint8Array
  readonly otherNonce: Uint8Array
}

/** Proof that its sender knows the space and may read it. */
export interface ReadProof {
  /** The whole read chain, root first, as token bytes; a joiner's tokens may be published nowhere yet. */
  readonly tokens: readonly Uint8Array[]
  /** By the audience of the last token, over {@link handshakeBytes}. */
  readonly signature: Uint8Array
}

/**
 * The bytes that the last audience of a read chain signs: bound to both peers, both nonces and the space, so that a proof is
 * worthless on any other connection, to any other peer, and for any other space.
 */
export function handshakeBytes(binding: HandshakeBinding): Uint8Array {
  const { spaceId, signerPeer, otherPeer, signerNonce, otherNonce } = binding
  return concatBytes(
    SYNC_HANDSHAKE_TAG,
    encodeCanonical([spaceId, signerPeer, otherPeer, signerNonce, otherNonce]),
  )
}

/**
 * What a hello carries to show that its sender knows the space's id, and not only the topic that introducers and their clients know:
 * without it nobody is answered, so a stranger does not learn whose tokens a peer holds. Bound to both peers and the sender's
 * nonce, so that it is worthless on another connection. 32 bytes.
 */
export function knowledgeOfSpace({
  spaceId,
  signerPeer,
  otherPeer,
  signerNonce,
}: Omit<HandshakeBinding, 'otherNonce'>): Uint8Array {
  return sha256(SYNC_KNOWLEDGE_TAG, encodeCanonical([spaceId, signerPeer, otherPeer, signerNonce]))
}

/**
 * Checks a peer's proof, in this order:
 * 1. one to CAPS_MAX tokens, each well-formed (`CAP_FORM`) and validly signed (`CAP_SIGNATURE`);
 * 2. a chain from the space's key to the last audience that covers `/op/read` everywhere, now (`CAP_CHAIN`, `CAP_SUBJECT`,
 *    `CAP_COMMAND`, `CAP_POLICY`, `CAP_TIME`): reading is not state, so the local clock may decide;
 * 3. the last audience has signed this handshake (`BAD_SIGNATURE`).
 * Returns the reader's public key.
 */
export function verifyReadProof(
  proof: ReadProof,
  binding: HandshakeBinding,
  spaceKey: Uint8Array,
  nowMs: number,
  verify: VerifySignature,
): Result<Uint8Array> {
  const { tokens, signature } = proof
  if (tokens.length === 0 || tokens.length > CAPS_MAX)
    return fail('CAP_FORM', `a read chain has 1 to ${CAPS_MAX} tokens`)
  const chain: VerifiedDelegation[] = []
  for (const token of tokens) {
    const decoded = decodeDelegation(token)
    if (!decoded.ok) return decoded
    const verified = verifyDelegation(decoded.value, verify)
    if (!verified.ok) return verified
    chain.push(verified.value)
  }
  const reader = (chain.at(-1) as VerifiedDelegation).audience
  const checked = verifyChain({
    tokens: chain,
    subject: spaceKey,
    invoker: reader,
    command: '/op/read',
    path: '',
    timeMs: nowMs,
    bodySize: 0,
    checkCommandAndPolicy: true,
  })
  if (!checked.ok) return checked
  if (isWeakKey(reader) || !verify(signature, handshakeBytes(binding), reader)) {
    return fail('BAD_SIGNATURE', 'the reader of the chain has not signed this handshake')
  }
  return ok(reader)
}
