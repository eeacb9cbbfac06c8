import { decodeCanonical } from '../../core/canonical-cbor.ts'
import { formatValue } from '../../core/value-json.ts'

/** Texts of more bytes are faster written by the runtime than byte by byte. */
const SHORT_TEXT_BYTES = 256
/** More than any number takes in JSON. */
const NUMBER_BYTES = 32
/** A byte of a text becomes six at most: `\u001f`. */
const ESCAPED_BYTES = 6
/** What is kept of the buffer from one value to the next, in bytes. */
const KEPT_BYTES = 16_384
const DIGITS = '0123456789abcdef'
/** What JSON writes as a backslash and one more character. */
const SHORT_ESCAPES: ReadonlyMap<number, string> = new Map([
  [0x08, 'b'],
  [0x09, 't'],
  [0x0a, 'n'],
  [0x0c, 'f'],
  [0x0d, 'r'],
  [0x22, '"'],
  [0x5c, '\\'],
])

/**
 * A value as SQL reads it: DAG-JSON in UTF-8, from its canonical DAG-CBOR. Once for each cell written, so what most values are made of
 * (texts, small numbers, lists, maps) goes from bytes to bytes without a value in between; the rest takes the way through the decoder.
 * The bytes are good until the next call that is not `further`, which also says that those given before stay good.
 */
export function jsonOf(value: Uint8Array, further = false): Uint8Array {
  if (!further) transcoder.forget()
  return transcoder.transcode(value) ?? Buffer.from(formatValue(decoded(value)))
}

function decoded(bytes: Uint8Array): unknown {
  const result = decodeCanonical(bytes)
  if (!result.ok) throw new Error(`bug: the value of a cell does not decode: ${result.fault.detail}`)
  return result.value
}

/** Writes JSON into a buffer that grows. It trusts its input to be canonical, and gives up on what it does not know. */
class Transcoder {
  #in: Uint8Array = new Uint8Array(0)
  #at = 0
  #out: Buffer = Buffer.alloc(KEPT_BYTES)
  #length = 0

  /** What was written may be written over. */
  forget(): void {
    this.#length = 0
    if (this.#out.length > KEPT_BYTES) this.#out = Buffer.alloc(KEPT_BYTES)
  }

  /** Null where the value has bytes, links, integers beyond 2^53 - 1, or keys that JavaScript would put elsewhere. */
  transcode(value: Uint8Array): Uint8Array | null {
    this.#in = value
    this.#at = 0
    const from = this.#length
    if (this.#item()) return this.#out.subarray(from, this.#length)
    this.#length = from
    return null
  }

  #item(): boolean {
    const first = this.#in[this.#at++] as number
    switch (first >> 5) {
      case 0:
      case 1:
        return this.#integer(first)
      case 3:
        return this.#text(first)
      case 4:
        return this.#list(first)
      case 5:
        return this.#map(first)
      case 7:
        return this.#simple(first)
      default:
        return false
    }
  }

  /** The argument of a head; -1 beyond 32 bits, which are rare. */
  #argument(first: number): number {
    const info = first & 31
    if (info < 24) return info
    if (info > 26) return -1
    let value = 0
    for (let left = 1 << (info - 24); left > 0; left--) value = value * 256 + (this.#in[this.#at++] as number)
    return value
  }

  #integer(first: number): boolean {
    const argument = this.#argument(first)
    if (argument >= 0) this.#ascii(String(first >> 5 === 0 ? argument : -1 - argument))
    if (argument >= 0) return true
    const view = new DataView(this.#in.buffer, this.#in.byteOffset, this.#in.byteLength)
    const large = view.getBigUint64(this.#at)
    if (large >= BigInt(Number.MAX_SAFE_INTEGER)) return false
    this.#at += 8
    this.#ascii(String(first >> 5 === 0 ? large : -1n - large))
    return true
  }

  #simple(first: number): boolean {
    if (first !== 0xfb) {
      this.#ascii(first === 0xf4 ? 'false' : first === 0xf5 ? 'true' : 'null')
      return true
    }
    const view = new DataView(this.#in.buffer, this.#in.byteOffset, this.#in.byteLength)
    this.#ascii(String(view.getFloat64(this.#at)))
    this.#at += 8
    return true
  }

  #list(first: number): boolean {
    const length = this.#argument(first)
    this.#put(0x5b)
    for (let i = 0; i < length; i++) {
      if (i > 0) this.#put(0x2c)
      if (!this.#item()) return false
    }
    this.#put(0x5d)
    return true
  }

  #map(first: number): boolean {
    const length = this.#argument(first)
    this.#put(0x7b)
    for (let i = 0; i < length; i++) {
      if (i > 0) this.#put(0x2c)
      const head = this.#in[this.#at++] as number
      // Objects have keys that are numbers before all others.
      if (isDigit(this.#in[this.#at + headBytes(head) - 1])) return false
      this.#text(head)
      this.#put(0x3a)
      if (!this.#item()) return false
    }
    this.#put(0x7d)
    return true
  }

  #text(first: number): boolean {
    const length = this.#argument(first)
    const input = this.#in
    const end = this.#at + length
    if (length > SHORT_TEXT_BYTES) {
      const text = Buffer.from(input.buffer, input.byteOffset + this.#at, length).toString()
      const json = JSON.stringify(text)
      this.#reserve(Buffer.byteLength(json))
      this.#length += this.#out.write(json, this.#length)
      this.#at = end
      return true
    }
    this.#reserve(ESCAPED_BYTES * length + 2)
    const out = this.#out
    let to = this.#length
    out[to++] = 0x22
    for (let at = this.#at; at < end; at++) {
      const byte = input[at] as number
      if (byte < 0x20 || byte === 0x22 || byte === 0x5c) {
        this.#length = to
        this.#escape(byte)
        to = this.#length
      } else out[to++] = byte
    }
    out[to++] = 0x22
    this.#length = to
    this.#at = end
    return true
  }

  #escape(byte: number): void {
    const short = SHORT_ESCAPES.get(byte)
    this.#ascii(`\\${short ?? `u00${DIGITS[byte >> 4] as string}${DIGITS[byte & 15] as string}`}`)
  }

  #ascii(text: string): void {
    this.#reserve(NUMBER_BYTES)
    for (let i = 0; i < text.length; i++) this.#out[this.#length++] = text.charCodeAt(i)
  }

  #put(byte: number): void {
    this.#reserve(1)
    this.#out[this.#length++] = byte
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes
    if (needed <= this.#out.length) return
    const larger = Buffer.alloc(Math.max(needed, this.#out.length * 2))
    larger.set(this.#out.subarray(0, this.#length))
    this.#out = larger
  }
}

const transcoder = new Transcoder()

/** Bytes of an item's head. */
const headBytes = (first: number): number => ((first & 31) < 24 ? 1 : 1 + (1 << ((first & 31) - 24)))
const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39
