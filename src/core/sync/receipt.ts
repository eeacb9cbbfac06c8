import { concatBytes, equalBytes } from '../bytes.ts'
import { encodeCanonical } from '../canonical-cbor.ts'
import { SYNC_RECEIPT_TAG } from '../domain-tags.ts'
import { fail, ok, type Fault, type Result } from '../result.ts'
import type { VerifySignature } from '../signature.ts'

/** "I hold clock root R of space S", said by a reader after a run that ended in sync (DESIGN §7, docs/protocol.md §4.7). */
export interface Receipt {
  readonly clockRoot: Uint8Array
  /** The reader's clock, ms since 1970. */
  readonly timeMs: number
  /** By the reader's key, over {@link receiptBytes}. */
  readonly signature: Uint8Array
}

/** What the reader signs: bound to the space, the root and the time, and so worth the same to whoever is shown it. */
export function receiptBytes(spaceId: Uint8Array, clockRoot: Uint8Array, timeMs: number): Uint8Array {
  return concatBytes(SYNC_RECEIPT_TAG, encodeCanonical([spaceId, clockRoot, timeMs]))
}

/** What a receipt has to be about, and who has to have signed it. */
export interface ExpectedReceipt {
  readonly spaceId: Uint8Array
  readonly clockRoot: Uint8Array
  /** Public key of the reader. */
  readonly reader: Uint8Array
}

/** Checks a receipt: `PROTOCOL` where it is for another root than that of the run, `BAD_SIGNATURE` where the reader has not signed it. */
export function verifyReceipt(
  { clockRoot, timeMs, signature }: Receipt,
  expected: ExpectedReceipt,
  verify: VerifySignature,
): Result<void, Fault<'PROTOCOL' | 'BAD_SIGNATURE'>> {
  if (!equalBytes(clockRoot, expected.clockRoot))
    return fail('PROTOCOL', 'a receipt for another root than the run’s')
  return verify(signature, receiptBytes(expected.spaceId, clockRoot, timeMs), expected.reader)
    ? ok(undefined)
    : fail('BAD_SIGNATURE', 'the reader has not signed this receipt')
}
