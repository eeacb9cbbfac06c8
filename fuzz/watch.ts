import { Worker } from 'node:worker_threads'
import type { Finding, FuzzStats } from './fuzzer.ts'

/** Longest time without a new input, in ms, before the input that runs is said to hang. */
const HANG_MS = 10_000
/** Heap of the thread in which a decoder runs, in MiB: no input may need more. */
const HEAP_MIB = 256
/** Memory of the whole process, in bytes, that no input may take it beyond. */
const RESIDENT_BYTES_MAX = 1.5 * 2 ** 30
/** How often the thread is looked at, in ms. */
const LOOK_MS = 500
const INPUT_BYTES_MAX = 2 * 2 ** 20

/** What the thread is told. */
export interface WorkerInit {
  readonly target: string
  readonly seed: number
  readonly milliseconds: number
  readonly isGuided: boolean
  /** Executions so far, and the length of the input that runs. */
  readonly counters: Int32Array<SharedArrayBuffer>
  /** The input that runs. */
  readonly input: Uint8Array<SharedArrayBuffer>
}

/** What the thread gives back. */
export interface WorkerOutcome {
  readonly stats: FuzzStats
  readonly findings: readonly Finding[]
}

/**
 * Fuzzes one target in a thread of its own with a bounded heap. An input that never comes back, or takes all memory, ends the thread
 * and is a finding.
 */
export async function fuzzInThread(
  order: Pick<WorkerInit, 'target' | 'seed' | 'milliseconds' | 'isGuided'>,
): Promise<WorkerOutcome> {
  const counters = new Int32Array(new SharedArrayBuffer(8))
  const input = new Uint8Array(new SharedArrayBuffer(INPUT_BYTES_MAX))
  const worker = new Worker(new URL('./fuzz-main.ts', import.meta.url), {
    workerData: { ...order, counters, input } satisfies WorkerInit,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
  })
  const { promise, resolve } = Promise.withResolvers<WorkerOutcome>()
  const endedBy = (reason: string): void => {
    const stats = { executions: counters[0] ?? 0, accepted: 0, kept: 0, covered: 0 }
    const culprit = input.slice(0, counters[1])
    resolve({ stats, findings: [{ target: order.target, reason, input: culprit }] })
  }
  let last = -1
  let sinceMs = performance.now()
  const look = setInterval(() => {
    const executions = Atomics.load(counters, 0)
    if (executions !== last) {
      last = executions
      sinceMs = performance.now()
    }
    if (performance.now() - sinceMs > HANG_MS) endedBy(`does not come back within ${HANG_MS} ms`)
    if (process.memoryUsage.rss() > RESIDENT_BYTES_MAX) endedBy('takes the process beyond its memory')
  }, LOOK_MS)
  worker.on('message', (outcome: WorkerOutcome) => resolve(outcome))
  worker.on('error', (error) =>
    endedBy(error instanceof Error ? `ends the thread: ${error.message.slice(0, 200)}` : 'ends the thread'),
  )
  const outcome = await promise
  clearInterval(look)
  await worker.terminate()
  return outcome
}
