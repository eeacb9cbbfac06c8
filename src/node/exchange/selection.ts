import { isControl } from '../../core/changes/evaluate.ts'
import type { Entry } from '../../core/graph.ts'
import { decodeHeader } from '../../core/operation/header.ts'
import type { Operation } from '../../core/operation/operation.ts'
import { isAtOrBelow } from '../../core/path.ts'
import type { FrozenSpace, StoredOperation } from '../../storage/space-store.ts'
import type { OrdinalBits } from './past-bits.ts'

/** Entries read at a time. */
const PAGE = 256

/** An admitted operation with its bytes. */
export interface SelectedOperation {
  readonly entry: Entry
  readonly stored: StoredOperation
}

/** True where a selection takes the body of an operation along: control operations always, others at or below its path. */
export function takesBody({ command, path }: Pick<Entry, 'command' | 'path'>, selected: string): boolean {
  return isControl(command) || isAtOrBelow(path, selected)
}

/**
 * The operations of a moment in order of admission, so parents first, whose headers go into a file: all but the severed ones, as in sync
 * (decision 0007; whatever builds on one is severed too), and but those in `without`. Reads a page at a time.
 */
export function* selectOperations(
  space: FrozenSpace,
  without: OrdinalBits | null,
): Generator<SelectedOperation> {
  for (let from = without?.first ?? 0; from < space.count(); from += PAGE) {
    for (const entry of space.entriesFrom(from, PAGE)) {
      if (without?.has(entry.ordinal) === true || space.mask(entry.ordinal)?.isSevered === true) continue
      yield { entry, stored: space.operation(entry.ordinal) }
    }
  }
}

/** A stored operation as it was admitted, with its body or without. */
export function toOperation({ entry, stored }: SelectedOperation, hasBody: boolean): Operation {
  const { headerBytes, signature, body } = stored
  const header = decodeHeader(headerBytes)
  if (!header.ok) throw new Error(`bug: an admitted header does not decode: ${header.fault.detail}`)
  return { id: entry.id, header: header.value, headerBytes, signature, body: hasBody ? body : null }
}
