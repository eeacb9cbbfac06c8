import { SQL_PROCESS_IDLE_MS, SQL_PROCESSES_MAX, SQL_WAITING_MAX } from '../../core/limits.ts'
import { FaultError } from '../fault-error.ts'
import type { QueryRequest, SqlRows } from './query-message.ts'
import { type QueriedFile, QueryProcess, type RunOptions } from './query-process.ts'

type Waiter = PromiseWithResolvers<void>

/**
 * The processes that answer one space's queries. Invariants:
 * 1. at most SQL_PROCESSES_MAX queries run, each in a process of its own; up to SQL_WAITING_MAX others wait in turn;
 * 2. a process is started when one is needed and none is idle, and all are ended when for SQL_PROCESS_IDLE_MS there was nothing to do.
 */
export class QueryPool {
  readonly #init: QueriedFile
  readonly #processes = new Set<QueryProcess>()
  readonly #waiting: Waiter[] = []
  #idle: QueryProcess[] = []
  /** Places that are taken: by queries that run, or are about to. */
  #taken = 0
  #idleTimer: NodeJS.Timeout | null = null
  #isClosed = false

  constructor(init: QueriedFile) {
    this.#init = init
  }

  /** Runs one query, in turn. Rejects with a FaultError: `SQL_BUSY` where too many wait, and those of QueryProcess. */
  async run(request: QueryRequest, options: RunOptions): Promise<SqlRows> {
    await this.#takePlace(options.signal)
    try {
      options.signal?.throwIfAborted()
      return await this.#runInProcess(request, options)
    } finally {
      this.#leavePlace()
    }
  }

  /** Ends every process and every query. */
  close(): void {
    this.#isClosed = true
    this.#stopIdleTimer()
    for (const waiter of this.#waiting.splice(0)) waiter.reject(closed())
    for (const process of this.#processes) process.close()
  }

  async #takePlace(signal: AbortSignal | undefined): Promise<void> {
    if (this.#isClosed) throw closed()
    if (this.#taken < SQL_PROCESSES_MAX) {
      this.#taken++
      return
    }
    if (this.#waiting.length >= SQL_WAITING_MAX) {
      throw new FaultError({
        code: 'SQL_BUSY',
        detail: `${SQL_WAITING_MAX} queries are waiting already: try again when they are done`,
      })
    }
    const waiter: Waiter = Promise.withResolvers()
    const onAbort = () => {
      const at = this.#waiting.indexOf(waiter)
      // Whoever is not waiting any more has a place, and gives it back.
      if (at === -1) return
      this.#waiting.splice(at, 1)
      waiter.reject(signal?.reason)
    }
    this.#waiting.push(waiter)
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      await waiter.promise
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Gives the place to whoever waits longest. */
  #leavePlace(): void {
    const next = this.#waiting.shift()
    if (next !== undefined) return next.resolve()
    this.#taken--
    if (this.#taken > 0 || this.#isClosed) return
    this.#idleTimer = setTimeout(() => this.#endIdle(), SQL_PROCESS_IDLE_MS).unref()
  }

  async #runInProcess(request: QueryRequest, options: RunOptions): Promise<SqlRows> {
    if (this.#isClosed) throw closed()
    this.#stopIdleTimer()
    const process = this.#idle.pop() ?? this.#start()
    try {
      return await process.run(request, options)
    } finally {
      if (!process.isOver) this.#idle.push(process)
    }
  }

  #start(): QueryProcess {
    const process = new QueryProcess(this.#init, () => {
      this.#processes.delete(process)
      this.#idle = this.#idle.filter((other) => other !== process)
    })
    this.#processes.add(process)
    return process
  }

  #endIdle(): void {
    for (const process of this.#idle.splice(0)) process.close()
  }

  #stopIdleTimer(): void {
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer)
    this.#idleTimer = null
  }
}

const closed = () =>
  new FaultError({ code: 'SQL_STOPPED', detail: 'the space was closed before the query was done: try again' })
