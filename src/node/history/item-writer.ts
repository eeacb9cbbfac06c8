import type { HostedSpace } from '../space/hosted-space.ts'
import type { ItemEdit } from '../space/item-edit.ts'
import type { PutOptions } from '../space/put-options.ts'

/** A space that is read, and written by operations that this node, or the author in the options, signs. */
export interface ItemWriter {
  readonly hosted: HostedSpace
  /** Makes one operation of these edits. Returns its id, hexadecimal. */
  write(edits: readonly ItemEdit[], options?: PutOptions): string
}
