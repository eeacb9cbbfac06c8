import { toHex } from '../../core/bytes.ts'
import { formatDid } from '../../core/principal.ts'
import type { HostedSpace } from './hosted-space.ts'

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
  /** Digests of the delegations it used, root first. */
  readonly caps: readonly string[]
  /** Changes without effect: place in the body, and why. */
  readonly void: readonly { readonly index: number; readonly detail: string }[]
}

/** Explains the verdict on an operation. */
export function explainOperation(space: HostedSpace, id: Uint8Array): Explanation {
  const nothing = { id: toHex(id), author: null, caps: [], void: [] }
  const entry = space.store.find(id)
  if (entry !== undefined) {
    const operation = space.operation(entry.ordinal)
    const evaluation = space.replica.evaluate(entry, operation)
    const voids = evaluation.flatMap((change, index) =>
      change.ok ? [] : [{ index, detail: change.fault.detail }],
    )
    const isMasked = evaluation.length > 0 && voids.length === evaluation.length
    return {
      id: toHex(id),
      verdict: isMasked ? 'masked' : 'admitted',
      code: voids.length > 0 ? 'CHANGE_INVALID' : null,
      detail: describeAdmitted(voids.length, evaluation.length, operation.body === null),
      author: formatDid(entry.author),
      caps: entry.caps.map(toHex),
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
      caps: caps.map(toHex),
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

function describeAdmitted(voids: number, changes: number, isAbsent: boolean): string {
  if (isAbsent) return 'admitted; its body has not arrived'
  return voids === 0 ? `admitted with ${changes} changes` : `${voids} of ${changes} changes have no effect`
}
