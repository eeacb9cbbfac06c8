import { REMOTE_ITEMS_LISTED_MAX } from '../../core/limits.ts'
import type { Fault } from '../../core/result.ts'
import type { Conflict } from '../history/conflict.ts'
import type { Delta, ItemName } from '../history/delta.ts'
import type { Space } from '../space/space.ts'
import type { RemoteKind, RemoteRecord, RemoteRun } from './remote-record.ts'

export type RunDirection = RemoteRun['direction']

/** What became of one item: here by a pull, there by a push. */
export interface ItemReport extends ItemName {
  readonly side: 'here' | 'there'
  readonly action: 'added' | 'updated' | 'deleted'
}

/** One operation, or line of an answer, that was refused or waits. */
export interface RefusalReport {
  /** Who refused it: this node, or the remote. */
  readonly side: 'here' | 'there'
  readonly outcome: 'refused' | 'waiting'
  /** Of the operation, hexadecimal; null where there was none in the line. */
  readonly id: string | null
  readonly code: string
  readonly detail: string
}

/** Where concurrent writes met: both are kept, and nothing was overwritten unmerged. */
export interface ConflictReport {
  readonly path: string
  readonly type: string
  readonly field: string
  readonly reason: string
  /** What to do. */
  readonly resolution: string
}

/** What a run came to. */
export interface RunReport {
  readonly remote: string
  readonly url: string
  readonly kind: RemoteKind
  readonly direction: RunDirection
  /** Items here that the pull changed. */
  readonly added: number
  readonly updated: number
  readonly deleted: number
  /** Operations new here, and new there. */
  readonly gained: number
  readonly sent: number
  /** Operations that have come without something they build on. */
  readonly waiting: number
  /** By code, on either side. */
  readonly refused: Readonly<Record<string, number>>
  /** Operations that one side has and the other lacks, afterwards; null where that is not known (files). */
  readonly ahead: number | null
  readonly behind: number | null
  readonly conflicts: readonly ConflictReport[]
  /** The first REMOTE_ITEMS_LISTED_MAX of each. */
  readonly items: readonly ItemReport[]
  readonly refusals: readonly RefusalReport[]
  /** What there is to say beside. */
  readonly notes: readonly string[]
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly durationMs: number
  /** What ended it before its end; null where it came to one. What had been done by then stays. */
  readonly error: Fault | null
}

/** Told now and then how far a run is. A total of 0 is not known. */
export type OnRunProgress = (progress: {
  readonly what: 'receiving' | 'sending' | 'checking'
  readonly done: number
  readonly total: number
  readonly isBytes?: boolean
}) => void | Promise<void>

/** Counts while a run goes on. */
export class RunTally {
  readonly #items: ItemReport[] = []
  readonly #refusals: RefusalReport[] = []
  readonly #refused: Record<string, number> = {}
  readonly #conflicts = new Map<string, Conflict>()
  readonly #notes: string[] = []
  readonly #startedMs = performance.now()
  added = 0
  updated = 0
  deleted = 0
  gained = 0
  sent = 0
  waiting = 0
  refusedCount = 0
  bytesSent = 0
  bytesReceived = 0
  ahead: number | null = null
  behind: number | null = null
  kind: RemoteKind = 'node'

  refuse(refusal: RefusalReport): void {
    if (refusal.outcome === 'waiting') this.waiting++
    else {
      this.refusedCount++
      this.#refused[refusal.code] = (this.#refused[refusal.code] ?? 0) + 1
    }
    if (this.#refusals.length < REMOTE_ITEMS_LISTED_MAX) this.#refusals.push(refusal)
  }

  /** Items that a pull changed here, or a push there. */
  items(side: 'here' | 'there', delta: Delta): void {
    if (side === 'here') {
      this.added += delta.added.length
      this.updated += delta.updated.length
      this.deleted += delta.deleted.length
    }
    for (const action of ['added', 'updated', 'deleted'] as const) {
      for (const { path, type } of delta[action])
        if (this.#items.length < REMOTE_ITEMS_LISTED_MAX) this.#items.push({ side, action, path, type })
    }
  }

  conflict(conflict: Conflict): void {
    const { type, path, field } = conflict
    if (this.#conflicts.size < REMOTE_ITEMS_LISTED_MAX)
      this.#conflicts.set(JSON.stringify([type, path, field]), conflict)
  }

  say(note: string): void {
    this.#notes.push(note)
  }

  report({ name, url }: RemoteRecord, direction: RunDirection, error: Fault | null): RunReport {
    const { added, updated, deleted, gained, sent, waiting, ahead, behind, bytesSent, bytesReceived } = this
    return {
      remote: name,
      url,
      kind: this.kind,
      direction,
      added,
      updated,
      deleted,
      gained,
      sent,
      waiting,
      refused: this.#refused,
      ahead,
      behind,
      conflicts: [...this.#conflicts.values()].map(describeConflict),
      items: this.#items,
      refusals: this.#refusals,
      notes: this.#notes,
      bytesSent,
      bytesReceived,
      durationMs: Math.round(performance.now() - this.#startedMs),
      error,
    }
  }
}

/** Watches a space for conflicts while something is done. */
export async function watchingConflicts<T>(
  space: Space,
  tally: RunTally,
  work: () => Promise<T>,
): Promise<T> {
  const onConflict = ({ detail }: CustomEvent<Conflict>) => tally.conflict(detail)
  space.addEventListener('conflict', onConflict)
  try {
    return await work()
  } finally {
    space.removeEventListener('conflict', onConflict)
  }
}

function describeConflict({ path, type, field, kind, winner, losers }: Conflict): ConflictReport {
  const rule = losers[0]?.rule
  return {
    path,
    type,
    field,
    reason: `${kind}, by writers who had not seen each other; ${winner.operation.slice(0, 12)} shows${rule === undefined ? '' : ` (${rule})`}`,
    resolution: `hanse conflicts ${path}, then: hanse conflicts keep ${path}, or hanse conflicts take ${path} OPERATION`,
  }
}
