import { toHex } from '../../core/bytes.ts'
import type { Entry } from '../../core/graph.ts'
import { LOG_EDITS_MAX } from '../../core/limits.ts'
import { isAtOrBelow } from '../../core/path.ts'
import type { CellEdit } from '../../core/types/cell.ts'
import type { HostedSpace } from '../space/hosted-space.ts'
import { describeOperation, type LogEntry } from '../space/log.ts'
import { parseOperationId } from '../space/operation-id.ts'
import { describeEdit, type EditDescription } from './describe-edit.ts'
import { entryOf } from './point.ts'

/** An admitted operation with what it changed. */
export interface LoggedOperation extends LogEntry {
  /** Digests, hexadecimal, of the delegations under which it was made, root first. */
  readonly chain: readonly string[]
  /** The operations it was built on: its author had seen them and all of their past. */
  readonly parents: readonly string[]
  /** What it changed at or below the path that was asked for: the first LOG_EDITS_MAX. Void changes are not among them. */
  readonly edits: readonly EditDescription[]
  /** How many more edits there are. */
  readonly moreEdits: number
}

/** Which operations: the latest to arrive first. */
export interface LogOptions {
  readonly limit?: number | undefined
  /** Only those that arrived before this operation, hexadecimal: the last of the page before. */
  readonly before?: string | undefined
}

const PAGE_PRESET = 100
/** Operations described before the next are looked up. */
const BATCH = 256

/** Admitted operations that changed something at or below a path; of the root every operation. One after the other, as they are read. */
export function* loggedOperations(
  space: HostedSpace,
  prefix: string,
  { limit = PAGE_PRESET, before }: LogOptions,
): Generator<LoggedOperation> {
  const { store } = space
  let from = before === undefined ? store.count() : entryOf(parseOperationId(before), store).ordinal
  for (let left = limit; left > 0; ) {
    const wanted = Math.min(left, BATCH)
    const ordinals = prefix === '' ? descending(from, wanted) : store.changedBelow(prefix, from, wanted)
    for (const ordinal of ordinals)
      yield describeLogged(space, store.at(ordinal), (path) => isAtOrBelow(path, prefix))
    if (ordinals.length < wanted) return
    from = ordinals.at(-1) as number
    left -= wanted
  }
}

/** The ordinals below one, at most `limit`. */
function descending(before: number, limit: number): readonly number[] {
  return Array.from({ length: Math.min(limit, before) }, (_, i) => before - 1 - i)
}

/** An admitted operation with what it changed where `isShown` holds. */
export function describeLogged(
  space: HostedSpace,
  entry: Entry,
  isShown: (path: string) => boolean,
): LoggedOperation {
  const evaluation = space.replica.evaluate(entry, space.operation(entry.ordinal))
  const first: CellEdit[] = []
  let count = 0
  for (const change of evaluation) {
    if (!change.ok || change.value.kind !== 'cells') continue
    for (const edit of change.value.edits) {
      if (isShown(edit.path) && count++ < LOG_EDITS_MAX) first.push(edit)
    }
  }
  return {
    ...describeOperation(entry, space.store),
    chain: entry.caps.map(toHex),
    parents: entry.parents.map((ordinal) => toHex(space.store.at(ordinal).id)),
    edits: first.map(describeEdit),
    moreEdits: count - first.length,
  }
}
