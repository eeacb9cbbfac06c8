import { toHex } from '../../core/bytes.ts'
import { DASHBOARD_BRANCH_MAX } from '../../core/limits.ts'
import { formatDid } from '../../core/principal.ts'
import type { SpaceStore } from '../../storage/space-store.ts'
import { describeForks, type ForkStatus } from '../../node/space/fork-status.ts'
import { describeOperation, type LogEntry } from '../../node/space/log.ts'
import type { HostedSpace } from '../../node/space/hosted-space.ts'

/** One side of a fork: what the author wrote from there on. */
export interface Branch {
  /** The first first, at most DASHBOARD_BRANCH_MAX; where the branch forks again, along its first head. */
  readonly operations: readonly LogEntry[]
  /** How many more follow. */
  readonly more: number
}

/** A fork with both branches. */
export interface ForkWithBranches extends ForkStatus {
  readonly branches: readonly [Branch, Branch]
}

/** Forks described in one answer. */
const FORKS_MAX = 100

/** The forks of a space, at most FORKS_MAX of them. */
export function forksWithBranches({ replica, store }: HostedSpace): readonly ForkWithBranches[] {
  const authors = new Map(store.forks().map((proof) => [formatDid(proof.author), proof]))
  return describeForks(replica, false)
    .take(FORKS_MAX)
    .map((fork) => {
      const proof = authors.get(fork.author)
      if (proof === undefined) throw new Error('bug: a fork without its proof')
      const [one, other] = proof.ids.map((id) => branchFrom(store, proof.author, id)) as [Branch, Branch]
      return { ...fork, branches: [one, other] as const }
    })
    .toArray()
}

/** Follows the author's log from its heads back to where the branch begins. */
function branchFrom(store: SpaceStore, author: Uint8Array, id: Uint8Array): Branch {
  const start = store.find(id)
  if (start === undefined) throw new Error('bug: a fork proof names an operation that is not admitted')
  for (const head of store.heads(author)) {
    const ordinals: number[] = []
    let at: number | null = head.ordinal
    // Ordinals fall towards the beginning of a log.
    while (at !== null && at > start.ordinal) {
      ordinals.push(at)
      at = store.prevOf(at)
    }
    if (at !== start.ordinal) continue
    const whole = [start.ordinal, ...ordinals.toReversed()]
    const shown = whole.slice(0, DASHBOARD_BRANCH_MAX)
    return {
      operations: shown.map((ordinal) => describeOperation(store.at(ordinal), store)),
      more: whole.length - shown.length,
    }
  }
  throw new Error(`bug: no head of the author follows ${toHex(id)}`)
}
