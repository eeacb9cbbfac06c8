import type { Entry } from '../../core/graph.ts'
import { formatDid } from '../../core/principal.ts'

/** Operations of one author at one path that are affected alike. */
export interface Impact {
  /** `did:key`. */
  readonly author: string
  readonly path: string
  readonly operations: number
}

/** What a revocation does, or would do. */
export interface RevocationReport {
  /** Digests of the delegations that end. */
  readonly tokens: readonly string[]
  /** Digests of those that this node is not above, and that go on. */
  readonly outOfReach: readonly string[]
  /** Delegations that were given on from those, and are good for nothing any more: their holders need a new grant. */
  readonly endedBelow: readonly { readonly token: string; readonly audience: string }[]
  /** Ids of the operations that revoke; none in a dry run. */
  readonly revocations: readonly string[]
  /**
   * Digests of open delegations to keys above those revoked that have never written: invites, by which whoever has the link can come
   * again. Revoking one ends it for everybody who came by it.
   */
  readonly openInvites: readonly string[]
  /** What loses its effect, by author and path. */
  readonly masked: readonly Impact[]
  /** What gets its effect back, because what masked it is masked itself now. */
  readonly revived: readonly Impact[]
}

/** One operation by somebody else that was made after having seen what is contained. */
export interface Tainted {
  readonly id: string
  readonly author: string
  readonly path: string
  /** Milliseconds since 1970, as its author's clock said. */
  readonly time: number
}

export interface ContainmentReport extends RevocationReport {
  /** For a person to decide about, in order of arrival, at most TAINTED_LISTED_MAX. */
  readonly tainted: readonly Tainted[]
  readonly taintedCount: number
}

/** Counts operations by author and path, in that order. */
export function summarise(entries: readonly Entry[]): readonly Impact[] {
  const impacts = new Map<string, { author: string; path: string; operations: number }>()
  for (const entry of entries) {
    const author = formatDid(entry.author)
    const key = `${author} ${entry.path}`
    const known = impacts.get(key)
    if (known === undefined) impacts.set(key, { author, path: entry.path, operations: 1 })
    else known.operations++
  }
  return [...impacts.values()].sort((a, b) => (a.author + a.path < b.author + b.path ? -1 : 1))
}
