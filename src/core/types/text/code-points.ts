const FIRST_CAPACITY = 8
/** The first code point that takes two units of UTF-16. */
const ASTRAL = 0x10000

/** How many characters (code points) a well-formed text has. */
export function countCodePoints(text: string): number {
  let count = text.length
  for (let i = 0; i < text.length; i++) if (isHighSurrogate(text.charCodeAt(i))) count--
  return count
}

/** Characters in the order in which they came, four bytes each: a character keeps its place for ever. */
export class CodePoints {
  #points = new Uint32Array(FIRST_CAPACITY)
  #length = 0

  /** How many there are. */
  get length(): number {
    return this.#length
  }

  /** Adds the characters of a well-formed text, and gives their number. */
  append(text: string): number {
    this.#reserve(text.length)
    const before = this.#length
    for (let i = 0; i < text.length; i++) {
      const point = text.codePointAt(i) as number
      this.#points[this.#length++] = point
      if (point >= ASTRAL) i++
    }
    return this.#length - before
  }

  /** Joins runs of characters, each given by its first place and its length, into a text. */
  join(runs: readonly number[]): string {
    let length = 0
    for (let i = 1; i < runs.length; i += 2) length += runs[i] as number
    // Room for two units a character.
    const units = new Uint16Array(2 * length)
    let at = 0
    for (let i = 0; i < runs.length; i += 2) {
      const start = runs[i] as number
      const end = start + (runs[i + 1] as number)
      for (let place = start; place < end; place++) {
        const point = this.#points[place] as number
        if (point < ASTRAL) units[at++] = point
        else {
          units[at++] = 0xd800 + ((point - ASTRAL) >> 10)
          units[at++] = 0xdc00 + ((point - ASTRAL) & 0x3ff)
        }
      }
    }
    return Buffer.from(units.buffer, 0, 2 * at).toString('utf16le')
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#points.length) return
    const grown = new Uint32Array(Math.max(2 * this.#points.length, this.#length + more))
    grown.set(this.#points)
    this.#points = grown
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00
}
