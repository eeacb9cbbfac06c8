import { acceptEach, createSignatureVerifier, type SignatureVerifier } from '../src/core/native-signature.ts'
import type { VerifySignature } from '../src/core/signature.ts'
import type { Random } from './random.ts'
import type { Timeline } from './timeline.ts'

/** Longest a signature check takes in virtual time: others get in between, as on a thread pool. */
const VERIFY_MS_MAX = 4
/** Verdicts remembered, over all nodes of all runs. */
const VERDICTS_MAX = 200_000

const real = createSignatureVerifier()
const verdicts = new Map<string, boolean>()

/** The production predicate; each signature is checked once, however many simulated nodes ask. */
export const verifySync: VerifySignature = (signature, message, publicKey) => {
  const key = `${latin1(signature)} ${latin1(message)} ${latin1(publicKey)}`
  const known = verdicts.get(key)
  if (known !== undefined) return known
  if (verdicts.size >= VERDICTS_MAX) verdicts.clear()
  const verdict = real.verifySync(signature, message, publicKey)
  verdicts.set(key, verdict)
  return verdict
}

/** A verifier whose asynchronous half takes virtual time. */
export function createSimulatedVerifier(timeline: Timeline, random: Random): SignatureVerifier {
  const later = <T>(verdict: () => T) =>
    new Promise<T>((resolve) => {
      timeline.plan(random.below(VERIFY_MS_MAX), timeline.owner, 'verified', () => resolve(verdict()))
    })
  return {
    verifySync,
    verifyAsync: (...of) => later(() => verifySync(...of)),
    acceptAll: (claims) => later(() => acceptEach(claims, verifySync)),
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
