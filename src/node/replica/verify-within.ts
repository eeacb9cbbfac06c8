import type { Operation, VerifiedOperation } from '../../core/operation/operation.ts'
import type { Outcome } from './admission-step.ts'
import type { VerificationBudget } from './verification-budget.ts'

/** A verified operation, or one whose outcome is known already. */
export type Checked =
  | { readonly operation: VerifiedOperation; readonly outcome?: undefined }
  | { readonly operation: Operation; readonly outcome: Outcome }

/** Verifies a batch of a peer within its budget, in the order of the batch; what the budget does not reach is `unchecked`. */
export async function verifyWithin(
  budget: VerificationBudget,
  peer: string,
  operations: readonly Operation[],
  verify: (operation: Operation) => Promise<Checked>,
): Promise<readonly Checked[]> {
  const verified = await budget.checkAll(peer, operations, async (operation) => {
    const checked = await verify(operation)
    return { checked, isForged: isForged(checked) }
  })
  return operations.map(
    (operation, i) => verified[i]?.checked ?? { operation, outcome: { kind: 'unchecked' } },
  )
}

/** True where the signature was looked at just now, and found bad. */
const isForged = ({ outcome }: Checked): boolean =>
  outcome?.kind === 'refused' &&
  outcome.fault.code === 'BAD_SIGNATURE' &&
  outcome.fault.detail !== 'refused before'
