/** Bits as bytes, the first in the highest bit; the last byte is filled with zeros. */
export function packBits(bits: readonly boolean[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(bits.length / 8))
  for (const [i, bit] of bits.entries()) {
    if (bit) bytes[i >> 3] = (bytes[i >> 3] as number) | (0x80 >> (i & 7))
  }
  return bytes
}

/** The places of the bits that are set, ascending, of `count`; null where the bytes are of another number of bits. */
export function setBits(bytes: Uint8Array, count: number): readonly number[] | null {
  if (bytes.length !== Math.ceil(count / 8)) return null
  const places: number[] = []
  for (let i = 0; i < bytes.length * 8; i++) {
    if (((bytes[i >> 3] as number) & (0x80 >> (i & 7))) === 0) continue
    if (i >= count) return null
    places.push(i)
  }
  return places
}
