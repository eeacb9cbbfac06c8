import { CID } from 'multiformats/cid'
import { equalBytes } from './bytes.ts'
import { CBOR_DEPTH_MAX } from './limits.ts'

/** Thrown inside the reader only; `decodeCanonical` turns it into a fault. */
export class CborRefusal extends Error {}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** Up to this many bytes, ASCII text is read faster when it is copied byte by byte than by the decoder. */
const SHORT_TEXT_BYTES = 128
const shortText = Buffer.alloc(SHORT_TEXT_BYTES)
/** Map keys up to this many bytes, less than a head of one byte can say, are remembered: one at each place. */
const SHORT_KEY_BYTES = 20
const KEY_MASK = 255
const recentKeys: string[] = Array.from({ length: KEY_MASK + 1 }, () => '')

/** Reads canonical DAG-CBOR and nothing else: whatever it gives, `CborWriter` writes as the same bytes. */
export class CborReader {
  readonly #bytes: Uint8Array
  readonly #asViews: boolean
  #at = 0
  /** Where the text read last begins. */
  #textAt = 0

  /** `strings`: what byte strings are given as. */
  constructor(bytes: Uint8Array, strings: 'copies' | 'views') {
    // A plain Uint8Array, because a Buffer's slice() would be a view.
    this.#bytes =
      bytes.constructor === Uint8Array
        ? bytes
        : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#asViews = strings === 'views'
  }

  /** Reads the one item that the bytes are. */
  readWhole(): unknown {
    const value = this.#read(0)
    if (this.#at !== this.#bytes.length) this.#refuse('bytes after the end of the item')
    return value
  }

  #read(depth: number): unknown {
    if (depth > CBOR_DEPTH_MAX) this.#refuse(`nested more than ${CBOR_DEPTH_MAX} deep`)
    const first = this.#readByte()
    switch (first >> 5) {
      case 0:
        return this.#readArgument(first)
      case 1:
        return this.#readNegative(first)
      case 2:
        return this.#readBytes(first)
      case 3:
        return this.#readText(first)
      case 4:
        return this.#readArray(first, depth)
      case 5:
        return this.#readMap(first, depth)
      case 6:
        return this.#readLink(first)
      default:
        return this.#readSimple(first)
    }
  }

  /** The argument of an item's head in its shortest form; a bigint above 2^53 - 1. */
  #readArgument(first: number): number | bigint {
    const info = first & 31
    if (info < 24) return info
    const bytes = info < 28 ? 1 << (info - 24) : this.#refuse('indefinite or reserved length')
    const at = this.#advance(bytes)
    const value = this.#readUnsigned(at, bytes)
    const shortestAbove = bytes === 1 ? 24 : 2 ** (4 * bytes)
    if (value < shortestAbove) this.#refuse('a number not in its shortest form')
    return value
  }

  #readUnsigned(at: number, bytes: number): number | bigint {
    if (bytes <= 4) {
      let value = 0
      for (let i = at; i < at + bytes; i++) value = value * 256 + (this.#bytes[i] as number)
      return value
    }
    const value = this.#viewOf(at, bytes).getBigUint64(0)
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
  }

  #readNegative(first: number): number | bigint {
    const argument = this.#readArgument(first)
    if (typeof argument === 'number' && argument < Number.MAX_SAFE_INTEGER) return -1 - argument
    return -1n - BigInt(argument)
  }

  /** A length, at most what is left: `unitBytes` is the least that one counted thing takes. */
  #readLength(first: number, unitBytes: number): number {
    const length = this.#readArgument(first)
    if (length > (this.#bytes.length - this.#at) / unitBytes) this.#refuse('cut short')
    return length as number
  }

  #readBytes(first: number): Uint8Array {
    const at = this.#advance(this.#readLength(first, 1))
    return this.#asViews ? this.#bytes.subarray(at, this.#at) : this.#bytes.slice(at, this.#at)
  }

  #readText(first: number): string {
    const at = this.#advance(this.#readLength(first, 1))
    const end = this.#at
    this.#textAt = at
    const length = end - at
    if (length <= SHORT_TEXT_BYTES) {
      let i = 0
      for (; i < length; i++) {
        const byte = this.#bytes[at + i] as number
        if (byte >= 0x80) break
        shortText[i] = byte
      }
      if (i === length) return shortText.toString('latin1', 0, length)
    }
    try {
      return UTF8.decode(this.#bytes.subarray(at, end))
    } catch {
      return this.#refuse('text that is not UTF-8')
    }
  }

  #readArray(first: number, depth: number): unknown[] {
    const length = this.#readLength(first, 1)
    // Begun with what it has, since most have one item: an empty array that grows makes room for seventeen.
    const array: unknown[] = length === 0 ? [] : [this.#read(depth + 1)]
    for (let i = 1; i < length; i++) array.push(this.#read(depth + 1))
    return array
  }

  #readMap(first: number, depth: number): Record<string, unknown> {
    const length = this.#readLength(first, 2)
    const map: Record<string, unknown> = {}
    let previousAt = 0
    let previousEnd = 0
    for (let i = 0; i < length; i++) {
      const head = this.#readByte()
      if (head >> 5 !== 3) this.#refuse('a map key that is no text')
      const key = this.#readKey(head)
      if (key === '__proto__') this.#refuse('the map key __proto__')
      const keyAt = this.#textAt
      if (i > 0 && !this.#isKeyBefore(previousAt, previousEnd, keyAt))
        this.#refuse('map keys repeated or out of order')
      previousAt = keyAt
      previousEnd = this.#at
      map[key] = this.#read(depth + 1)
    }
    return map
  }

  /** A short key is mostly one that was read lately: then it is that text, which is known to be a name, and not made again. */
  #readKey(head: number): string {
    const length = head & 31
    if (length > SHORT_KEY_BYTES) return this.#readText(head)
    const at = this.#at
    const place = (length * 37 + (this.#bytes[at] ?? 0) * 5 + (this.#bytes[at + length - 1] ?? 0)) & KEY_MASK
    const known = recentKeys[place] as string
    if (known.length === length && this.#isAsciiAt(at, known)) {
      this.#textAt = this.#advance(length)
      return known
    }
    const key = this.#readText(head)
    recentKeys[place] = key
    return key
  }

  #isAsciiAt(at: number, text: string): boolean {
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code >= 0x80 || this.#bytes[at + i] !== code) return false
    }
    return true
  }

  /** The order of keys in DAG-CBOR, of two of which one ends here: shorter first, then by bytes. */
  #isKeyBefore(at: number, end: number, otherAt: number): boolean {
    const length = end - at
    if (length !== this.#at - otherAt) return length < this.#at - otherAt
    return compareRanges(this.#bytes, at, otherAt, length) < 0
  }

  #viewOf(at: number, length: number): DataView {
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, length)
  }

  #readLink(first: number): CID {
    if (first !== 0xd8 || this.#readByte() !== 42) this.#refuse('a tag other than 42')
    const head = this.#readByte()
    if (head >> 5 !== 2) this.#refuse('a link that is no byte string')
    const content = this.#readBytes(head)
    if (content[0] !== 0) this.#refuse('a link without its leading zero')
    const bytes = content.subarray(1)
    try {
      const cid = CID.decode(bytes)
      if (equalBytes(cid.bytes, bytes)) return cid
    } catch {
      // Refused below.
    }
    return this.#refuse('a link that is no CID')
  }

  #readSimple(first: number): unknown {
    switch (first) {
      case 0xf4:
        return false
      case 0xf5:
        return true
      case 0xf6:
        return null
      case 0xfb: {
        const value = this.#viewOf(this.#advance(8), 8).getFloat64(0)
        // Whole numbers have an integer form, which is the only one; this covers -0.
        if (!Number.isFinite(value) || Number.isSafeInteger(value))
          this.#refuse('a float with no or another form')
        return value
      }
      default:
        return this.#refuse('a simple value or short float')
    }
  }

  #readByte(): number {
    return this.#bytes[this.#advance(1)] as number
  }

  /** Steps over `count` bytes and gives the offset of the first. */
  #advance(count: number): number {
    const at = this.#at
    if (at + count > this.#bytes.length) this.#refuse('cut short')
    this.#at = at + count
    return at
  }

  #refuse(reason: string): never {
    throw new CborRefusal(`${reason}, at byte ${this.#at} of ${this.#bytes.length}`)
  }
}

/** Below 0 where the bytes at `a` come before as many at `b`, 0 where they are the same. */
function compareRanges(bytes: Uint8Array, a: number, b: number, length: number): number {
  for (let i = 0; i < length; i++) {
    const difference = (bytes[a + i] as number) - (bytes[b + i] as number)
    if (difference !== 0) return difference
  }
  return 0
}
