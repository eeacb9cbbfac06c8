import { parentPort } from 'node:worker_threads'
import { acceptEach, createNodeEd25519 } from '../../core/native-signature.ts'
import { unpackClaims } from './claims.ts'
import { sodium } from './sodium.ts'

/** Work for a thread: claims as packClaims has them. */
export interface SignatureTask {
  readonly task: number
  readonly packed: Uint8Array<ArrayBuffer>
}

/** What came of it: a byte for each claim, 1 where the native verifier accepts. */
export interface SignatureAnswer {
  readonly task: number
  readonly accepted: Uint8Array<ArrayBuffer>
}

// One thread of the pool (signature-pool.ts): it knows nothing of operations and decides nothing.
const verify = sodium ?? createNodeEd25519().verifySync
parentPort?.on('message', ({ task, packed }: SignatureTask) => {
  const accepted = Uint8Array.from(acceptEach(unpackClaims(packed), verify), Number)
  const answer: SignatureAnswer = { task, accepted }
  parentPort?.postMessage(answer, [accepted.buffer])
})
