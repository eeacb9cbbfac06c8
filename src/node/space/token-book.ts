import { equalBytes, toHex, toKey } from '../../core/bytes.ts'
import { CAPS_MAX } from '../../core/limits.ts'
import { fail, ok, type Fault, type Result } from '../../core/result.ts'
import { verifyChain, type ChainFault } from '../../core/ucan/chain.ts'
import type { VerifiedDelegation } from '../../core/ucan/delegation.ts'

/** Delegations looked at in one search before it gives up: hostile ones could otherwise make it exponential. */
const STEPS_MAX = 2_048

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

/** A way on upwards: the delegations of one issuer to one audience, and the chain below that they continue. */
interface Branch {
  readonly group: readonly VerifiedDelegation[]
  /** Which of the group is next. */
  readonly at: number
  readonly below: readonly VerifiedDelegation[]
  /** Delegations of the shortest chain that can come of it. */
  readonly length: number
  readonly turn: number
}

/** The delegations this node knows in one space, by audience, so that a writer finds the chain that authorises it. */
export class TokenBook {
  readonly #spaceKey: Uint8Array
  /** By audience and issuer, in the order in which they were added. */
  readonly #byAudience = new Map<string, Map<string, VerifiedDelegation[]>>()
  /** By issuer: to whom it gave something. */
  readonly #audiences = new Map<string, Set<string>>()
  /** By principal: delegations in the shortest chain from the space; whom none reaches, or none within CAPS_MAX, is not here. */
  readonly #distances = new Map<string, number>()
  readonly #known = new Set<string>()
  /** Of whom a chain reaches, the first one; until there is another delegation. */
  readonly #shortest = new Map<string, readonly VerifiedDelegation[]>()
  readonly #closedBy: (caps: readonly Uint8Array[]) => string | null

  /** `closedBy`: id of a revocation that ends a chain, given by its digests; null where it is open. */
  constructor(spaceKey: Uint8Array, closedBy: (caps: readonly Uint8Array[]) => string | null = () => null) {
    this.#spaceKey = spaceKey
    this.#distances.set(toHex(spaceKey), 0)
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
    this.#shortest.clear()
    const audience = toHex(delegation.audience)
    const issuer = toHex(delegation.issuer)
    const groups = this.#byAudience.get(audience) ?? new Map<string, VerifiedDelegation[]>()
    this.#byAudience.set(audience, groups)
    const group = groups.get(issuer)
    if (group !== undefined) {
      group.push(delegation)
      return
    }
    groups.set(issuer, [delegation])
    this.#audiences.set(issuer, (this.#audiences.get(issuer) ?? new Set()).add(audience))
    this.#bringNearer(issuer, audience)
  }

  /**
   * The shortest chain, root first, that lets the invoker do this; empty for the space key itself. The fault is that of the
   * chain that came closest, or `CAP_MISSING` where no chain reaches the invoker.
   */
  find(purpose: ChainPurpose): Result<readonly VerifiedDelegation[], ChainTrialFault> {
    if (equalBytes(purpose.invoker, this.#spaceKey)) return ok([])
    const shortest = this.#shortestOf(purpose.invoker)
    if (shortest === undefined) {
      return fail(
        'CAP_MISSING',
        'no delegation reaches this key: ask an admin of the space for a grant or an invite; what was given meanwhile comes with the next sync',
      )
    }
    // It mostly does, and no other need be looked for.
    const fault = this.faultOf(shortest, purpose)
    if (fault === null) return ok(shortest)
    for (const trial of this.tries(purpose)) if (trial.fault === null) return ok(trial.chain)
    return { ok: false, fault }
  }

  /** Every chain that reaches the invoker, the shortest first, and why it does not let it do this; null where it does. */
  *tries(purpose: ChainPurpose): Generator<ChainTrial> {
    for (const chain of this.chains(purpose.invoker)) yield { chain, fault: this.faultOf(chain, purpose) }
  }

  /** Why a chain, root first, does not let the invoker do this; null where it does. */
  faultOf(chain: readonly VerifiedDelegation[], purpose: ChainPurpose): ChainTrialFault | null {
    const checkCommandAndPolicy = purpose.anyCommand !== true
    const checked = verifyChain({ ...purpose, tokens: chain, subject: this.#spaceKey, checkCommandAndPolicy })
    if (!checked.ok) return checked.fault
    const closing = this.#closedBy(chain.map(({ digest }) => digest))
    return closing === null ? null : fail('CAP_REVOKED', `operation ${closing} has revoked it`).fault
  }

  /** The chains from the space to a key, root first, the shortest first, as far as STEPS_MAX leads. */
  *chains(invoker: Uint8Array): Generator<readonly VerifiedDelegation[]> {
    yield* this.#search(this.#above(toHex(invoker), [], 0))
  }

  /** The chains that end with a delegation, known here or not; otherwise as {@link chains}. */
  *chainsTo(delegation: VerifiedDelegation): Generator<readonly VerifiedDelegation[]> {
    if (equalBytes(delegation.issuer, this.#spaceKey)) yield [delegation]
    else yield* this.#search(this.#above(toHex(delegation.issuer), [delegation], 0))
  }

  /**
   * The shortest first, and among chains as long as each other one of each issuer by turns. So whoever publishes delegations by the
   * thousand comes after everybody who is nearer to the root, and between their equals.
   */
  *#search(from: readonly Branch[]): Generator<readonly VerifiedDelegation[]> {
    const open: Branch[][][] = Array.from({ length: CAPS_MAX + 1 }, () => [])
    const push = (branch: Branch) => {
      const turns = open[branch.length] as Branch[][]
      const { turn } = branch
      turns[turn] ??= []
      turns[turn].push(branch)
    }
    for (const branch of from) push(branch)
    let steps = 0
    for (const turns of open) {
      for (let turn = 0; turn < turns.length; turn++) {
        // Grows while it is walked: what continues a chain is no shorter, and has its turn no earlier.
        for (const branch of turns[turn] ?? []) {
          if (steps++ >= STEPS_MAX) return
          const { group, at, below } = branch
          const token = group[at] as VerifiedDelegation
          if (at + 1 < group.length) push({ ...branch, at: at + 1, turn: turn + 1 })
          const chain = [token, ...below]
          if (equalBytes(token.issuer, this.#spaceKey)) yield chain
          else for (const above of this.#above(toHex(token.issuer), chain, turn)) push(above)
        }
      }
    }
  }

  #shortestOf(invoker: Uint8Array): readonly VerifiedDelegation[] | undefined {
    const key = toKey(invoker)
    const known = this.#shortest.get(key)
    if (known !== undefined) return known
    for (const chain of this.chains(invoker)) {
      this.#shortest.set(key, chain)
      return chain
    }
    return undefined
  }

  /** The ways on upwards from `audience`, by issuers whom the space reaches, so that the chain stays a chain. */
  #above(audience: string, below: readonly VerifiedDelegation[], turn: number): readonly Branch[] {
    const branches: Branch[] = []
    for (const [issuer, group] of this.#byAudience.get(audience) ?? []) {
      const length = (this.#distances.get(issuer) ?? CAPS_MAX) + 1 + below.length
      // Nobody occurs twice in a chain.
      const isRepeated = issuer === audience || below.some((token) => toHex(token.audience) === issuer)
      if (length <= CAPS_MAX && !isRepeated) branches.push({ group, at: 0, below, length, turn })
    }
    return branches
  }

  /** Notes that a delegation may bring its audience nearer to the root, and so on down. */
  #bringNearer(issuer: string, audience: string): void {
    const open = [[issuer, audience] as const]
    for (let edge = open.pop(); edge !== undefined; edge = open.pop()) {
      const [above, below] = edge
      const distance = (this.#distances.get(above) ?? CAPS_MAX) + 1
      if (distance > CAPS_MAX || distance >= (this.#distances.get(below) ?? Infinity)) continue
      this.#distances.set(below, distance)
      for (const next of this.#audiences.get(below) ?? []) open.push([below, next])
    }
  }
}
