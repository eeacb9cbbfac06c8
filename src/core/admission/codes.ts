/**
 * What follows from a check that fails (DESIGN §3):
 * - `refuse`: never admitted by any honest node, and the sender is penalised;
 * - `wait`: held until what is missing has come, within bounds;
 * - `mask`: admitted, without effect.
 */
export type Consequence = 'refuse' | 'wait' | 'mask'

/** Every code of the pipeline, with what follows from it. The numbers are those of DESIGN §3. */
export const CONSEQUENCES = {
  // 1 frame and rate limits
  FRAME_TOO_LARGE: 'refuse',
  RATE: 'refuse',
  // 2 strict decoding
  NON_CANONICAL: 'refuse',
  BAD_FIELD: 'refuse',
  LIMIT: 'refuse',
  VERSION: 'refuse',
  // 3 identity
  WRONG_SPACE: 'refuse',
  BAD_ID: 'refuse',
  // 4, 5 author
  WEAK_KEY: 'refuse',
  BAD_SIGNATURE: 'refuse',
  // 6 presence
  MISSING_PARENT: 'wait',
  MISSING_CHECKPOINT: 'wait',
  MISSING_BODY: 'wait',
  // 7, 8, 9 the past
  INVALID_ANCESTOR: 'refuse',
  SEQ: 'refuse',
  PREV_AUTHOR: 'refuse',
  LAMPORT: 'refuse',
  TIME_REGRESSION: 'refuse',
  EPOCH: 'refuse',
  SELF_FORK: 'refuse',
  // 10 authority
  CAP_MISSING: 'refuse',
  CAP_FORM: 'refuse',
  CAP_SIGNATURE: 'refuse',
  CAP_CHAIN: 'refuse',
  CAP_SUBJECT: 'refuse',
  CAP_COMMAND: 'refuse',
  CAP_POLICY: 'refuse',
  CAP_TIME: 'refuse',
  // 11 revocation
  CAP_REVOKED: 'refuse',
  // 12 now
  FUTURE: 'wait',
  // 14 changes
  CHANGE_INVALID: 'mask',
  // 15 effect
  REVOKED: 'mask',
} as const satisfies Record<string, Consequence>

/** A code of the pipeline. */
export type Code = keyof typeof CONSEQUENCES

/** The codes at which an operation waits. */
export type WaitCode = { [C in Code]: (typeof CONSEQUENCES)[C] extends 'wait' ? C : never }[Code]
