import { PastReader } from '../ancestry.ts'
import type { Entry, Graph } from '../graph.ts'
import type { Operation } from '../operation/operation.ts'
import type { VerifySignature } from '../signature.ts'
import { REVOCATIONS_PER_OPERATION_MAX, TEXT_CHANGES_MAX, TOKENS_PER_OPERATION_MAX } from '../limits.ts'
import { isAtOrBelow } from '../path.ts'
import { ok, type Result } from '../result.ts'
import type { VerifiedDelegation } from '../ucan/delegation.ts'
import type { CellEdit, WriteStamp } from '../types/cell.ts'
import { decodeChange, invalid, type Change, type ChangeFault } from './change.ts'
import {
  CAP_PUT,
  readDelegations,
  readSpaceDescription,
  SPACE_CREATE,
  type SpaceDescription,
} from './control.ts'
import { TEXT } from '../types/text/change.ts'
import { readPlainChange } from '../types/plain-change.ts'
import { isItemType, readItemChange } from '../types/read-item-change.ts'
import { CAP_ROTATE, readRotation } from './rotate.ts'
import { CAP_ENDORSE, CAP_REVOKE, readEndorsement, readRevocation } from './verdict.ts'

/** What one change of a body means. */
export type Effect =
  | { readonly kind: 'cells'; readonly edits: readonly CellEdit[] }
  | { readonly kind: 'space'; readonly description: SpaceDescription }
  | { readonly kind: 'delegations'; readonly delegations: readonly VerifiedDelegation[] }
  /** Ends the delegation with the digest `target` for all that is not in past⁺(cut). */
  | { readonly kind: 'revocation'; readonly target: Uint8Array; readonly cut: readonly Entry[] }
  | { readonly kind: 'endorsement'; readonly operations: readonly Entry[] }
  /** The author goes on with the key `next`: for people, and without effect on anything. */
  | { readonly kind: 'rotation'; readonly next: Uint8Array }
  /** A type or version this node does not know: kept, forwarded and reported, without effect here. */
  | { readonly kind: 'outdated'; readonly type: string; readonly version: number }

/** The meaning of a whole body, change by change: an effect, or the reason why that change is void. */
export type Evaluation = readonly Result<Effect, ChangeFault>[]

/** The control changes of version 1, and the only command under which each has a meaning. */
const COMMAND_OF_CONTROL: ReadonlyMap<string, string> = new Map([
  [SPACE_CREATE, '/cap/grant'],
  [CAP_PUT, '/cap/grant'],
  [CAP_ROTATE, '/cap/grant'],
  [CAP_REVOKE, '/cap/revoke'],
  [CAP_ENDORSE, '/cap/endorse'],
])

/** True for operations whose meaning others depend on: they carry their body everywhere and wait for it. */
export function isControl(command: string): boolean {
  return command.startsWith('/cap/') || command.startsWith('/decide/')
}

/**
 * Check 14 of the pipeline, on the body of an operation whose parents are `parents`. A change is void (`CHANGE_INVALID`) when
 * 1. it is not a canonical change (src/core/changes/change.ts);
 * 2. its path is not at or below the operation's path;
 * 3. it is a control change in an operation with another command than its own, or an item change in a control operation;
 * 4. its type refuses the payload;
 * 5. it names an element or an operation that is not in the operation's past;
 * 6. it publishes delegations beyond the operation's first TOKENS_PER_OPERATION_MAX, or is a revocation after its first
 *    REVOCATIONS_PER_OPERATION_MAX that were well-formed, or one of a text after its first TEXT_CHANGES_MAX that were well-formed.
 * A void change voids itself and nothing else.
 */
export function evaluateBody(
  operation: Operation,
  parents: readonly Entry[],
  graph: Graph,
  verify: VerifySignature,
): Evaluation {
  if (operation.body === null) return []
  const { header, id } = operation
  const { path, command, space, author } = header
  const past = new PastReader(graph, parents)
  const isOfItems = !isControl(command)
  const stamp = { id, time: header.time, lamport: header.lamport }
  const tokens = { left: TOKENS_PER_OPERATION_MAX }
  const revocations = { left: REVOCATIONS_PER_OPERATION_MAX }
  const texts = new Map<string, number>()
  return operation.body.map((bytes, index) => {
    const plain = isOfItems ? readPlainChange(bytes, { path, index, operation: stamp }) : null
    if (plain !== null) return ok({ kind: 'cells', edits: plain })
    const decoded = decodeChange(bytes)
    if (!decoded.ok) return decoded
    const change = decoded.value
    if (!isAtOrBelow(change.path, path)) {
      return invalid(
        `the change is at ${JSON.stringify(change.path)}, outside the operation's path ${JSON.stringify(path)}`,
      )
    }
    return isOfItems
      ? readItem(change, { index, operation: stamp, past, graph, texts })
      : readControl(change, {
          index,
          isGenesis: space === null,
          author,
          command,
          past,
          graph,
          verify,
          tokens,
          revocations,
        })
  })
}

/** What a control change is read against. */
interface ControlContext {
  readonly index: number
  readonly isGenesis: boolean
  readonly author: Uint8Array
  readonly command: string
  readonly past: PastReader
  readonly graph: Graph
  readonly verify: VerifySignature
  /** How many delegations the operation may still publish. */
  readonly tokens: { left: number }
  /** How many delegations the operation may still revoke. */
  readonly revocations: { left: number }
}

/** What a change of an item is read against. */
interface ItemContext {
  readonly index: number
  readonly operation: Omit<WriteStamp, 'index'>
  readonly past: PastReader
  readonly graph: Graph
  /** By path: well-formed changes of texts that the operation has made so far. */
  readonly texts: Map<string, number>
}

function readControl(change: Change, context: ControlContext): Result<Effect, ChangeFault> {
  const { type, version } = change
  if (isItemType(type)) return invalid(`a ${type} change in a control operation`)
  const command = COMMAND_OF_CONTROL.get(type)
  if (command === undefined || version !== 1) return ok({ kind: 'outdated', type, version })
  if (command !== context.command)
    return invalid(`a ${type} change in an operation with the command ${context.command}`)
  switch (type) {
    case SPACE_CREATE: {
      if (!context.isGenesis || context.index !== 0)
        return invalid('only the first change of a genesis describes the space')
      const read = readSpaceDescription(change)
      return read.ok ? ok({ kind: 'space', description: read.value }) : read
    }
    case CAP_PUT: {
      const read = readDelegations(change, context.graph.spaceKey, context.verify, context.tokens)
      return read.ok ? ok({ kind: 'delegations', delegations: read.value }) : read
    }
    case CAP_ROTATE: {
      const read = readRotation(change, context.author)
      return read.ok ? ok({ kind: 'rotation', next: read.value }) : read
    }
    case CAP_REVOKE: {
      const read = readRevocation(change)
      if (!read.ok) return read
      if (context.revocations.left-- <= 0)
        return invalid(`an operation makes at most ${REVOCATIONS_PER_OPERATION_MAX} revocations`)
      const cut = entriesInPast(read.value.cut, context)
      if (cut === null) return invalid('the cut names an operation that is not in its past')
      return ok({ kind: 'revocation', target: read.value.target, cut })
    }
    default: {
      const read = readEndorsement(change)
      if (!read.ok) return read
      const operations = entriesInPast(read.value, context)
      if (operations === null) return invalid('it endorses an operation that is not in its past')
      return ok({ kind: 'endorsement', operations })
    }
  }
}

/** The operations of those ids; null where one is not in the past. */
function entriesInPast(ids: readonly Uint8Array[], { past, graph }: ControlContext): readonly Entry[] | null {
  const entries: Entry[] = []
  for (const id of ids) {
    const entry = graph.find(id)
    if (entry === undefined || !past.has(entry)) return null
    entries.push(entry)
  }
  return entries
}

function readItem(
  change: Change,
  { index, operation, past, graph, texts }: ItemContext,
): Result<Effect, ChangeFault> {
  if (COMMAND_OF_CONTROL.has(change.type)) {
    return invalid(`a ${change.type} change outside a control operation`)
  }
  const read = readItemChange(change, index, operation)
  if (read === null) return ok({ kind: 'outdated', type: change.type, version: change.version })
  if (!read.ok) return read
  if (change.type === TEXT) {
    const made = (texts.get(change.path) ?? 0) + 1
    if (made > TEXT_CHANGES_MAX)
      return invalid(`an operation makes at most ${TEXT_CHANGES_MAX} changes to one text`)
    texts.set(change.path, made)
  }
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
