/**
 * A set of ordinals that mostly has one, since nearly every log has one end: then it is kept as a number. A `Set` takes five times the memory, and
 * moves to a new table whenever it runs empty, which is at each operation that follows another.
 */
export class Ordinals implements Iterable<number> {
  #only: number | null = null
  /** All of them, from when there were two for the first time. */
  #several: Set<number> | null = null

  get size(): number {
    return this.#several?.size ?? (this.#only === null ? 0 : 1)
  }

  has(ordinal: number): boolean {
    return this.#several?.has(ordinal) ?? this.#only === ordinal
  }

  add(ordinal: number): void {
    if (this.#several !== null) this.#several.add(ordinal)
    else if (this.#only === null || this.#only === ordinal) this.#only = ordinal
    else this.#several = new Set([this.#only, ordinal])
  }

  /** True where it was there. */
  delete(ordinal: number): boolean {
    if (this.#several !== null) return this.#several.delete(ordinal)
    if (this.#only !== ordinal) return false
    this.#only = null
    return true
  }

  /** In the order in which they were added. */
  *[Symbol.iterator](): Generator<number> {
    if (this.#several !== null) yield* this.#several
    else if (this.#only !== null) yield this.#only
  }
}
