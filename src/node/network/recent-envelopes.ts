import { toKey } from '../../core/bytes.ts'
import { GOSSIP_ENVELOPE_KEPT_BYTES_MAX, GOSSIP_ENVELOPES_KEPT_MAX } from '../../core/limits.ts'
import { decodeOperation, type Operation, type OperationFault } from '../../core/operation/operation.ts'
import type { Result } from '../../core/result.ts'
import { RecentCache } from '../../storage/recent-cache.ts'

/** By the bytes of the envelope, all of them. */
const recent = new RecentCache<string, Operation>(GOSSIP_ENVELOPES_KEPT_MAX)

/**
 * decodeOperation, once for what comes again a moment later: the same envelope comes from several peers, in different messages, and to every node of
 * the process. Only what was read without a fault is remembered.
 */
export function decodeRecent(envelope: Uint8Array): Result<Operation, OperationFault> {
  if (envelope.length > GOSSIP_ENVELOPE_KEPT_BYTES_MAX) return decodeOperation(envelope)
  const key = toKey(envelope)
  const known = recent.get(key)
  if (known !== undefined) return { ok: true, value: known }
  const decoded = decodeOperation(envelope)
  if (decoded.ok) recent.set(key, decoded.value)
  return decoded
}
