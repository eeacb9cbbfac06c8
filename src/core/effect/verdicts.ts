import { PastReader } from '../ancestry.ts'
import { type Evaluation, isControl } from '../changes/evaluate.ts'
import type { Entry, Graph } from '../graph.ts'
import { CUTS_READ_MAX } from '../limits.ts'
import { authorizes } from '../ucan/chain.ts'
import { chainName, Places } from './places.ts'
import { reaches, type Revocation } from './revocation.ts'

/** What decides about an operation, beside its own past. */
export interface VerdictsInit {
  readonly graph: Graph
  /** Size of an admitted operation's body, as its header says. */
  readonly bodySizeOf: (entry: Entry) => number
}

const NONE: readonly Revocation[] = []

/** Whether operations of one chain that revoke or endorse are effective. */
interface Standing {
  readonly caps: readonly Uint8Array[]
  readonly byOrdinal: Map<number, boolean>
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
  readonly #places = new Places()
  /** By the ordinal of what is endorsed: the operations that do. */
  readonly #endorsers = new Map<number, Entry[]>()
  /** By chain. What a new revocation reaches is forgotten. */
  readonly #standings = new Map<string, Standing>()
  /** The least recently used first; one may hold as much as there are authors. */
  readonly #cuts = new Map<Revocation, PastReader>()

  constructor({ graph, bodySizeOf }: VerdictsInit) {
    this.#graph = graph
    this.#bodySizeOf = bodySizeOf
  }

  /** Adds what an admitted operation revokes and endorses. Returns its revocations. */
  add(entry: Entry, evaluation: Evaluation): readonly Revocation[] {
    for (const { ordinal } of endorsedBy(evaluation)) {
      const endorsers = this.#endorsers.get(ordinal)
      if (endorsers === undefined) this.#endorsers.set(ordinal, [entry])
      else endorsers.push(entry)
    }
    const revocations = revocationsBy(entry, evaluation)
    for (const revocation of revocations) this.#places.add(revocation)
    this.#forgetStandings(revocations)
    return revocations
  }

  /** What `ask` answers if there were these revocations too. */
  suppose<T>(revocations: readonly Revocation[], ask: () => T): T {
    for (const revocation of revocations) this.#places.add(revocation)
    this.#forgetStandings(revocations)
    try {
      return ask()
    } finally {
      for (const revocation of revocations.toReversed()) this.#places.removeLast(revocation)
      for (const revocation of revocations) this.#cuts.delete(revocation)
      this.#standings.clear()
    }
  }

  /** The revocations that reach a chain, effective or not. */
  reaching(caps: readonly Uint8Array[]): Iterable<Revocation> {
    // Nearly always, and asked for every operation.
    return this.#places.isEmpty ? NONE : this.#places.reaching(caps)
  }

  /** An effective revocation that reaches a chain: whoever uses it now, having seen everything, uses it in vain. */
  closing(caps: readonly Uint8Array[]): Revocation | null {
    for (const revocation of this.reaching(caps)) if (this.isEffective(revocation.entry)) return revocation
    return null
  }

  /** The effective revocations that mask an operation; none where it is in the past of every cut, or endorsed. */
  masking(entry: Entry): readonly Revocation[] {
    const masking = [...this.reaching(entry.caps)].filter((revocation) => this.#masks(revocation, entry))
    return masking.length > 0 && this.isEndorsed(entry) ? [] : masking
  }

  /** True where some revocation masks an operation. */
  isMasked(entry: Entry): boolean {
    return this.#isMaskedUnendorsed(entry) && !this.isEndorsed(entry)
  }

  /** The effective operations that endorse another one and so keep its effect. */
  endorsing(entry: Entry): readonly Entry[] {
    return (this.#endorsers.get(entry.ordinal) ?? []).filter((endorser) => this.revives(endorser, entry))
  }

  /** True where an effective endorsement keeps an operation's effect, whatever revokes it. */
  isEndorsed(entry: Entry): boolean {
    const asked = new Set<string>()
    for (const endorser of this.#endorsers.get(entry.ordinal) ?? []) {
      if (!this.isEffective(endorser)) continue
      // What a chain allows is asked once, however many operations endorse with it.
      const chain = chainName(endorser.caps)
      if (asked.has(chain)) continue
      if (this.revives(endorser, entry)) return true
      asked.add(chain)
    }
    return false
  }

  /** True where an operation that names another in an endorsement keeps its effect by that. */
  revives(endorser: Entry, entry: Entry): boolean {
    if (isControl(entry.command)) return false
    if (endorser.caps.length > entry.caps.length) return false
    if (!this.isEffective(endorser)) return false
    const tokens = endorser.caps.map((digest) => this.#graph.token(digest)?.delegation)
    const { command, path, time } = entry
    const args = { command, path, time, bodySize: this.#bodySizeOf(entry) }
    return tokens.every((token) => token !== undefined) && authorizes(tokens, args)
  }

  /** True for an operation that revokes or endorses and that no revocation masks; nobody endorses those. */
  isEffective(entry: Entry): boolean {
    const chain = chainName(entry.caps)
    const standing = this.#standings.get(chain) ?? { caps: entry.caps, byOrdinal: new Map<number, boolean>() }
    const known = standing.byOrdinal.get(entry.ordinal)
    if (known !== undefined) return known
    // Only shorter chains are asked about, so this ends after CAPS_MAX steps down.
    const isEffective = !this.#isMaskedUnendorsed(entry)
    this.#standings.set(chain, standing)
    standing.byOrdinal.set(entry.ordinal, isEffective)
    return isEffective
  }

  /** True when the cut of a revocation keeps an operation. */
  isKept(revocation: Revocation, entry: Entry): boolean {
    const past = this.#cuts.get(revocation) ?? this.#readCut(revocation)
    this.#cuts.delete(revocation)
    this.#cuts.set(revocation, past)
    if (this.#cuts.size > CUTS_READ_MAX) this.#cuts.delete(this.#cuts.keys().next().value as Revocation)
    return past.has(entry)
  }

  /**
   * Check 11: a revocation of the past closes the chain, judged by that past alone, so that every node agrees for ever. No cut
   * matters: what is new is in nobody's past.
   */
  closingInPast(caps: readonly Uint8Array[], past: PastReader): Revocation | null {
    if (this.#places.isEmpty) return null
    const judged = new Map<number, boolean>()
    const isEffective = (entry: Entry): boolean => {
      const known = judged.get(entry.ordinal)
      if (known !== undefined) return known
      const isEffectiveThere = past.has(entry) && !isMaskedThere(entry)
      judged.set(entry.ordinal, isEffectiveThere)
      return isEffectiveThere
    }
    const isMaskedThere = (entry: Entry): boolean => {
      for (const higher of this.reaching(entry.caps)) {
        if (isEffective(higher.entry) && !this.isKept(higher, entry)) return true
      }
      return false
    }
    for (const revocation of this.reaching(caps)) if (isEffective(revocation.entry)) return revocation
    return null
  }

  #readCut({ cut }: Revocation): PastReader {
    return new PastReader(
      this.#graph,
      cut.map((ordinal) => ({ ordinal })),
    )
  }

  #isMaskedUnendorsed(entry: Entry): boolean {
    for (const revocation of this.reaching(entry.caps)) if (this.#masks(revocation, entry)) return true
    return false
  }

  #masks(revocation: Revocation, entry: Entry): boolean {
    return this.isEffective(revocation.entry) && !this.isKept(revocation, entry)
  }

  #forgetStandings(revocations: readonly Revocation[]): void {
    for (const [chain, { caps }] of this.#standings) {
      if (revocations.some(({ entry, target }) => reaches(entry.caps, target, caps)))
        this.#standings.delete(chain)
    }
  }
}

/** What an operation revokes. */
export function revocationsBy(entry: Entry, evaluation: Evaluation): readonly Revocation[] {
  return evaluation.flatMap((change) => {
    if (!change.ok || change.value.kind !== 'revocation') return []
    const { target, cut } = change.value
    return [{ entry, target, cut: cut.map(({ ordinal }) => ordinal) }]
  })
}

/** What an operation endorses. */
export function endorsedBy(evaluation: Evaluation): readonly Entry[] {
  return evaluation.flatMap((change) =>
    change.ok && change.value.kind === 'endorsement' ? change.value.operations : [],
  )
}
