import fc from 'fast-check'
import type { Stream } from '@libp2p/interface'
import {
  decodePieceAnswer,
  decodePieceRequest,
  encodePieceAnswer,
  encodePieceRequest,
} from '../../protocols/blobs/codec.ts'
import { createFrameStream } from '../../protocols/blobs/frame-stream.ts'
import { equalBytes } from '../../src/core/bytes.ts'
import { decodeCanonical, encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { BLOB_CHUNK_BYTES, BLOB_REQUEST_BYTES_MAX } from '../../src/core/limits.ts'
import { decodeBlobReference, readBlobReference } from '../../src/core/types/blob/change.ts'
import { pieceCount, rootLevel, verifyPiece, wayTo } from '../../src/core/types/blob/piece.ts'
import { bytesOf, digest } from '../grammar.ts'
import { holds, type Target } from '../target.ts'
import { ReplayedStream } from './replayed-stream.ts'

const size = fc.oneof(fc.nat(), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }))

const request: Target = {
  name: 'piece-request',
  form: 'cbor',
  inputBytesMax: BLOB_REQUEST_BYTES_MAX,
  valid: fc
    .record({ topic: digest, hash: digest, size, pick: fc.nat() })
    .map(({ topic, hash, size, pick }) => {
      const level = pick % (rootLevel(size) + 1)
      return encodePieceRequest({ topic, hash, size, level, index: pick % pieceCount(size, level) })
    }),
  run(input) {
    const decoded = decodePieceRequest(input)
    if (!decoded.ok) return false
    const { size, level, index } = decoded.value
    holds(equalBytes(encodePieceRequest(decoded.value), input), 'a request is encoded as the same bytes')
    holds(wayTo(size, level, index) !== null, 'a request is for a piece that the tree has')
    return true
  },
}

const answer: Target = {
  name: 'piece-answer',
  form: 'cbor',
  inputBytesMax: 4_096,
  valid: fc
    .option(fc.oneof(bytesOf(0), bytesOf(32), bytesOf(1_000)), { nil: null })
    .map((bytes) => encodePieceAnswer(bytes)),
  run(input) {
    const decoded = decodePieceAnswer(input)
    if (!decoded.ok) return false
    holds(equalBytes(encodePieceAnswer(decoded.value), input), 'an answer is encoded as the same bytes')
    if (decoded.value !== null) {
      holds(decoded.value.length <= BLOB_CHUNK_BYTES, 'a piece is bounded')
      const place = { level: 0, span: decoded.value.length, hash: new Uint8Array(32) }
      holds(!verifyPiece(place, decoded.value).ok, 'bytes are no piece of another hash')
    }
    return true
  },
}

const reference: Target = {
  name: 'blob-reference',
  form: 'cbor',
  inputBytesMax: 1_024,
  valid: fc
    .record(
      {
        hash: digest,
        size,
        mediaType: fc.constantFrom('image/png', 'text/plain; charset=utf-8'),
        name: fc.constantFrom('a', 'brücke.jpg'),
      },
      { requiredKeys: ['hash', 'size'] },
    )
    .map((fields) => encodeCanonical(fields)),
  words: ['hash', 'size', 'mediaType', 'name', 'image/png'],
  run(input) {
    const decoded = decodeBlobReference(input)
    const value = decodeCanonical(input)
    holds(decoded.ok === (value.ok && readBlobReference(value.value).ok), 'both readers agree')
    if (!decoded.ok) return false
    holds(
      equalBytes(encodeCanonical({ ...decoded.value }), input),
      'a reference is encoded as the same bytes',
    )
    return true
  },
}

const frames: Target = {
  name: 'blob-frames',
  form: 'bytes',
  inputBytesMax: 4_096,
  valid: fc
    .array(fc.oneof(bytesOf(3), bytesOf(100), bytesOf(200)), { maxLength: 4 })
    .map((parts) => Buffer.concat(parts.map((part) => Buffer.concat([lengthOf(part.length), part])))),
  async run(input) {
    const stream = new ReplayedStream()
    const read = createFrameStream(stream as unknown as Stream, BLOB_REQUEST_BYTES_MAX, () => {}).frames()
    stream.replay(input)
    let taken = 0
    try {
      for await (const frame of read) {
        if (!frame.ok) return false
        holds(frame.value.length <= BLOB_REQUEST_BYTES_MAX, 'a frame is bounded')
        taken += frame.value.length
      }
    } catch (error) {
      // The stream ended inside a frame.
      holds(error instanceof Error && error.name === 'UnexpectedEOFError', 'only the end of a stream throws')
      return false
    }
    holds(taken <= input.length, 'frames hold no more than came')
    return true
  },
}

function lengthOf(length: number): Uint8Array {
  return length < 0x80 ? Uint8Array.of(length) : Uint8Array.of((length & 0x7f) | 0x80, length >>> 7)
}

/** What peers ask and answer about blobs, and what authors refer to. */
export const BLOB_TARGETS: readonly Target[] = [request, answer, reference, frames]
