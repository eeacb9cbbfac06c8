import { equalBytes } from '../../core/bytes.ts'
import { decodeCanonical } from '../../core/canonical-cbor.ts'
import type { VerifiedDelegation } from '../../core/ucan/delegation.ts'

/** The tokens in the note of a guest. They are asked for after every run with every peer, and their signatures are looked at once. */
export class PendingTokens {
  readonly #verified: (token: Uint8Array) => VerifiedDelegation
  #last: { readonly note: Uint8Array; readonly tokens: readonly VerifiedDelegation[] } | null = null

  /** `verified`: throws where a token does not hold. */
  constructor(verified: (token: Uint8Array) => VerifiedDelegation) {
    this.#verified = verified
  }

  /** What a note holds, root first; nothing where there is none, or it is no list. */
  of(note: Uint8Array | undefined): readonly VerifiedDelegation[] {
    if (note === undefined) return []
    if (this.#last !== null && equalBytes(this.#last.note, note)) return this.#last.tokens
    const decoded = decodeCanonical(note)
    const list = decoded.ok && Array.isArray(decoded.value) ? (decoded.value as Uint8Array[]) : []
    const tokens = list.map((token) => this.#verified(token))
    this.#last = { note, tokens }
    return tokens
  }
}
