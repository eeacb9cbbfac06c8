import { equalBytes, toHex } from '../../core/bytes.ts'
import { CAPS_MAX } from '../../core/limits.ts'
import { fail, ok, type Fault, type Result } from '../../core/result.ts'
import { verifyChain, type ChainFault } from '../../core/ucan/chain.ts'
import type { VerifiedDelegation } from '../../core/ucan/delegation.ts'

/** Chains looked at in one search before it gives up: hostile tokens could otherwise make it exponential. */
const CHAINS_TRIED_MAX = 256

/** What a chain is wanted for. */
export interface ChainPurpose {
  readonly invoker: Uint8Array
  readonly command: string
  readonly path: string
  readonly timeMs: number
  readonly bodySize: number
  /** True where a valid chain is enough, whatever it allows: publishing delegations. Default false. */
  readonly anyCommand?: boolean
}

/** Why a chain does not do. */
export type ChainTrialFault = Fault<'CAP_MISSING' | 'CAP_REVOKED'> | ChainFault

/** One chain, root first, tried for a purpose. */
export interface ChainTrial {
  readonly chain: readonly VerifiedDelegation[]
  readonly fault: ChainTrialFault | null
}

/** The delegations this node knows in one space, by audience, so that a writer finds the chain that authorises it. */
export class TokenBook {
  readonly #spaceKey: Uint8Array
  readonly #byAudience = new Map<string, VerifiedDelegation[]>()
  readonly #known = new Set<string>()
  readonly #closedBy: (caps: readonly Uint8Array[]) => string | null

  /** `closedBy`: id of a revocation that ends a chain, given by its digests; null where it is open. */
  constructor(spaceKey: Uint8Array, closedBy: (caps: readonly Uint8Array[]) => string | null = () => null) {
    this.#spaceKey = spaceKey
    this.#closedBy = closedBy
  }

  /** Number of delegations: it grows with each that is new. */
  get size(): number {
    return this.#known.size
  }

  /** Adds a delegation; again is no harm. */
  add(delegation: VerifiedDelegation): void {
    const digest = toHex(delegation.digest)
    if (this.#known.has(digest)) return
    this.#known.add(digest)
    const audience = toHex(delegation.audience)
    const list = this.#byAudience.get(audience)
    if (list === undefined) this.#byAudience.set(audience, [delegation])
    else list.push(delegation)
  }

  /**
   * The shortest chain, root first, that lets the invoker do this; empty for the space key itself. The fault is that of the
   * chain that came closest, or `CAP_MISSING` where no chain reaches the invoker.
   */
  find(purpose: ChainPurpose): Result<readonly VerifiedDelegation[], ChainTrialFault> {
    if (equalBytes(purpose.invoker, this.#spaceKey)) return ok([])
    let closest: ChainTrialFault | null = null
    for (const trial of this.tries(purpose)) {
      if (trial.fault === null) return ok(trial.chain)
      closest ??= trial.fault
    }
    return closest === null
      ? fail(
          'CAP_MISSING',
          'no delegation reaches this key: ask an admin of the space for a grant or an invite',
        )
      : { ok: false, fault: closest }
  }

  /** Every chain that reaches the invoker, the shortest first, and why it does not let it do this; null where it does. */
  *tries(purpose: ChainPurpose): Generator<ChainTrial> {
    for (const chain of this.chains(purpose.invoker)) yield { chain, fault: this.#faultOf(chain, purpose) }
  }

  #faultOf(chain: readonly VerifiedDelegation[], purpose: ChainPurpose): ChainTrialFault | null {
    const checkCommandAndPolicy = purpose.anyCommand !== true
    const checked = verifyChain({ ...purpose, tokens: chain, subject: this.#spaceKey, checkCommandAndPolicy })
    if (!checked.ok) return checked.fault
    const closing = this.#closedBy(chain.map(({ digest }) => digest))
    return closing === null ? null : fail('CAP_REVOKED', `operation ${closing} has revoked it`).fault
  }

  /** The chains from the space to a key, root first, the shortest first; CHAINS_TRIED_MAX are looked at. */
  *chains(invoker: Uint8Array): Generator<readonly VerifiedDelegation[]> {
    const spaceKey = toHex(this.#spaceKey)
    let tried = 0
    let open: (readonly VerifiedDelegation[])[] = (this.#byAudience.get(toHex(invoker)) ?? []).map((leaf) => [
      leaf,
    ])
    for (let depth = 1; depth <= CAPS_MAX && open.length > 0; depth++) {
      const longer: (readonly VerifiedDelegation[])[] = []
      for (const chain of open) {
        if (tried++ >= CHAINS_TRIED_MAX) return
        const issuer = toHex((chain[0] as VerifiedDelegation).issuer)
        if (issuer === spaceKey) yield chain
        else for (const above of this.#byAudience.get(issuer) ?? []) longer.push([above, ...chain])
      }
      open = longer
    }
  }
}
