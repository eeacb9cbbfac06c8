import { fromHex } from '../../core/bytes.ts'
import { HASH_BYTES } from '../../core/hash.ts'
import { FaultError } from '../fault-error.ts'

/** Reads an operation's id as users give it, whole. Throws `BAD_ID`. */
export function parseOperationId(text: string): Uint8Array {
  const id = fromHex(text)
  if (id?.length === HASH_BYTES) return id
  throw new FaultError({
    code: 'BAD_ID',
    detail: `${JSON.stringify(text)} is not an operation's id: 64 hexadecimal digits, see "hanse log"`,
  })
}
