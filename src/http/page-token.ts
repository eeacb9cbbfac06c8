import { CELL_TYPES, type CellKey, type CellType } from '../core/types/cell.ts'
import { FaultError } from '../node/fault-error.ts'

/** A place in a listing as text, for whoever asks for the next page: letters, digits, `-` and `_`. */
export function writePlace({
  path,
  type,
  field,
}: Omit<CellKey, 'field'> & { readonly field?: string }): string {
  const parts = field === undefined ? [path, type] : [path, type, field]
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

/** Reads such a place; of an item the field is empty. Throws `BAD_CURSOR`. */
export function readPlace(text: string): CellKey {
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(text, 'base64url').toString())
  } catch {
    parts = null
  }
  const [path, type, field = ''] = Array.isArray(parts) ? (parts as readonly unknown[]) : []
  const isType = CELL_TYPES.includes(type as CellType)
  if (typeof path !== 'string' || !isType || typeof field !== 'string')
    throw new FaultError({
      code: 'BAD_CURSOR',
      detail: '`after` is not what a page before has told as `next`: leave it out to begin anew',
    })
  return { path, type: type as CellType, field }
}
