import type { ElementRef } from '../changes/change.ts'

/** Elements as a payload has them: a list of `[operation id, index]`. */
export function writeElementRefs(refs: readonly ElementRef[]): readonly (readonly [Uint8Array, number])[] {
  return refs.map(({ id, index }) => [id, index] as const)
}
