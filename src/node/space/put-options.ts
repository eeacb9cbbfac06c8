import type { Signer } from '../../core/signature.ts'

/** Options of a write. */
export interface PutOptions {
  /** Sign with this key rather than the node's own. */
  readonly author?: Signer
  /** Hexadecimal ids: build on exactly these operations rather than on all this node has seen. */
  readonly after?: readonly string[]
  /** The author's clock, ms since 1970; raised to the parents' where it is behind. Default: now. */
  readonly timeMs?: number
  /** Path of the operation where it is not the common path of its edits. */
  readonly path?: string
}
