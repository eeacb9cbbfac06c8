import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { constants, createZstdDecompress, zstdCompress, zstdDecompress } from 'node:zlib'
import { UNPACK_WINDOW_LOG_MAX } from '../../core/limits.ts'
import { FaultError } from '../fault-error.ts'
import { type ByteReader, damaged } from './byte-reader.ts'

/** What packing is done with: zstd's own level, and a checksum of the content at the end of each frame, so that damage is noticed. */
export const PACK_OPTIONS = {
  params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 },
} as const

const UNPACK_PARAMS = { [constants.ZSTD_d_windowLogMax]: UNPACK_WINDOW_LOG_MAX } as const

/** The first four bytes of a frame (RFC 8878 §3.1.1), little-endian. */
const FRAME_MAGIC = 0xfd2fb528
/** Of a frame to be skipped (§3.1.2): any of sixteen numbers. */
const SKIPPABLE_MAGIC = 0x184d2a50
/** Bytes of one block's content at most (§3.1.1.2.4). */
const BLOCK_BYTES_MAX = 128 * 1024
const RLE_BLOCK = 1
const RESERVED_BLOCK = 3

/** True for the beginning of a file that is packed with zstd. */
export function isZstd(beginning: Uint8Array): boolean {
  return beginning.length >= 4 && isFrameMagic(readUint32(beginning))
}

/** Packs bytes as one frame. */
export async function packFrame(bytes: Uint8Array): Promise<Uint8Array> {
  return await promisify(zstdCompress)(bytes, PACK_OPTIONS)
}

/** One frame with its place in the file. */
export interface ZstdFrame {
  readonly position: number
  readonly packed: Uint8Array
}

/** Takes the next frame whole, without unpacking it; null at the end. Throws `BAD_FILE` where it is damaged or larger than that. */
export async function takeFrame(reader: ByteReader, packedBytesMax: number): Promise<ZstdFrame | null> {
  if (!(await findFrame(reader))) return null
  const { position } = reader
  const parts: Uint8Array[] = []
  let size = 0
  for await (const piece of framePieces(reader)) {
    size += piece.length
    if (size > packedBytesMax) throw damaged(position, `a part of it is larger than ${packedBytesMax} bytes`)
    parts.push(piece)
  }
  return { position, packed: Buffer.concat(parts) }
}

/** Unpacks one whole frame, off this thread. Throws `BAD_FILE` with its place where it is damaged or unpacks to more than that. */
export async function unpackFrame({ position, packed }: ZstdFrame, bytesMax: number): Promise<Uint8Array> {
  try {
    return await promisify(zstdDecompress)(packed, { params: UNPACK_PARAMS, maxOutputLength: bytesMax })
  } catch (error) {
    throw damaged(
      position,
      `it cannot be unpacked (${error instanceof Error ? error.message : String(error)})`,
    )
  }
}

/** Unpacks all frames one after the other as a stream. Throws `BAD_FILE` with about the place where the stream is damaged. */
export async function* unpackStream(reader: ByteReader): AsyncGenerator<Uint8Array> {
  // One unpacker for each: Node's ends with the first frame and leaves out the others without a word.
  while (await findFrame(reader)) {
    const unpacker = createZstdDecompress({ params: UNPACK_PARAMS })
    const fed = pipeline(framePieces(reader), unpacker)
    // What goes wrong is met below, where the stream is read.
    fed.catch(() => {})
    try {
      yield* unpacker as AsyncIterable<Uint8Array>
    } catch (error) {
      if (error instanceof FaultError) throw error
      const why = error instanceof Error ? error.message : String(error)
      throw damaged(reader.position, `it cannot be unpacked (${why})`)
    }
    await fed
  }
}

/** Passes over frames that are to be skipped; true where a frame begins, false at the end. */
async function findFrame(reader: ByteReader): Promise<boolean> {
  for (;;) {
    const beginning = await reader.peek(4)
    if (beginning.length === 0) return false
    const magic = readUint32(beginning)
    if (magic === FRAME_MAGIC && beginning.length === 4) return true
    if (!isSkippableMagic(magic)) throw damaged(reader.position, 'there is no zstd frame')
    await skipFrame(reader)
  }
}

/**
 * The pieces of one frame: header, blocks, checksum. So it is known where a frame ends, and a file that ends before is known for truncated,
 * whatever an unpacker makes of it.
 */
async function* framePieces(reader: ByteReader): AsyncGenerator<Uint8Array> {
  const { header, hasChecksum } = await takeHeader(reader)
  yield header
  for (let isLast = false; !isLast; ) {
    const block = await takeBlock(reader)
    isLast = block.isLast
    yield block.bytes
  }
  if (hasChecksum) yield await reader.take(4)
}

/** §3.1.1.1: magic, descriptor, window, dictionary, content size. */
async function takeHeader(
  reader: ByteReader,
): Promise<{ readonly header: Uint8Array; readonly hasChecksum: boolean }> {
  const descriptor = (await reader.peek(5))[4]
  if (descriptor === undefined) throw damaged(reader.position, 'it ends in the middle')
  const isSingleSegment = (descriptor & 0x20) !== 0
  const windowBytes = isSingleSegment ? 0 : 1
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] as number
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] as number
  const header = await reader.take(5 + windowBytes + dictionaryBytes + sizeBytes)
  return { header, hasChecksum: (descriptor & 4) !== 0 }
}

/** §3.1.1.2: a head of three bytes and what it announces. */
async function takeBlock(
  reader: ByteReader,
): Promise<{ readonly bytes: Uint8Array; readonly isLast: boolean }> {
  const [a, b, c] = (await reader.peek(3)) as unknown as [number, number, number]
  const head = a | (b << 8) | (c << 16)
  const type = (head >> 1) & 3
  const size = type === RLE_BLOCK ? 1 : head >> 3
  if (type === RESERVED_BLOCK || size > BLOCK_BYTES_MAX)
    throw damaged(reader.position, 'there is no block of a zstd frame')
  return { bytes: await reader.take(3 + size), isLast: (head & 1) !== 0 }
}

async function skipFrame(reader: ByteReader): Promise<void> {
  const head = await reader.take(8)
  let left = readUint32(head.subarray(4))
  while (left > 0) {
    const skipped = await reader.takeSome(left)
    if (skipped === null) throw damaged(reader.position, 'it ends in the middle')
    left -= skipped.length
  }
}

const isFrameMagic = (magic: number): boolean => magic === FRAME_MAGIC || isSkippableMagic(magic)
const isSkippableMagic = (magic: number): boolean => magic - (magic % 16) === SKIPPABLE_MAGIC

/** Little-endian; what is not there counts as 0. */
function readUint32(bytes: Uint8Array): number {
  return [0, 1, 2, 3].reduce((sum, i) => sum + (bytes[i] ?? 0) * 2 ** (8 * i), 0)
}
