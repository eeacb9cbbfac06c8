import { createSigner } from '../../../src/core/native-signature.ts'
import { SignaturePool } from '../../../src/node/verification/signature-pool.ts'

/** The pool of threads, after each of them has checked what a batch brings. */
export async function checkOnThreads(): Promise<SignaturePool> {
  const pool = new SignaturePool()
  const { publicKey, sign } = createSigner(new Uint8Array(32).fill(7))
  const message = new Uint8Array(64)
  const claim = { publicKey, message, signature: sign(message) }
  const claims = Array.from({ length: 256 }, () => claim)
  const accepted = await Promise.all([pool.accept(claims), pool.accept(claims)])
  if (accepted.flat().some((isGood) => !isGood)) throw new Error('a good signature was refused')
  return pool
}
