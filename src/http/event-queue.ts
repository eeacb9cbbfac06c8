import { HTTP_EVENTS_WAITING_MAX } from '../core/limits.ts'
import type { ServerEvent } from './event-stream.ts'

/**
 * The events of one client on their way, from several sources, at most HTTP_EVENTS_WAITING_MAX. A source that can go on later waits until its
 * last one was taken ({@link put}), because each may be as large as an operation; what comes by itself is counted where there is no room
 * ({@link tell}), and the count is sent as the event `missed`.
 */
export class EventQueue {
  readonly #events: ServerEvent[] = []
  /** What was put and not taken yet. */
  #put: ServerEvent | null = null
  #missed = 0
  #isOver = false
  #error: Error | null = null
  #onRoom: (() => void) | null = null
  #onNews: (() => void) | null = null

  /** Adds an event, or counts it as missed. */
  tell(event: ServerEvent): void {
    if (this.#isOver) return
    if (this.#events.length < HTTP_EVENTS_WAITING_MAX) this.#events.push(event)
    else this.#missed++
    this.#onNews?.()
  }

  /** Adds an event as soon as the one before it was taken; one source at a time. */
  async put(event: ServerEvent): Promise<void> {
    while (this.#put !== null && !this.#isOver)
      await new Promise<void>((resolve) => {
        this.#onRoom = resolve
      })
    if (this.#isOver) return
    this.#put = event
    this.#events.push(event)
    this.#onNews?.()
  }

  /** Nothing more comes; what waits is still handed out. `error`: thrown to the reader after that. */
  end(error?: unknown): void {
    this.#isOver = true
    if (error !== undefined)
      this.#error ??=
        error instanceof Error ? error : new Error('bug: a source of events has failed', { cause: error })
    this.#onRoom?.()
    this.#onNews?.()
  }

  /** The events in order, for one reader. */
  async *read(): AsyncGenerator<ServerEvent, void, void> {
    for (;;) {
      const event = this.#events.shift()
      if (event !== undefined) {
        if (event === this.#put) {
          this.#put = null
          this.#onRoom?.()
        }
        yield event
      } else if (this.#missed > 0) {
        const count = this.#missed
        this.#missed = 0
        yield { event: 'missed', data: { count } }
      } else if (this.#error !== null) {
        throw this.#error
      } else if (this.#isOver) {
        return
      } else {
        await new Promise<void>((resolve) => {
          this.#onNews = resolve
        })
      }
    }
  }
}
