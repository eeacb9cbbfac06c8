/** What happens at a time, in ms; ties in the order in which they were planned, so that a run follows from its seed. */
export class EventQueue {
  readonly #heap: Planned[] = []
  #planned = 0

  get size(): number {
    return this.#heap.length
  }

  plan(atMs: number, act: (atMs: number) => void): void {
    const heap = this.#heap
    const event = { atMs, order: this.#planned++, act }
    let at = heap.push(event) - 1
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = heap[above] as Planned
      if (!isBefore(event, parent)) break
      heap[at] = parent
      at = above
    }
    heap[at] = event
  }

  /** Runs the next event; false where there is none up to that time. */
  next(untilMs: number): boolean {
    const heap = this.#heap
    const [first] = heap
    if (first === undefined || first.atMs > untilMs) return false
    const last = heap.pop() as Planned
    if (heap.length > 0) this.#sink(last)
    first.act(first.atMs)
    return true
  }

  #sink(event: Planned): void {
    const heap = this.#heap
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      if (below >= heap.length) break
      if (below + 1 < heap.length && isBefore(heap[below + 1] as Planned, heap[below] as Planned)) below++
      const child = heap[below] as Planned
      if (!isBefore(child, event)) break
      heap[at] = child
      at = below
    }
    heap[at] = event
  }
}

interface Planned {
  readonly atMs: number
  readonly order: number
  readonly act: (atMs: number) => void
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}
