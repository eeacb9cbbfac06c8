import { setImmediate as nextTurn } from 'node:timers/promises'
import { toHex } from '../../core/bytes.ts'
import { decodeChange } from '../../core/changes/change.ts'
import { BATCH_OPERATIONS_MAX, SNAPSHOT_CELLS_MAX, SNAPSHOT_RECORD_BYTES_TARGET } from '../../core/limits.ts'
import type { Body } from '../../core/operation/operation.ts'
import { isAtOrBelow, parsePath, ROOT_PATH } from '../../core/path.ts'
import type {
  SnapshotCell,
  SnapshotManifest,
  SnapshotOperation,
  SnapshotRecord,
} from '../../core/snapshot-record.ts'
import { selectionRoot } from '../../core/state/selection-root.ts'
import type { CellKey } from '../../core/types/cell.ts'
import type { FrozenSpace } from '../../storage/space-store.ts'
import { FaultError, orThrow } from '../fault-error.ts'
import type { Replica } from '../replica/replica.ts'
import type { HostedSpace } from '../space/hosted-space.ts'
import { selectOperations, takesBody, type SelectedOperation } from './selection.ts'

export interface ExportSnapshotOptions {
  /** Only the state at and below it, and only the bodies that it follows from; all headers. Default: everything. */
  readonly path?: string
  /**
   * Takes bodies of operations above `path` along where they changed something at or below it: they hold changes elsewhere too. Default
   * false: such a snapshot is refused (`ABOVE_PATH`).
   */
  readonly includeAbove?: boolean
  /** This node's clock, ms since 1970. */
  readonly nowMs: number
  /** Told now and then how many of all operations have been written. */
  readonly onProgress?: (done: number, total: number) => void | Promise<void>
}

/** Cells read at a time: each may be as large as a body. */
const CELLS_PAGE = 128

/** Root over the state at and below a path, as a snapshot names it. */
export function stateRootOf(replica: Replica, path: string): Uint8Array {
  return selectionRoot([path], (prefix) => replica.stateRootAt(prefix))
}

/**
 * A space as the records of a snapshot, as of one moment, while it goes on. In memory are one record and what a moment of the store
 * takes; the state root is asked of the replica, which keeps the state's tree.
 */
export async function* exportSnapshot(
  hosted: HostedSpace,
  options: ExportSnapshotOptions,
): AsyncGenerator<SnapshotRecord> {
  const { path = ROOT_PATH, onProgress } = options
  orThrow(parsePath(path))
  const { store, replica } = hosted
  // Nothing is admitted between these: the roots are those of the moment.
  const manifest: SnapshotManifest = {
    space: hosted.id,
    spaceKey: hosted.spaceKey,
    path,
    operations: store.count() - severedCount(hosted),
    clockRoot: replica.clockRoot(),
    stateRoot: stateRootOf(replica, path),
    timeMs: options.nowMs,
  }
  const moment = store.freeze()
  try {
    yield { kind: 'manifest', manifest }
    const counts = { operations: 0, bodies: 0, cells: 0 }
    for (const operations of operationRecords(moment, options)) {
      counts.operations += operations.length
      counts.bodies += operations.filter(({ body }) => body !== null).length
      yield { kind: 'operations', operations }
      await onProgress?.(counts.operations, manifest.operations)
      await nextTurn()
    }
    for (const cells of cellRecords(moment, path)) {
      counts.cells += cells.length
      yield { kind: 'cells', cells }
      await nextTurn()
    }
    yield { kind: 'end', ...counts }
  } finally {
    moment.close()
  }
}

function severedCount({ store }: HostedSpace): number {
  let count = 0
  for (const ordinal of store.masked()) if (store.mask(ordinal)?.isSevered === true) count++
  return count
}

function* operationRecords(
  moment: FrozenSpace,
  options: ExportSnapshotOptions,
): Generator<readonly SnapshotOperation[]> {
  let record: SnapshotOperation[] = []
  let bytes = 0
  for (const selected of selectOperations(moment, null)) {
    const { headerBytes, signature, body } = selected.stored
    const taken = takesBodyOf(selected, options) ? body : null
    record.push({ headerBytes, signature, body: taken })
    bytes += headerBytes.length + signature.length + sizeOf(taken)
    if (record.length < BATCH_OPERATIONS_MAX && bytes < SNAPSHOT_RECORD_BYTES_TARGET) continue
    yield record
    record = []
    bytes = 0
  }
  if (record.length > 0) yield record
}

function takesBodyOf(
  { entry, stored: { body } }: SelectedOperation,
  { path = ROOT_PATH, includeAbove = false }: Pick<ExportSnapshotOptions, 'path' | 'includeAbove'>,
): boolean {
  if (takesBody(entry, path)) return true
  if (body === null || !isAtOrBelow(path, entry.path) || !changesBelow(body, path)) return false
  if (includeAbove) return true
  throw new FaultError({
    code: 'ABOVE_PATH',
    detail: `operation ${toHex(entry.id)} at ${JSON.stringify(entry.path)} changed something at or below ${JSON.stringify(path)}, and may hold changes elsewhere too: take such operations along (--include-above), or choose a path above`,
  })
}

function changesBelow(body: Body, path: string): boolean {
  return body.some((bytes) => {
    const change = decodeChange(bytes)
    return change.ok && isAtOrBelow(change.value.path, path)
  })
}

/** Throws `ABOVE_PATH` where a snapshot of a path would need `includeAbove`. Reads the log once, a page at a time. */
export async function refuseAbove({ store }: HostedSpace, path: string): Promise<void> {
  const moment = store.freeze()
  try {
    let read = 0
    for (const selected of selectOperations(moment, null)) {
      takesBodyOf(selected, { path })
      if (++read % BATCH_OPERATIONS_MAX === 0) await nextTurn()
    }
  } finally {
    moment.close()
  }
}

function* cellRecords(moment: FrozenSpace, prefix: string): Generator<readonly SnapshotCell[]> {
  let after: CellKey | undefined
  let record: SnapshotCell[] = []
  let bytes = 0
  for (;;) {
    const page = moment.cells({ prefix, limit: CELLS_PAGE, ...(after === undefined ? {} : { after }) })
    for (const { key, cell } of page) {
      record.push({ path: key.path, type: key.type, field: key.field, value: cell.value })
      bytes += key.path.length + key.field.length + cell.value.length
      if (record.length < SNAPSHOT_CELLS_MAX && bytes < SNAPSHOT_RECORD_BYTES_TARGET) continue
      yield record
      record = []
      bytes = 0
    }
    after = page.at(-1)?.key
    if (page.length < CELLS_PAGE) break
  }
  if (record.length > 0) yield record
}

const sizeOf = (body: Body | null): number => (body ?? []).reduce((sum, change) => sum + change.length, 0)
