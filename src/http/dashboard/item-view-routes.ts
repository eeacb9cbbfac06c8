import { Type } from 'typebox'
import { DASHBOARD_LISTED_MAX } from '../../core/limits.ts'
import { parsePath } from '../../core/path.ts'
import { orThrow } from '../../node/fault-error.ts'
import { type Item, itemAt } from '../../node/space/item.ts'
import type { Space } from '../../node/space/space.ts'
import type { HttpApp } from '../http-context.ts'
import { SpaceParams } from '../schemas/space.ts'
import { readFolder } from './folder.ts'
import { requireNode } from './require-node.ts'

const PathQuery = Type.Object({ path: Type.String() })

/** Items as the page shows them: folder by folder, and all types at a path at once, logs by their end. */
export function registerItemViewRoutes(app: HttpApp): void {
  const base = '/v1/dashboard/spaces/:space'
  app.get(
    `${base}/folder`,
    { schema: { hide: true, params: SpaceParams, querystring: PathQuery } },
    ({ caller, params, query: { path } }) => {
      requireNode(caller)
      orThrow(parsePath(path))
      return readFolder(path, caller.space(params.space).space.hosted.store, DASHBOARD_LISTED_MAX)
    },
  )
  app.get(
    `${base}/items`,
    {
      schema: {
        hide: true,
        params: SpaceParams,
        querystring: Type.Object({
          path: Type.String(),
          at: Type.Optional(Type.String({ description: 'A point in history. Left out: now.' })),
        }),
      },
    },
    ({ caller, params, query: { path, at } }) => {
      requireNode(caller)
      const { space } = caller.space(params.space)
      return {
        items: at === undefined ? itemsNow(space, path) : space.history.allAt(path, at).map(shortened),
      }
    },
  )
}

function itemsNow(space: Space, path: string): readonly Item[] {
  const { store } = space.hosted
  return space.typesAt(path).flatMap((type) => {
    if (type !== 'log') return itemAt(path, type, store) ?? []
    const value = space.lastEntries(path, DASHBOARD_LISTED_MAX)
    return { path, type, value }
  })
}

/** A log of the past is read whole; the page shows its end. */
function shortened(item: Item): Item {
  if (item.type !== 'log') return item
  const entries = item.value as readonly unknown[]
  const omitted = Math.max(0, entries.length - DASHBOARD_LISTED_MAX)
  return omitted === 0 ? item : { ...item, value: entries.slice(omitted), omitted }
}
