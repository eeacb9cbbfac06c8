import { PastReader } from '../ancestry.ts'
import { toHex } from '../bytes.ts'
import { type Evaluation, isControl } from '../changes/evaluate.ts'
import type { Entry, Graph } from '../graph.ts'
import { authorizes } from '../ucan/chain.ts'
import { type Endorsement, reaches, type Revocation } from './revocation.ts'

/** What decides about an operation, beside its own past. */
export interface VerdictsInit {
  readonly graph: Graph
  /** Size of an admitted operation's body, as its header says. */
  readonly bodySizeOf: (entry: Entry) => number
}

/**
 * The revocations and endorsements among the admitted operations of a space, and which operations they leave effective
 * (DESIGN §5, §6). Laws (test/effect):
 * 1. a function of the set of admitted operations: the order in which they were added does not matter;
 * 2. well-founded: whether a revocation is effective depends only on revocations with a shorter chain;
 * 3. several revocations intersect: what is in the past of every one's cut stays;
 * 4. an endorsement revives what its own chain authorises and is no higher up than itself; never a control operation.
 */
export class Verdicts {
  readonly #graph: Graph
  readonly #bodySizeOf: (entry: Entry) => number
  readonly #byTarget = new Map<string, Revocation[]>()
  readonly #byEndorsed = new Map<number, Endorsement[]>()
  /** Whether a revocation is effective among all admitted operations; emptied when one is added. */
  readonly #effective = new Map<Revocation, boolean>()
  readonly #cuts = new Map<Revocation, PastReader>()

  constructor({ graph, bodySizeOf }: VerdictsInit) {
    this.#graph = graph
    this.#bodySizeOf = bodySizeOf
  }

  /** Adds what an admitted operation revokes and endorses. Returns its revocations. */
  add(entry: Entry, evaluation: Evaluation): readonly Revocation[] {
    const revocations: Revocation[] = []
    for (const change of evaluation) {
      if (!change.ok) continue
      const effect = change.value
      if (effect.kind === 'revocation') revocations.push({ entry, target: effect.target, cut: effect.cut })
      if (effect.kind !== 'endorsement') continue
      for (const { ordinal } of effect.operations) {
        append(this.#byEndorsed, ordinal, { entry, operations: effect.operations })
      }
    }
    for (const revocation of revocations) append(this.#byTarget, toHex(revocation.target), revocation)
    if (revocations.length > 0) this.#effective.clear()
    return revocations
  }

  /** What `ask` answers if there were these revocations too. */
  suppose<T>(revocations: readonly Revocation[], ask: () => T): T {
    for (const revocation of revocations) append(this.#byTarget, toHex(revocation.target), revocation)
    this.#effective.clear()
    try {
      return ask()
    } finally {
      for (const { target } of revocations) this.#byTarget.get(toHex(target))?.pop()
      for (const revocation of revocations) this.#cuts.delete(revocation)
      this.#effective.clear()
    }
  }

  /** The revocations that reach a chain, effective or not. */
  reaching(caps: readonly Uint8Array[]): readonly Revocation[] {
    if (this.#byTarget.size === 0) return []
    return caps.flatMap((target) =>
      (this.#byTarget.get(toHex(target)) ?? []).filter((revocation) => reaches(revocation, caps)),
    )
  }

  /** An effective revocation that reaches a chain: whoever uses it now, having seen everything, uses it in vain. */
  closing(caps: readonly Uint8Array[]): Revocation | null {
    return this.reaching(caps).find((revocation) => this.#isEffective(revocation)) ?? null
  }

  /** The effective revocations that mask an operation; none where it is in the past of every cut, or endorsed. */
  masking(entry: Entry): readonly Revocation[] {
    const masking = this.#maskingUnendorsed(entry)
    return masking.length > 0 && this.endorsing(entry).length > 0 ? [] : masking
  }

  /** True where some revocation masks an operation. */
  isMasked(entry: Entry): boolean {
    return this.#isMaskedUnendorsed(entry) && this.endorsing(entry).length === 0
  }

  /** The effective endorsements that keep an operation's effect. */
  endorsing(entry: Entry): readonly Endorsement[] {
    if (isControl(entry.command)) return []
    const endorsements = this.#byEndorsed.get(entry.ordinal) ?? []
    return endorsements.filter((endorsement) => this.#revives(endorsement.entry, entry))
  }

  /**
   * Check 11: a revocation of the past closes the chain, judged by that past alone, so that every node agrees for ever. No cut
   * matters: what is new is in nobody's past.
   */
  closingInPast(caps: readonly Uint8Array[], past: PastReader): Revocation | null {
    const isEffective = (revocation: Revocation): boolean =>
      past.has(revocation.entry) &&
      !this.reaching(revocation.entry.caps).some(
        (higher) => !this.#isKept(higher, revocation.entry) && isEffective(higher),
      )
    return this.reaching(caps).find(isEffective) ?? null
  }

  #maskingUnendorsed(entry: Entry): readonly Revocation[] {
    return this.reaching(entry.caps).filter(
      (revocation) => this.#isEffective(revocation) && !this.#isKept(revocation, entry),
    )
  }

  #isMaskedUnendorsed(entry: Entry): boolean {
    return this.reaching(entry.caps).some(
      (revocation) => this.#isEffective(revocation) && !this.#isKept(revocation, entry),
    )
  }

  #isEffective(revocation: Revocation): boolean {
    const known = this.#effective.get(revocation)
    if (known !== undefined) return known
    // Only shorter chains are asked about, so this ends after CAPS_MAX steps down.
    const isEffective = !this.#isMaskedUnendorsed(revocation.entry)
    this.#effective.set(revocation, isEffective)
    return isEffective
  }

  /** True when the cut of a revocation keeps an operation. */
  #isKept(revocation: Revocation, entry: Entry): boolean {
    let past = this.#cuts.get(revocation)
    if (past === undefined) {
      past = new PastReader(this.#graph, revocation.cut)
      this.#cuts.set(revocation, past)
    }
    return past.has(entry)
  }

  #revives(endorser: Entry, entry: Entry): boolean {
    if (endorser.caps.length > entry.caps.length) return false
    if (this.#isMaskedUnendorsed(endorser)) return false
    const tokens = endorser.caps.map((digest) => this.#graph.token(digest)?.delegation)
    const { command, path, time } = entry
    const args = { command, path, time, bodySize: this.#bodySizeOf(entry) }
    return tokens.every((token) => token !== undefined) && authorizes(tokens, args)
  }
}

function append<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}
