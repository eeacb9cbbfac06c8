import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import {
  SIGNATURE_CHECK_TIMEOUT_MS,
  SIGNATURE_WORKER_IDLE_MS,
  SIGNATURE_WORKERS_MAX,
} from '../../core/limits.ts'
import type { SignatureClaim } from '../../core/signature.ts'
import { packClaims } from './claims.ts'
import type { SignatureAnswer, SignatureTask } from './signature-worker.ts'

/**
 * How many threads check signatures: one core is that of the thread which takes in what they have checked. One more would be 15 MB that wait for a
 * core, since taking an operation in costs more than its signature.
 */
export function signatureThreads(cores: number): number {
  return Math.min(Math.max(cores - 1, 1), SIGNATURE_WORKERS_MAX)
}

/** A task that has not been answered. */
interface Open {
  readonly claims: number
  readonly resolve: (accepted: readonly boolean[]) => void
  readonly timeout: NodeJS.Timeout
}

/**
 * Threads that check signatures, {@link signatureThreads} of them, started when first needed and ended when idle. They hold the process up only
 * while they have work. A thread that fails or hangs accepts nothing of what it was given, and is replaced by the next task.
 */
export class SignaturePool {
  readonly #threads: (SignatureThread | undefined)[]
  readonly #program: URL

  /** `program`: what a thread runs, for tests. */
  constructor(
    threads = signatureThreads(availableParallelism()),
    program = new URL('./signature-worker.ts', import.meta.url),
  ) {
    this.#threads = Array.from({ length: threads }, () => undefined)
    this.#program = program
  }

  /** Which of the claims the native verifier accepts, in their order. Never rejects. */
  accept(claims: readonly SignatureClaim[]): Promise<readonly boolean[]> {
    return this.#leastBusy().accept(claims)
  }

  /** Ends the threads; what they have open is accepted by none. */
  stop(): void {
    for (const thread of this.#threads) thread?.end()
  }

  #leastBusy(): SignatureThread {
    let best = 0
    for (const [i, thread] of this.#threads.entries()) {
      const busy = (one: number) => this.#threads[one]?.open ?? 0
      if ((thread?.open ?? 0) < busy(best)) best = i
    }
    const found = this.#threads[best]
    if (found !== undefined) return found
    const thread: SignatureThread = new SignatureThread(this.#program, () => {
      if (this.#threads[best] === thread) this.#threads[best] = undefined
    })
    this.#threads[best] = thread
    return thread
  }
}

class SignatureThread {
  readonly #worker: Worker
  readonly #open = new Map<number, Open>()
  readonly #onEnd: () => void
  readonly #idle: NodeJS.Timeout
  #tasks = 0

  constructor(program: URL, onEnd: () => void) {
    this.#onEnd = onEnd
    // Little is kept in such a thread: the heap it would otherwise grow is memory of every node.
    const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 }
    this.#worker = new Worker(program, { resourceLimits, name: 'hanse signatures' })
    this.#worker.unref()
    this.#worker.on('message', (answer: SignatureAnswer) => this.#settle(answer))
    this.#worker.on('error', () => this.end())
    this.#worker.on('exit', () => this.end())
    this.#idle = setTimeout(() => this.end(), SIGNATURE_WORKER_IDLE_MS).unref()
  }

  /** Claims it has not answered. */
  get open(): number {
    let claims = 0
    for (const open of this.#open.values()) claims += open.claims
    return claims
  }

  accept(claims: readonly SignatureClaim[]): Promise<readonly boolean[]> {
    const { promise, resolve } = Promise.withResolvers<readonly boolean[]>()
    const task = this.#tasks++
    const timeout = setTimeout(() => this.end(), SIGNATURE_CHECK_TIMEOUT_MS).unref()
    this.#open.set(task, { claims: claims.length, resolve, timeout })
    this.#worker.ref()
    const packed = packClaims(claims)
    const message: SignatureTask = { task, packed }
    this.#worker.postMessage(message, [packed.buffer])
    return promise
  }

  end(): void {
    this.#onEnd()
    clearTimeout(this.#idle)
    for (const task of this.#open.keys()) this.#settle({ task, accepted: new Uint8Array() })
    // Already ended where this came from its exit.
    this.#worker.terminate().catch(() => {})
  }

  #settle({ task, accepted }: SignatureAnswer): void {
    const open = this.#open.get(task)
    if (open === undefined) return
    this.#open.delete(task)
    clearTimeout(open.timeout)
    if (this.#open.size === 0) {
      this.#worker.unref()
      this.#idle.refresh()
    }
    open.resolve(Array.from({ length: open.claims }, (_, i) => accepted[i] === 1))
  }
}
