import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES, type SignatureClaim } from '../../core/signature.ts'

/** Bytes of a packed claim in front of its message: key, signature, length of the message (big-endian). */
const HEAD_BYTES = PUBLIC_KEY_BYTES + SIGNATURE_BYTES + 4

/** Claims as one array that another thread can be given. Keys and signatures must have their length. */
export function packClaims(claims: readonly SignatureClaim[]): Uint8Array<ArrayBuffer> {
  const bytes = claims.reduce((sum, { message }) => sum + HEAD_BYTES + message.length, 0)
  const packed = new Uint8Array(bytes)
  const view = new DataView(packed.buffer)
  let at = 0
  for (const { signature, message, publicKey } of claims) {
    packed.set(publicKey, at)
    packed.set(signature, at + PUBLIC_KEY_BYTES)
    view.setUint32(at + PUBLIC_KEY_BYTES + SIGNATURE_BYTES, message.length)
    packed.set(message, at + HEAD_BYTES)
    at += HEAD_BYTES + message.length
  }
  return packed
}

/** What {@link packClaims} has packed, as views of it. */
export function unpackClaims(packed: Uint8Array): readonly SignatureClaim[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
  const claims: SignatureClaim[] = []
  for (let at = 0; at < packed.length; ) {
    const length = view.getUint32(at + PUBLIC_KEY_BYTES + SIGNATURE_BYTES)
    const publicKey = packed.subarray(at, at + PUBLIC_KEY_BYTES)
    const signature = packed.subarray(at + PUBLIC_KEY_BYTES, at + PUBLIC_KEY_BYTES + SIGNATURE_BYTES)
    claims.push({ signature, publicKey, message: packed.subarray(at + HEAD_BYTES, at + HEAD_BYTES + length) })
    at += HEAD_BYTES + length
  }
  return claims
}
