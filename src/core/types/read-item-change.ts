import type { Change, ChangeFault } from '../changes/change.ts'
import type { Result } from '../result.ts'
import type { CellEdit, WriteStamp } from './cell.ts'
import { BLOB, readBlob } from './blob/change.ts'
import { CLAIM, readClaim } from './claim/change.ts'
import { COUNTER, readCounter } from './counter/change.ts'
import { EDGE, readEdge } from './edge/change.ts'
import { LOG, readLog } from './log/change.ts'
import { MAP, readMap } from './map/change.ts'
import { readRegister, REGISTER } from './register/change.ts'
import { readSet, SET } from './set/change.ts'
import { readText, TEXT } from './text/change.ts'

/** What version 1 of a type makes of a change, in an operation with that place in the order. */
type Reader = (
  change: Change,
  index: number,
  operation: Omit<WriteStamp, 'index'>,
) => Result<readonly CellEdit[], ChangeFault>

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  [REGISTER, readRegister],
  [MAP, readMap],
  [EDGE, readEdge],
  [LOG, readLog],
  [SET, readSet],
  [COUNTER, readCounter],
  [BLOB, readBlob],
  [CLAIM, readClaim],
  [TEXT, readText],
])

/** True for the types of items that this node knows, in whatever version. */
export function isItemType(type: string): boolean {
  return READERS.has(type)
}

/** What a change does to the cells of an item; null for a type or version that this node does not know. */
export function readItemChange(
  change: Change,
  index: number,
  operation: Omit<WriteStamp, 'index'>,
): Result<readonly CellEdit[], ChangeFault> | null {
  const read = change.version === 1 ? READERS.get(change.type) : undefined
  return read === undefined ? null : read(change, index, operation)
}
