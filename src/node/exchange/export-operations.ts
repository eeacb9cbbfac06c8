import { isControl } from '../../core/changes/evaluate.ts'
import type { KnownLog } from '../../core/clock-text.ts'
import { formatOperationLine } from '../../core/operation/operation-line.ts'
import { parsePath, ROOT_PATH } from '../../core/path.ts'
import { orThrow } from '../fault-error.ts'
import type { HostedSpace } from '../space/hosted-space.ts'
import { firstBeyond, knownEnds, pastBits } from './past-bits.ts'
import { selectOperations, takesBody, toOperation } from './selection.ts'

/** What is to be exported. */
export interface ExportOperationsOptions {
  /** What the receiver has: it and its past are left out. Default: nothing. */
  readonly since?: readonly KnownLog[]
  /** Bodies only of control operations and at or below this path; all headers go. Default: everything. */
  readonly path?: string
  /** Bodies only of control operations and where this says so, asked with the path of the operation. Default: everywhere. */
  readonly mayRead?: ((path: string) => boolean) | undefined
  /** Told now and then how many of all operations have been looked at. */
  readonly onProgress?: (done: number, total: number) => void | Promise<void>
}

/** One line of an export, with its end, and whether the body is in it. */
export interface ExportedLine {
  readonly text: string
  readonly hasBody: boolean
}

/**
 * The operations of a space as lines of JSON, parents first, as of the moment when the first is asked for; a bounded page of them is in
 * memory at a time. Without severed operations, as in sync.
 */
export async function* exportOperations(
  hosted: HostedSpace,
  { since = [], path = ROOT_PATH, mayRead = () => true, onProgress }: ExportOperationsOptions = {},
): AsyncGenerator<ExportedLine> {
  orThrow(parsePath(path))
  const { store } = hosted
  const ends = knownEnds(store, since)
  const first = firstBeyond(store, ends)
  const moment = store.freeze()
  try {
    const known = ends.length === 0 ? null : await pastBits(moment, ends, first)
    for (const selected of selectOperations(moment, known)) {
      const { entry } = selected
      const isTaken = takesBody(entry, path) && (isControl(entry.command) || mayRead(entry.path))
      const operation = toOperation(selected, isTaken)
      yield { text: `${formatOperationLine(operation)}\n`, hasBody: operation.body !== null }
      await onProgress?.(entry.ordinal + 1, moment.count())
    }
  } finally {
    moment.close()
  }
}

/** The operations of those ids as such lines, as far as they are here with their body and it may be read; in the order of the ids. */
export function* exportBodies(
  { store, operation }: Pick<HostedSpace, 'store' | 'operation'>,
  ids: readonly Uint8Array[],
  mayRead: (path: string) => boolean,
): Generator<ExportedLine> {
  for (const id of ids) {
    const entry = store.find(id)
    if (entry === undefined || store.mask(entry.ordinal)?.isSevered === true) continue
    if (!isControl(entry.command) && !mayRead(entry.path)) continue
    const whole = operation(entry.ordinal)
    if (whole.body !== null) yield { text: `${formatOperationLine(whole)}\n`, hasBody: true }
  }
}
