/** How fast one thing may happen. */
export interface Rate {
  /** How many at once, after a rest. */
  readonly burst: number
  /** How many in the long run. */
  readonly perSecond: number
}

interface Bucket {
  tokens: number
  filledAtMs: number
}

/**
 * Token buckets by key, of one rate. The clock is an argument; one that runs backwards refills nothing.
 *
 * Bounded: beyond `keysMax` the key used longest ago is forgotten, and would start full again. Keep a bucket over all
 * keys beside it, since whoever makes keys freely gets a full bucket with each.
 */
export class TokenBuckets {
  readonly #rate: Rate
  readonly #keysMax: number
  /** In the order of last use, the oldest first. */
  readonly #buckets = new Map<string, Bucket>()
  /** The key used last: it is at the end already. */
  #newest: string | null = null

  constructor(rate: Rate, keysMax: number) {
    this.#rate = rate
    this.#keysMax = keysMax
  }

  /** Takes tokens of a key, one by default. False when there are not as many; then none is taken. */
  take(key: string, nowMs: number, tokens = 1): boolean {
    const bucket = this.#used(key, nowMs)
    if (bucket.tokens < tokens) return false
    bucket.tokens -= tokens
    return true
  }

  /** Takes tokens of a key on credit. Milliseconds until the debt is paid; 0 when there was none. */
  owe(key: string, nowMs: number, tokens: number): number {
    const bucket = this.#used(key, nowMs)
    bucket.tokens -= tokens
    return bucket.tokens >= 0 ? 0 : Math.ceil((-bucket.tokens / this.#rate.perSecond) * 1000)
  }

  /** True while a key has a whole token left. */
  has(key: string, nowMs: number): boolean {
    return this.#refilled(key, nowMs).tokens >= 1
  }

  /** Keys remembered, at most `keysMax`. */
  get size(): number {
    return this.#buckets.size
  }

  #used(key: string, nowMs: number): Bucket {
    const bucket = this.#refilled(key, nowMs)
    if (this.#newest === key) return bucket
    this.#newest = key
    this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    if (this.#buckets.size > this.#keysMax) this.#forgetOldest()
    return bucket
  }

  #refilled(key: string, nowMs: number): Bucket {
    const bucket = this.#buckets.get(key)
    if (bucket === undefined) return { tokens: this.#rate.burst, filledAtMs: nowMs }
    const elapsedMs = Math.max(0, nowMs - bucket.filledAtMs)
    bucket.tokens = Math.min(this.#rate.burst, bucket.tokens + (elapsedMs / 1000) * this.#rate.perSecond)
    bucket.filledAtMs = nowMs
    return bucket
  }

  #forgetOldest(): void {
    for (const oldest of this.#buckets.keys()) {
      this.#buckets.delete(oldest)
      return
    }
  }
}
