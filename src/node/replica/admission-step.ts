import type { WaitCode } from '../../core/admission/codes.ts'
import type { Parents } from '../../core/admission/past.ts'
import { jumpOf } from '../../core/ancestry.ts'
import { equalBytes, equalLists } from '../../core/bytes.ts'
import type { Entry, ForkProof } from '../../core/graph.ts'
import type { VerifiedOperation } from '../../core/operation/operation.ts'
import type { Fault } from '../../core/result.ts'
import type { CellKey } from '../../core/types/cell.ts'
import type { SpaceStore } from '../../storage/space-store.ts'
import type { Held } from './hold-lane.ts'
import type { TextChange } from './texts.ts'

/** Who an operation came from: a peer id as text, or this node itself. */
export const LOCAL = 'local'

/** What became of one operation. */
export type Outcome =
  | { readonly kind: 'admitted'; readonly entry: Entry }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'refused'; readonly fault: Fault }
  | { readonly kind: 'waiting'; readonly fault: Fault<WaitCode> }
  /** Not looked at, because too much of the same peer was forged: remembered nowhere, and taken when it comes from others. */
  | { readonly kind: 'unchecked' }

/** Operations that became part of this replica, in the order of admission, with the cells they touched. */
export interface Admission {
  readonly entries: readonly Entry[]
  /** The same, whole, where `source` is {@link LOCAL}: so whoever sends them need not read them from the store. */
  readonly own: readonly VerifiedOperation[]
  readonly touched: readonly CellKey[]
  /** Operations that got or lost their effect by a revocation or an endorsement among `entries`. */
  readonly remasked: readonly Entry[]
  /** True where operations were severed, or are not any more. */
  readonly hasSevered: boolean
  /** Peer id as text, or {@link LOCAL}. */
  readonly source: string
  /** Ordinals admitted only now although they came earlier: nobody forwarded them, so they are offered to sync peers. */
  readonly promoted: readonly number[]
  /** Texts that may show something else, and how. */
  readonly texts: readonly TextChange[]
}

/** What one transaction has done so far; told to the outside once it is durable. */
export class AdmissionStep {
  readonly entries: Entry[] = []
  readonly operations: VerifiedOperation[] = []
  readonly touched: CellKey[] = []
  readonly remasked: Entry[] = []
  /** Authors whose place in the clock may have changed. */
  readonly authors: Uint8Array[] = []
  readonly promoted: number[] = []
  hasSevered = false
  readonly texts: TextChange[] = []
  readonly held: Held[] = []
  readonly forks: ForkProof[] = []
  readonly refused: { readonly id: Uint8Array; readonly fault: Fault; readonly peer: string }[] = []
  /** Ids admitted or refused for ever, whose waiting children are still to be looked at. */
  readonly settled: Uint8Array[] = []

  // Lists of strangers' making may be longer than a call has room for arguments, so none is passed as such here or by whoever adds to these.

  /** Takes the authors of whom operations were severed, or are not any more. */
  noteSevered(authors: readonly Uint8Array[]): void {
    for (const author of authors) this.authors.push(author)
    this.hasSevered ||= authors.length > 0
  }

  /** What is told of it. */
  toAdmission(source: string): Admission {
    const { entries, touched, remasked, hasSevered, promoted, texts } = this
    const own = source === LOCAL ? this.operations : []
    return { entries, own, touched, remasked, hasSevered, source, promoted, texts }
  }

  /** The outcome of an operation at the end of the transaction, if it only waited when it was decided on. */
  outcomeAfterWaiting(id: Uint8Array, outcome: Outcome): Outcome {
    if (outcome.kind !== 'waiting') return outcome
    const entry = this.entries.find((admitted) => equalBytes(admitted.id, id))
    if (entry !== undefined) return { kind: 'admitted', entry }
    const refusal = this.refused.find((refused) => equalBytes(refused.id, id))
    return refusal === undefined ? outcome : { kind: 'refused', fault: refusal.fault }
  }
}

/**
 * The place of an operation in the graph of a store that is about to admit it. Where the operation is the author's next under the same chain, as
 * most are, it names author and chain by the same arrays as the one before.
 */
export function toEntry(operation: VerifiedOperation, parents: Parents, store: SpaceStore): Entry {
  const { header, id } = operation
  const { seq, lamport, time, epoch, command, path } = header
  const ordinal = store.count()
  const { prev } = parents
  return {
    ordinal,
    id,
    author: prev?.author ?? header.author,
    seq,
    prev: prev === null ? null : prev.ordinal,
    jump: prev === null ? ordinal : jumpOf(store, prev),
    parents: parents.all.map((parent) => parent.ordinal),
    lamport,
    time,
    epoch,
    caps: prev !== null && equalLists(prev.caps, header.caps) ? prev.caps : header.caps,
    command,
    path,
  }
}
