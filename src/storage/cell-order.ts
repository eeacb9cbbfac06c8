import { compareBytes, utf8 } from '../core/bytes.ts'
import type { CellKey } from '../core/changes/cell.ts'

/** Orders texts by their UTF-8 bytes. JavaScript's own order is by UTF-16 unit and differs beyond U+FFFF. */
export function compareText(a: string, b: string): number {
  return a === b ? 0 : compareBytes(utf8(a), utf8(b))
}

/** The order of cells in a listing: path, then type, then field. */
export function compareCellKeys(a: CellKey, b: CellKey): number {
  return compareText(a.path, b.path) || compareText(a.type, b.type) || compareText(a.field, b.field)
}

/** One text for each cell key. The length in front keeps a path that contains the separator apart. */
export function cellName(key: CellKey): string {
  return `${key.path.length}/${key.path}${key.type}/${key.field}`
}
