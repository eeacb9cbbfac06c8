import { fromHex, toHex } from '../../bytes.ts'
import { encodeCanonical } from '../../canonical-cbor.ts'
import { encodeChange, invalid, isMap, type Change, type ChangeFault } from '../../changes/change.ts'
import { ok, type Result } from '../../result.ts'
import type { CellEdit, WriteStamp } from '../cell.ts'

/**
 * Events in the order (time, lamport, operation id, index): each entry is there for good, nobody changes or deletes it (a revocation takes the
 * effect of its operation, as of any). A causally later entry always comes later; concurrent ones interleave by their clocks.
 */
export const LOG = 'log'
const VERSION = 1

/** Digits of a number up to 2^53 - 1, in hexadecimal. */
const NUMBER_DIGITS = 14
/** Digits of an index in a body. */
const INDEX_DIGITS = 4
const ID_DIGITS = 64

/** The change that appends an entry to the log at `path`. `value`: anything DAG-CBOR can express. */
export function appendEntry(path: string, value: unknown): Uint8Array {
  return encodeChange({ type: LOG, version: VERSION, path, payload: { append: value } })
}

/** The field of an entry's cell: its stamp in digits of fixed width, so that fields in order are entries in order. */
export function entryField({ time, lamport, id, index }: WriteStamp): string {
  const digits = (number: number, width: number) => number.toString(16).padStart(width, '0')
  return `${digits(time, NUMBER_DIGITS)}${digits(lamport, NUMBER_DIGITS)}${toHex(id)}${digits(index, INDEX_DIGITS)}`
}

/** The stamp in the field of an entry's cell. */
export function parseEntryField(field: string): WriteStamp {
  const idAt = 2 * NUMBER_DIGITS
  const indexAt = idAt + ID_DIGITS
  return {
    time: Number.parseInt(field.slice(0, NUMBER_DIGITS), 16),
    lamport: Number.parseInt(field.slice(NUMBER_DIGITS, idAt), 16),
    id: fromHex(field.slice(idAt, indexAt)) as Uint8Array,
    index: Number.parseInt(field.slice(indexAt), 16),
  }
}

/** Reads the payload: a map with exactly `append`. `stampOf`: the operation's place in the order. */
export function readLog(
  { payload, path }: Change,
  index: number,
  operation: Omit<WriteStamp, 'index'>,
): Result<readonly CellEdit[], ChangeFault> {
  if (!isMap(payload) || Object.keys(payload).length !== 1 || !('append' in payload))
    return invalid('a log change has append')
  const { time, lamport, id } = operation
  const field = entryField({ time, lamport, id, index })
  return ok([{ path, type: LOG, field, index, kind: 'set', value: encodeCanonical(payload['append']) }])
}
