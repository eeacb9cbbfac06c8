import { sha256 } from '../../core/hash.ts'
import { toHex } from '../../core/bytes.ts'
import { REFUSALS_REMEMBERED_MAX } from '../../core/limits.ts'
import type { Operation } from '../../core/operation/operation.ts'

/**
 * What this node remembers of refusals, so that the same bytes are not checked twice. Bounded: the oldest are forgotten, and a
 * forgotten refusal is simply refused again. Two memories that are never mixed:
 * by bytes (checks 1 to 5: another sender may yet bring the same id with good bytes), and by id (checks 7 to 11).
 */
export class RefusalMemory {
  readonly #byBytes = new Map<string, string>()
  readonly #byId = new Map<string, string>()

  /** Remembers that these bytes (by their sha256) were refused with a code. */
  rememberBytes(digest: Uint8Array, code: string): void {
    remember(this.#byBytes, toHex(digest), code)
  }

  /** Remembers that the operation of that id was refused for ever with a code. */
  rememberId(id: Uint8Array, code: string): void {
    remember(this.#byId, toHex(id), code)
  }

  /** The code with which an operation was refused, be it by its id or by its bytes. */
  codeOf(operation: Operation): string | undefined {
    // Nothing is hashed where nothing has been refused.
    const byBytes = this.#byBytes.size === 0 ? undefined : this.codeOfBytes(bytesDigest(operation))
    return this.codeOfId(operation.id) ?? byBytes
  }

  /** The code with which bytes of that sha256 were refused. */
  codeOfBytes(digest: Uint8Array): string | undefined {
    return this.#byBytes.get(toHex(digest))
  }

  /** The code with which that id was refused for ever. */
  codeOfId(id: Uint8Array): string | undefined {
    return this.#byId.size === 0 ? undefined : this.#byId.get(toHex(id))
  }
}

function remember(memory: Map<string, string>, key: string, code: string): void {
  memory.delete(key)
  memory.set(key, code)
  if (memory.size > REFUSALS_REMEMBERED_MAX) memory.delete(memory.keys().next().value as string)
}

/** Hash of everything that was sent of one operation but its body, whose hash the header holds. */
export function bytesDigest(operation: Operation): Uint8Array {
  return sha256(operation.headerBytes, operation.signature)
}
