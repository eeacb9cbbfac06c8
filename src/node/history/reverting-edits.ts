import { type BlobReference } from '../../core/types/blob/change.ts'
import { parseEdgeField } from '../../core/types/edge/change.ts'
import { spliceDelta } from '../../core/types/text/delta.ts'
import { FaultError } from '../fault-error.ts'
import { diffTexts } from '../space/text-diff.ts'
import type { ItemEdit } from '../space/item-edit.ts'
import type { Difference } from './diff-rows.ts'

/**
 * The edits that make an item again what it was, from how it differs now. `REVERT_TYPE` for what cannot be taken back: the entries of a
 * log stay for good, and a claim is decided by who was first.
 */
export function revertingEdits(path: string, differences: readonly Difference[]): readonly ItemEdit[] {
  return differences.map((difference) => revertingEdit(path, difference))
}

function revertingEdit(path: string, { type, field, kind, before, after }: Difference): ItemEdit {
  switch (type) {
    case 'register':
      return kind === 'removed' ? { kind: 'delete', path, type } : { kind: 'put', path, value: after }
    case 'map':
      return kind === 'removed'
        ? { kind: 'edit', path, remove: [field] }
        : { kind: 'edit', path, set: { [field]: after } }
    case 'edge':
      return kind === 'removed'
        ? { kind: 'unlink', path, ...parseEdgeField(field) }
        : { kind: 'link', path, ...parseEdgeField(field), value: after }
    case 'set':
      return kind === 'removed' ? { kind: 'tag', path, remove: [field] } : { kind: 'tag', path, add: [field] }
    case 'blob':
      return kind === 'removed'
        ? { kind: 'delete', path, type }
        : { kind: 'attach', path, reference: after as BlobReference }
    case 'counter':
      return kind === 'removed'
        ? { kind: 'delete', path, type }
        : { kind: 'count', path, by: Number(tallyOf(after) - tallyOf(before)) }
    case 'text':
      return kind === 'removed'
        ? { kind: 'delete', path, type }
        : { kind: 'text', path, splices: spliceDelta(diffTexts(textOf(before), textOf(after))) }
    case 'log':
    case 'claim':
      throw new FaultError({
        code: 'REVERT_TYPE',
        detail: `a ${type} is not reverted: ${WHY_NOT[type]}. Name what is, with --type`,
      })
  }
}

const WHY_NOT = {
  log: 'its entries stay for good, append a correction',
  claim: 'who was first holds it, see "hanse conflicts"',
} as const

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** A counter's value as a whole number: 0 where there is none. */
const tallyOf = (value: unknown): bigint => (value === undefined ? 0n : BigInt(value as number | string))
