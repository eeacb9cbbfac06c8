import { PastReader } from '../../core/ancestry.ts'
import { equalBytes } from '../../core/bytes.ts'
import { reaches, type Revocation } from '../../core/effect/revocation.ts'
import type { Entry } from '../../core/graph.ts'
import { CUT_IDS_MAX } from '../../core/limits.ts'
import { formatDid } from '../../core/principal.ts'
import { fail, ok, type Fault, type Result } from '../../core/result.ts'
import type { VerifiedDelegation } from '../../core/ucan/delegation.ts'
import type { SpaceStore } from '../../storage/space-store.ts'
import type { TokenBook } from './token-book.ts'

/** What of the past a revocation leaves. */
export type CutChoice =
  /** Everything that has an effect here now. */
  | { readonly kind: 'now' }
  /** What does not descend from this operation, and is not it. */
  | { readonly kind: 'before'; readonly operation: Entry }
  /** Nothing. */
  | { readonly kind: 'nothing' }

/** One revocation to make: the revoker's own chain, what ends, and what stays. */
export interface PlannedRevocation {
  /** Root first; empty for the space key. */
  readonly chain: readonly VerifiedDelegation[]
  readonly target: VerifiedDelegation
  readonly cut: readonly Entry[]
}

/** What a plan is made from. */
export interface RevocationRequest {
  readonly store: SpaceStore
  readonly tokens: TokenBook
  /** Public key of who revokes. */
  readonly revoker: Uint8Array
  readonly targets: readonly VerifiedDelegation[]
  readonly choice: CutChoice
  /** This node's clock, ms since 1970. */
  readonly nowMs: number
}

/** The revocations to make, and the targets that the revoker is not above. */
export interface RevocationPlan {
  readonly revocations: readonly PlannedRevocation[]
  readonly outOfReach: readonly VerifiedDelegation[]
}

/**
 * Plans a revocation: one for each chain of the revoker that goes on to a target, since a revocation reaches only what goes on from its
 * own chain. `NOT_ABOVE` where the revoker is above none of the targets, `LIMIT` where more branches would have to stay
 * than a cut can name.
 */
export function planRevocation(
  request: RevocationRequest,
): Result<RevocationPlan, Fault<'NOT_ABOVE' | 'LIMIT'>> {
  const { store, targets, choice } = request
  const own = ownChains(request)
  const cutOff = choice.kind === 'before' ? descendantsOf(store, choice.operation) : new Set<number>()
  const revocations: PlannedRevocation[] = []
  const outOfReach: VerifiedDelegation[] = []
  for (const target of targets) {
    const chains = own.filter((chain) => goesOnTo(chain, target, request))
    if (chains.length === 0) outOfReach.push(target)
    for (const chain of chains) {
      const cut = endsOf(store, keptUses(store, chain, target, choice, cutOff))
      if (cut.length > CUT_IDS_MAX) {
        return fail(
          'LIMIT',
          `the delegation was used on ${cut.length} branches, and a cut names at most ${CUT_IDS_MAX}: choose --since an operation before them, or --purge`,
        )
      }
      revocations.push({ chain, target, cut })
    }
  }
  if (revocations.length > 0) return ok({ revocations, outOfReach })
  const issuers = [...new Set(targets.map(({ issuer }) => formatDid(issuer)))].join(', ')
  return fail(
    'NOT_ABOVE',
    `only who issued a delegation, or is above its issuer, can revoke it: ask ${issuers || 'an admin'}`,
  )
}

/** The operation and all that descend from it. Reads every operation admitted after it. */
export function descendantsOf(store: SpaceStore, operation: Entry): ReadonlySet<number> {
  const found = new Set([operation.ordinal])
  for (let ordinal = operation.ordinal + 1; ordinal < store.count(); ordinal++) {
    if (store.at(ordinal).parents.some((parent) => found.has(parent))) found.add(ordinal)
  }
  return found
}

/** A planned revocation as the definition of effects sees it, made by an operation that is not there yet. */
export function asRevocation(
  { chain, target, cut }: PlannedRevocation,
  store: SpaceStore,
  revoker: Uint8Array,
): Revocation {
  const head = store.heads(revoker)[0]
  const entry: Entry = {
    ordinal: store.count(),
    id: new Uint8Array(32),
    author: revoker,
    seq: head === undefined ? 0 : head.seq + 1,
    prev: head?.ordinal ?? null,
    jump: 0,
    parents: store.frontier().map(({ ordinal }) => ordinal),
    lamport: 0,
    time: 0,
    epoch: 0,
    caps: chain.map(({ digest }) => digest),
    command: '/cap/revoke',
    path: '',
  }
  return { entry, target: target.digest, cut: cut.map(({ ordinal }) => ordinal) }
}

/**
 * The delegations below the targets that would be good for nothing any more: every open chain to them goes over what is revoked. Their
 * holders need a grant from somebody else.
 */
export function endedBelow(
  published: readonly VerifiedDelegation[],
  tokens: TokenBook,
  closedBy: (caps: readonly Uint8Array[]) => string | null,
  supposed: readonly Revocation[],
): readonly VerifiedDelegation[] {
  const isTarget = ({ digest }: VerifiedDelegation) =>
    supposed.some(({ target }) => equalBytes(target, digest))
  return published.filter((token) => {
    if (isTarget(token)) return false
    const open: (readonly Uint8Array[])[] = []
    for (const chain of tokens.chainsTo(token)) {
      const caps = chain.map(({ digest }) => digest)
      if (closedBy(caps) === null) open.push(caps)
    }
    return (
      open.length > 0 &&
      open.every((caps) => supposed.some(({ entry, target }) => reaches(entry.caps, target, caps)))
    )
  })
}

/** The chains by which the revoker acts today; the empty one for the space key. */
function ownChains({
  tokens,
  revoker,
  nowMs,
}: RevocationRequest): readonly (readonly VerifiedDelegation[])[] {
  const purpose = {
    invoker: revoker,
    command: '/cap/revoke',
    path: '',
    timeMs: nowMs,
    bodySize: 0,
    anyCommand: true,
  }
  const direct = tokens.find(purpose)
  if (direct.ok && direct.value.length === 0) return [[]]
  return [...tokens.tries(purpose)].flatMap(({ chain, fault }) => (fault === null ? [chain] : []))
}

/** True when some known chain to the target begins with `chain` and goes on to the target after it, or one has been used that does. */
function goesOnTo(
  chain: readonly VerifiedDelegation[],
  target: VerifiedDelegation,
  { store, tokens }: RevocationRequest,
): boolean {
  const caps = chain.map(({ digest }) => digest)
  const goesOn = (whole: readonly Uint8Array[]) => reaches(caps, target.digest, whole)
  for (const whole of tokens.chainsTo(target)) if (goesOn(whole.map(({ digest }) => digest))) return true
  for (const used of store.using(target.digest)) if (goesOn(used.caps)) return true
  return false
}

/** Operations that the revocation would reach and that are to keep their effect. */
function keptUses(
  store: SpaceStore,
  chain: readonly VerifiedDelegation[],
  target: VerifiedDelegation,
  choice: CutChoice,
  cutOff: ReadonlySet<number>,
): readonly Entry[] {
  if (choice.kind === 'nothing') return []
  const caps = chain.map(({ digest }) => digest)
  const kept: Entry[] = []
  for (const entry of store.using(target.digest)) {
    const isReached = reaches(caps, target.digest, entry.caps)
    // What has no effect now is not to be saved by the cut of another revocation.
    if (isReached && !cutOff.has(entry.ordinal) && store.mask(entry.ordinal) === undefined) kept.push(entry)
  }
  return kept
}

/** Those in nobody else's past. */
function endsOf(store: SpaceStore, entries: readonly Entry[]): readonly Entry[] {
  const parents = entries.flatMap((entry) => entry.parents.map((ordinal) => store.at(ordinal)))
  const past = new PastReader(store, parents)
  return entries.toSorted((a, b) => b.ordinal - a.ordinal).filter((entry) => !past.has(entry))
}
