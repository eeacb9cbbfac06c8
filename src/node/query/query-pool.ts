import {
  SQL_PROCESS_IDLE_MS,
  SQL_PROCESSES_MAX,
  SQL_RUNNING_PER_CALLER_MAX,
  SQL_WAITING_MAX,
  SQL_WAITING_PER_CALLER_MAX,
} from '../../core/limits.ts'
import { FaultError } from '../fault-error.ts'
import type { QueryRequest, SqlRows } from './query-message.ts'
import { type QueriedFile, QueryProcess, type RunOptions } from './query-process.ts'

/** Options of a query in its turn. */
export interface PoolOptions extends RunOptions {
  /** Who asks, where that is not the node itself: nobody takes all places. */
  readonly asker?: string | undefined
}

interface Waiter extends PromiseWithResolvers<void> {
  readonly asker: string | undefined
}

/**
 * The processes that answer one space's queries. Invariants:
 * 1. at most SQL_PROCESSES_MAX queries run, each in a process of its own; up to SQL_WAITING_MAX others wait in turn; of one asker
 *    SQL_RUNNING_PER_CALLER_MAX run and SQL_WAITING_PER_CALLER_MAX wait, so that others have their turn;
 * 2. a process is started when one is needed and none is idle, and all are ended when for SQL_PROCESS_IDLE_MS there was nothing to do.
 */
export class QueryPool {
  readonly #init: QueriedFile
  readonly #processes = new Set<QueryProcess>()
  readonly #waiting: Waiter[] = []
  /** By asker. */
  readonly #running = new Map<string, number>()
  #idle: QueryProcess[] = []
  /** Places that are taken: by queries that run, or are about to. */
  #taken = 0
  #idleTimer: NodeJS.Timeout | null = null
  #isClosed = false

  constructor(init: QueriedFile) {
    this.#init = init
  }

  /** Runs one query, in turn. Rejects with a FaultError: `SQL_BUSY` where too many wait, and those of QueryProcess. */
  async run(request: QueryRequest, options: PoolOptions): Promise<SqlRows> {
    await this.#takePlace(options)
    try {
      options.signal?.throwIfAborted()
      return await this.#runInProcess(request, options)
    } finally {
      this.#leavePlace(options.asker)
    }
  }

  /** Ends every process and every query. */
  close(): void {
    this.#isClosed = true
    this.#stopIdleTimer()
    for (const waiter of this.#waiting.splice(0)) waiter.reject(closed())
    for (const process of this.#processes) process.close()
  }

  async #takePlace({ signal, asker }: PoolOptions): Promise<void> {
    if (this.#isClosed) throw closed()
    if (this.#mayRun(asker)) {
      this.#count(asker, 1)
      return
    }
    const own = this.#waiting.filter((waiter) => waiter.asker === asker).length
    const isFull = this.#waiting.length >= SQL_WAITING_MAX
    if (isFull || (asker !== undefined && own >= SQL_WAITING_PER_CALLER_MAX)) {
      throw new FaultError({
        code: 'SQL_BUSY',
        detail: `${isFull ? SQL_WAITING_MAX : own} queries are waiting already${isFull ? '' : ', all of them yours'}: try again when they are done`,
      })
    }
    const waiter: Waiter = { ...Promise.withResolvers<void>(), asker }
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

  #mayRun(asker: string | undefined): boolean {
    if (this.#taken >= SQL_PROCESSES_MAX) return false
    return asker === undefined || (this.#running.get(asker) ?? 0) < SQL_RUNNING_PER_CALLER_MAX
  }

  #count(asker: string | undefined, change: 1 | -1): void {
    this.#taken += change
    if (asker === undefined) return
    const running = (this.#running.get(asker) ?? 0) + change
    if (running === 0) this.#running.delete(asker)
    else this.#running.set(asker, running)
  }

  /** Gives the place to whoever waits longest, of those that may have one. */
  #leavePlace(asker: string | undefined): void {
    this.#count(asker, -1)
    const at = this.#waiting.findIndex((waiter) => this.#mayRun(waiter.asker))
    const [next] = at === -1 ? [] : this.#waiting.splice(at, 1)
    if (next !== undefined) {
      this.#count(next.asker, 1)
      next.resolve()
      return
    }
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
