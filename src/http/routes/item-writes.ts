import { Type } from 'typebox'
import { parsePath } from '../../core/path.ts'
import type { SpaceAccess } from '../../node/agents/space-access.ts'
import { FaultError, orThrow } from '../../node/fault-error.ts'
import type { ItemEdit, ItemType } from '../../node/space/item-edit.ts'
import type { PutOptions } from '../../node/space/put-options.ts'
import { checkConditions, conditionsOf, etagOf, isUnconditional } from '../etag.ts'
import type { HttpApp } from '../http-context.ts'
import { buildsOnWhatShows, editOf, typeOfEdit } from '../item-edits.ts'
import { readablePath } from '../readable-path.ts'
import { at, explained } from '../request-fault.ts'
import {
  EditBody,
  type EditJson,
  PathParams,
  TypeName,
  Value,
  writeOptions,
  Written,
  type WrittenJson,
} from '../schemas/item.ts'
import { problems } from '../schemas/problem.ts'

const tags = ['items']
const ConditionHeaders = Type.Object({
  'if-match': Type.Optional(
    Type.String({
      description: 'Only where what shows has this entity tag; * for: only where something shows.',
    }),
  ),
  'if-none-match': Type.Optional(
    Type.String({ description: '* for: only where nothing of that type shows.' }),
  ),
})

/** One edit of one item at a time. */
export function registerItemWriteRoutes(app: HttpApp): void {
  app.put(
    '/v1/spaces/:space/items/*',
    {
      schema: {
        operationId: 'putItem',
        summary: 'Replace the register at a path: the last writer wins',
        tags,
        params: PathParams,
        headers: ConditionHeaders,
        body: Type.Object({ value: Value, ...writeOptions }, { additionalProperties: false }),
        response: { 200: Written, ...problems },
      },
    },
    async ({ caller, params, headers, body }) => {
      const { value, ...options } = body
      return await write(caller.space(params.space), params['*'], { kind: 'put', value }, options, headers)
    },
  )
  app.patch(
    '/v1/spaces/:space/items/*',
    {
      schema: {
        operationId: 'editItem',
        summary: 'Set and remove fields of the map at a path: each field merges by itself',
        tags,
        params: PathParams,
        headers: ConditionHeaders,
        body: Type.Object(
          {
            set: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
            remove: Type.Optional(Type.Array(Type.String())),
            ...writeOptions,
          },
          { additionalProperties: false },
        ),
        response: { 200: Written, ...problems },
      },
    },
    async ({ caller, params, headers, body }) => {
      const { set = {}, remove = [], ...options } = body
      const edit = { kind: 'edit' as const, set, remove }
      return await write(caller.space(params.space), params['*'], edit, options, headers)
    },
  )
  app.post(
    '/v1/spaces/:space/items/*',
    {
      schema: {
        operationId: 'changeItem',
        summary: 'Do one thing to the item at a path: append, count, tag, link, claim, release and the rest',
        tags,
        params: PathParams,
        headers: ConditionHeaders,
        body: EditBody,
        response: { 200: Written, ...problems },
      },
    },
    async ({ caller, params, headers, body }) => {
      const { after, timeMs, ...edit } = body
      const options = {
        ...(after === undefined ? {} : { after }),
        ...(timeMs === undefined ? {} : { timeMs }),
      }
      const access = caller.space(params.space)
      if (edit.kind === 'release') return await release(access, params['*'], options, headers)
      return await write(access, params['*'], edit, options, headers)
    },
  )
  app.delete(
    '/v1/spaces/:space/items/*',
    {
      schema: {
        operationId: 'deleteItem',
        summary: 'Delete what shows at a path, as far as this node has seen it; logs stay',
        tags,
        params: PathParams,
        headers: ConditionHeaders,
        querystring: Type.Object({ type: Type.Optional(TypeName) }),
        response: { 200: Written, ...problems },
      },
    },
    async ({ caller, params, headers, query: { type } }): Promise<WrittenJson> => {
      const { space, author } = readablePath(caller.space(params.space), params['*'])
      const path = params['*']
      const conditions = conditionsOf(headers)
      return await space.writeSoon(() => {
        if (!isUnconditional(conditions))
          checkConditions(conditions, space, path, type ?? onlyType(space, path))
        return { operation: explained(path, () => space.delete(path, { author }, type)), etag: null }
      })
    },
  )
}

/** One edit as one operation; its conditions are looked at and it is written without a pause between. */
async function write(
  access: SpaceAccess,
  path: string,
  json: EditJson,
  options: Pick<PutOptions, 'after' | 'timeMs'>,
  headers: Readonly<Record<string, unknown>>,
): Promise<WrittenJson> {
  const { space, author } = access
  at('/params/path', () => orThrow(parsePath(path)))
  const edit = at('/body', () => editOf(path, json))
  const type = typeOfEdit(edit)
  const conditions = conditionsOf(headers)
  if (buildsOnWhatShows(edit) || !isUnconditional(conditions)) access.requireRead(path)
  return await space.writeSoon(() => {
    checkConditions(conditions, space, path, type)
    const operation = at('/body', () => explained(path, () => perform(space, edit, { ...options, author })))
    return { operation, ...tagFor(access, path, type) }
  })
}

/** Null where there is nothing to take away. */
function perform(space: SpaceAccess['space'], edit: ItemEdit, options: PutOptions): string | null {
  const { kind, path } = edit
  if (kind === 'unlink') return space.unlink(path, edit.label, edit.to, options)
  if (kind === 'delete') return space.delete(path, options, edit.type)
  return space.write([edit], options)
}

async function release(
  access: SpaceAccess,
  path: string,
  options: PutOptions,
  headers: Readonly<Record<string, unknown>>,
): Promise<WrittenJson> {
  const { space, author } = readablePath(access, path)
  const conditions = conditionsOf(headers)
  return await space.writeSoon(() => {
    checkConditions(conditions, space, path, 'claim')
    const operation = explained(path, () => space.release(path, { ...options, author }))
    return { operation, ...tagFor(access, path, 'claim') }
  })
}

/** What shows now, for whoever goes on from there and may read it. */
function tagFor(access: SpaceAccess, path: string, type: ItemType): Pick<WrittenJson, 'etag'> {
  return access.mayRead(path) ? { etag: etagOf(access.space, path, type) } : {}
}

/** What a condition is about where no type is named. */
function onlyType(space: SpaceAccess['space'], path: string): ItemType {
  const [only, ...others] = space.typesAt(path).filter((type) => type !== 'log')
  if (others.length === 0) return only ?? 'register'
  throw new FaultError({
    code: 'AMBIGUOUS',
    detail: `several items are at ${JSON.stringify(path)} (${[only, ...others].join(', ')}): say with ?type= which your condition is about`,
  })
}
