import { toHex } from '../../core/bytes.ts'
import { SHORT_ID_BYTES } from '../../core/limits.ts'

/** How long a session may keep a head to itself, in ms: a peer that stalls delays nobody by more than that. */
const CLAIM_MS = 5_000

/** Which session is bringing which head of one space, so that several peers are not asked for the same. */
export class HeadClaims {
  readonly #owners = new Map<string, { readonly owner: object; readonly sinceMs: number }>()

  /** The claims of one session. */
  session(nowMs: () => number): { claim(id: Uint8Array): boolean; release(): void } {
    const owner = {}
    return {
      claim: (id) => {
        // However much of the id was listed.
        const key = toHex(id.subarray(0, SHORT_ID_BYTES))
        const claimed = this.#owners.get(key)
        const now = nowMs()
        const ageMs = claimed === undefined ? 0 : now - claimed.sinceMs
        // A clock that was set back must not make a claim last longer.
        const isFresh = ageMs >= 0 && ageMs < CLAIM_MS
        if (claimed !== undefined && claimed.owner !== owner && isFresh) return false
        this.#owners.set(key, { owner, sinceMs: now })
        return true
      },
      release: () => {
        for (const [key, claimed] of this.#owners) if (claimed.owner === owner) this.#owners.delete(key)
      },
    }
  }
}
