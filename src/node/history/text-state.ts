import { PastReader } from '../../core/ancestry.ts'
import { encodeCanonical } from '../../core/canonical-cbor.ts'
import type { Entry } from '../../core/graph.ts'
import { type Cell, type CellKey, compareStamps } from '../../core/types/cell.ts'
import { isCreating } from '../../core/types/text/edit.ts'
import type { CellRecord } from '../replica/contest.ts'
import type { HostedSpace } from '../space/hosted-space.ts'
import type { ItemRecords } from './item-records.ts'

/**
 * A text as the operations for which `isThere` holds made it, which have an effect; they hold the past of each. Its characters come from the
 * open document; undefined where nothing wrote there. Cost: all characters, and where none shows, the item's bodies too.
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
  const effective = records.of(key, (entry) => store.mask(entry.ordinal) === undefined && isThere(entry))
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
  return made.some(({ entry, edit }) => edit.kind === 'edit' && isCreating(edit) && !deleted.has(entry))
}
