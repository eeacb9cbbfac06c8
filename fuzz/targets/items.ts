import { isDeepStrictEqual } from 'node:util'
import { equalBytes } from '../../src/core/bytes.ts'
import { decodeCanonical } from '../../src/core/canonical-cbor.ts'
import { type Change, decodeChange } from '../../src/core/changes/change.ts'
import { BODY_BYTES_MAX } from '../../src/core/limits.ts'
import type { CellEdit } from '../../src/core/types/cell.ts'
import { deleteBlob, readBlob, readBlobReference, setBlob } from '../../src/core/types/blob/change.ts'
import { makeClaim, readClaim, releaseClaim } from '../../src/core/types/claim/change.ts'
import { addToCounter, clearCounter, readCounter } from '../../src/core/types/counter/change.ts'
import { edgeField, parseEdgeField, readEdge, removeEdge, setEdge } from '../../src/core/types/edge/change.ts'
import { appendEntry, entryField, parseEntryField, readLog } from '../../src/core/types/log/change.ts'
import { readPlainChange } from '../../src/core/types/plain-change.ts'
import { readItemChange } from '../../src/core/types/read-item-change.ts'
import { editSet, readSet } from '../../src/core/types/set/change.ts'
import { change } from '../grammar.ts'
import { holds, type Target } from '../target.ts'

const OPERATION = { id: new Uint8Array(32).fill(1), time: 1_800_000_000_000, lamport: 7 }
const INDEX = 5

type Reader = (change: Change) => ReturnType<typeof readClaim>
type Writer = (path: string, edits: readonly CellEdit[]) => Uint8Array

/** Types whose reader takes any change, each with what writes its edits again. Registers and maps are in the target `change`. */
const TYPES: Readonly<Record<string, readonly [Reader, Writer]>> = {
  edge: [(change) => readEdge(change, INDEX), edgeOf],
  log: [(change) => readLog(change, INDEX, OPERATION), logOf],
  set: [(change) => readSet(change, INDEX), setOf],
  counter: [(change) => readCounter(change, INDEX), counterOf],
  claim: [(change) => readClaim(change, INDEX), claimOf],
  blob: [(change) => readBlob(change, INDEX), blobOf],
}

/** A change of an item of any type: what is read of it is written as the same bytes. */
const itemChange: Target = {
  name: 'item-change',
  form: 'cbor',
  inputBytesMax: BODY_BYTES_MAX,
  valid: change,
  run(input) {
    const plain = readPlainChange(input, { path: '', index: INDEX, operation: OPERATION })
    const decoded = decodeChange(input)
    holds(plain === null || decoded.ok, 'what is read straight from its bytes decodes')
    if (!decoded.ok) return false
    const { path, type, version } = decoded.value
    const known = readItemChange(decoded.value, INDEX, OPERATION)
    holds(
      plain === null || (known?.ok === true && isDeepStrictEqual(plain, known.value)),
      'what is read straight from its bytes is what is decoded',
    )
    let isTaken = known?.ok === true
    for (const [name, [read, write]] of Object.entries(TYPES)) {
      const result = read(decoded.value)
      isTaken ||= result.ok
      if (type !== name || version !== 1) continue
      holds(known !== null && known.ok === result.ok, 'one type, one reader')
      if (!result.ok) continue
      holds(
        equalBytes(write(path, result.value), input),
        `a change of the type ${name} is written as the same bytes`,
      )
      for (const edit of result.value)
        holds(edit.path === path && edit.type === name && edit.index === INDEX, 'an edit is of its item')
      const cells = new Set(result.value.map(({ field }) => field))
      holds(cells.size === result.value.length, 'a change edits a cell once')
    }
    return isTaken
  },
}

function edgeOf(path: string, edits: readonly CellEdit[]): Uint8Array {
  const edit = only(edits)
  const end = parseEdgeField(edit.field)
  holds(edgeField(end) === edit.field, 'the field of an edge is its label and target')
  if (edit.kind === 'remove') return removeEdge(path, end, edit.observed)
  return setEdge(path, end, valueOf(edit))
}

function logOf(path: string, edits: readonly CellEdit[]): Uint8Array {
  const edit = only(edits)
  holds(entryField(parseEntryField(edit.field)) === edit.field, 'the field of an entry is its stamp')
  return appendEntry(path, valueOf(edit))
}

function setOf(path: string, edits: readonly CellEdit[]): Uint8Array {
  const add = edits.flatMap((edit) => (edit.kind === 'set' ? [edit.field] : []))
  const remove = edits.flatMap((edit) =>
    edit.kind === 'remove' ? [[edit.field, edit.observed] as const] : [],
  )
  return editSet(path, { add, remove: Object.fromEntries(remove) })
}

function counterOf(path: string, edits: readonly CellEdit[]): Uint8Array {
  const edit = only(edits)
  return edit.kind === 'add' ? addToCounter(path, edit.by) : clearCounter(path)
}

function claimOf(path: string, edits: readonly CellEdit[]): Uint8Array {
  const edit = only(edits)
  return edit.kind === 'remove' ? releaseClaim(path, edit.observed) : makeClaim(path, valueOf(edit))
}

function blobOf(path: string, edits: readonly CellEdit[]): Uint8Array {
  const edit = only(edits)
  if (edit.kind === 'remove') return deleteBlob(path, edit.observed)
  const reference = readBlobReference(valueOf(edit))
  holds(reference.ok, 'what is kept of a blob is a reference')
  return reference.ok ? setBlob(path, reference.value) : new Uint8Array()
}

function only(edits: readonly CellEdit[]): CellEdit {
  const [edit] = edits
  if (edit === undefined || edits.length !== 1) throw new Error('a change of one cell has one edit')
  return edit
}

function valueOf(edit: CellEdit): unknown {
  const decoded = edit.kind === 'set' ? decodeCanonical(edit.value) : null
  holds(decoded?.ok === true, 'the value of an edit is canonical')
  return decoded?.ok === true ? decoded.value : null
}

export const ITEM_TARGETS: readonly Target[] = [itemChange]
