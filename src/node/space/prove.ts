import { fromHex } from '../../core/bytes.ts'
import { parsePath } from '../../core/path.ts'
import { encodeProof } from '../../core/state/proof-codec.ts'
import { checkProof, type Question, type Shown } from '../../core/state/proof.ts'
import { CELL_TYPES } from '../../core/types/cell.ts'
import { entryField } from '../../core/types/log/change.ts'
import type { SpaceStore } from '../../storage/space-store.ts'
import { FaultError, orThrow } from '../fault-error.ts'
import type { Space } from './space.ts'

export interface ProveOptions {
  /** Of the item; needed only where items of several types show at the path. */
  readonly type?: string | undefined
  /** One field of it rather than all: a map's field, a set's member, an edge's `label/to`, an entry of a log by operation id and `/index`. */
  readonly field?: string | undefined
  /** All that is at and below the path, by its root alone. */
  readonly subtree?: boolean | undefined
}

/** A proof that a state root stands for a state in which something shows, or does not. */
export interface StateProof {
  readonly stateRoot: Uint8Array
  /** What `decodeProof` and `checkProof` take, anywhere. */
  readonly bytes: Uint8Array
  readonly shown: Shown
}

/**
 * The proof of what shows at a path of a space now, or that nothing does, under the present state root (docs/protocol.md §5). Faults:
 * `BAD_PATH`, `USAGE` for an unknown type, `AMBIGUOUS` where the type has to be said, `LIMIT` for what is too large for a proof.
 */
export function prove(space: Space, path: string, options: ProveOptions = {}): StateProof {
  const { state } = space.hosted.replica
  const question = questionOf(space, orThrow(parsePath(path)), options)
  const proof = state.prove(question)
  const stateRoot = state.rootAt('') as Uint8Array
  const checked = checkProof(proof, stateRoot)
  if (!checked.ok) throw new Error(`bug: our own proof does not hold: ${checked.fault.detail}`)
  const bytes = encodeProof(proof)
  if (bytes.ok) return { stateRoot, bytes: bytes.value, shown: checked.value }
  const advice = proof.end.kind === 'item' ? ': prove its fields one by one, with --field' : ''
  throw new FaultError({ code: bytes.fault.code, detail: `${bytes.fault.detail}${advice}` })
}

function questionOf(space: Space, path: string, { type, field, subtree }: ProveOptions): Question {
  if (subtree === true) {
    if (type !== undefined || field !== undefined)
      throw new FaultError({ code: 'USAGE', detail: 'a subtree has no type and no field: leave these out' })
    return { path, subtree: true }
  }
  const { store, replica } = space.hosted
  if (type !== undefined && !CELL_TYPES.some((known) => known === type)) {
    const detail = `there is no type ${JSON.stringify(type)}: use one of ${CELL_TYPES.join(', ')}`
    throw new FaultError({ code: 'USAGE', detail })
  }
  const shown = replica.state.typesAt(path)
  if (type === undefined && shown.length > 1) {
    const detail = `there are items of several types at ${JSON.stringify(path)}: name one of ${shown.join(', ')} with --type`
    throw new FaultError({ code: 'AMBIGUOUS', detail })
  }
  const chosen = type ?? shown[0] ?? null
  if (field === undefined || chosen === null) return { path, type: chosen }
  return { path, type: chosen, field: chosen === 'log' ? entryNamed(field, store) : field }
}

/** An entry of a log as people name it, `id` or `id/index`, as the field that it has; anything else is taken for a field. */
function entryNamed(text: string, store: SpaceStore): string {
  const [, hex, index = '0'] = /^([0-9a-f]{64})(?:\/(\d{1,5}))?$/.exec(text) ?? []
  const id = hex === undefined ? null : fromHex(hex)
  const entry = id === null ? undefined : store.find(id)
  return entry === undefined ? text : entryField({ ...entry, index: Number(index) })
}
