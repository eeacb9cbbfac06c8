import { Type } from 'typebox'
import { KIND_COLUMNS_MAX } from '../../core/limits.ts'
import { FaultError } from '../../node/fault-error.ts'
import { COLUMN_TYPES, type ColumnType, KINDS_PATH } from '../../node/query/kind.ts'
import type { HttpApp } from '../http-context.ts'
import { problems } from '../schemas/problem.ts'
import { SpaceParams } from '../schemas/space.ts'

const tags = ['queries']
const Columns = Type.Array(
  Type.Object(
    {
      name: Type.String(),
      type: Type.Unsafe<ColumnType>({ type: 'string', enum: [...COLUMN_TYPES] }),
    },
    { additionalProperties: false },
  ),
  { maxItems: KIND_COLUMNS_MAX },
)
const KindParams = Type.Object({
  ...SpaceParams.properties,
  kind: Type.String({ description: 'Small letters, digits and underscores.' }),
})
const Declared = Type.Object({
  name: Type.String(),
  id: Type.Union([Type.String(), Type.Null()], { description: 'Of the operation; null: nothing changed.' }),
})

/** Kinds: declarations at `kinds/<name>` that make a view of the items below a path. */
export function registerKindRoutes(app: HttpApp): void {
  app.get(
    '/v1/spaces/:space/kinds',
    {
      schema: {
        operationId: 'listKinds',
        summary: 'The kinds that are declared where your token reads',
        tags,
        params: SpaceParams,
        response: {
          200: Type.Object({
            kinds: Type.Array(
              Type.Object({
                name: Type.String(),
                path: Type.Union([Type.String(), Type.Null()]),
                columns: Columns,
                problem: Type.Union([Type.String(), Type.Null()], {
                  description: 'Why it has no view; null where it has.',
                }),
              }),
            ),
            more: Type.Boolean(),
          }),
          ...problems,
        },
      },
    },
    ({ caller, params }) => {
      const access = caller.space(params.space)
      const { kinds, more } = access.space.queries.kinds.list()
      return { kinds: kinds.filter(({ name }) => access.mayRead(pathOf(name))), more }
    },
  )
  app.put(
    '/v1/spaces/:space/kinds/:kind',
    {
      schema: {
        operationId: 'declareKind',
        summary: 'Declare a kind, or change its declaration to exactly this',
        description: 'A kind is the map at kinds/<name>: whoever may write there may declare.',
        tags,
        params: KindParams,
        body: Type.Object({ path: Type.String(), columns: Columns }, { additionalProperties: false }),
        response: { 200: Declared, ...problems },
      },
    },
    ({ caller, params, body }) => {
      const { space, kind: name } = params
      const access = caller.space(space)
      access.requireRead(pathOf(name))
      const id = access.space.queries.kinds.declare({ name, ...body }, { author: access.author })
      return { name, id }
    },
  )
  app.delete(
    '/v1/spaces/:space/kinds/:kind',
    {
      schema: {
        operationId: 'removeKind',
        summary: 'Take a declaration away; the items stay',
        tags,
        params: KindParams,
        response: { 200: Declared, ...problems },
      },
    },
    ({ caller, params }) => {
      const { space, kind: name } = params
      const access = caller.space(space)
      access.requireRead(pathOf(name))
      const id = access.space.queries.kinds.remove(name, { author: access.author })
      if (id !== null) return { name, id }
      throw new FaultError({ code: 'NOT_FOUND', detail: `no kind ${JSON.stringify(name)} is declared here` })
    },
  )
}

const pathOf = (name: string): string => `${KINDS_PATH}/${name}`
