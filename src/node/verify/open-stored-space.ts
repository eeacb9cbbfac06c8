import { toHex } from '../../core/bytes.ts'
import { decodeChange } from '../../core/changes/change.ts'
import { readSpaceDescription } from '../../core/changes/control.ts'
import type { Fault } from '../../core/result.ts'
import type { SpaceStore } from '../../storage/space-store.ts'
import type { NodeStorage } from '../data-directory.ts'
import { FaultError } from '../fault-error.ts'

/**
 * Opens the space that was named by id, beginning of an id or name, or the only one, and derives nothing from what is in it: a
 * damaged space can be opened that a node could not work with. Throws a FaultError: the one that opening gives, `NO_SPACE`, `AMBIGUOUS`.
 */
export function openStoredSpace(storage: NodeStorage, given: string | undefined): SpaceStore {
  const stores: SpaceStore[] = []
  const faults: Fault[] = []
  for (const identity of storage.listSpaces()) {
    const store = identity.ok ? storage.openSpace(identity.value, false) : identity
    if (store.ok) stores.push(store.value)
    else faults.push(store.fault)
  }
  const isMeant = (store: SpaceStore) =>
    given === undefined || toHex(store.spaceId).startsWith(given.toLowerCase()) || nameOf(store) === given
  const meant = stores.filter(isMeant)
  const [only] = meant
  const isClear = meant.length === 1 && (given !== undefined || faults.length === 0)
  for (const store of stores) if (!isClear || store !== only) store.close()
  if (isClear && only !== undefined) return only
  if (meant.length === 0) throw new FaultError(faults[0] ?? noSpace(given))
  throw new FaultError({
    code: 'AMBIGUOUS',
    detail: `there are ${meant.length + faults.length} spaces that this may mean: name one by its id (see "hanse space list")`,
  })
}

/** What the genesis calls the space; empty where it is not there or does not say. */
export function nameOf(store: SpaceStore): string {
  try {
    const genesis = store.find(store.spaceId)
    const bytes = genesis === undefined ? undefined : store.operation(genesis.ordinal).body?.[0]
    const change = bytes === undefined ? null : decodeChange(bytes)
    const description = change?.ok === true ? readSpaceDescription(change.value) : null
    return description?.ok === true ? description.value.name : ''
  } catch {
    // Damaged, as verifying will say.
    return ''
  }
}

function noSpace(given: string | undefined): Fault {
  return given === undefined
    ? { code: 'NO_SPACE', detail: 'there is no space here yet' }
    : { code: 'NO_SPACE', detail: `there is no space ${JSON.stringify(given)} here: see "hanse space list"` }
}
