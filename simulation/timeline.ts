/** Whose event it is: what a dead owner left behind does not happen. */
export interface Owner {
  readonly name: string
  readonly isAlive: boolean
}

interface Planned {
  readonly atMs: number
  readonly order: number
  readonly owner: Owner
  readonly what: string
  readonly action: () => void
  isCancelled: boolean
}

/** Cancels an event that has not happened yet. */
export type Cancel = () => void

/** What is told after every event. */
export type AfterEvent = (owner: Owner, what: string) => void

const immediately = setImmediate

/**
 * Virtual time: events in the order of (time, order of planning). Between two events every promise that can go on has gone on, so
 * that a run depends on nothing but its seed.
 */
export class Timeline {
  readonly #heap: Planned[] = []
  #order = 0
  #nowMs: number
  #owner: Owner
  #count = 0

  constructor(startMs: number, outside: Owner) {
    this.#nowMs = startMs
    this.#owner = outside
  }

  /** Virtual time, ms since 1970. */
  get nowMs(): number {
    return this.#nowMs
  }

  /** Events so far. */
  get count(): number {
    return this.#count
  }

  /** Whose event is happening. */
  get owner(): Owner {
    return this.#owner
  }

  /** Plans an event `delayMs` from now. */
  plan(delayMs: number, owner: Owner, what: string, action: () => void): Cancel {
    const atMs = this.#nowMs + Math.max(0, delayMs)
    const planned: Planned = { atMs, order: this.#order++, owner, what, action, isCancelled: false }
    this.#push(planned)
    return () => {
      planned.isCancelled = true
    }
  }

  /** Plans an event every `intervalMs`. */
  repeat(intervalMs: number, owner: Owner, what: string, action: () => void): Cancel {
    let cancel: Cancel = () => {}
    const again = () => {
      cancel = this.plan(intervalMs, owner, what, () => {
        again()
        action()
      })
    }
    again()
    return () => cancel()
  }

  /** Lets everything happen that is planned up to `untilMs`, and stops there; `isOver` may end it earlier. */
  async run(untilMs: number, after: AfterEvent, isOver: () => boolean): Promise<void> {
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= untilMs; next = this.#heap[0]) {
      this.#pop()
      if (next.isCancelled || !next.owner.isAlive) continue
      this.#nowMs = next.atMs
      this.#owner = next.owner
      this.#count++
      next.action()
      await settled()
      after(next.owner, next.what)
      if (isOver()) return
    }
    this.#nowMs = untilMs
  }

  #push(planned: Planned): void {
    const heap = this.#heap
    let at = heap.push(planned) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(planned, heap[parent] as Planned)) break
      heap[at] = heap[parent] as Planned
      at = parent
    }
    heap[at] = planned
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop() as Planned
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Planned, heap[child] as Planned)) child++
      if (!isBefore(heap[child] as Planned, last)) break
      heap[at] = heap[child] as Planned
      at = child
    }
    heap[at] = last
  }
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}

/** Resolves once no promise can go on by itself. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    immediately(resolve)
  })
}
