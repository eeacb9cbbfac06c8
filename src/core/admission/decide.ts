import { equalBytes, toHex } from '../bytes.ts'
import { PastReader } from '../ancestry.ts'
import type { Branches } from '../branches.ts'
import { evaluateBody, type Evaluation } from '../changes/evaluate.ts'
import type { Verdicts } from '../effect/verdicts.ts'
import type { Graph } from '../graph.ts'
import { FUTURE_TOLERANCE_MS } from '../limits.ts'
import type { Operation, VerifiedOperation } from '../operation/operation.ts'
import type { VerifySignature } from '../signature.ts'
import { fail, ok, type Fault, type Result } from '../result.ts'
import { checkAuthority, type AuthorityFault } from './authority.ts'
import type { Descendants } from './descendants.ts'
import { checkAgainstParents, findParents, type Missing, type Parents, type PastFault } from './past.ts'

/** What a decision is made against. */
export interface AdmissionContext {
  readonly graph: Graph
  /** The revocations among the admitted operations of `graph`. */
  readonly verdicts: Verdicts
  /** What is remembered of the branches of forked authors in `graph`. */
  readonly branches: Branches
  /** What is remembered of who has seen which delegation. */
  readonly descendants: Descendants
  /** True for an id refused at checks 7 to 11, as far as this node remembers. */
  readonly isRefused: (id: Uint8Array) => boolean
  /** This node's clock, ms since 1970. It can only delay. */
  readonly nowMs: number
  readonly verify: VerifySignature
}

/** A refusal by header and past alone: every honest node reaches it, so it is remembered by id. */
export type IntrinsicFault = Fault<'INVALID_ANCESTOR' | 'CAP_REVOKED'> | PastFault | AuthorityFault

/** The verdict on one verified operation. */
export type Decision =
  | { readonly kind: 'admit'; readonly parents: Parents; readonly evaluation: Evaluation }
  | { readonly kind: 'refuse'; readonly fault: IntrinsicFault }
  | { readonly kind: 'wait'; readonly fault: Missing | FutureFault }

/** Held until `dueMs` by this node's clock. */
export type FutureFault = Fault<'FUTURE'> & { readonly dueMs: number }

/**
 * Check 3 of the pipeline:
 * 1. the operation is of this space; a genesis is of the space that has its id (`WRONG_SPACE`);
 * 2. where the sender announced an id, it is the id of these bytes (`BAD_ID`).
 */
export function checkIdentity(
  operation: Operation,
  spaceId: Uint8Array,
  announcedId?: Uint8Array,
): Result<Operation, Fault<'WRONG_SPACE' | 'BAD_ID'>> {
  if (announcedId !== undefined && !equalBytes(announcedId, operation.id)) {
    return fail('BAD_ID', `announced as ${toHex(announcedId)}, the bytes say ${toHex(operation.id)}`)
  }
  const space = operation.header.space ?? operation.id
  if (!equalBytes(space, spaceId)) return fail('WRONG_SPACE', `of space ${toHex(space)}`)
  return ok(operation)
}

/**
 * Checks 6 to 14 of the pipeline on an operation that is verified, of this space, and not admitted yet, in the order of
 * DESIGN §3: parents (6, 7), header against parents (8, 9), authority (10), revocations of the past (11), this node's clock (12),
 * changes (14; for control operations before 10, which needs the tokens they carry).
 */
export function decideAdmission(operation: VerifiedOperation, context: AdmissionContext): Decision {
  const { graph, verdicts, branches, descendants, isRefused, nowMs, verify } = context
  const parents = findParents(operation, graph, isRefused)
  if (!parents.ok) {
    return parents.fault.code === 'INVALID_ANCESTOR'
      ? { kind: 'refuse', fault: parents.fault }
      : { kind: 'wait', fault: parents.fault }
  }
  const against = checkAgainstParents(operation.header, parents.value, graph, branches)
  if (against !== null) return { kind: 'refuse', fault: against }
  const evaluation = evaluateBody(operation, parents.value.all, graph, verify)
  const authority = checkAuthority(operation, parents.value, evaluation, graph, descendants)
  if (authority !== null) return { kind: 'refuse', fault: authority }
  const { time, caps } = operation.header
  const closing = verdicts.closingInPast(caps, new PastReader(graph, parents.value.all))
  if (closing !== null) {
    const detail = `${toHex(closing.entry.id)}, in its past, has revoked delegation ${toHex(closing.target)}`
    return { kind: 'refuse', fault: { code: 'CAP_REVOKED', detail } }
  }
  if (time > nowMs + FUTURE_TOLERANCE_MS) {
    const detail = `time is ${time - nowMs} ms ahead of this node's clock`
    return { kind: 'wait', fault: { code: 'FUTURE', detail, dueMs: time - FUTURE_TOLERANCE_MS } }
  }
  return { kind: 'admit', parents: parents.value, evaluation }
}
