import { PastReader } from '../ancestry.ts'
import { equalBytes, toHex } from '../bytes.ts'
import { decodeChange } from '../changes/change.ts'
import { CAP_PUT } from '../changes/control.ts'
import { CAP_ROTATE } from '../changes/rotate.ts'
import { CAP_ENDORSE, CAP_REVOKE } from '../changes/verdict.ts'
import { isControl, type Evaluation } from '../changes/evaluate.ts'
import type { Entry, Graph } from '../graph.ts'
import type { Operation } from '../operation/operation.ts'
import { fail, type Fault } from '../result.ts'
import { verifyChain } from '../ucan/chain.ts'
import type { VerifiedDelegation } from '../ucan/delegation.ts'
import type { Descendants } from './descendants.ts'
import type { Parents } from './past.ts'

/** A fault of check 10. */
export type AuthorityFault = Fault<
  | 'CAP_MISSING'
  | 'CAP_FORM'
  | 'CAP_SIGNATURE'
  | 'CAP_CHAIN'
  | 'CAP_SUBJECT'
  | 'CAP_COMMAND'
  | 'CAP_POLICY'
  | 'CAP_TIME'
>

/**
 * Check 10 of the pipeline: whether the author may do this, judged by header and past alone. In this order:
 * 1. empty `caps`: the author is the space key itself (`CAP_MISSING`);
 * 2. every delegation of `caps` was published by an operation of the past, or is carried by this very operation if it
 *    publishes delegations (`CAP_MISSING`);
 * 3. the chain holds as verifyChain has it: alignment, subject, command, policy, times against the operation's `time`
 *    (`CAP_CHAIN`, `CAP_SUBJECT`, `CAP_COMMAND`, `CAP_POLICY`, `CAP_TIME`). An operation that only publishes delegations or
 *    names its author's next key, only revokes or only endorses needs no command and no policy; where it publishes, its chain may also end at the audience of a
 *    token it carries: that is how a guest's first operation gets in.
 * Form and signature of each delegation (`CAP_FORM`, `CAP_SIGNATURE`) were checked when it was published; a delegation that
 * fails them was never published, and so is missing here. Null when all hold.
 */
export function checkAuthority(
  operation: Operation,
  parents: Parents,
  evaluation: Evaluation,
  graph: Graph,
  descendants: Descendants,
): AuthorityFault | null {
  const { header } = operation
  const isSpaceKey = equalBytes(header.author, graph.spaceKey)
  if (header.caps.length === 0) {
    return isSpaceKey ? null : missing('no delegation is named, and the author is not the space key')
  }
  const carried = isControl(header.command) ? carriedDelegations(evaluation) : NONE
  const chain: VerifiedDelegation[] = []
  let isInPast: ((publisher: Entry) => boolean) | null = null
  const isInherited = inheritsChain(header.caps, parents.prev)
  for (const digest of header.caps) {
    let delegation = isInherited ? (graph.token(digest)?.delegation ?? null) : null
    if (delegation === null) {
      isInPast ??= inPastOf(parents, graph, descendants)
      delegation = findDelegation(digest, parents, carried, isInPast, graph)
    }
    if (delegation === null) return missing(`delegation ${toHex(digest)} is not in the operation's past`)
    chain.push(delegation)
  }
  const needsChainOnly = hasOnlyChangesOf(operation, CHAIN_ONLY.get(header.command))
  const last = chain.at(-1)
  const endsAtCarried =
    needsChainOnly && last !== undefined && carried.some((token) => equalBytes(token.audience, last.audience))
  const checked = verifyChain({
    tokens: chain,
    subject: graph.spaceKey,
    invoker: endsAtCarried && last !== undefined ? last.audience : header.author,
    command: header.command,
    path: header.path,
    timeMs: header.time,
    bodySize: header.bodySize,
    checkCommandAndPolicy: !needsChainOnly,
    isAligned: isInherited,
  })
  return checked.ok ? null : checked.fault
}

/**
 * True where the author's previous operation used the same chain, and so was admitted because the author holds it: then that need not be
 * checked again. Not after an operation that may have used the chain of a token it carried.
 */
function inheritsChain(caps: readonly Uint8Array[], prev: Entry | null): boolean {
  if (prev === null || CHAIN_ONLY.has(prev.command) || prev.caps.length !== caps.length) return false
  return caps.every((digest, i) => equalBytes(digest, prev.caps[i] as Uint8Array))
}

/** Whether publishers are in the past of an operation with these parents: one search for all that are asked about. */
function inPastOf(parents: Parents, graph: Graph, descendants: Descendants): (publisher: Entry) => boolean {
  const past = new PastReader(graph, parents.all)
  return (publisher) => descendants.has(publisher, parents.all, past)
}

function findDelegation(
  digest: Uint8Array,
  parents: Parents,
  carried: readonly VerifiedDelegation[],
  isInPast: (publisher: Entry) => boolean,
  graph: Graph,
): VerifiedDelegation | null {
  const own = carried.find((token) => equalBytes(token.digest, digest))
  if (own !== undefined) return own
  const published = graph.token(digest)
  if (published === undefined) return null
  // What the author's previous operation used is in its past, and so in this one's.
  const inherited = parents.prev?.caps.some((used) => equalBytes(used, digest)) ?? false
  return inherited || published.publishers.some((ordinal) => isInPast(graph.at(ordinal)))
    ? published.delegation
    : null
}

const NONE: readonly VerifiedDelegation[] = []

function carriedDelegations(evaluation: Evaluation): readonly VerifiedDelegation[] {
  return evaluation.flatMap((change) =>
    change.ok && change.value.kind === 'delegations' ? change.value.delegations : [],
  )
}

/** By command: the changes whose reach their own chain bounds, so that an operation with nothing else needs no more than a chain. */
const CHAIN_ONLY: ReadonlyMap<string, readonly string[]> = new Map([
  ['/cap/grant', [CAP_PUT, CAP_ROTATE]],
  ['/cap/revoke', [CAP_REVOKE]],
  ['/cap/endorse', [CAP_ENDORSE]],
])

/**
 * True when every change of the body is, by its frame, of one of those types, void or not. Frames alone decide, so that a node
 * which knows more types than we do reaches the same verdict.
 */
function hasOnlyChangesOf(operation: Operation, types: readonly string[] = []): boolean {
  if (types.length === 0) return false
  return (operation.body ?? []).every((bytes) => {
    const change = decodeChange(bytes)
    return change.ok && types.includes(change.value.type) && change.value.version === 1
  })
}

const missing = (detail: string): AuthorityFault => fail('CAP_MISSING', detail).fault
