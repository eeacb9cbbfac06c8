import { setTimeout as wait } from 'node:timers/promises'
import { NODE_HEALTH_EVERY_MS } from '../../core/limits.ts'
import { FaultError } from '../fault-error.ts'
import { faultOf } from '../fault-of.ts'
import type { HanseNode } from '../node.ts'
import type { Admission } from '../replica/admission-step.ts'
import { followEvents } from './follow-events.ts'
import { lookAfterNodes } from './look-after.ts'
import { backOffMs } from './persist.ts'
import type { RemoteRecord } from './remote-record.ts'
import { runRemote } from './run-remote.ts'

/** Writes that follow each other closely go out together, in ms. */
const GATHER_MS = 50
/** How often a live remote is compared with whatever its events say, in ms; also while it has no events to follow. */
const LIVE_CHECK_MS = 15_000
/** The same while something happens and there are no events to follow: doubled each time that nothing was new. */
const POLL_MS = 2_000

/**
 * Runs with the remotes of a node by their schedules, while `hanse up` runs. Idle, and without a timer, while there are none; a remote that is
 * added, removed or changed has its effect at once. One that fails is tried again, at most every REMOTE_BACK_OFF_MS_MAX, and recovers by itself.
 */
export class RemoteWorkers {
  readonly #node: HanseNode
  readonly #workers = new Map<string, RemoteWorker>()
  readonly #onChanged = () => this.#arrange()
  #health: NodeJS.Timeout | null = null
  #looking: Promise<void> = Promise.resolve()
  readonly #stopping = new AbortController()

  constructor(node: HanseNode) {
    this.#node = node
  }

  start(): void {
    this.#node.remotes.addEventListener('changed', this.#onChanged)
    this.#arrange()
  }

  /** Ends what goes on; what was admitted stays. */
  async stop(): Promise<void> {
    this.#node.remotes.removeEventListener('changed', this.#onChanged)
    this.#stopping.abort()
    if (this.#health !== null) clearInterval(this.#health)
    await Promise.all([...[...this.#workers.values()].map(async (worker) => worker.stop()), this.#looking])
  }

  #arrange(): void {
    const wanted = new Map(this.#node.remotes.list().map((record) => [keyOf(record), record]))
    for (const [key, worker] of this.#workers) {
      if (wanted.has(key)) continue
      this.#workers.delete(key)
      void worker.stop()
    }
    for (const [key, record] of wanted) {
      const { isLive, everyMs, afterChanges, windowMs } = record.schedule
      const isIdle = !isLive && everyMs === null && afterChanges === null && windowMs === null
      const isHere = this.#node.spaces().some(({ id }) => id === record.spaceId)
      if (isIdle || !isHere || this.#workers.has(key)) continue
      this.#workers.set(key, new RemoteWorker(this.#node, record))
    }
    if (this.#health === null && wanted.size > 0) {
      this.#health = setInterval(() => this.#look(), NODE_HEALTH_EVERY_MS)
      this.#health.unref()
      this.#look()
    } else if (this.#isUnregistered()) this.#look()
  }

  /** True where this node is to make itself known somewhere and has not tried yet. */
  #isUnregistered(): boolean {
    const { remotes } = this.#node
    return remotes.list().some((record) => {
      const { registeredMs, registerError } = remotes.state(record)
      return record.registerAs !== undefined && registeredMs === null && registerError === null
    })
  }

  #look(): void {
    const { signal } = this.#stopping
    const looked = this.#looking.then(async () => lookAfterNodes(this.#node, signal))
    this.#looking = looked.catch((error: unknown) => {
      if (!signal.aborted) this.#node.log(`remotes could not be looked after: ${faultOf(error).detail}`)
    })
  }
}

/** A schedule that changes begins anew. */
const keyOf = ({ id, schedule }: RemoteRecord): string => `${id} ${JSON.stringify(schedule)}`

/** One remote's schedule. */
class RemoteWorker {
  readonly #node: HanseNode
  readonly #record: RemoteRecord
  readonly #abort = new AbortController()
  readonly #ended: Promise<unknown>
  readonly #wish = { pull: true, push: true }
  readonly #timers = new Map<string, NodeJS.Timeout>()
  #wake: () => void = () => {}
  #changes = 0
  #isFailing = false
  #quietRuns = 0
  #hasEvents = false

  constructor(node: HanseNode, record: RemoteRecord) {
    this.#node = node
    this.#record = record
    const space = node.space(record.spaceId)
    const onChange = ({ detail }: CustomEvent<Admission>) => this.#onChange(detail.entries.length)
    space.addEventListener('change', onChange)
    this.#abort.signal.addEventListener('abort', () => space.removeEventListener('change', onChange))
    const tasks = [this.#run(), ...(record.schedule.isLive ? [this.#follow()] : [])]
    this.#ended = Promise.allSettled(tasks)
  }

  async stop(): Promise<void> {
    this.#abort.abort(new FaultError({ code: 'STOPPED', detail: 'the schedule has ended' }))
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#wake()
    await this.#ended
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort
    let failures = 0
    while (!signal.aborted) {
      const { pull, push } = this.#wish
      if (!pull && !push) {
        await this.#untilWished()
        continue
      }
      Object.assign(this.#wish, { pull: false, push: false })
      this.#changes = 0
      this.#clear('window')
      const direction = pull && push ? 'sync' : pull ? 'pull' : 'push'
      const isDone = await this.#runOnce(direction)
      if (isDone) {
        failures = 0
        this.#arm()
        continue
      }
      Object.assign(this.#wish, { pull: true, push: true })
      failures++
      await wait(backOffMs(failures), undefined, { signal }).catch(() => {})
    }
  }

  async #runOnce(direction: 'pull' | 'push' | 'sync'): Promise<boolean> {
    const { signal } = this.#abort
    const { name } = this.#record
    try {
      const report = await runRemote(this.#node, this.#record, { direction, trigger: 'schedule', signal })
      const { error, ahead, sent, gained } = report
      this.#quietRuns = sent === 0 && gained === 0 ? this.#quietRuns + 1 : 0
      // What was written here meanwhile; but not again and again what the remote does not take.
      if (error === null && ahead !== null && ahead > 0 && (direction === 'pull' || sent > 0))
        this.#wantPush()
      if (error !== null && !this.#isFailing)
        this.#node.log(`remote ${name}: ${error.detail}; trying again, at most every 30 s`)
      if (error === null && this.#isFailing) this.#node.log(`remote ${name} answers again`)
      this.#isFailing = error !== null
      return error === null
    } catch (error) {
      if (!signal.aborted) this.#node.log(`remote ${name}: ${faultOf(error).detail}`)
      return false
    }
  }

  /** Sets the clock for the next run that nobody has to ask for. */
  #arm(): void {
    const { isLive, everyMs } = this.#record.schedule
    if (everyMs !== null) this.#after('every', everyMs, () => this.#want({ pull: true, push: true }))
    if (!isLive) return
    const poll = Math.min(LIVE_CHECK_MS, POLL_MS * 2 ** Math.min(this.#quietRuns, 10))
    this.#after('live', this.#hasEvents ? LIVE_CHECK_MS : poll, () => this.#want({ pull: true, push: true }))
  }

  #onChange(operations: number): void {
    // What comes by our own run with the remote is there already; what else was written meanwhile shows at its end.
    if (this.#node.remotes.isRunning(this.#record)) return
    this.#changes += operations
    this.#wantPush()
  }

  #wantPush(): void {
    const { isLive, afterChanges, windowMs } = this.#record.schedule
    const push = () => this.#want({ push: true })
    if (isLive) this.#after('gather', GATHER_MS, push)
    else if (afterChanges !== null && this.#changes >= afterChanges) push()
    else if (windowMs !== null && !this.#timers.has('window')) this.#after('window', windowMs, push)
  }

  #want(wish: { readonly pull?: true; readonly push?: true }): void {
    Object.assign(this.#wish, wish)
    this.#wake()
  }

  async #untilWished(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      if (this.#abort.signal.aborted) resolve()
    })
  }

  #after(name: string, ms: number, work: () => void): void {
    this.#clear(name)
    const timer = setTimeout(() => {
      this.#timers.delete(name)
      work()
    }, ms)
    timer.unref()
    this.#timers.set(name, timer)
  }

  #clear(name: string): void {
    clearTimeout(this.#timers.get(name))
    this.#timers.delete(name)
  }

  /** Pulls whenever the remote tells that something has happened there. Where it tells nothing, it is asked now and then (#arm). */
  async #follow(): Promise<void> {
    const { signal } = this.#abort
    for (let failures = 0; !signal.aborted; ) {
      try {
        await followEvents(this.#node, this.#record, signal, () => {
          this.#hasEvents = true
          failures = 0
          this.#want({ pull: true })
        })
      } catch {
        // The runs say what is wrong.
      }
      this.#hasEvents = false
      failures++
      await wait(backOffMs(failures), undefined, { signal }).catch(() => {})
    }
  }
}
