import { PastReader } from '../../core/ancestry.ts'
import { toHex } from '../../core/bytes.ts'
import type { Entry } from '../../core/graph.ts'
import { HISTORY_COMPARED_MAX, HISTORY_PAGE_MAX } from '../../core/limits.ts'
import { formatDid } from '../../core/principal.ts'
import type { CellKey } from '../../core/types/cell.ts'
import { isSameElement } from '../../core/types/fold.ts'
import type { HistoryEntry } from '../../storage/space-store.ts'
import { FaultError } from '../fault-error.ts'
import type { HostedSpace } from '../space/hosted-space.ts'
import { parseOperationId } from '../space/operation-id.ts'
import { describeEdit, type EditDescription } from './describe-edit.ts'
import { type CellChoice, ItemRecords } from './item-records.ts'
import { cellLabel } from './item-state.ts'
import { entryOf } from './point.ts'

/** One operation that did something to an item. */
export interface Version {
  /** Id, hexadecimal. */
  readonly operation: string
  /** `did:key` of who signed it. */
  readonly author: string
  /** Milliseconds since 1970, as the author's clock said. */
  readonly time: number
  readonly lamport: number
  readonly seq: number
  /** What it did to this item, change by change. */
  readonly edits: readonly EditDescription[]
  /** False where a revocation took its effect. */
  readonly effective: boolean
  /** The revocations that did; empty where it has its effect. */
  readonly maskedBy: readonly MaskingVerdict[]
  /** True where something of it is what shows now. */
  readonly shows: boolean
  /** Digests, hexadecimal, of the delegations under which it was made, root first; none where the space key made it. */
  readonly chain: readonly string[]
  /** The operations it was built on: its author had seen them and all of their past. */
  readonly parents: readonly string[]
  /** Of the versions that touch the same cells, those it was made on top of: the last its author had seen. */
  readonly saw: readonly string[]
  /**
   * Of those versions, the ones that neither this one's author had seen nor whose authors had seen this one. `saw` and `concurrent` look at
   * the HISTORY_COMPARED_MAX nearest before and after it in the order of arrival.
   */
  readonly concurrent: readonly string[]
}

/** A revocation that takes the effect of an operation. */
export interface MaskingVerdict {
  /** Id of the revoking operation, hexadecimal. */
  readonly operation: string
  /** `did:key`. */
  readonly author: string
  /** Digest of the delegation that it ended, hexadecimal. */
  readonly target: string
}

/** Which versions of an item. */
export interface HistoryOptions extends CellChoice {
  /** As they arrived here, which puts causes before effects: the latest first (the default), or the oldest. */
  readonly order?: 'latest' | 'oldest' | undefined
  /** At most so many, up to HISTORY_PAGE_MAX. */
  readonly limit?: number | undefined
  /** Only what comes after this operation (hexadecimal) in that order: `next` of the page before. */
  readonly after?: string | undefined
}

/** A page of the history of an item. */
export interface HistoryPage {
  readonly versions: readonly Version[]
  /** Give it as `after` for the next page; null where there is no more. */
  readonly next: string | null
}

const PAGE_PRESET = 100

/** A line of the history of a cell, and which cell that is. */
interface Line extends HistoryEntry {
  readonly key: CellKey
}

/** The versions of an item, a page at a time. Only the page's operations are read, and the lines of the item's history. */
export function readVersions(space: HostedSpace, path: string, options: HistoryOptions): HistoryPage {
  const { order = 'latest', limit = PAGE_PRESET, after, ...choice } = options
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > HISTORY_PAGE_MAX)
    throw new FaultError({
      code: 'LIMIT',
      detail: `a page of history has 1 to ${HISTORY_PAGE_MAX} versions, not ${limit}`,
    })
  const { store } = space
  const reader = new VersionReader(space, path, choice)
  const ascending = reader.ordinals()
  const ordinals = order === 'oldest' ? ascending : ascending.toReversed()
  const from = after === undefined ? null : entryOf(parseOperationId(after), store).ordinal
  const rest =
    from === null
      ? ordinals
      : ordinals.filter((ordinal) => (order === 'oldest' ? ordinal > from : ordinal < from))
  const page = rest.slice(0, limit)
  const versions = page.map((ordinal) => reader.version(store.at(ordinal)))
  return { versions, next: rest.length > limit ? (versions.at(-1)?.operation ?? null) : null }
}

/** The item's history, line by line, and what is asked of its versions. */
class VersionReader {
  readonly #space: HostedSpace
  readonly #records: ItemRecords
  readonly #lines = new Map<number, Line[]>()
  /** Ordinals of the versions of each cell, ascending. */
  readonly #ofCell = new Map<string, readonly number[]>()
  readonly #pasts = new Map<number, PastReader>()

  constructor(space: HostedSpace, path: string, choice: CellChoice) {
    this.#space = space
    this.#records = new ItemRecords(space.store)
    for (const key of this.#records.keysAt(path, choice)) {
      const history = space.store.history(key)
      this.#ofCell.set(cellLabel(key), [...new Set(history.map(({ ordinal }) => ordinal))])
      for (const line of history) {
        const lines = this.#lines.get(line.ordinal)
        if (lines === undefined) this.#lines.set(line.ordinal, [{ ...line, key }])
        else lines.push({ ...line, key })
      }
    }
  }

  ordinals(): readonly number[] {
    return [...this.#lines.keys()].sort((a, b) => a - b)
  }

  version(entry: Entry): Version {
    const { store, replica } = this.#space
    const lines = (this.#lines.get(entry.ordinal) ?? []).toSorted((a, b) => a.index - b.index)
    const effective = store.mask(entry.ordinal) === undefined
    const maskedBy = effective
      ? []
      : replica.verdicts.masking(entry).map((revocation) => ({
          operation: toHex(revocation.entry.id),
          author: formatDid(revocation.entry.author),
          target: toHex(revocation.target),
        }))
    return {
      operation: toHex(entry.id),
      author: formatDid(entry.author),
      time: entry.time,
      lamport: entry.lamport,
      seq: entry.seq,
      edits: lines.map((line) => describeEdit(this.#records.editOf(line.key, entry, line.index))),
      effective,
      maskedBy,
      shows: effective && lines.some((line) => this.#shows(line, entry)),
      chain: entry.caps.map(toHex),
      parents: entry.parents.map((ordinal) => toHex(store.at(ordinal).id)),
      ...this.#relatives(entry, lines),
    }
  }

  /** An increment counts towards its tally and an edit towards its text; of a write, its cell tells. */
  #shows({ key, index, kind }: Line, entry: Entry): boolean {
    const cell = this.#space.store.cell(key)
    if (cell === undefined || cell.removed) return false
    if (kind === 'add' || kind === 'edit') return true
    return kind === 'set' && isSameElement(cell, { id: entry.id, index })
  }

  #relatives(entry: Entry, lines: readonly Line[]): Pick<Version, 'saw' | 'concurrent'> {
    const neighbours = this.#neighbours(entry.ordinal, lines).map((ordinal) => this.#space.store.at(ordinal))
    const concurrent: Entry[] = []
    const saw: Entry[] = []
    for (const one of neighbours.toReversed()) {
      if (one.ordinal > entry.ordinal) {
        if (!this.#past(one).has(entry)) concurrent.push(one)
      } else if (!this.#past(entry).has(one)) concurrent.push(one)
      else if (!saw.some((later) => this.#past(later).has(one))) saw.push(one)
    }
    const idsOf = (entries: readonly Entry[]) => entries.map(({ id }) => toHex(id))
    return { saw: idsOf(saw.toReversed()), concurrent: idsOf(concurrent.toReversed()) }
  }

  /** The nearest versions of the same cells, ascending. */
  #neighbours(ordinal: number, lines: readonly Line[]): readonly number[] {
    const near = new Set<number>()
    for (const label of new Set(lines.map(({ key }) => cellLabel(key)))) {
      const ordinals = this.#ofCell.get(label) ?? []
      const at = lowerBound(ordinals, ordinal)
      for (const one of ordinals.slice(Math.max(0, at - HISTORY_COMPARED_MAX), at)) near.add(one)
      for (const one of ordinals.slice(at + 1, at + 1 + HISTORY_COMPARED_MAX)) near.add(one)
    }
    const ascending = [...near].sort((a, b) => a - b)
    const at = lowerBound(ascending, ordinal)
    return ascending.slice(Math.max(0, at - HISTORY_COMPARED_MAX), at + HISTORY_COMPARED_MAX)
  }

  #past(entry: Entry): PastReader {
    const known = this.#pasts.get(entry.ordinal)
    if (known !== undefined) return known
    const past = new PastReader(
      this.#space.store,
      entry.parents.map((ordinal) => ({ ordinal })),
    )
    this.#pasts.set(entry.ordinal, past)
    return past
  }
}

/** Where in ascending numbers the first one lies that is not below `value`. */
function lowerBound(ascending: readonly number[], value: number): number {
  let low = 0
  let high = ascending.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ascending[middle] as number) < value) low = middle + 1
    else high = middle
  }
  return low
}
