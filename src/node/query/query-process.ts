import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { SEARCH_STALL_MS, SQL_PROCESS_START_MS_MAX } from '../../core/limits.ts'
import { FaultError } from '../fault-error.ts'
import {
  type IndexProgress,
  OUT_OF_MEMORY,
  type QueryMessage,
  type QueryProcessInit,
  type QueryRequest,
  type SqlRows,
} from './query-message.ts'

/** What is asked. */
export type QueriedFile = Omit<QueryProcessInit, 'parent'>

/** How one query is run. */
export interface RunOptions {
  /** From where the search index is up to date, if the query needs it. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: IndexProgress) => void) | undefined
}

const PROGRAM = fileURLToPath(new URL('./query-main.ts', import.meta.url))
/** Characters of a process's last words that are kept. */
const LAST_WORDS_MAX = 2_000

/**
 * A process that answers one query at a time. It is ended, with whatever it is doing, when a query takes too long or is given up: then it is of no
 * more use (`isOver`). While it has nothing to do it keeps nobody's process alive.
 */
export class QueryProcess {
  readonly #child: ChildProcess
  #current: Running | null = null
  #lastWords = ''
  #isOver = false
  #isReady = false

  /** `onEnd` is called once, when it is of no more use. */
  constructor(init: QueriedFile, onEnd: () => void) {
    this.#child = fork(
      PROGRAM,
      [JSON.stringify({ ...init, parent: process.pid } satisfies QueryProcessInit)],
      {
        serialization: 'advanced',
        // Nothing of how this process was started, nor of its configuration, is the other's business.
        execArgv: [],
        env: {},
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      },
    )
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#lastWords = (this.#lastWords + chunk.toString()).slice(-LAST_WORDS_MAX)
    })
    this.#child.on('message', (message) => this.#receive(message as QueryMessage))
    this.#child.on('error', (error) => this.#end(stopped(error.message)))
    // After `close` everything it wrote has arrived.
    this.#child.on('close', () => this.#end(this.#explainEnd()))
    this.#child.once('exit', () => {
      this.#isOver = true
      onEnd()
    })
    this.#keepAlive(false)
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Runs one query; nothing else may be running. Rejects with a FaultError, or with the reason of the signal. */
  async run(request: QueryRequest, options: RunOptions): Promise<SqlRows> {
    const { promise, resolve, reject } = Promise.withResolvers<SqlRows>()
    const { signal } = options
    const onAbort = () => this.#end(signal?.reason)
    this.#current = { options, resolve, reject, timer: null }
    this.#keepAlive(true)
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#allow(this.#isReady ? SEARCH_STALL_MS : SQL_PROCESS_START_MS_MAX, notStarted)
    this.#child.send(request, (error) => {
      if (error !== null) this.#end(stopped(error.message))
    })
    try {
      return await promise
    } finally {
      signal?.removeEventListener('abort', onAbort)
      clearTimeout(this.#current?.timer ?? undefined)
      this.#current = null
      this.#keepAlive(false)
    }
  }

  /** Ends it, with what it is doing. */
  close(): void {
    this.#end(stopped('the space was closed'))
  }

  #receive(message: QueryMessage): void {
    const { options, resolve, reject } = this.#current ?? {}
    switch (message.kind) {
      case 'ready':
        this.#isReady = true
        return this.#allow(SEARCH_STALL_MS, stalled)
      case 'indexing':
        this.#allow(SEARCH_STALL_MS, stalled)
        return options?.onProgress?.(message.progress)
      case 'begun':
        return this.#allow(options?.timeoutMs ?? 0, () => tooLong(options?.timeoutMs ?? 0))
      case 'rows':
        return resolve?.(message.answer)
      case 'fault':
        return reject?.(new FaultError({ code: message.code, detail: message.detail }))
    }
  }

  /** Allows that much time for the next message. */
  #allow(timeoutMs: number, fault: () => FaultError): void {
    if (this.#current === null) return
    clearTimeout(this.#current.timer ?? undefined)
    this.#current.timer = setTimeout(() => this.#end(fault()), timeoutMs)
  }

  #end(reason: unknown): void {
    this.#isOver = true
    this.#current?.reject(reason)
    this.#child.kill('SIGKILL')
  }

  #explainEnd(): FaultError {
    if (!this.#lastWords.includes(OUT_OF_MEMORY))
      return stopped(/^.*Error.*$/m.exec(this.#lastWords)?.[0].trim() ?? '')
    return new FaultError({
      code: 'SQL_MEMORY',
      detail: 'the query took too much memory and was stopped: let it sort, group or gather less at once',
    })
  }

  /** Whether this process waits for that one before it ends. */
  #keepAlive(isKept: boolean): void {
    const { channel } = this.#child
    if (isKept) {
      this.#child.ref()
      channel?.ref()
    } else {
      this.#child.unref()
      channel?.unref()
    }
    // A pipe is a socket, which the types do not say.
    ;(this.#child.stderr as unknown as { unref?(): void } | null)?.unref?.()
  }
}

interface Running {
  readonly options: RunOptions
  readonly resolve: (rows: SqlRows) => void
  readonly reject: (reason: unknown) => void
  timer: NodeJS.Timeout | null
}

const notStarted = () =>
  new FaultError({ code: 'SQL_STOPPED', detail: 'the process for queries did not start in time: try again' })

const stalled = () =>
  new FaultError({
    code: 'SQL_STOPPED',
    detail: 'the search index was not brought up to date in time: try again, what is done of it is kept',
  })

const tooLong = (timeoutMs: number) =>
  new FaultError({
    code: 'SQL_TIMEOUT',
    detail: `the query took longer than ${timeoutMs} ms and was stopped: let it read less, or allow it more time`,
  })

const stopped = (why: string) =>
  new FaultError({
    code: 'SQL_STOPPED',
    detail: `the process for queries has ended${why === '' ? '' : ` (${why})`}: try again`,
  })
