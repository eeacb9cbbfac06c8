import { HTTP_PAGE_CHARACTERS_MAX } from '../../core/limits.ts'
import { formatValue } from '../../core/value-json.ts'

/** How long a page has become as JSON: it ends where it is full, however many things it may have. Values may be as large as a body each. */
export class PageSize {
  #characters = 0

  get isFull(): boolean {
    return this.#characters >= HTTP_PAGE_CHARACTERS_MAX
  }

  /** Counts one more, and returns it. */
  add<T>(value: T): T {
    this.#characters += formatValue(value).length
    return value
  }
}
