import { PastReader } from '../ancestry.ts'
import type { Entry, Graph } from '../graph.ts'
import type { Operation } from '../operation/operation.ts'
import type { VerifySignature } from '../signature.ts'
import { isAtOrBelow } from '../path.ts'
import { ok, type Result } from '../result.ts'
import type { VerifiedDelegation } from '../ucan/delegation.ts'
import type { CellEdit } from './cell.ts'
import { decodeChange, invalid, type Change, type ChangeFault } from './change.ts'
import {
  CAP_PUT,
  readDelegations,
  readSpaceDescription,
  SPACE_CREATE,
  type SpaceDescription,
} from './control.ts'
import { MAP, readMap } from './map.ts'
import { readRegister, REGISTER } from './register.ts'

/** What one change of a body means. */
export type Effect =
  | { readonly kind: 'cells'; readonly edits: readonly CellEdit[] }
  | { readonly kind: 'space'; readonly description: SpaceDescription }
  | { readonly kind: 'delegations'; readonly delegations: readonly VerifiedDelegation[] }
  /** A type or version this node does not know: kept, forwarded and reported, without effect here. */
  | { readonly kind: 'outdated'; readonly type: string; readonly version: number }

/** The meaning of a whole body, change by change: an effect, or the reason why that change is void. */
export type Evaluation = readonly Result<Effect, ChangeFault>[]

/** True for operations whose meaning others depend on: they carry their body everywhere and wait for it. */
export function isControl(command: string): boolean {
  return command.startsWith('/cap/') || command.startsWith('/decide/')
}

/**
 * Check 14 of the pipeline, on the body of an operation whose parents are `parents`. A change is void (`CHANGE_INVALID`) when
 * 1. it is not a canonical change (src/core/changes/change.ts);
 * 2. its path is not at or below the operation's path;
 * 3. it is a control change in an operation that is not a control operation, or an item change in one that is;
 * 4. its type refuses the payload;
 * 5. it names an element that is not in the operation's past.
 * A void change voids itself and nothing else.
 */
export function evaluateBody(
  operation: Operation,
  parents: readonly Entry[],
  graph: Graph,
  verify: VerifySignature,
): Evaluation {
  if (operation.body === null) return []
  const { path, command, space } = operation.header
  const past = new PastReader(graph, parents)
  return operation.body.map((bytes, index) => {
    const decoded = decodeChange(bytes)
    if (!decoded.ok) return decoded
    const change = decoded.value
    if (!isAtOrBelow(change.path, path)) {
      return invalid(
        `the change is at ${JSON.stringify(change.path)}, outside the operation's path ${JSON.stringify(path)}`,
      )
    }
    return isControl(command)
      ? readControl(change, index, space === null, graph, verify)
      : readItem(change, index, past, graph)
  })
}

function readControl(
  change: Change,
  index: number,
  isGenesis: boolean,
  graph: Graph,
  verify: VerifySignature,
): Result<Effect, ChangeFault> {
  if (change.version !== 1) return ok({ kind: 'outdated', type: change.type, version: change.version })
  switch (change.type) {
    case SPACE_CREATE: {
      if (!isGenesis || index !== 0) return invalid('only the first change of a genesis describes the space')
      const read = readSpaceDescription(change)
      return read.ok ? ok({ kind: 'space', description: read.value }) : read
    }
    case CAP_PUT: {
      const read = readDelegations(change, graph.spaceKey, verify)
      return read.ok ? ok({ kind: 'delegations', delegations: read.value }) : read
    }
    case REGISTER:
    case MAP:
      return invalid(`a ${change.type} change in a control operation`)
    default:
      return ok({ kind: 'outdated', type: change.type, version: change.version })
  }
}

function readItem(
  change: Change,
  index: number,
  past: PastReader,
  graph: Graph,
): Result<Effect, ChangeFault> {
  if (change.type === SPACE_CREATE || change.type === CAP_PUT) {
    return invalid(`a ${change.type} change outside a control operation`)
  }
  const known = change.version === 1 && (change.type === REGISTER || change.type === MAP)
  if (!known) return ok({ kind: 'outdated', type: change.type, version: change.version })
  const read = change.type === REGISTER ? readRegister(change, index) : readMap(change, index)
  if (!read.ok) return read
  for (const edit of read.value) {
    if (edit.kind !== 'remove') continue
    for (const ref of edit.observed) {
      const target = graph.find(ref.id)
      if (target === undefined || !past.has(target))
        return invalid('it names an element that is not in its past')
    }
  }
  return ok({ kind: 'cells', edits: read.value })
}
