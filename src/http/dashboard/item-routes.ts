import { Type } from 'typebox'
import { DASHBOARD_LISTED_MAX } from '../../core/limits.ts'
import { parsePath } from '../../core/path.ts'
import { CELL_TYPES } from '../../core/types/cell.ts'
import { orThrow } from '../../node/fault-error.ts'
import { type Item, itemAt } from '../../node/space/item.ts'
import type { Space } from '../../node/space/space.ts'
import type { HttpApp } from '../http-context.ts'
import { SpaceParams } from '../schemas/space.ts'
import { readFolder } from './folder.ts'
import { requireNode } from './require-node.ts'

const PathQuery = Type.Object({ path: Type.String() })
const Types = Type.Union(CELL_TYPES.map((type) => Type.Literal(type)))

/** Items as they are and were, and where concurrent writes met. */
export function registerItemRoutes(app: HttpApp): void {
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
  app.get(
    `${base}/history`,
    { schema: { hide: true, params: SpaceParams, querystring: PathQuery } },
    ({ caller, params, query: { path } }) => {
      requireNode(caller)
      return caller.space(params.space).space.history.of(path, { limit: DASHBOARD_LISTED_MAX })
    },
  )
  app.get(`${base}/conflicts`, { schema: { hide: true, params: SpaceParams } }, ({ caller, params }) => {
    requireNode(caller)
    return caller.space(params.space).space.conflicts.list('')
  })
  app.post(
    `${base}/settlements`,
    {
      schema: {
        hide: true,
        params: SpaceParams,
        body: Type.Object(
          {
            path: Type.String(),
            type: Types,
            field: Type.String(),
            operation: Type.Union([Type.String(), Type.Null()], {
              description: 'The losing operation whose value is to show; null keeps what shows.',
            }),
          },
          { additionalProperties: false },
        ),
      },
    },
    ({ caller, params, body: { path, type, field, operation } }) => {
      requireNode(caller)
      const { conflicts } = caller.space(params.space).space
      const choice = { type, field }
      return {
        operation:
          operation === null ? conflicts.keep(path, choice) : conflicts.take(path, operation, choice),
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
