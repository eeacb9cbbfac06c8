import { CID } from 'multiformats/cid'
import { equalBytes } from './bytes.ts'
import { CBOR_DEPTH_MAX } from './limits.ts'

/** Thrown inside the reader only; `decodeCanonical` turns it into a fault. */
export class CborRefusal extends Error {}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** Below this many bytes, ASCII text is read faster byte by byte than by the decoder. */
const SHORT_TEXT_BYTES = 32

/** Reads canonical DAG-CBOR and nothing else: whatever it gives, `CborWriter` writes as the same bytes. */
export class CborReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #asViews: boolean
  #at = 0
  /** Where the text read last begins. */
  #textAt = 0

  /** `strings`: what byte strings are given as. */
  constructor(bytes: Uint8Array, strings: 'copies' | 'views') {
    // A plain Uint8Array, because a Buffer's slice() would be a view.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
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
    if (bytes === 1) return this.#view.getUint8(at)
    if (bytes === 2) return this.#view.getUint16(at)
    if (bytes === 4) return this.#view.getUint32(at)
    const value = this.#view.getBigUint64(at)
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
    if (end - at < SHORT_TEXT_BYTES) {
      let text = ''
      let i = at
      for (; i < end; i++) {
        const byte = this.#bytes[i] as number
        if (byte >= 0x80) break
        text += String.fromCharCode(byte)
      }
      if (i === end) return text
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
    let previous: Uint8Array = new Uint8Array(0)
    for (let i = 0; i < length; i++) {
      const head = this.#readByte()
      if (head >> 5 !== 3) this.#refuse('a map key that is no text')
      const key = this.#readText(head)
      if (key === '__proto__') this.#refuse('the map key __proto__')
      const keyBytes = this.#bytes.subarray(this.#textAt, this.#at)
      if (i > 0 && !isKeyBefore(previous, keyBytes)) this.#refuse('map keys repeated or out of order')
      previous = keyBytes
      map[key] = this.#read(depth + 1)
    }
    return map
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
        const value = this.#view.getFloat64(this.#advance(8))
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

/** True when `a` comes before `b` in the order of DAG-CBOR: shorter first, then by bytes. */
function isKeyBefore(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return a.length < b.length
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return (a[i] as number) < (b[i] as number)
  return false
}
