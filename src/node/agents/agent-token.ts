import { hkdfSync, randomBytes } from 'node:crypto'
import { fail, ok, type Fault, type Result } from '../../core/result.ts'
import type { Signer } from '../../core/signature.ts'
import { createOwnSigner } from '../own-signer.ts'

/** What every agent token begins with, so that people and scanners of leaked secrets know one when they see it. */
const PREFIX = 'hanse_agent_'
const SECRET_BYTES = 32
const SECRET_TEXT = /^[A-Za-z0-9_-]{43}$/
/** Separates this use of the secret from any other (RFC 5869, `info`). */
const PURPOSE = 'hanse/agent-key/v1'

/** A new agent token: 32 random bytes as base64url after a fixed prefix. The node keeps nothing from which it could be made again. */
export function createAgentToken(): string {
  return PREFIX + randomBytes(SECRET_BYTES).toString('base64url')
}

/**
 * The key that a token's holder writes with on one node: HKDF-SHA-256 (RFC 5869) over the token's secret, salted with the node's peer
 * key. The token proves itself by the key that it makes, and the same token on another node makes another key. `BAD_TOKEN` for a text
 * that is none.
 */
export function agentKeyOf(token: string, peerKey: Uint8Array): Result<Signer, Fault<'BAD_TOKEN'>> {
  const text = token.startsWith(PREFIX) ? token.slice(PREFIX.length) : ''
  if (!SECRET_TEXT.test(text)) {
    return fail(
      'BAD_TOKEN',
      `this is not an agent token: one begins with ${PREFIX} and comes from "hanse agent add"`,
    )
  }
  const secret = Buffer.from(text, 'base64url')
  // The last character carries bits that no byte holds: one secret, one text.
  if (secret.toString('base64url') !== text)
    return fail('BAD_TOKEN', 'the agent token is damaged: copy it again, whole')
  return ok(createOwnSigner(new Uint8Array(hkdfSync('sha256', secret, peerKey, PURPOSE, 32))))
}
