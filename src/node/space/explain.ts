import { equalBytes, toHex } from '../../core/bytes.ts'
import { formatDid } from '../../core/principal.ts'
import { describeTerms, type DelegationTerms } from './delegation-status.ts'
import type { HostedSpace } from './hosted-space.ts'
import { nextKeysOf } from './rotation.ts'

/** What became of an operation on this node. */
export interface Explanation {
  readonly id: string
  /**
   * - `admitted`: valid, and each change not listed in `void` has its effect;
   * - `masked`: admitted, and no change of it has an effect;
   * - `held`: waits for what `code` says;
   * - `refused`: never admitted, for what `code` says;
   * - `unknown`: never seen here, or forgotten.
   */
  readonly verdict: 'admitted' | 'masked' | 'held' | 'refused' | 'unknown'
  /** The code of the check that failed; null for an admitted operation without void changes. */
  readonly code: string | null
  /** What was expected and found. */
  readonly detail: string
  /** `did:key` of the author, where the operation is here. */
  readonly author: string | null
  /** `did:key` of the keys that its author has announced to go on with: one after a planned rotation. */
  readonly nextKeys: readonly string[]
  /** The delegations it used, root first. */
  readonly chain: readonly LinkExplanation[]
  /** The revocations that mask it. */
  readonly maskedBy: readonly VerdictExplanation[]
  /** The endorsements that keep its effect. */
  readonly endorsedBy: readonly VerdictExplanation[]
  /** Changes without effect: place in the body, and why. */
  readonly void: readonly { readonly index: number; readonly detail: string }[]
}

/** One delegation of a chain. */
export interface LinkExplanation {
  /** Hexadecimal. */
  readonly digest: string
  /** Null where the delegation is not known here, as for what is held or refused. */
  readonly terms: DelegationTerms | null
}

/** An operation that decides about another. */
export interface VerdictExplanation {
  readonly operation: string
  /** `did:key`. */
  readonly author: string
  /** Digest of the delegation that it ends; null for an endorsement. */
  readonly target: string | null
}

/** One chain that reaches somebody, and whether it lets them do something. */
export interface TrialExplanation {
  readonly chain: readonly LinkExplanation[]
  /** Null where it does. */
  readonly code: string | null
  /** Which link fails, and on which condition. */
  readonly detail: string
}

/** What somebody may do, and by which chain. */
export interface RightExplanation {
  readonly author: string
  readonly command: string
  readonly path: string
  readonly allowed: boolean
  /** Every chain that reaches them, the shortest first. None for the space key, which needs none. */
  readonly chains: readonly TrialExplanation[]
}

/** Tries every chain that reaches a key for a command at a path, now. */
export function explainRight(
  space: HostedSpace,
  author: Uint8Array,
  command: string,
  path: string,
  nowMs: number,
): RightExplanation {
  const isSpaceKey = equalBytes(author, space.spaceKey)
  const purpose = { invoker: author, command, path, timeMs: nowMs, bodySize: 0 }
  const chains = [...space.tokens.tries(purpose)].map(({ chain, fault }) => ({
    chain: chain.map((token) => ({ digest: toHex(token.digest), terms: describeTerms(token) })),
    code: fault?.code ?? null,
    detail: fault?.detail ?? 'every link allows it',
  }))
  const allowed = isSpaceKey || chains.some(({ code }) => code === null)
  return { author: formatDid(author), command, path, allowed, chains }
}

/** Explains the verdict on an operation. */
export function explainOperation(space: HostedSpace, id: Uint8Array): Explanation {
  const nothing = {
    id: toHex(id),
    author: null,
    nextKeys: [],
    chain: [],
    maskedBy: [],
    endorsedBy: [],
    void: [],
  }
  const entry = space.store.find(id)
  if (entry !== undefined) {
    const operation = space.operation(entry.ordinal)
    const evaluation = space.replica.evaluate(entry, operation)
    const voids = evaluation.flatMap((change, index) =>
      change.ok ? [] : [{ index, detail: change.fault.detail }],
    )
    const { verdicts } = space.replica
    const maskedBy = verdicts.masking(entry).map((revocation) => ({
      operation: toHex(revocation.entry.id),
      author: formatDid(revocation.entry.author),
      target: toHex(revocation.target),
    }))
    const isVoid = evaluation.length > 0 && voids.length === evaluation.length
    const code = maskedBy.length > 0 ? 'REVOKED' : voids.length > 0 ? 'CHANGE_INVALID' : null
    return {
      id: toHex(id),
      verdict: isVoid || maskedBy.length > 0 ? 'masked' : 'admitted',
      code,
      detail:
        maskedBy.length > 0
          ? `${formatDid(entry.author)} had no right to it any more: ${maskedBy.length === 1 ? 'a revocation reaches' : `${maskedBy.length} revocations reach`} its chain, and no cut keeps it`
          : describeAdmitted(voids.length, evaluation.length, operation.body === null),
      author: formatDid(entry.author),
      nextKeys: nextKeysOf(space, entry.author).map(formatDid),
      chain: describeChain(space, entry.caps),
      maskedBy,
      endorsedBy: verdicts.endorsing(entry).map((endorser) => ({
        operation: toHex(endorser.id),
        author: formatDid(endorser.author),
        target: null,
      })),
      void: voids,
    }
  }
  const held = space.replica.held.get(id)
  if (held !== undefined) {
    const { author, caps } = held.operation.header
    return {
      ...nothing,
      verdict: 'held',
      code: held.code,
      detail: held.detail,
      author: formatDid(author),
      chain: describeChain(space, caps),
    }
  }
  const refusal = space.store.refusal(id)
  if (refusal !== undefined)
    return { ...nothing, verdict: 'refused', code: refusal.code, detail: refusal.detail }
  return {
    ...nothing,
    verdict: 'unknown',
    code: null,
    detail: 'this node has not seen it, or has forgotten that it refused it',
  }
}

function describeChain(space: HostedSpace, caps: readonly Uint8Array[]): readonly LinkExplanation[] {
  return caps.map((digest) => {
    const published = space.store.token(digest)
    return {
      digest: toHex(digest),
      terms: published === undefined ? null : describeTerms(published.delegation),
    }
  })
}

function describeAdmitted(voids: number, changes: number, isAbsent: boolean): string {
  if (isAbsent) return 'admitted; its body has not arrived'
  return voids === 0 ? `admitted with ${changes} changes` : `${voids} of ${changes} changes have no effect`
}
