import { toHex } from '../../core/bytes.ts'

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
        const key = toHex(id)
        const claimed = this.#owners.get(key)
        const now = nowMs()
        if (claimed !== undefined && claimed.owner !== owner && now - claimed.sinceMs < CLAIM_MS) return false
        this.#owners.set(key, { owner, sinceMs: now })
        return true
      },
      release: () => {
        for (const [key, claimed] of this.#owners) if (claimed.owner === owner) this.#owners.delete(key)
      },
    }
  }
}
