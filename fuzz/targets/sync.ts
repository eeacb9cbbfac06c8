import { constants, zstdCompressSync } from 'node:zlib'
import type { Stream } from '@libp2p/interface'
import fc from 'fast-check'
import { frameStream as introductionFrames } from '../../protocols/introduction/frame-stream.ts'
import { createFrameStream } from '../../protocols/sync/frame-stream.ts'
import { decodeMessage, encodeMessage, type WireMessage } from '../../protocols/sync/message-codec.ts'
import { concatBytes, equalBytes } from '../../src/core/bytes.ts'
import { decodeCanonical, encodeCanonical } from '../../src/core/canonical-cbor.ts'
import {
  BATCH_OPERATIONS_MAX,
  FRAME_BYTES_MAX,
  HEADER_BYTES_MAX,
  SHORT_DIGEST_BYTES,
  SHORT_ID_BYTES,
  SHORT_KEY_BYTES,
} from '../../src/core/limits.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { createSignatureVerifier } from '../../src/core/native-signature.ts'
import { decodeBatch, encodeBatch } from '../../src/core/sync/batch.ts'
import { verifyReadProof } from '../../src/core/sync/handshake.ts'
import { bytesOf, count, digest, operation, SPACE_ID, SPACE_SIGNER, token } from '../grammar.ts'
import { holds, type Target } from '../target.ts'
import { ReplayedStream } from './replayed-stream.ts'

const operations = fc.array(operation, { maxLength: 4 })
const standing = fc.record({
  clockRoot: digest,
  stateRoot: fc.option(digest),
  authors: count,
  operations: count,
  absentBodies: count,
})
const entry = fc.record({
  author: fc.oneof(digest, bytesOf(SHORT_KEY_BYTES)),
  heads: fc.array(fc.record({ seq: count, id: fc.oneof(digest, bytesOf(SHORT_ID_BYTES)) }), {
    minLength: 1,
    maxLength: 3,
  }),
})

/** Every message of the protocol. A new kind is missing here until the compiler is told. */
const MESSAGES = {
  hello: fc.record({ topic: digest, nonce: digest, knowledge: digest }),
  proof: fc.record({
    proof: fc.record({ tokens: fc.array(token, { maxLength: 2 }), signature: bytesOf(64) }),
  }),
  bye: fc.record({ code: fc.constantFrom('RATE', 'BAD_FIELD') }),
  compare: fc.record({ round: count, standing, admitted: count, answers: fc.boolean() }),
  nodes: fc.record({
    differing: fc.uint8Array({ maxLength: 40 }),
    listing: fc.uint8Array({ maxLength: 80 }),
  }),
  entries: fc.record({
    entries: fc.array(entry, { maxLength: 3 }),
    bodies: fc.array(digest, { maxLength: 3 }),
    last: fc.boolean(),
  }),
  leaves: fc.record({ leaves: bytesOf(2 * SHORT_DIGEST_BYTES) }),
  spell: fc.record({}),
  want: fc.record({ heads: fc.uint8Array({ maxLength: 40 }) }),
  probe: fc.record({ probe: count, ids: fc.array(digest, { maxLength: 4 }) }),
  probed: fc.record({ probe: count, known: count }),
  offer: fc.record({ operations: count }),
  operations: fc.record({ operations, faults: fc.constant([]) }),
  ack: fc.record({}),
  eose: fc.record({ operations: count }),
  receipt: fc.record({
    receipt: fc.record({ clockRoot: digest, timeMs: count, signature: bytesOf(64) }),
  }),
} satisfies Record<WireMessage['kind'], fc.Arbitrary<object>>

const message = fc.oneof(
  ...Object.entries(MESSAGES).map(([kind, fields]) =>
    fields.map((fields) => encodeMessage({ kind, ...fields } as WireMessage)),
  ),
)

const syncMessage: Target = {
  name: 'sync-message',
  form: 'cbor',
  inputBytesMax: 128 * 1024,
  valid: message,
  run(input) {
    const early = decodeMessage(input, null)
    const decoded = decodeMessage(input, SPACE_ID)
    holds(!early.ok || decoded.ok, 'what is read before a session is read in one')
    if (!decoded.ok) return false
    const again = encodeMessage(decoded.value)
    if (decoded.value.kind !== 'operations')
      holds(equalBytes(again, input), 'a message is encoded as the same bytes')
    else {
      const reread = decodeMessage(again, SPACE_ID)
      holds(reread.ok && reread.value.kind === 'operations', 'a message is read again')
      if (reread.ok && reread.value.kind === 'operations')
        holds(
          areSame(decoded.value.operations, reread.value.operations),
          'a batch in a message is read the same',
        )
    }
    return true
  },
}

const batch: Target = {
  name: 'batch',
  form: 'cbor',
  inputBytesMax: 128 * 1024,
  valid: operations.map(encodeBatch),
  run(input) {
    const decoded = decodeBatch(input, SPACE_ID)
    if (!decoded.ok) return false
    holds(decoded.value.length <= BATCH_OPERATIONS_MAX, 'a batch is bounded')
    const read = decoded.value.flatMap((item) => (item.ok ? [item.value] : []))
    for (const { headerBytes } of read) holds(headerBytes.length <= HEADER_BYTES_MAX, 'a header is bounded')
    const again = decodeBatch(encodeBatch(read), SPACE_ID)
    holds(
      again.ok &&
        areSame(
          read,
          again.value.flatMap((item) => (item.ok ? [item.value] : [])),
        ),
      'a batch of the operations of a batch is those operations',
    )
    return read.length > 0
  },
}

function areSame(some: readonly Operation[], others: readonly Operation[]): boolean {
  const isSame = (a: Operation, b: Operation | undefined) =>
    b !== undefined &&
    equalBytes(a.headerBytes, b.headerBytes) &&
    equalBytes(a.signature, b.signature) &&
    equalBytes(concatBytes(...(a.body ?? [])), concatBytes(...(b.body ?? [])))
  return some.length === others.length && some.every((one, i) => isSame(one, others[i]))
}

const { signal } = new AbortController()
const { verifySync } = createSignatureVerifier()
const PEER = new Uint8Array(38).fill(1)

/** A list of tokens and a signature, as the message `proof` has them. */
const readProof: Target = {
  name: 'read-proof',
  form: 'cbor',
  inputBytesMax: 20 * 1024,
  valid: fc.tuple(fc.array(token, { maxLength: 2 }), bytesOf(64)).map(encodeCanonical),
  run(input) {
    const decoded = decodeCanonical(input)
    const [tokens, signature] = decoded.ok && Array.isArray(decoded.value) ? (decoded.value as unknown[]) : []
    const areBytes = Array.isArray(tokens) && tokens.every((token) => token instanceof Uint8Array)
    if (!areBytes || !(signature instanceof Uint8Array)) return false
    const nonce = new Uint8Array(32)
    const binding = {
      spaceId: SPACE_ID,
      signerPeer: PEER,
      otherPeer: PEER,
      signerNonce: nonce,
      otherNonce: nonce,
    }
    const proof = { tokens: tokens as readonly Uint8Array[], signature }
    const verified = verifyReadProof(proof, binding, SPACE_SIGNER.publicKey, verifySync)
    holds(!verified.ok, 'nobody has signed this handshake')
    return verified.ok
  },
}

/** A frame as our encoder packs it, and as mallory does: bombs, bombs in bombs, skippable frames, windows too wide, lengths that lie. */
const frame: fc.Arbitrary<Uint8Array> = fc.oneof(
  message.map((payload) => framed(0, payload)),
  message.map((payload) => framed(1, zstdCompressSync(payload))),
  fc.nat(4 * FRAME_BYTES_MAX).map((length) => framed(1, zstdCompressSync(new Uint8Array(length)))),
  fc
    .nat(FRAME_BYTES_MAX)
    .map((length) => framed(1, zstdCompressSync(framed(1, zstdCompressSync(new Uint8Array(length)))))),
  fc
    .tuple(fc.integer({ min: 10, max: 27 }), message)
    .map(([log, payload]) =>
      framed(1, zstdCompressSync(payload, { params: { [constants.ZSTD_c_windowLog]: log } })),
    ),
  fc
    .tuple(message, message)
    .map(([a, b]) => framed(1, concatBytes(zstdCompressSync(a), zstdCompressSync(b)))),
  fc
    .tuple(fc.nat(15), message)
    .map(([kind, payload]) => framed(1, concatBytes(skippable(kind, payload), zstdCompressSync(payload)))),
  message.map((payload) =>
    framed(1, zstdCompressSync(payload, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })),
  ),
  fc.nat(2 ** 31).map((length) => varint(length)),
)

function framed(packing: number, content: Uint8Array): Uint8Array {
  return concatBytes(varint(content.length + 1), Uint8Array.of(packing), content)
}

/** A zstd frame that decoders step over (RFC 8878 §3.1.2). */
function skippable(kind: number, content: Uint8Array): Uint8Array {
  const head = Buffer.alloc(8)
  head.writeUInt32LE(0x184d2a50 + kind)
  head.writeUInt32LE(content.length, 4)
  return concatBytes(head, content)
}

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  return Uint8Array.from([...bytes, rest])
}

const stream = fc.array(frame, { minLength: 1, maxLength: 3 }).map((frames) => concatBytes(...frames))

const syncFrames: Target = {
  name: 'sync-frames',
  form: 'bytes',
  inputBytesMax: 64 * 1024,
  valid: stream,
  async run(input) {
    const source = new ReplayedStream()
    const stream = createFrameStream(source as unknown as Stream)
    source.replay(input)
    let read = 0
    try {
      for await (const frame of stream.frames()) {
        if (!frame.ok) return read > 0
        holds(frame.value.length <= FRAME_BYTES_MAX, 'a frame is bounded')
        read++
        holds(read <= input.length, 'no more frames than bytes')
      }
    } catch (error) {
      // By contract it throws where the stream ends in the middle of a frame.
      if (!(error instanceof Error) || error.name !== 'UnexpectedEOFError') throw error
    }
    return read > 0
  },
}

const introductionFrame: Target = {
  name: 'introduction-frame',
  form: 'bytes',
  inputBytesMax: 4 * 1024,
  valid: stream,
  async run(input) {
    const source = new ReplayedStream()
    const frames = introductionFrames(source as unknown as Stream, 1_024)
    source.replay(input)
    try {
      const read = await frames.read(signal)
      holds(!read.ok || read.value.length <= 1_024, 'a frame is bounded')
      return read.ok
    } catch (error) {
      // By contract it throws where the stream ends in the middle of a frame.
      holds(
        error instanceof Error && /end|closed|abort/i.test(`${error.name} ${error.message}`),
        String(error),
      )
      return false
    }
  },
}

/** What a peer past the transport's handshake sends. */
export const SYNC_TARGETS: readonly Target[] = [syncFrames, introductionFrame, syncMessage, batch, readProof]
