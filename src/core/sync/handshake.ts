import { concatBytes, equalBytes, toHex } from '../bytes.ts'
import { encodeCanonical } from '../canonical-cbor.ts'
import { SYNC_HANDSHAKE_TAG, SYNC_KNOWLEDGE_TAG } from '../domain-tags.ts'
import { sha256 } from '../hash.ts'
import { READ_TOKENS_MAX } from '../limits.ts'
import { fail, ok, type Result } from '../result.ts'
import { isWeakKey, type VerifySignature } from '../signature.ts'
import { alignChain } from '../ucan/chain.ts'
import { covers } from '../ucan/command.ts'
import { decodeDelegation, verifyDelegation, type VerifiedDelegation } from '../ucan/delegation.ts'
import { READ_COMMAND, type ReadChain, ReadScope } from './read-scope.ts'

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

/** Proof that its sender knows the space and may read of it. */
export interface ReadProof {
  /**
   * The chains that let the sender read, one after the other, each whole and root first: a token issued by the space's key begins
   * the next. A joiner's tokens may be published nowhere yet.
   */
  readonly tokens: readonly Uint8Array[]
  /** By the audience of the last token, over {@link handshakeBytes}. */
  readonly signature: Uint8Array
}

/** A proof of this node's own. */
export interface OwnReadProof extends ReadProof {
  /** What the proof lets this node read. */
  readonly scope: ReadScope
}

/** What a proof has shown. */
export interface ProvenReader {
  /** Public key of the reader: the last audience of all its chains. */
  readonly reader: Uint8Array
  readonly scope: ReadScope
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
 * 1. one to READ_TOKENS_MAX tokens, each well-formed (`CAP_FORM`) and validly signed (`CAP_SIGNATURE`);
 * 2. they make chains from the space's key to one and the same last audience (`CAP_CHAIN`, `CAP_SUBJECT`) that cover the command
 *    `/op/read` (`CAP_COMMAND`). Policies are not asked here: they decide about each body before it leaves (ReadScope);
 * 3. the last audience has signed this handshake (`BAD_SIGNATURE`).
 * Whether a chain is in force now is a matter of the clock and of revocations: {@link scopeNow}.
 */
export function verifyReadProof(
  proof: ReadProof,
  binding: HandshakeBinding,
  spaceKey: Uint8Array,
  verify: VerifySignature,
): Result<ProvenReader> {
  const tokens = readTokens(proof.tokens, verify)
  if (!tokens.ok) return tokens
  const reader = (tokens.value.at(-1) as VerifiedDelegation).audience
  const chains = splitChains(tokens.value, spaceKey)
  for (const chain of chains) {
    const checked = checkReadChain(chain, reader, spaceKey)
    if (!checked.ok) return checked
  }
  if (isWeakKey(reader) || !verify(proof.signature, handshakeBytes(binding), reader)) {
    return fail('BAD_SIGNATURE', 'the reader of the chain has not signed this handshake')
  }
  return ok({ reader, scope: new ReadScope(chains) })
}

/** A chain that gives its reader the command to read, somewhere at some time: all of it but times and policies. */
export function checkReadChain(chain: ReadChain, reader: Uint8Array, spaceKey: Uint8Array): Result<void> {
  const aligned = alignChain({ tokens: chain, subject: spaceKey, invoker: reader })
  if (!aligned.ok) return aligned
  const place = chain.findIndex(({ command }) => !covers(command, READ_COMMAND))
  return place < 0
    ? ok(undefined)
    : fail('CAP_COMMAND', `token ${place} grants ${chain[place]?.command}, not ${READ_COMMAND}`)
}

function readTokens(
  tokens: readonly Uint8Array[],
  verify: VerifySignature,
): Result<readonly VerifiedDelegation[]> {
  if (tokens.length === 0 || tokens.length > READ_TOKENS_MAX)
    return fail('CAP_FORM', `a proof has 1 to ${READ_TOKENS_MAX} tokens`)
  // Chains of one reader mostly begin alike: what they share is checked once.
  const checked = new Map<string, VerifiedDelegation>()
  const all: VerifiedDelegation[] = []
  for (const token of tokens) {
    const key = toHex(token)
    const known = checked.get(key)
    if (known === undefined) {
      const decoded = decodeDelegation(token)
      if (!decoded.ok) return decoded
      const verified = verifyDelegation(decoded.value, verify)
      if (!verified.ok) return verified
      checked.set(key, verified.value)
      all.push(verified.value)
    } else all.push(known)
  }
  return ok(all)
}

/** A principal occurs once in a chain, so the space's key issues only first tokens. */
function splitChains(tokens: readonly VerifiedDelegation[], spaceKey: Uint8Array): readonly ReadChain[] {
  const chains: VerifiedDelegation[][] = []
  for (const token of tokens) {
    const chain = chains.at(-1)
    if (chain === undefined || equalBytes(token.issuer, spaceKey)) chains.push([token])
    else chain.push(token)
  }
  return chains
}
