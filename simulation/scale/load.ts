/** What a node did and suffered, in the model. */
export interface NodeLoad {
  cpuUs: number
  gossipMessages: number
  gossipBytes: number
  syncBytes: number
  connectionBytes: number
  runs: number
}

export function createLoad(): NodeLoad {
  return { cpuUs: 0, gossipMessages: 0, gossipBytes: 0, syncBytes: 0, connectionBytes: 0, runs: 0 }
}

/** Times of arrival, in classes of a twentieth of their size: a million of them in little memory. */
export class Latencies {
  readonly #counts = new Map<number, number>()
  #count = 0
  mostMs = 0

  add(ms: number): void {
    const place = Math.round(Math.log(Math.max(ms, 0.01)) * 20)
    this.#counts.set(place, (this.#counts.get(place) ?? 0) + 1)
    this.#count++
    if (ms > this.mostMs) this.mostMs = ms
  }

  get count(): number {
    return this.#count
  }

  /** The time within which that part of them arrived, in ms. */
  quantile(part: number): number {
    let left = part * this.#count
    for (const [place, count] of [...this.#counts].toSorted(([a], [b]) => a - b)) {
      left -= count
      if (left <= 0) return Math.exp(place / 20)
    }
    return this.mostMs
  }
}
