import { toHex } from '../../core/bytes.ts'
import type { ElementRef } from '../../core/changes/change.ts'
import { OBSERVED_MAX } from '../../core/limits.ts'
import type { BlobReference } from '../../core/types/blob/change.ts'
import { parseEdgeField } from '../../core/types/edge/change.ts'
import { elementName, removedBy } from '../../core/types/fold-cell.ts'
import type { SpaceStore } from '../../storage/space-store.ts'
import type { ItemEdit } from '../space/item-edit.ts'
import type { Conflict, Contender } from './conflict.ts'
import { ItemRecords } from './item-records.ts'

/**
 * What an author who has seen all sides of a conflict writes to settle it in favour of one: its value again, the deletion of all that was
 * written, or the release of all claims but that one.
 */
export function settlingEdits(conflict: Conflict, wanted: Contender, store: SpaceStore): readonly ItemEdit[] {
  const { path, type, field } = conflict
  if (type === 'claim') return releaseOthers(conflict, wanted, store)
  if (wanted.deletes) {
    const written = [conflict.winner, ...conflict.losers].filter(({ deletes }) => !deletes)
    return [{ kind: 'remove', path, type, field, observed: written.map(refOf) }]
  }
  const { value } = wanted
  switch (type) {
    case 'register':
      return [{ kind: 'put', path, value }]
    case 'map':
      return [{ kind: 'edit', path, set: { [field]: value } }]
    case 'edge':
      return [{ kind: 'link', path, ...parseEdgeField(field), value }]
    case 'blob':
      return [{ kind: 'attach', path, reference: value as BlobReference }]
    default:
      throw new Error(`bug: a conflict in a ${type}`)
  }
}

/** Every claim that nobody has released counts: the next in order would hold otherwise. */
function releaseOthers(
  { path, type, field }: Conflict,
  wanted: Contender,
  store: SpaceStore,
): readonly ItemEdit[] {
  const effective = new ItemRecords(store).of(
    { path, type, field },
    ({ ordinal }) => store.mask(ordinal) === undefined,
  )
  const released = removedBy(effective)
  const others = effective
    .filter(({ edit, stamp }) => edit.kind === 'set' && !released.has(elementName(stamp)))
    .map(({ stamp: { id, index } }): ElementRef => ({ id, index }))
    .filter(({ id, index }) => toHex(id) !== wanted.operation || index !== wanted.index)
  const chunks = Array.from({ length: Math.ceil(others.length / OBSERVED_MAX) }, (_, i) =>
    others.slice(i * OBSERVED_MAX, (i + 1) * OBSERVED_MAX),
  )
  return chunks.map((observed) => ({ kind: 'remove', path, type, field, observed }))
}

const refOf = ({ operation, index }: Contender): ElementRef => ({
  id: Uint8Array.from(Buffer.from(operation, 'hex')),
  index,
})
