import { HTTP_EVENTS_WAITING_MAX } from '../core/limits.ts'
import type { ServerEvent } from './event-stream.ts'

/**
 * The events of one client on their way, from several sources, at most HTTP_EVENTS_WAITING_MAX. A source that can go on later waits for room
 * ({@link put}); what comes by itself is counted where there is none ({@link tell}), and the count is sent as the event `missed`.
 */
export class EventQueue {
  readonly #events: ServerEvent[] = []
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

  /** Adds an event as soon as there is room; one source at a time. */
  async put(event: ServerEvent): Promise<void> {
    while (this.#events.length >= HTTP_EVENTS_WAITING_MAX && !this.#isOver)
      await new Promise<void>((resolve) => {
        this.#onRoom = resolve
      })
    this.tell(event)
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
        this.#onRoom?.()
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
