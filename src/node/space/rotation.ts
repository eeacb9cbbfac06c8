import { equalBytes, toHex } from '../../core/bytes.ts'
import { decodeChange } from '../../core/changes/change.ts'
import { CAP_ROTATE, readRotation } from '../../core/changes/rotate.ts'
import type { Entry } from '../../core/graph.ts'
import { CAPS_MAX, ROTATED_CHAINS_MAX } from '../../core/limits.ts'
import { fail, ok, type Fault, type Result } from '../../core/result.ts'
import type { Signer } from '../../core/signature.ts'
import { alignChain } from '../../core/ucan/chain.ts'
import type { VerifiedDelegation } from '../../core/ucan/delegation.ts'
import type { HostedSpace } from './hosted-space.ts'

/** How a space follows its node to the next key. */
export type RotationStep =
  /** The former key published what it gives, and which key is next. */
  | 'announced'
  /** The former key's log must not go on: the next key published what it was given, as its first operation. */
  | 'delegated'
  /** Nothing of the space has arrived yet: the next key publishes it once it has. */
  | 'pending'
  /** Done before. */
  | 'done'
  /** The former key held nothing here. */
  | 'nothing'

/** What came of one space: the step, and how many chains of the former key could not be passed on. */
export interface RotationOutcome {
  readonly step: RotationStep
  readonly lostChains: number
}

type Chain = readonly VerifiedDelegation[]

/**
 * Gives all that `former` holds in a space to `next`, by one delegation that goes on from each of its chains. Where the log of `former` is
 * whole here, it says so itself, and announces the rotation. Where it may not be (restored, behind, forked), an operation of its
 * could fork it, and a delegation cannot: then `next` publishes the delegation, with the chain above it, as a guest does. Nothing is done
 * twice. Faults: `CAP_CHAIN` where no chain can be passed on.
 */
export function rotateIn(
  space: HostedSpace,
  former: Signer,
  next: Signer,
  timeMs: number,
): Result<RotationOutcome, Fault<'CAP_CHAIN'>> {
  const chains = openChains(space, former.publicKey, timeMs)
  const isGiven = (token: VerifiedDelegation) =>
    equalBytes(token.issuer, former.publicKey) && equalBytes(token.audience, next.publicKey)
  const pending = space.pendingTokens()
  if (pending.some(isGiven) || [...space.store.tokens()].some(({ delegation }) => isGiven(delegation)))
    return ok({ step: 'done', lostChains: 0 })
  if (chains.length === 0) return ok({ step: 'nothing', lostChains: 0 })
  const token = issue(space, chains, former, next)
  const longer = chains.map((chain) => [...chain, token])
  const going = longer.filter((tokens) => isChain(space, tokens, next))
  const [shortest] = going
  if (shortest === undefined) return tooLong(chains)
  const lostChains = longer.length - going.length
  if (space.store.find(space.id) === undefined) {
    space.keepPendingTokens(shortest.map(({ bytes }) => bytes))
    return ok({ step: 'pending', lostChains })
  }
  const isPublished = shortest.slice(0, -1).every(({ digest }) => space.store.token(digest) !== undefined)
  if (isPublished && space.refusal(former.publicKey) === null) {
    space.publish([token], { author: former, timeMs }, shortest.slice(0, -1), next.publicKey)
    return ok({ step: 'announced', lostChains })
  }
  // With every token above: what published them may not be in the past of an operation that leaves out forked authors.
  const carried = new Map(
    going.slice(0, ROTATED_CHAINS_MAX).flatMap((tokens) => tokens.map((one) => [toHex(one.digest), one])),
  )
  space.publish([...carried.values()], { author: next, timeMs }, shortest)
  return ok({ step: 'delegated', lostChains })
}

/** The next keys that an admitted operation announces for its author: one, as a rule, or none. */
export function announcedBy(space: HostedSpace, entry: Entry): readonly Uint8Array[] {
  if (entry.command !== '/cap/grant') return []
  return (space.store.operation(entry.ordinal).body ?? []).flatMap((bytes) => {
    const change = decodeChange(bytes)
    if (!change.ok || change.value.type !== CAP_ROTATE || change.value.version !== 1) return []
    const next = readRotation(change.value, entry.author)
    return next.ok ? [next.value] : []
  })
}

/** The keys to which an author has announced to go on, in operations that have their effect and give those keys something. */
export function nextKeysOf(space: HostedSpace, author: Uint8Array): readonly Uint8Array[] {
  const { store } = space
  const found = new Map<string, Uint8Array>()
  for (const { delegation, publishers } of store.tokens()) {
    if (!equalBytes(delegation.issuer, author)) continue
    for (const publisher of publishers.map((ordinal) => store.at(ordinal))) {
      if (!equalBytes(publisher.author, author) || store.mask(publisher.ordinal) !== undefined) continue
      for (const next of announcedBy(space, publisher)) found.set(toHex(next), next)
    }
  }
  return [...found.values()]
}

/** One delegation joins every chain, each of which goes on limiting it; so it need not repeat their terms. */
function issue(
  space: HostedSpace,
  chains: readonly Chain[],
  former: Signer,
  next: Signer,
): VerifiedDelegation {
  const commands = new Set(chains.map((chain) => (chain.at(-1) as VerifiedDelegation).command))
  const [command = '/', other] = commands
  const terms = { command: other === undefined ? command : '/', policy: [] }
  return space.issue(former, next.publicKey, terms, null)
}

/** The chains of a key that are in force and that no revocation closes, shortest first. */
function openChains(space: HostedSpace, key: Uint8Array, nowMs: number): readonly Chain[] {
  return [...space.tokens.chains(key)].filter((chain) => {
    const isOver = chain.some(
      ({ expiresSeconds }) => expiresSeconds !== null && expiresSeconds * 1000 < nowMs,
    )
    return !isOver && space.replica.closedBy(chain.map(({ digest }) => digest)) === null
  })
}

function isChain(space: HostedSpace, tokens: Chain, next: Signer): boolean {
  return alignChain({ tokens, subject: space.spaceKey, invoker: next.publicKey }).ok
}

function tooLong(chains: readonly Chain[]): Result<never, Fault<'CAP_CHAIN'>> {
  const isFull = chains.every((chain) => chain.length >= CAPS_MAX)
  return fail(
    'CAP_CHAIN',
    isFull
      ? `the chain of delegations has ${CAPS_MAX} links already, and cannot be made longer`
      : 'the delegations say that they must not be passed on',
  )
}
