import { createHash } from 'node:crypto'
import type { SpaceStore } from '../../storage/space-store.ts'
import type { ItemType } from './item-edit.ts'
import { rowsOf } from './item.ts'

/** Bytes of a tag: two states of one item by accident alike are not to be expected, and nobody gains by making them so. */
const TAG_BYTES = 16

/**
 * A name of what shows at a path of one type: the writes that show and what they say. As long as it is the same, nothing was written there
 * that shows; where something was, it differs, also where the value is again what it was. Null where nothing shows, and for logs, which only
 * grow. Cost: the cells of the item.
 */
export function itemTag(path: string, type: ItemType, store: SpaceStore): string | null {
  if (type === 'log') return null
  const hash = createHash('sha256')
  let isThere = false
  for (const { key, cell } of rowsOf(path, type, store)) {
    isThere = true
    const { id, index, value } = cell
    // Lengths in front keep one row from passing for another.
    hash.update(`${type} ${Buffer.byteLength(key.field)} ${index} ${value.length} ${key.field}`)
    hash.update(id).update(value)
  }
  return isThere ? hash.digest().subarray(0, TAG_BYTES).toString('base64url') : null
}
