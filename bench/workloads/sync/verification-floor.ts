import { hash } from 'node:crypto'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { createSigner } from '../../../src/core/native-signature.ts'
import type { Figures } from '../../measure.ts'

/** About what a header of an operation has. */
const MESSAGE_BYTES = 200

/** Signed messages one after the other, for one thread. */
export interface Share {
  readonly publicKeys: readonly Uint8Array[]
  readonly messages: Uint8Array
  readonly signatures: Uint8Array
}

/** How fast every core of this machine together checks so many signatures, and nothing else. */
export async function verificationFloor(operations: number, authors: number): Promise<Figures> {
  const threads = availableParallelism()
  const signers = Array.from({ length: authors }, (_, i) =>
    createSigner(new Uint8Array(hash('sha256', `author ${i}`, 'buffer'))),
  )
  const workers = await Promise.all(
    Array.from({ length: threads }, async (_, thread) => {
      const first = Math.floor((operations * thread) / threads)
      const end = Math.floor((operations * (thread + 1)) / threads)
      const messages = new Uint8Array((end - first) * MESSAGE_BYTES)
      const signatures = new Uint8Array((end - first) * 64)
      const publicKeys = signers.map(({ publicKey }) => publicKey)
      for (let i = first; i < end; i++) {
        const message = messages.subarray((i - first) * MESSAGE_BYTES, (i - first + 1) * MESSAGE_BYTES)
        message.fill(i)
        new DataView(message.buffer, message.byteOffset).setUint32(0, i)
        signatures.set(signers[(i - first) % authors]?.sign(message) as Uint8Array, (i - first) * 64)
      }
      const share: Share = { publicKeys, messages, signatures }
      const worker = new Worker(new URL('verification-worker.ts', import.meta.url), { workerData: share })
      await once(worker, 'message')
      return worker
    }),
  )
  const before = process.cpuUsage()
  const startedMs = performance.now()
  const verdicts = workers.map(async (worker) => (await once(worker, 'message')) as [boolean])
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  for (const worker of workers) worker.postMessage('go')
  if ((await Promise.all(verdicts)).some(([isGood]) => !isGood))
    throw new Error('a good signature was refused')
  const taken = (performance.now() - startedMs) / 1000
  const { user, system } = process.cpuUsage(before)
  await Promise.all(workers.map(async (worker) => await worker.terminate()))
  return { operationsPerSecond: operations / taken, cpuSeconds: (user + system) / 1_000_000 }
}
