import { PastReader } from '../../core/ancestry.ts'
import { encodeCanonical } from '../../core/canonical-cbor.ts'
import type { Entry } from '../../core/graph.ts'
import { type Cell, type CellKey, compareStamps } from '../../core/types/cell.ts'
import { isCreating } from '../../core/types/text/edit.ts'
import type { CellRecord } from '../replica/contest.ts'
import type { HostedSpace } from '../space/hosted-space.ts'
import type { ItemRecords } from './item-records.ts'

/**
 * A text as the operations for which `isThere` holds made it, whether or not they have an effect now. Its characters come from the open
 * document; undefined where nothing wrote there. Cost: all characters, and where none shows, the item's bodies too.
 */
export function textAt(
  key: CellKey,
  isThere: (entry: Entry) => boolean,
  records: ItemRecords,
  { store, replica }: HostedSpace,
): Cell | undefined {
  const { document } = replica.texts.open(key.path)
  const members = new Uint8Array(document.nodes)
  const voids = new Map<number, boolean[]>()
  for (let node = 0; node < members.length; node++) {
    const ordinal = document.operation(node)
    members[node] = isThere(store.at(ordinal)) ? 1 : 0
    voids.set(ordinal, [...(voids.get(ordinal) ?? []), document.isVoid(node)])
  }
  const effective = records.of(key, isThere)
  const made = effective.filter((record, i) => {
    const place = effective.slice(0, i).filter(({ entry }) => entry.ordinal === record.entry.ordinal).length
    return voids.get(record.entry.ordinal)?.[place] === false
  })
  const [last] = made.toSorted((a, b) => compareStamps(b.stamp, a.stamp))
  if (last === undefined) return undefined
  const text = document.textOf(members)
  const removed = text === '' && !isThereEmpty(made, store)
  return { ...last.stamp, value: encodeCanonical(text), removed }
}

/** Whether a text without characters exists: law 5 of src/core/types/text/change.ts. */
function isThereEmpty(made: readonly CellRecord[], store: HostedSpace['store']): boolean {
  const deleting = made.flatMap(({ entry, edit }) => (edit.kind === 'clear' ? entry.parents : []))
  const deleted = new PastReader(
    store,
    deleting.map((ordinal) => ({ ordinal })),
  )
  // A later change of one operation is made on the text that its earlier ones leave.
  const isDeletedAtOnce = ({ entry, edit: { index } }: CellRecord) =>
    made.some(
      (one) => one.edit.kind === 'clear' && one.entry.ordinal === entry.ordinal && one.edit.index > index,
    )
  return made.some(
    (record) =>
      record.edit.kind === 'edit' &&
      isCreating(record.edit) &&
      !deleted.has(record.entry) &&
      !isDeletedAtOnce(record),
  )
}
