import { parentPort, workerData } from 'node:worker_threads'
import { createNodeEd25519 } from '../../../src/core/native-signature.ts'
import { sodium } from '../../../src/node/verification/sodium.ts'
import type { Share } from './verification-floor.ts'

/** Checks its share when it is told to, and says whether all were good. */
const { publicKeys, messages, signatures } = workerData as Share
// As src/node/verification/signature-worker.ts has it.
const verifySync = sodium ?? createNodeEd25519().verifySync
const count = signatures.length / 64
const messageBytes = messages.length / count

function isAllGood(): boolean {
  for (let i = 0; i < count; i++) {
    const message = messages.subarray(i * messageBytes, (i + 1) * messageBytes)
    const signature = signatures.subarray(i * 64, (i + 1) * 64)
    if (!verifySync(signature, message, publicKeys[i % publicKeys.length] as Uint8Array)) return false
  }
  return true
}

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort?.once('message', () => parentPort?.postMessage(isAllGood()))
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort?.postMessage('ready')
