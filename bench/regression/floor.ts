import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import type { Operation } from '../../src/core/operation/operation.ts'
import { signedBytes } from '../../src/core/operation/operation.ts'

/** SubjectPublicKeyInfo in front of a raw Ed25519 key (RFC 8410 §4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

/** What is asked of OpenSSL to check one signature. */
interface Asked {
  readonly message: Uint8Array
  readonly key: KeyObject
  readonly signature: Uint8Array
}

/**
 * The floor of taking in operations: their signatures checked on the runtime's threads with keys that are ready, and nothing else.
 * None of Hanse's code is in the loop, so that nothing done to Hanse moves it.
 */
export function createFloor(operations: readonly Operation[]): () => Promise<void> {
  const keys = new Map<string, KeyObject>()
  const asked = operations.map(({ id, header: { author }, signature }): Asked => {
    const name = Buffer.from(author).toString('hex')
    const key =
      keys.get(name) ??
      createPublicKey({ key: Buffer.concat([SPKI_PREFIX, author]), format: 'der', type: 'spki' })
    keys.set(name, key)
    return { message: signedBytes(id), key, signature }
  })
  return async () => {
    await Promise.all(asked.map(check))
  }
}

async function check({ message, key, signature }: Asked): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  verify(null, message, key, signature, (error, isValid) => {
    if (error !== null || !isValid) reject(error ?? new Error('a signature that does not hold'))
    else resolve()
  })
  await promise
}
