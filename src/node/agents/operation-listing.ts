import { setImmediate as turnOfEventLoop } from 'node:timers/promises'
import { isAtOrBelow } from '../../core/path.ts'
import { isEverywhere } from '../../core/ucan/path-prefixes.ts'
import type { SpaceStore } from '../../storage/space-store.ts'
import { describeLogged, type LoggedOperation } from '../history/logged-operations.ts'
import { entryOf } from '../history/point.ts'
import { parseOperationId } from '../space/operation-id.ts'
import { PageSize } from './page-size.ts'
import type { SpaceAccess } from './space-access.ts'

/** A page of operations. */
export interface OperationPage {
  readonly operations: readonly LoggedOperation[]
  /** Hand it back as `after` for the next page; null where there is no more. */
  readonly next: string | null
}

/** Which operations: the latest to arrive first. */
interface OperationsOptions {
  readonly limit: number
  /** Only those that arrived before this one, hexadecimal. */
  readonly after?: string | undefined
}

/** Operations looked at between two turns of the event loop. */
const BATCH = 64

/**
 * The admitted operations that changed something at or below a path that the caller may read, with what they changed there and nothing
 * else; for who reads everything, at the root every operation.
 */
export async function operationsWithin(
  access: SpaceAccess,
  prefix: string,
  { limit, after }: OperationsOptions,
): Promise<OperationPage> {
  const { hosted } = access.space
  const { store } = hosted
  const operations: LoggedOperation[] = []
  const size = new PageSize()
  let from = after === undefined ? store.count() : entryOf(parseOperationId(after), store).ordinal
  for (;;) {
    const ordinals = candidates(access, prefix, from, BATCH)
    for (const ordinal of ordinals) {
      const entry = store.at(ordinal)
      const isShown = (path: string) => isAtOrBelow(path, prefix) && access.mayRead(path)
      const described = describeLogged(hosted, entry, isShown)
      const isWhole = access.readsAllBelow(entry.path)
      const edits = described.edits.length + described.moreEdits
      if (!isWhole && edits === 0) continue
      if (operations.length === limit || size.isFull)
        return { operations, next: operations.at(-1)?.id ?? null }
      // How much an operation did elsewhere is not told.
      operations.push(size.add(isWhole ? described : { ...described, changes: edits }))
    }
    if (ordinals.length < BATCH) return { operations, next: null }
    from = ordinals.at(-1) as number
    await turnOfEventLoop()
  }
}

/** Ordinals below one, descending, at most `limit`: the latest of each prefix hold the latest of all. */
function candidates(access: SpaceAccess, prefix: string, from: number, limit: number): readonly number[] {
  const { store } = access.space.hosted
  const readable = access.readableBelow(prefix)
  if (prefix === '' && isEverywhere(readable)) return descending(from, limit)
  const found = (readable ?? [prefix]).flatMap((one) => changedBelow(store, one, from, limit))
  return [...new Set(found)].toSorted((a, b) => b - a).slice(0, limit)
}

/** At the root, where the caller's reach cannot be said in prefixes, every operation is looked at. */
const changedBelow = (store: SpaceStore, prefix: string, from: number, limit: number): readonly number[] =>
  prefix === '' ? descending(from, limit) : store.changedBelow(prefix, from, limit)

const descending = (before: number, limit: number): readonly number[] =>
  Array.from({ length: Math.min(limit, before) }, (_, i) => before - 1 - i)
