import { sha256 } from '../../core/hash.ts'
import type { CellRow, SpaceStore } from '../../storage/space-store.ts'
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
  return type === 'log' ? null : tagOfRows(rowsOf(path, type, store))
}

/** The tag of an item by its rows, ascending by field; null where there are none. */
export function tagOfRows(rows: Iterable<CellRow>): string | null {
  // Row by row with the hash of those before: an object that hashes in steps would be let go of by the next collection alone, one by one.
  let digest: Uint8Array | null = null
  for (const { key, cell } of rows) {
    const { id, index, value } = cell
    // Lengths in front keep one row from passing for another. A Buffer of the pool, for which no memory is asked for.
    const head = Buffer.from(
      `${key.type} ${Buffer.byteLength(key.field)} ${index} ${value.length} ${key.field}`,
    )
    digest = sha256(digest ?? NONE, head, id, value)
  }
  return digest === null ? null : Buffer.from(digest.subarray(0, TAG_BYTES)).toString('base64url')
}

const NONE = new Uint8Array(0)
