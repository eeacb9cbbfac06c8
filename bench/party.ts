import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { builtParty } from './built-party.ts'

/**
 * What a party's module exports as `commands`: what it can be asked to do, by name. Each takes one value and gives one, of what structured
 * cloning can carry, or throws. `mark` and `usage` are there already.
 */
export type Commands = Readonly<Record<string, (value: never) => unknown>>

/** What a party has used. */
export interface Usage {
  /** User and system, all threads, since the last mark. */
  readonly cpuSeconds: number
  /** The most resident memory since its process began. */
  readonly peakMb: number
  readonly residentMb: number
  /** Over all TCP sockets since the last mark (see socket-count.ts). */
  readonly bytesIn: number
  readonly bytesOut: number
  /** How often something came in after something had gone out, since the last mark. */
  readonly turns: number
}

export interface Question {
  readonly id: number
  readonly command: string
  readonly value: unknown
}

export interface Answer {
  readonly id: number
  readonly value: unknown
  readonly error: string | null
}

/** Longest wait for one answer, in ms; a run as a whole is bounded by the runner. */
const ANSWER_TIMEOUT_MS = 20 * 60 * 1000
/** Longest wait for a process to end once it was told to, in ms. */
const STOP_TIMEOUT_MS = 5_000

/** One side of a workload, in a process of its own that loads one module and takes commands. */
export class Party {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  #asked = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', (message: Answer | 'ready') => {
      if (message === 'ready') return
      const { id, value, error } = message
      if (error === null) this.#waiting.get(id)?.resolve(value)
      else this.#waiting.get(id)?.reject(new Error(error))
      this.#waiting.delete(id)
    })
    child.on('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`a party ended: ${code ?? signal}`))
      this.#waiting.clear()
    })
  }

  /** Starts a party; resolves when its module is loaded. `nodeOptions`: of its process, e.g. `--expose-gc`. */
  static async start(module: URL, nodeOptions: readonly string[] = []): Promise<Party> {
    const built = await builtParty(module)
    const child = fork(built.main, [built.module], {
      execArgv: ['--no-warnings', ...nodeOptions],
      serialization: 'advanced',
      // As bin/start.mjs has it for a node, and for all parties alike.
      env: { ...process.env, MALLOC_ARENA_MAX: '1' },
      // What it prints is not among the figures.
      stdio: ['ignore', 2, 2, 'ipc'],
    })
    const party = new Party(child)
    await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(([code]) => {
        throw new Error(`a party could not start: ${module.pathname} ended with ${code}`)
      }),
    ])
    return party
  }

  /** Of the operating system. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Has the party run one of its commands. Rejects with what it threw, or when its process ends. */
  async ask<T = void>(command: string, value?: unknown, timeoutMs = ANSWER_TIMEOUT_MS): Promise<T> {
    const answer = Promise.withResolvers<unknown>()
    const id = this.#asked++
    this.#waiting.set(id, answer)
    const timer = setTimeout(
      () => answer.reject(new Error(`no answer to ${command} in ${timeoutMs} ms`)),
      timeoutMs,
    )
    try {
      this.#child.send({ id, command, value } satisfies Question)
      return (await answer.promise) as T
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(id)
    }
  }

  /** What is used counts from here. */
  async mark(): Promise<void> {
    await this.ask('mark')
  }

  async usage(): Promise<Usage> {
    return await this.ask<Usage>('usage')
  }

  /** Ends the process, after it was given a moment to do so itself. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    if (this.#child.connected) this.#child.disconnect()
    await exited
    clearTimeout(timer)
  }
}

/** Gives work two parties, a source and a receiver, of one module or of two, and ends both afterwards. */
export async function withTwo<T>(
  modules: { readonly source: URL; readonly receiver: URL },
  work: (source: Party, receiver: Party) => Promise<T>,
): Promise<T> {
  const source = await Party.start(modules.source)
  try {
    const receiver = await Party.start(modules.receiver)
    try {
      return await work(source, receiver)
    } finally {
      await receiver.stop()
    }
  } finally {
    await source.stop()
  }
}
