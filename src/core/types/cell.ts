import { compareBytes } from '../bytes.ts'
import type { ElementRef } from '../changes/change.ts'
import type { TextEdit } from './text/edit.ts'

/** The types of items whose state is made of cells; a listing of what is at one path has them in this order. */
export const CELL_TYPES = [
  'register',
  'map',
  'edge',
  'log',
  'set',
  'counter',
  'blob',
  'claim',
  'text',
] as const
export type CellType = (typeof CELL_TYPES)[number]

/**
 * Where one value lives. Field: `''` for a register, counter, text, blob and claim; a map's field; a set's member; of an edge, label and
 * target (`edgeField`); of an entry of a log, its place in it (`entryField`).
 */
export interface CellKey {
  readonly path: string
  readonly type: CellType
  readonly field: string
}

/** What one change does to one cell. */
export type CellEdit = CellKey & {
  /** Index of the change in its body. */
  readonly index: number
} & (
    | { readonly kind: 'set' /** Canonical DAG-CBOR of the value. */; readonly value: Uint8Array }
    | {
        readonly kind: 'remove' /** The elements that the author saw and removes. */
        readonly observed: readonly ElementRef[]
      }
    /** Adds to a tally. */
    | { readonly kind: 'add'; readonly by: number }
    /** Edits a text by position. */
    | { readonly kind: 'edit'; readonly edits: readonly TextEdit[] }
    /** Takes back everything that operations in the author's past have done to this cell. */
    | { readonly kind: 'clear' }
  )

/** The place of a write in the order of last writer wins (DESIGN §3): `(time, lamport, id)`, and index within one body. */
export interface WriteStamp extends ElementRef {
  readonly time: number
  readonly lamport: number
}

/** What the edits of a cell come to: a value, and the write that it is shown as the work of. src/core/types/fold.ts has the laws. */
export interface Cell extends WriteStamp {
  readonly value: Uint8Array
  /** True where nothing shows. */
  readonly removed: boolean
}

/** Orders writes: the later time wins, then the greater lamport, id and index. Never 0 for two different elements. */
export function compareStamps(a: WriteStamp, b: WriteStamp): number {
  return a.time - b.time || a.lamport - b.lamport || compareBytes(a.id, b.id) || a.index - b.index
}
