import { toKey } from '../../core/bytes.ts'

/** The ids noted last, at most `most`: beyond, the one noted longest ago is forgotten. */
export class RecentIds {
  readonly #most: number
  readonly #ids = new Set<string>()

  constructor(most: number) {
    this.#most = most
  }

  /** False for an id that is noted already. */
  add(id: Uint8Array): boolean {
    const key = toKey(id)
    if (this.#ids.has(key)) return false
    this.#ids.add(key)
    if (this.#ids.size <= this.#most) return true
    const [oldest] = this.#ids
    if (oldest !== undefined) this.#ids.delete(oldest)
    return true
  }

  has(id: Uint8Array): boolean {
    return this.#ids.has(toKey(id))
  }
}
