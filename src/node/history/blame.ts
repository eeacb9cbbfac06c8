import { toHex } from '../../core/bytes.ts'
import { PastReader } from '../../core/ancestry.ts'
import { formatDid } from '../../core/principal.ts'
import type { CellKey, CellType } from '../../core/types/cell.ts'
import type { SpaceStore } from '../../storage/space-store.ts'
import type { HostedSpace } from '../space/hosted-space.ts'
import { valueOf } from './describe-edit.ts'
import { type Writer, writerOf } from './diff-rows.ts'
import type { CellChoice, ItemRecords } from './item-records.ts'

/** Who wrote one thing that shows. */
export interface Blame extends Writer {
  readonly type: CellType
  /** A map's field, a set's member, `label/to` of an edge, the place of a log's entry; else empty. */
  readonly field: string
  readonly value: unknown
  /** Digests, hexadecimal, of the delegations under which it was written, root first. */
  readonly chain: readonly string[]
  /** Of a counter: who added how much, the latest to add first. Its writer is who added last. */
  readonly parts?: readonly Contribution[]
  /** Of a text: who wrote which stretch, in order. Its writer is who edited last. */
  readonly ranges?: readonly TextRange[]
}

/** A stretch of a text with one writer. */
export interface TextRange extends Omit<Writer, 'index'> {
  /** Positions are code points of what shows; `to` is one past the last. */
  readonly from: number
  readonly to: number
  readonly text: string
}

/** What one author added to a counter. */
export interface Contribution {
  /** `did:key`. */
  readonly author: string
  /** The sum; decimal text beyond 2^53 - 1. */
  readonly by: number | string
  readonly operations: number
}

/** Who wrote what shows at a path, by type and field in the order of bytes. */
export function blameOf(
  path: string,
  choice: CellChoice,
  records: ItemRecords,
  space: HostedSpace,
): readonly Blame[] {
  const { store } = space
  return records.keysAt(path, choice).flatMap((key): Blame[] => {
    const cell = store.cell(key)
    if (cell === undefined || cell.removed) return []
    const chain = store.find(cell.id)?.caps.map(toHex) ?? []
    const { type, field } = key
    const parts = type === 'counter' ? { parts: contributionsTo(key, records, store) } : {}
    const ranges = type === 'text' ? { ranges: rangesOf(path, space) } : {}
    return [
      {
        type,
        field,
        value: valueOf(cell.value),
        ...writerOf({ key, cell }, store),
        chain,
        ...parts,
        ...ranges,
      },
    ]
  })
}

function rangesOf(path: string, { store, replica }: HostedSpace): readonly TextRange[] {
  const { document } = replica.texts.open(path)
  let from = 0
  return document.blame().map(({ node, length }): TextRange => {
    const to = from + length
    const { id, author, time } = store.at(document.operation(node))
    const text = document.slice(from, to)
    const range = { from, to, text, operation: toHex(id), author: formatDid(author), time }
    from = to
    return range
  })
}

function contributionsTo(key: CellKey, records: ItemRecords, store: SpaceStore): readonly Contribution[] {
  const effective = records.of(key, ({ ordinal }) => store.mask(ordinal) === undefined)
  const clearing = effective.flatMap(({ entry, edit }) => (edit.kind === 'clear' ? entry.parents : []))
  const cleared = new PastReader(
    store,
    clearing.map((ordinal) => ({ ordinal })),
  )
  const sums = new Map<string, { by: bigint; readonly operations: Set<number> }>()
  for (const { entry, edit } of effective.toReversed()) {
    if (edit.kind !== 'add' || cleared.has(entry)) continue
    const author = formatDid(entry.author)
    const sum = sums.get(author) ?? { by: 0n, operations: new Set() }
    sums.set(author, sum)
    sum.by += BigInt(edit.by)
    sum.operations.add(entry.ordinal)
  }
  return [...sums].map(([author, { by, operations }]) => ({
    author,
    by: Number.isSafeInteger(Number(by)) ? Number(by) : String(by),
    operations: operations.size,
  }))
}
