import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { decodeMessage, encodeMessage, type WireMessage } from '../protocols/sync/message-codec.ts'
import { concatBytes } from '../src/core/bytes.ts'

/** The message in one frame of the sync protocol as production code sends it; null where it is none. */
export function openFrame(frame: Uint8Array, spaceId: Uint8Array): WireMessage | null {
  const at = frame.findIndex((byte) => byte < 0x80) + 1
  const packed = frame.subarray(at + 1)
  const content = frame[at] === 0 ? packed : new Uint8Array(zstdDecompressSync(packed))
  const decoded = decodeMessage(content, spaceId)
  return decoded.ok ? decoded.value : null
}

/** A message in a frame. */
export function closeFrame(message: WireMessage): Uint8Array {
  return frameOf(encodeMessage(message))
}

/** Any content in a frame, compressed. */
function frameOf(content: Uint8Array): Uint8Array {
  const packed = concatBytes(Uint8Array.of(1), zstdCompressSync(content))
  const length: number[] = []
  let rest = packed.length
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128)
  return concatBytes(Uint8Array.from([...length, rest]), packed)
}
