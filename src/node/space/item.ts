import { decodeCanonical } from '../../core/canonical-cbor.ts'
import type { CellKey } from '../../core/types/cell.ts'
import { REGISTER } from '../../core/types/register/change.ts'
import { orThrow } from '../fault-error.ts'
import type { ItemType } from './item-edit.ts'

/** An item as it shows now. */
export interface Item {
  readonly path: string
  readonly type: ItemType
  /** A register's value; a map's fields as an object. */
  readonly value: unknown
}

/** Puts an item together from its visible fields, each with the canonical bytes of its value. */
export function toItem({ path, type }: CellKey, fields: ReadonlyMap<string, Uint8Array>): Item {
  if (type === REGISTER) return { path, type, value: decodeValue(fields.get('') as Uint8Array) }
  return {
    path,
    type,
    value: Object.fromEntries([...fields].map(([field, value]) => [field, decodeValue(value)])),
  }
}

function decodeValue(bytes: Uint8Array): unknown {
  return orThrow(decodeCanonical(bytes))
}
