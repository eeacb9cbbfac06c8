import { isEverywhere } from '../../core/ucan/path-prefixes.ts'
import type { Entry } from '../../core/graph.ts'
import { FaultError } from '../fault-error.ts'
import type { Explanation } from '../space/explain.ts'
import { parseOperationId } from '../space/operation-id.ts'
import type { SpaceAccess } from './space-access.ts'

/**
 * What became of an operation. Throws `UNKNOWN_OPERATION` where this node has never seen it, and just so where the caller may not read what
 * it is about. Of what was refused nothing but the code is kept, so only who reads the whole space is told of it. Of an operation of which the
 * caller may read a part, it is not said how much there is.
 */
export function explainWithin(access: SpaceAccess, id: string): Explanation {
  const { store, replica } = access.space.hosted
  const explanation = access.space.explain(id)
  const entry = store.find(parseOperationId(id))
  const held = replica.held.get(parseOperationId(id))
  const isWhole =
    isEverywhere(access.readable()) ||
    (entry !== undefined && isAboutItems(entry) && access.readsAllBelow(entry.path)) ||
    (held !== undefined && access.readsAllBelow(held.operation.header.path))
  if (isWhole && explanation.verdict !== 'unknown') return explanation
  if (entry !== undefined && isAboutItems(entry) && touchesWithin(access, entry))
    return { ...explanation, ...(explanation.maskedBy.length === 0 ? PARTLY : {}), void: [] }
  const detail = `no operation ${id} that you may read has been seen here: list the operations to see which have`
  throw new FaultError({ code: 'UNKNOWN_OPERATION', detail })
}

const PARTLY = { code: null, detail: 'admitted; your token reaches a part of it' }

const isAboutItems = ({ command }: Entry): boolean => command.startsWith('/op/')

/** An operation above the caller's reach may have changed something within it. */
function touchesWithin(access: SpaceAccess, entry: Entry): boolean {
  const cells = access.space.hosted.replica
    .evaluationOf(entry)
    .flatMap((change) => (change.ok && change.value.kind === 'cells' ? change.value.edits : []))
  return cells.some(({ path }) => access.mayRead(path))
}
