import { CID } from 'multiformats/cid'
import { CBOR_DEPTH_MAX } from './limits.ts'
import type { SharedBytes } from './shared-bytes.ts'

/** CBOR major types (RFC 8949 §3.1), as the upper three bits of an item's first byte. */
const UNSIGNED = 0x00
const NEGATIVE = 0x20
const BYTES = 0x40
const TEXT = 0x60
const ARRAY = 0x80
const MAP = 0xa0
const FALSE = 0xf4
const TRUE = 0xf5
const NULL = 0xf6
const FLOAT64 = 0xfb
/** Tag 42, an IPLD link: its content is a byte string of 0x00 and the CID. */
const LINK_TAG = new Uint8Array([0xd8, 0x2a])
/** Below this many characters, ASCII is written faster one by one than by the encoder. */
const SHORT_TEXT = 32

/** Bytes of buffer that a writer starts with, and keeps at most between two values. */
const BUFFER_BYTES = 16 * 1024

/** Writes one value after another into a buffer that grows. See `encodeCanonical` for what it takes. */
export class CborWriter {
  #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  #length = 0

  /** Forgets what was written, whole or cut short by an error. */
  begin(): void {
    this.#length = 0
    if (this.#buffer.length > BUFFER_BYTES) this.#buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  }

  /** What was written so far, as a copy: in `room`, or else of its own. */
  bytes(room?: SharedBytes): Uint8Array {
    const bytes = room?.take(this.#length) ?? new Uint8Array(this.#length)
    this.#buffer.copy(bytes, 0, 0, this.#length)
    return bytes
  }

  write(value: unknown, depth = 0): void {
    if (depth > CBOR_DEPTH_MAX) throw new RangeError(`a value nests at most ${CBOR_DEPTH_MAX} deep`)
    switch (typeof value) {
      case 'string':
        return this.#writeText(value)
      case 'number':
        return this.#writeNumber(value)
      case 'bigint':
        return this.#writeInteger(value)
      case 'boolean':
        return this.#writeByte(value ? TRUE : FALSE)
      case 'object':
        return this.#writeObject(value, depth)
      default:
        throw new TypeError(`${typeof value} has no form in DAG-CBOR`)
    }
  }

  #writeObject(value: object | null, depth: number): void {
    if (value === null) return this.#writeByte(NULL)
    if (value instanceof Uint8Array) return this.#writeBytes(value)
    if (Array.isArray(value)) {
      this.#writeHead(ARRAY, value.length)
      // Not forEach, which would pass over holes.
      for (let i = 0; i < value.length; i++) this.write(value[i], depth + 1)
      return
    }
    if (value instanceof CID) return this.#writeLink(value as CID)
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype && prototype !== null) {
      throw new TypeError(`${value.constructor.name} has no form in DAG-CBOR`)
    }
    this.#writeMap(value as Readonly<Record<string, unknown>>, depth)
  }

  #writeMap(map: Readonly<Record<string, unknown>>, depth: number): void {
    const keys = Object.keys(map)
    this.#writeHead(MAP, keys.length)
    for (const key of keys.sort(compareKeys)) {
      if (key === '__proto__') throw new TypeError('a map must not have the key __proto__')
      this.#writeText(key)
      this.write(map[key], depth + 1)
    }
  }

  #writeLink(cid: CID): void {
    this.#append(LINK_TAG)
    this.#writeHead(BYTES, cid.bytes.length + 1)
    this.#writeByte(0)
    this.#append(cid.bytes)
  }

  #writeText(text: string): void {
    if (text.length < SHORT_TEXT && isAscii(text)) {
      this.#writeHead(TEXT, text.length)
      this.#reserve(text.length)
      for (let i = 0; i < text.length; i++) this.#buffer[this.#length++] = text.charCodeAt(i)
      return
    }
    if (!text.isWellFormed()) throw new TypeError('text with a lone surrogate has no UTF-8 form')
    const length = Buffer.byteLength(text)
    this.#writeHead(TEXT, length)
    this.#reserve(length)
    this.#length += this.#buffer.write(text, this.#length)
  }

  #writeBytes(bytes: Uint8Array): void {
    this.#writeHead(BYTES, bytes.length)
    this.#append(bytes)
  }

  #writeNumber(value: number): void {
    if (Number.isSafeInteger(value)) {
      if (value >= 0) this.#writeHead(UNSIGNED, value)
      else this.#writeHead(NEGATIVE, -1 - value)
      return
    }
    if (!Number.isFinite(value)) throw new TypeError(`${value} has no form in DAG-CBOR`)
    this.#reserve(9)
    this.#buffer[this.#length] = FLOAT64
    this.#buffer.writeDoubleBE(value, this.#length + 1)
    this.#length += 9
  }

  #writeInteger(value: bigint): void {
    const [major, magnitude] = value >= 0n ? [UNSIGNED, value] : [NEGATIVE, -1n - value]
    if (magnitude >= 1n << 64n) throw new RangeError('an integer beyond 64 bits has no form in DAG-CBOR')
    if (magnitude <= BigInt(Number.MAX_SAFE_INTEGER)) return this.#writeHead(major, Number(magnitude))
    this.#reserve(9)
    this.#buffer[this.#length] = major | 27
    this.#buffer.writeBigUInt64BE(magnitude, this.#length + 1)
    this.#length += 9
  }

  /** An item's first byte and its argument, in the shortest form. */
  #writeHead(major: number, argument: number): void {
    this.#reserve(9)
    const buffer = this.#buffer
    const at = this.#length
    if (argument < 24) {
      buffer[at] = major | argument
      this.#length = at + 1
    } else if (argument < 0x100) {
      buffer[at] = major | 24
      buffer[at + 1] = argument
      this.#length = at + 2
    } else if (argument < 0x1_0000) {
      buffer[at] = major | 25
      this.#length = buffer.writeUInt16BE(argument, at + 1)
    } else if (argument < 0x1_0000_0000) {
      buffer[at] = major | 26
      this.#length = buffer.writeUInt32BE(argument, at + 1)
    } else {
      buffer[at] = major | 27
      this.#length = buffer.writeBigUInt64BE(BigInt(argument), at + 1)
    }
  }

  #writeByte(byte: number): void {
    this.#reserve(1)
    this.#buffer[this.#length++] = byte
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
    larger.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = larger
  }
}

/** The order of DAG-CBOR: shorter UTF-8 first, then by bytes. */
function compareKeys(a: string, b: string): number {
  if (isAscii(a) && isAscii(b)) return a.length - b.length || (a < b ? -1 : 1)
  return Buffer.byteLength(a) - Buffer.byteLength(b) || Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return false
  return true
}
