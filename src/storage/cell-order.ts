import type { CellKey } from '../core/types/cell.ts'

/**
 * Orders texts by their UTF-8 bytes, which is the order of code points. JavaScript's own order is by UTF-16 unit, where the
 * surrogates of what lies beyond U+FFFF come before U+E000; here they come after.
 */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return rankOf(x) - rankOf(y)
  }
  return a.length - b.length
}

/** Moves surrogates behind every other unit. */
function rankOf(unit: number): number {
  return (unit & 0xf800) === 0xd800 ? unit + 0x10000 : unit
}

/** The order of cells in a listing: path, then type, then field. */
export function compareCellKeys(a: CellKey, b: CellKey): number {
  return compareText(a.path, b.path) || compareText(a.type, b.type) || compareText(a.field, b.field)
}

/** Where in cells in that order the first one lies that is not before `key`. */
export function indexOfCell(sorted: readonly { readonly key: CellKey }[], key: CellKey): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareCellKeys((sorted[middle] as { readonly key: CellKey }).key, key) < 0) low = middle + 1
    else high = middle
  }
  return low
}

const SLASH = 0x2f

/**
 * One text for each cell key. Of a register, as most cells are, it is the path: a text that is there already, and whose hash is known once it
 * was looked up. Any other begins with a slash, which no path does; the length keeps a path that contains the separator apart.
 */
export function cellName({ path, type, field }: CellKey): string {
  if (type === 'register' && field === '' && path.charCodeAt(0) !== SLASH) return path
  return `/${path.length}/${path}${type}/${field}`
}
