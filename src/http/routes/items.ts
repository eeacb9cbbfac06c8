import { type Static, Type } from 'typebox'
import { HTTP_PAGE_CHARACTERS_MAX, HTTP_PAGE_MAX } from '../../core/limits.ts'
import { parsePath } from '../../core/path.ts'
import { formatValue } from '../../core/value-json.ts'
import { type ItemPlace, placesWithin } from '../../node/agents/item-listing.ts'
import type { SpaceAccess } from '../../node/agents/space-access.ts'
import { FaultError, orThrow } from '../../node/fault-error.ts'
import type { ItemType } from '../../node/space/item-edit.ts'
import type { Item } from '../../node/space/item.ts'
import { type ShownItem, shownItem } from '../../node/space/shown-item.ts'
import { isAmong, quoted } from '../etag.ts'
import type { HttpApp } from '../http-context.ts'
import { readPlace, writePlace } from '../page-token.ts'
import { readablePath } from '../readable-path.ts'
import { at } from '../request-fault.ts'
import { latestThatFit } from './logs.ts'
import { Limit, Next, PathParams, PathQuery, Recorded, TypeName } from '../schemas/item.ts'
import { problems } from '../schemas/problem.ts'
import { SpaceParams } from '../schemas/space.ts'

const tags = ['items']
const ENTRIES_LISTED = 10
const Entries = Type.Integer({
  minimum: 1,
  maximum: HTTP_PAGE_MAX,
  default: 100,
  description: 'Of a log, only the last so many entries: /logs has them all.',
})

const ListQuery = Type.Object({
  path: PathQuery,
  type: Type.Optional(TypeName),
  limit: Limit,
  after: Type.Optional(Type.String({ maxLength: 4096 })),
  values: Type.Boolean({
    default: true,
    description: `False: only paths and types. Of logs a listing has the last ${ENTRIES_LISTED} entries.`,
  }),
})

/** The items of a space, to read. */
export function registerItemRoutes(app: HttpApp): void {
  app.get(
    '/v1/spaces/:space/items',
    {
      schema: {
        operationId: 'listItems',
        summary: 'The items at or below a path, a page at a time',
        tags,
        params: SpaceParams,
        querystring: ListQuery,
        response: {
          200: Type.Object({ items: Type.Array(Type.Ref('Item')), next: Next }),
          ...problems,
        },
      },
    },
    async ({ caller, params, query }, reply) => {
      const access = caller.space(params.space)
      return await reply.type('application/json; charset=utf-8').send(pageOfItems(access, query))
    },
  )
  app.get(
    '/v1/spaces/:space/items/*',
    {
      schema: {
        operationId: 'getItem',
        summary: 'One item: as it shows now, or as it was at a point of its history',
        tags,
        params: PathParams,
        querystring: Type.Object({
          type: Type.Optional(TypeName),
          entries: Entries,
          at: Type.Optional(
            Type.String({
              maxLength: 80,
              description:
                "A point in history: an operation's id, one followed by ^ for before it, a time (ISO 8601 or ms since 1970).",
            }),
          ),
          recorded: Recorded,
        }),
        headers: Type.Object({ 'if-none-match': Type.Optional(Type.String()) }),
        response: { 200: Type.Ref('Item'), 304: Type.Null(), ...problems },
      },
    },
    async ({ caller, params, query, headers }, reply) => {
      const access = readablePath(caller.space(params.space), params['*'])
      const path = params['*']
      if (query.at !== undefined) return itemThen(access, path, { ...query, point: query.at })
      const shown = shownItem(path, query.type, access.space.hosted.store)
      const etag = quoted(shown?.tag)
      if (etag !== null) reply.headers({ ETag: etag, 'Cache-Control': 'private, no-cache' })
      const known = headers['if-none-match']
      if (known !== undefined && isAmong(etag, known)) return await reply.code(304).send(null)
      const item = shown === undefined ? null : itemNow(access, shown, path, query.entries)
      return item ?? throwNothing(path, query.type)
    },
  )
}

/** A page as JSON text: each item is written once, and the page ends where it would become too long. */
function pageOfItems(access: SpaceAccess, query: Static<typeof ListQuery>): string {
  const { path, type, limit, after, values } = query
  const from = after === undefined ? undefined : at('/querystring/after', () => readPlace(after))
  orThrow(parsePath(path))
  const items: string[] = []
  let characters = 0
  let last: ItemPlace | null = null
  for (const place of placesWithin(access, path, { after: from, type })) {
    if (last !== null && (items.length === limit || characters >= HTTP_PAGE_CHARACTERS_MAX))
      return `{"items":[${items.join()}],"next":${JSON.stringify(writePlace(last))}}`
    const shown = values ? shownItem(place.path, place.type, access.space.hosted.store) : undefined
    const item = shown === undefined ? null : itemNow(access, shown, place.path, ENTRIES_LISTED)
    const text = formatValue(values ? item : place)
    items.push(text)
    characters += text.length
    last = place
  }
  return `{"items":[${items.join()}],"next":null}`
}

function itemNow(
  { space }: SpaceAccess,
  { type, tag, item }: ShownItem,
  path: string,
  entriesMax: number,
): object | null {
  const etag = quoted(tag)
  if (type === 'log') {
    const entries = space.lastEntries(path, entriesMax + 1)
    if (entries.length === 0) return null
    const value = latestThatFit(entries.slice(-entriesMax))
    return { path, type, value, etag, ...(entries.length > value.length ? { more: true } : {}) }
  }
  return { ...item(), etag }
}

function itemThen(
  { space }: SpaceAccess,
  path: string,
  { point, type, recorded }: { readonly point: string; readonly type?: ItemType; readonly recorded: boolean },
): Item {
  const item = at('/querystring/at', () => space.history.at(path, point, { type, asRecorded: recorded }))
  return item ?? throwNothing(path, type)
}

function throwNothing(path: string, type: ItemType | undefined): never {
  const detail = `there is no ${type ?? 'item'} at ${JSON.stringify(path)}: list the items to see what there is`
  throw new FaultError({ code: 'NOT_FOUND', detail })
}
