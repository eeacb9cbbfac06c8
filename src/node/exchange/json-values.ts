import { fail, ok, type Fault, type Result } from '../../core/result.ts'

/** One value of a file, as its text, or why it is none. */
export interface JsonText {
  /** Of its first character, from 1. */
  readonly line: number
  readonly text: Result<string, Fault<'LIMIT' | 'BAD_JSON'>>
}

/**
 * The values of a JSON file one after the other: the elements of an array, or values that follow each other (JSON lines). Their text is not read
 * here, only divided; a value of more than `bytesMax` characters is a fault in its own place. Holds one value and one chunk.
 */
export async function* readJsonValues(
  source: AsyncIterable<Uint8Array>,
  charactersMax: number,
): AsyncGenerator<JsonText> {
  const divider = new JsonDivider(charactersMax)
  const decoder = new TextDecoder()
  for await (const chunk of source) yield* divider.add(decoder.decode(chunk, { stream: true }))
  yield* divider.add(decoder.decode())
  yield* divider.end()
}

class JsonDivider {
  readonly #charactersMax: number
  /** In the array that the file is. */
  #isInArray = false
  /** In a value. */
  #isOpen = false
  #text = ''
  #length = 0
  #line = 1
  #startLine = 1
  /** Brackets of the value that are open. */
  #depth = 0
  #isInText = false
  #isEscaped = false

  constructor(charactersMax: number) {
    this.#charactersMax = charactersMax
  }

  *add(part: string): Generator<JsonText> {
    let from = 0
    for (let at = 0; at < part.length; at++) {
      const character = part[at] as string
      if (!this.#isOpen) {
        if (!this.#begins(character)) continue
        from = at
      }
      const step = this.#step(character)
      if (step !== 'inside') {
        // A bracket with nothing before it is a value by itself, and no sound one.
        const isLast = step === 'last' || (at === from && this.#length === 0)
        this.#take(part.slice(from, isLast ? at + 1 : at))
        yield this.#close()
        if (!isLast) this.#begins(character)
      }
      if (character === '\n' && this.#isOpen) this.#line++
    }
    if (this.#isOpen) this.#take(part.slice(from))
  }

  *end(): Generator<JsonText> {
    const isCut = this.#isInText || this.#depth > 0
    if (this.#isOpen && !isCut) yield this.#close()
    if (!isCut && !this.#isInArray) return
    yield {
      line: isCut ? this.#startLine : this.#line,
      text: fail('BAD_JSON', 'the file ends in the middle of a value or an array'),
    }
  }

  /** Looks at a character outside of values: true where one begins with it. */
  #begins(character: string): boolean {
    if (character === '\n') this.#line++
    if (SPACE.has(character) || character === ',') return false
    if (character === (this.#isInArray ? ']' : '[')) {
      this.#isInArray = !this.#isInArray
      return false
    }
    this.#isOpen = true
    this.#startLine = this.#line
    return true
  }

  /** Whether a character is inside the value, its last, or beyond its end. */
  #step(character: string): 'inside' | 'last' | 'beyond' {
    if (this.#isInText) return this.#stepInText(character)
    switch (character) {
      case '"':
        this.#isInText = true
        return 'inside'
      case '{':
      case '[':
        this.#depth++
        return 'inside'
      case '}':
      case ']':
        if (this.#depth === 0) return 'beyond'
        this.#depth--
        return this.#depth === 0 ? 'last' : 'inside'
      default:
        return this.#depth === 0 && (character === ',' || SPACE.has(character)) ? 'beyond' : 'inside'
    }
  }

  #stepInText(character: string): 'inside' | 'last' {
    if (this.#isEscaped) this.#isEscaped = false
    else if (character === '\\') this.#isEscaped = true
    else if (character === '"') {
      this.#isInText = false
      return this.#depth === 0 ? 'last' : 'inside'
    }
    return 'inside'
  }

  #take(part: string): void {
    this.#length += part.length
    // What is too long is counted on, and not kept.
    this.#text = this.#length <= this.#charactersMax ? this.#text + part : ''
  }

  #close(): JsonText {
    const text =
      this.#length <= this.#charactersMax
        ? ok(this.#text)
        : fail(
            'LIMIT',
            `the value has ${this.#length} characters, at most ${this.#charactersMax} are allowed`,
          )
    this.#isOpen = false
    this.#text = ''
    this.#length = 0
    return { line: this.#startLine, text }
  }
}

const SPACE = new Set([' ', '\t', '\r', '\n', '\ufeff'])
