/** Signatures known to be good, the one unused for longest goes first. What is asked about is the whole: signature, message and key. */
export class VerifiedSignatures {
  readonly #known = new Set<string>()
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  has(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
    const key = keyOf(signature, message, publicKey)
    // A set keeps the order of insertion: taking out and putting back makes this the newest.
    const isKnown = this.#known.delete(key)
    if (isKnown) this.#known.add(key)
    return isKnown
  }

  add(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): void {
    this.#known.add(keyOf(signature, message, publicKey))
    if (this.#known.size > this.#most) this.#known.delete(this.#known.values().next().value as string)
  }
}

/** One character a byte. Signature and key have fixed lengths, or nothing is added. */
function keyOf(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): string {
  return latin1(signature) + latin1(publicKey) + latin1(message)
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
