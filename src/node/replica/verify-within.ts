import { SIGNATURES_INLINE_MAX, SIGNATURES_PER_CHECK_MAX } from '../../core/limits.ts'
import type { SignatureVerifier } from '../../core/native-signature.ts'
import {
  signatureClaim,
  verifyOperation,
  type Operation,
  type VerifiedOperation,
} from '../../core/operation/operation.ts'
import type { Outcome } from './admission-step.ts'
import type { Forgiveness, VerificationBudget } from './verification-budget.ts'

/** An operation whose outcome is known before anything is decided about it. */
export interface Settled {
  readonly operation: Operation
  readonly outcome: Outcome
}

export type Checked = VerifiedOperation | Settled

export interface Verification {
  readonly budget: VerificationBudget
  readonly verifier: SignatureVerifier
  /** What is known of an operation without looking at its signature; null where its signature is to be looked at. */
  readonly known: (operation: Operation) => Outcome | null
  /** Told of each that was looked at and refused, before anything else is looked at. */
  readonly onRefused: (operation: Operation, outcome: Outcome & { readonly kind: 'refused' }) => void
}

const UNCHECKED: Outcome = { kind: 'unchecked' }

/**
 * By verifier, the operations that it has found to be good and that came in small batches, as live ones do: what is read from an envelope that comes
 * again is the same object (gossip's recent-envelopes.ts), to every node of the process.
 */
const found = new WeakMap<SignatureVerifier, WeakMap<Operation, VerifiedOperation>>()

function foundBy(verifier: SignatureVerifier): WeakMap<Operation, VerifiedOperation> {
  const known = found.get(verifier)
  if (known !== undefined) return known
  const good = new WeakMap<Operation, VerifiedOperation>()
  found.set(verifier, good)
  return good
}

/** Checks 4 and 5 for a batch of a peer, within its budget, in the order of the batch; what the budget does not reach is `unchecked`. */
export async function verifyWithin(
  peer: string,
  operations: readonly Operation[],
  { budget, verifier, known, onRefused }: Verification,
): Promise<readonly Checked[]> {
  const checked: (Checked | undefined)[] = []
  const open: number[] = []
  const good = operations.length > SIGNATURES_INLINE_MAX ? null : foundBy(verifier)
  for (const operation of operations) {
    const outcome = known(operation)
    const one = outcome === null ? good?.get(operation) : { operation, outcome }
    if (one === undefined) open.push(checked.length)
    checked.push(one)
  }
  if (open.length === 0) return checked as readonly Checked[]
  const check = async (places: readonly number[], forgiveness: Forgiveness) => {
    const accepted = await acceptAt(places, operations, verifier)
    for (let i = 0; i < places.length; i++) {
      const place = places[i] as number
      const isAccepted = accepted[i] === true
      if (!isAccepted && !forgiveness.isLeft()) continue
      const operation = operations[place] as Operation
      const verdict = verifyOperation(operation, verifier.verifySync, isAccepted)
      if (verdict.ok) {
        checked[place] = verdict.value
        good?.set(operation, verdict.value)
      } else {
        const outcome = { kind: 'refused', fault: verdict.fault } as const
        checked[place] = { operation, outcome }
        if (verdict.fault.code === 'BAD_SIGNATURE') forgiveness.take()
        onRefused(operation, outcome)
      }
    }
  }
  await budget.checkAll(peer, chunksOf(open), check)
  return checked.map((one, i) => one ?? { operation: operations[i] as Operation, outcome: UNCHECKED })
}

/** Not async, as nothing on the way to the threads is: such a call would keep the claims until they are answered. */
function acceptAt(
  places: readonly number[],
  operations: readonly Operation[],
  verifier: SignatureVerifier,
): Promise<readonly boolean[]> {
  return verifier.acceptAll(places.map((place) => signatureClaim(operations[place] as Operation)))
}

function chunksOf(places: readonly number[]): readonly (readonly number[])[] {
  const chunks: (readonly number[])[] = []
  for (let at = 0; at < places.length; at += SIGNATURES_PER_CHECK_MAX)
    chunks.push(places.slice(at, at + SIGNATURES_PER_CHECK_MAX))
  return chunks
}
