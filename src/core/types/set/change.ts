import { compareBytes, utf8 } from '../../bytes.ts'
import { encodeCanonical } from '../../canonical-cbor.ts'
import {
  encodeChange,
  invalid,
  isMap,
  readElementRefs,
  type Change,
  type ChangeFault,
  type ElementRef,
} from '../../changes/change.ts'
import { FIELD_BYTES_MAX } from '../../limits.ts'
import { ok, type Result } from '../../result.ts'
import type { CellEdit } from '../cell.ts'
import { writeElementRefs } from '../element-refs.ts'

/**
 * Tags: an observed-remove set of texts. A member is in it while some addition of it is named by no removal, so whoever adds what another
 * removes at the same time wins, and adding again what is there keeps it against a concurrent removal.
 */
export const SET = 'set'
const VERSION = 1
/** What a member's cell holds: that it is there. */
const PRESENT = encodeCanonical(true)

/** What one change does to a set: members to add, and members to remove with the additions seen of them. */
export interface SetEdit {
  readonly add?: readonly string[]
  readonly remove?: Readonly<Record<string, readonly ElementRef[]>>
}

/** The change that edits the set at `path`. Members to add are put in order, each once. */
export function editSet(path: string, edit: SetEdit): Uint8Array {
  const payload: Record<string, unknown> = {}
  const add = [...new Set(edit.add)].sort((a, b) => compareBytes(utf8(a), utf8(b)))
  if (add.length > 0) payload['add'] = add
  if (edit.remove !== undefined && Object.keys(edit.remove).length > 0) {
    const remove = Object.entries(edit.remove).map(([member, refs]) => [member, writeElementRefs(refs)])
    payload['remove'] = Object.fromEntries(remove)
  }
  return encodeChange({ type: SET, version: VERSION, path, payload })
}

/**
 * Reads the payload: a map with `add` (members, ascending by bytes, each once), `remove` (member → elements) or both, neither empty; a
 * member has 1 to FIELD_BYTES_MAX bytes and can be the key of a map (it is not `__proto__`), or nobody could remove it; none is in both.
 */
export function readSet({ payload, path }: Change, index: number): Result<readonly CellEdit[], ChangeFault> {
  if (!isMap(payload)) return invalid('a set change is a map with add and remove')
  const { add, remove, ...rest } = payload
  if (Object.keys(rest).length > 0 || Object.keys(payload).length === 0)
    return invalid('a set change has add and remove, one or both')
  const added = add === undefined ? [] : readMembers(add)
  if (added === null) return invalid('add of a set is a list of texts, ascending, each once, not empty')
  if (remove !== undefined && (!isMap(remove) || Object.keys(remove).length === 0))
    return invalid('remove of a set is a map that is not empty')
  const edits: CellEdit[] = []
  const both = new Set(added)
  for (const field of added) edits.push({ path, type: SET, field, index, kind: 'set', value: PRESENT })
  for (const [field, refs] of Object.entries(remove ?? {})) {
    const observed = readElementRefs(refs)
    if (observed === null) return invalid('remove of a set names elements [operation id, index] by member')
    if (both.has(field)) return invalid(`member ${JSON.stringify(field)} is both added and removed`)
    edits.push({ path, type: SET, field, index, kind: 'remove', observed })
  }
  return edits.some(({ field }) => !isMember(field))
    ? invalid(`a member of a set has 1 to ${FIELD_BYTES_MAX} bytes and is not __proto__`)
    : ok(edits)
}

function isMember(text: string): boolean {
  return text !== '' && text !== '__proto__' && utf8(text).length <= FIELD_BYTES_MAX
}

function readMembers(value: unknown): readonly string[] | null {
  if (!Array.isArray(value) || value.length === 0) return null
  const members = value as unknown[]
  for (const [i, member] of members.entries()) {
    if (typeof member !== 'string') return null
    if (i > 0 && compareBytes(utf8(members[i - 1] as string), utf8(member)) >= 0) return null
  }
  return members as string[]
}
