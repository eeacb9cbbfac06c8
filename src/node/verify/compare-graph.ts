import { equalBytes, toHex } from '../../core/bytes.ts'
import type { Entry, ForkProof, PublishedDelegation } from '../../core/graph.ts'
import type { SpaceStore } from '../../storage/space-store.ts'
import { aboutAll, aboutOperation, type Finding, messageOf, problem } from './finding.ts'

/**
 * One comparison of what a store keeps (`found`) with what was rebuilt (`expected`). Asked again where the store may have moved on
 * meanwhile, so it reads both whenever it is called.
 */
export type Comparison = () => readonly Finding[]

/** Everything that follows from the headers alone: heads, frontier, index of ids, fork proofs. */
export function* compareGraph(expected: SpaceStore, found: SpaceStore): Generator<Comparison> {
  for (const author of authorsOf(expected, found)) {
    yield () => {
      const [ours, theirs] = [expected.heads(author), found.heads(author)]
      return compareText(`heads of ${toHex(author)}`, idsOf(ours, expected), idsOf(theirs, expected))
    }
    yield () => {
      const [ours, theirs] = [expected.fork(author), found.fork(author)]
      return compareText(`fork proof of ${toHex(author)}`, describeFork(ours), describeFork(theirs))
    }
  }
  yield () => {
    const known = new Set(authorsOf(expected, found).map(toHex))
    const foreign = found.forks().filter(({ author }) => !known.has(toHex(author)))
    return foreign.map((fork) =>
      aboutAll(`fork proof of ${toHex(fork.author)}`, describeFork(undefined), describeFork(fork)),
    )
  }
  yield () => compareText('frontier', idsOf(expected.frontier(), expected), idsOf(found.frontier(), expected))
}

/** Which operations have an effect, and which delegations are published. */
export function* compareEffects(expected: SpaceStore, found: SpaceStore): Generator<Comparison> {
  for (const ordinal of new Set([...expected.masked(), ...found.masked()])) {
    yield () => {
      const [ours, theirs] = [describeMask(expected, ordinal), describeMask(found, ordinal)]
      if (ours === theirs) return []
      const id = ordinal < expected.count() ? expected.at(ordinal).id : null
      return [aboutOperation(ordinal, id, problem('mask', ours, theirs))]
    }
  }
  const digests = Array.from(expected.tokens(), ({ delegation }) => delegation.digest)
  for (const digest of digests) {
    yield () =>
      compareText(
        `delegation ${toHex(digest)}`,
        describeToken(expected.token(digest)),
        readToken(found, digest),
      )
  }
  yield () => unknownTokens(expected, found)
}

/** The delegations that no operation has published. One that cannot be read ends the listing. */
function unknownTokens(expected: SpaceStore, found: SpaceStore): readonly Finding[] {
  const findings: Finding[] = []
  try {
    for (const published of found.tokens()) {
      const { digest } = published.delegation
      if (expected.token(digest) !== undefined) continue
      findings.push(
        aboutAll(`delegation ${toHex(digest)}`, describeToken(undefined), describeToken(published)),
      )
    }
  } catch (error) {
    findings.push(aboutAll('list of delegations', 'every row can be read', messageOf(error)))
  }
  return findings
}

function authorsOf(expected: SpaceStore, found: SpaceStore): readonly Uint8Array[] {
  const authors = new Map<string, Uint8Array>()
  for (const store of [expected, found])
    for (const { author } of store.authors()) authors.set(toHex(author), author)
  return [...authors.values()]
}

function compareText(what: string, expected: string, found: string): readonly Finding[] {
  return expected === found ? [] : [aboutAll(what, expected, found)]
}

/** What an unreadable row says is that it cannot be read. */
function readToken(store: SpaceStore, digest: Uint8Array): string {
  try {
    return describeToken(store.token(digest))
  } catch (error) {
    return messageOf(error)
  }
}

function describeToken(published: PublishedDelegation | undefined): string {
  if (published === undefined) return 'not published'
  const { delegation, publishers } = published
  return `published by operations ${publishers.join(', ')}: ${toHex(delegation.bytes)}`
}

function describeFork(fork: ForkProof | undefined): string {
  if (fork === undefined) return 'none'
  const after = fork.prev === null ? 'at the beginning' : `after ${toHex(fork.prev)}`
  return `${fork.ids.map(toHex).join(' and ')}, seq ${fork.seq}, ${after}`
}

function describeMask(store: SpaceStore, ordinal: number): string {
  const mask = store.mask(ordinal)
  return mask === undefined ? 'not masked' : mask.isSevered ? 'masked and severed' : 'masked, not severed'
}

/** Operations by their order of admission, shown by their ids: a wrong id is a finding of its own. */
function idsOf(entries: readonly Entry[], expected: SpaceStore): string {
  const ordinals = entries.map(({ ordinal }) => ordinal).sort((a, b) => a - b)
  const ids = ordinals.map((at) => (at < expected.count() ? toHex(expected.at(at).id) : `operation ${at}`))
  return ids.length === 0 ? 'none' : ids.join(' ')
}

/** True when an operation is found by its id. */
export function isFoundById(store: SpaceStore, id: Uint8Array, ordinal: number): boolean {
  const entry = store.find(id)
  return entry?.ordinal === ordinal && equalBytes(entry.id, id)
}
