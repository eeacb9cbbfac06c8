import { HASH_BYTES } from '../hash.ts'

/** The fields of a header in their order, without its version, before anything was asked of them but their form. */
export interface PlainFields {
  readonly space: Uint8Array | null
  readonly author: Uint8Array
  readonly seq: number
  readonly prev: Uint8Array | null
  readonly deps: readonly Uint8Array[]
  readonly lamport: number
  readonly time: number
  readonly epoch: number
  readonly caps: readonly Uint8Array[]
  readonly command: string
  readonly path: string
  readonly bodyHash: Uint8Array
  readonly bodySize: number
}

/** A list of fourteen, of which the first is version 1. */
const LIST_OF_FOURTEEN = 0x8e
const VERSION = 0x01
const NULL = 0xf6
/** Bytes whose length takes one byte more. */
const BYTES_LONG = 0x58
/** A text whose length takes one byte more. */
const TEXT_LONG = 0x78
/** What nearly every operation does, as its item. */
const USUAL_COMMAND = '/op/write'
const USUAL_COMMAND_ITEM = [0x60 + USUAL_COMMAND.length, ...Buffer.from(USUAL_COMMAND)]

/**
 * Reads the headers that nearly all are, straight from their bytes: canonical, of version 1, with digests where digests belong, lists of less than 24, and texts
 * of ASCII. Digests are views of `bytes`. Null says nothing about the header: it is for the decoder, which gives these fields for every
 * header that is taken here (test/core/plain-header.test.ts). Total.
 */
export function readPlainHeader(bytes: Uint8Array): PlainFields | null {
  if (bytes[0] !== LIST_OF_FOURTEEN || bytes[1] !== VERSION) return null
  const cursor = new Cursor(bytes)
  const fields: PlainFields = {
    space: cursor.digestOrNull(),
    author: cursor.digest(),
    seq: cursor.count(),
    prev: cursor.digestOrNull(),
    deps: cursor.digests(),
    lamport: cursor.count(),
    time: cursor.count(),
    epoch: cursor.count(),
    caps: cursor.digests(),
    command: cursor.command(),
    path: cursor.text(),
    bodyHash: cursor.digest(),
    bodySize: cursor.count(),
  }
  return cursor.isAtEnd() ? fields : null
}

const NO_BYTES = new Uint8Array(0)

/** Goes on from item to item; once one is not plain it only gives what is empty, and never ends. */
class Cursor {
  readonly #bytes: Uint8Array
  #at = 2
  #isPlain = true

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** True where all was plain and nothing is left. */
  isAtEnd(): boolean {
    return this.#isPlain && this.#at === this.#bytes.length
  }

  digestOrNull(): Uint8Array | null {
    if (this.#bytes[this.#at] !== NULL) return this.digest()
    this.#at++
    return null
  }

  digest(): Uint8Array {
    const bytes = this.#bytes
    const from = this.#at + 2
    const end = from + HASH_BYTES
    if (bytes[this.#at] !== BYTES_LONG || bytes[this.#at + 1] !== HASH_BYTES || end > bytes.length)
      return this.#refuse(NO_BYTES)
    this.#at = end
    return new Uint8Array(bytes.buffer, bytes.byteOffset + from, HASH_BYTES)
  }

  digests(): readonly Uint8Array[] {
    const length = (this.#bytes[this.#at++] ?? 0) - 0x80
    if (length < 0 || length > 23) return this.#refuse([])
    const digests: Uint8Array[] = []
    for (let i = 0; i < length && this.#isPlain; i++) digests.push(this.digest())
    return digests
  }

  /** A whole number from 0 to 2^53 - 1 in its shortest form. */
  count(): number {
    const first = this.#bytes[this.#at++] ?? NULL
    if (first < 24) return first
    if (first > 27) return this.#refuse(0)
    const end = this.#at + (1 << (first - 24))
    if (end > this.#bytes.length) return this.#refuse(0)
    let count = 0
    for (; this.#at < end; this.#at++) count = count * 256 + (this.#bytes[this.#at] as number)
    const least = first === 24 ? 24 : 256 ** (1 << (first - 25))
    return count >= least && count <= Number.MAX_SAFE_INTEGER ? count : this.#refuse(0)
  }

  command(): string {
    for (let i = 0; i < USUAL_COMMAND_ITEM.length; i++)
      if (this.#bytes[this.#at + i] !== USUAL_COMMAND_ITEM[i]) return this.text()
    this.#at += USUAL_COMMAND_ITEM.length
    return USUAL_COMMAND
  }

  /** A text of ASCII with a head of one or two bytes. */
  text(): string {
    const bytes = this.#bytes
    const first = bytes[this.#at] ?? NULL
    if (first < 0x60 || first > TEXT_LONG) return this.#refuse('')
    const isLong = first === TEXT_LONG
    const length = isLong ? (bytes[this.#at + 1] ?? 0) : first - 0x60
    const from = this.#at + (isLong ? 2 : 1)
    const end = from + length
    if ((isLong && length < 24) || end > bytes.length) return this.#refuse('')
    for (let i = from; i < end; i++) if ((bytes[i] as number) >= 0x80) return this.#refuse('')
    this.#at = end
    return Buffer.from(bytes.buffer, bytes.byteOffset + from, length).toString('latin1')
  }

  #refuse<T>(nothing: T): T {
    this.#isPlain = false
    return nothing
  }
}
