import { toHex } from '../../core/bytes.ts'
import { encodeForkProof } from '../../core/fork-proof.ts'
import type { ForkProof } from '../../core/graph.ts'
import { formatDid } from '../../core/principal.ts'
import type { SpaceStore } from '../../storage/space-store.ts'
import type { Replica } from '../replica/replica.ts'
import { keptHeads } from '../replica/severance.ts'

/** An author who has forked, as this node knows it. */
export interface ForkStatus {
  /** `did:key`. */
  readonly author: string
  /** Where the two operations of the proof are in the author's log. */
  readonly seq: number
  /** Id, hexadecimal, of the operation that both follow; null at the beginning of the log. */
  readonly prev: string | null
  /** Ids, hexadecimal, of the two operations. */
  readonly operations: readonly [string, string]
  /** Ends of the author's log: all, and those that are not severed. */
  readonly heads: number
  readonly keptHeads: number
  /** True where this node neither gossips nor builds on what the author writes. */
  readonly frozen: boolean
  /** True where a revocation took the effect of some of the author's operations. */
  readonly contained: boolean
  /** The proof by itself (docs/protocol.md §9), base64url; only where it was asked for. */
  readonly proof?: string
}

/** Every author whose fork is proved here, one after the other. */
export function* describeForks(replica: Replica, withProof: boolean): Generator<ForkStatus> {
  const { store } = replica
  const masked = maskedAuthors(store)
  for (const fork of store.forks()) {
    const { author, seq, prev, ids } = fork
    yield {
      author: formatDid(author),
      seq,
      prev: prev === null ? null : toHex(prev),
      operations: [toHex(ids[0]), toHex(ids[1])],
      heads: store.heads(author).length,
      keptHeads: keptHeads(store, author).length,
      frozen: replica.isFrozen(author),
      contained: masked.has(toHex(author)),
      ...(withProof ? { proof: proofOf(fork, store) } : {}),
    }
  }
}

function maskedAuthors(store: SpaceStore): ReadonlySet<string> {
  const authors = new Set<string>()
  for (const ordinal of store.masked()) authors.add(toHex(store.at(ordinal).author))
  return authors
}

function proofOf({ ids }: ForkProof, store: SpaceStore): string {
  const [one, other] = ids.map((id) => {
    const entry = store.find(id)
    if (entry === undefined) throw new Error('bug: a fork proof names an operation that is not admitted')
    return store.operation(entry.ordinal)
  }) as [ReturnType<SpaceStore['operation']>, ReturnType<SpaceStore['operation']>]
  return Buffer.from(encodeForkProof(one, other)).toString('base64url')
}
