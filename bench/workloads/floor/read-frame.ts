import { OPERATION_ID_TAG, OPERATION_SIGNATURE_TAG } from '../../../src/core/domain-tags.ts'
import { HASH_BYTES, sha256 } from '../../../src/core/hash.ts'
import { SIGNATURE_BYTES, type SignatureClaim } from '../../../src/core/signature.ts'
import { FRAME_HEAD_BYTES } from './stored-file.ts'

/** What the rows of an operation are made of. Byte strings are views of the frame, but ids. */
export interface FloorOperation {
  readonly id: Uint8Array
  readonly header: Uint8Array
  readonly signature: Uint8Array
  /** As it is stored. */
  readonly body: Uint8Array
  readonly author: Uint8Array
  readonly seq: number
  readonly prev: Uint8Array | null
  readonly deps: readonly Uint8Array[]
  readonly lamport: number
  readonly time: number
  readonly epoch: number
  /** Digests of the chain, joined with their heads. */
  readonly caps: Uint8Array
  readonly command: string
  readonly path: string
  readonly changes: readonly FloorChange[]
}

/** A change that sets a register; others are left out of the rows. */
export interface FloorChange {
  readonly path: string
  readonly value: Uint8Array
}

const LEAF = Uint8Array.of(0)
const NODE = Uint8Array.of(1)
/** `["register", 1, path, {"set": value}]` up to the path, and after it up to the value. */
const REGISTER = [0x84, 0x68, ...Buffer.from('register'), 1]
const SET = [0xa1, 0x63, ...Buffer.from('set')]

/**
 * The floor of decoding: takes the fields of each operation out where they stand, hashes its header to its id, and its changes to the root that
 * the header names. Nothing is checked but that root, so this is no way to read what strangers send.
 */
export function readFrame(frame: Uint8Array): readonly FloorOperation[] {
  const operations: FloorOperation[] = []
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  for (let at = 0; at < frame.length; ) {
    const headerBytes = view.getUint32(at)
    const bodyBytes = view.getUint32(at + 4)
    const headerAt = at + FRAME_HEAD_BYTES
    const signatureAt = headerAt + headerBytes
    const bodyAt = signatureAt + SIGNATURE_BYTES
    at = bodyAt + bodyBytes
    operations.push(
      readOperation(
        frame.subarray(headerAt, signatureAt),
        frame.subarray(signatureAt, bodyAt),
        frame.subarray(bodyAt, at),
      ),
    )
  }
  return operations
}

/** What a signature is of: what the verifier is asked. */
export function claimOf({ id, signature, author }: FloorOperation): SignatureClaim {
  const message = new Uint8Array(OPERATION_SIGNATURE_TAG.length + HASH_BYTES)
  message.set(OPERATION_SIGNATURE_TAG)
  message.set(id, OPERATION_SIGNATURE_TAG.length)
  return { signature, message, publicKey: author }
}

export function readOperation(header: Uint8Array, signature: Uint8Array, body: Uint8Array): FloorOperation {
  const fields = new Fields(header)
  // The version, and the space, which all of them have.
  fields.skip(2)
  const author = fields.bytes() as Uint8Array
  const seq = fields.number()
  const prev = fields.bytes()
  const deps = fields.list()
  const [lamport, time, epoch] = [fields.number(), fields.number(), fields.number()]
  const caps = fields.whole()
  const command = fields.text()
  const path = fields.text()
  const bodyHash = fields.bytes() as Uint8Array
  const { changes, root } = readBody(body)
  for (let i = 0; i < HASH_BYTES; i++)
    if (root[i] !== bodyHash[i]) throw new Error('a body that is not the one of its header')
  const id = sha256(OPERATION_ID_TAG, header)
  return {
    ...{ id, header, signature, body, author, seq, prev, deps, lamport, time },
    ...{ epoch, caps, command, path, changes },
  }
}

function readBody(body: Uint8Array): {
  readonly changes: readonly FloorChange[]
  readonly root: Uint8Array
} {
  const changes: FloorChange[] = []
  let level: Uint8Array[] = []
  let at = 0
  const varint = () => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = body[at++] as number
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  for (let left = varint(); left > 0; left--) {
    const length = varint()
    const change = body.subarray(at, at + length)
    at += length
    level.push(sha256(LEAF, change))
    const read = readChange(change)
    if (read !== null) changes.push(read)
  }
  while (level.length > 1) {
    const above: Uint8Array[] = []
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = [level[i] as Uint8Array, level[i + 1]]
      above.push(right === undefined ? left : sha256(NODE, left, right))
    }
    level = above
  }
  return { changes, root: level[0] ?? sha256() }
}

function readChange(change: Uint8Array): FloorChange | null {
  for (let i = 0; i < REGISTER.length; i++) if (change[i] !== REGISTER[i]) return null
  const fields = new Fields(change, REGISTER.length)
  const path = fields.text()
  for (let i = 0; i < SET.length; i++) if (change[fields.at + i] !== SET[i]) return null
  return { path, value: change.subarray(fields.at + SET.length) }
}

/** Steps through the fields of a canonical list, whose types are known. */
class Fields {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  at: number

  constructor(bytes: Uint8Array, at = 1) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.at = at
  }

  /** The argument of the next head. */
  number(): number {
    const info = (this.#bytes[this.at++] as number) & 31
    if (info < 24) return info
    const at = this.at
    this.at += 1 << (info - 24)
    if (info === 24) return this.#view.getUint8(at)
    if (info === 25) return this.#view.getUint16(at)
    if (info === 26) return this.#view.getUint32(at)
    return this.#view.getUint32(at) * 2 ** 32 + this.#view.getUint32(at + 4)
  }

  bytes(): Uint8Array | null {
    if (this.#bytes[this.at] === 0xf6) {
      this.at++
      return null
    }
    const length = this.number()
    this.at += length
    return this.#bytes.subarray(this.at - length, this.at)
  }

  text(): string {
    const length = this.number()
    this.at += length
    const { buffer, byteOffset } = this.#bytes
    return Buffer.from(buffer, byteOffset + this.at - length, length).toString('latin1')
  }

  list(): readonly Uint8Array[] {
    const items: Uint8Array[] = []
    for (let left = this.number(); left > 0; left--) items.push(this.bytes() as Uint8Array)
    return items
  }

  /** A list of byte strings as it stands. */
  whole(): Uint8Array {
    const from = this.at
    for (let left = this.number(); left > 0; left--) this.bytes()
    return this.#bytes.subarray(from, this.at)
  }

  /** Steps over so many numbers or byte strings. */
  skip(count: number): void {
    for (let left = count; left > 0; left--) {
      if ((this.#bytes[this.at] as number) >> 5 === 0) this.number()
      else this.bytes()
    }
  }
}
