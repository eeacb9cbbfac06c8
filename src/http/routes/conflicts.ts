import { Type } from 'typebox'
import { parsePath } from '../../core/path.ts'
import { conflictsWithin } from '../../node/agents/conflict-listing.ts'
import { FaultError, orThrow } from '../../node/fault-error.ts'
import type { HttpApp } from '../http-context.ts'
import { readPlace, writePlace } from '../page-token.ts'
import { readablePath } from '../readable-path.ts'
import { at, explained } from '../request-fault.ts'
import { Limit, Next, OperationId, PathParams, PathQuery, TypeName, Written } from '../schemas/item.ts'
import { problems } from '../schemas/problem.ts'
import { SpaceParams } from '../schemas/space.ts'

const tags = ['conflicts']
const side = {
  operation: Type.String(),
  index: Type.Integer(),
  author: Type.String(),
  time: Type.Integer(),
  lamport: Type.Integer(),
  deletes: Type.Boolean({ description: 'This side deleted, and has no value.' }),
  value: Type.Optional(Type.Unknown()),
}
const ConflictSchema = Type.Object({
  path: Type.String(),
  type: TypeName,
  field: Type.String(),
  kind: Type.Unsafe<string>({
    type: 'string',
    enum: ['written twice', 'claimed twice', 'deleted and written'],
  }),
  winner: Type.Object(side),
  losers: Type.Array(Type.Object({ ...side, rule: Type.String({ description: 'By what it lost.' }) })),
})

/** Where concurrent writes met, and settling it. */
export function registerConflictRoutes(app: HttpApp): void {
  app.get(
    '/v1/spaces/:space/conflicts',
    {
      schema: {
        operationId: 'listConflicts',
        summary:
          'Where writes met that had not seen each other, and that nobody has settled: what shows, and what lost by which rule',
        tags,
        params: SpaceParams,
        querystring: Type.Object({
          path: PathQuery,
          limit: Limit,
          after: Type.Optional(Type.String({ maxLength: 8192 })),
        }),
        response: {
          200: Type.Object({ conflicts: Type.Array(ConflictSchema), next: Next }),
          ...problems,
        },
      },
    },
    ({ caller, params, query: { path, limit, after } }) => {
      const access = caller.space(params.space)
      at('/querystring/path', () => orThrow(parsePath(path)))
      const from = after === undefined ? undefined : at('/querystring/after', () => readPlace(after))
      const { conflicts, next } = conflictsWithin(access, path, { limit, after: from })
      return { conflicts, next: next === null ? null : writePlace(next) }
    },
  )
  app.post(
    '/v1/spaces/:space/conflicts/*',
    {
      schema: {
        operationId: 'settleConflict',
        summary: 'Settle the conflict at a path: keep what shows, or take what a losing operation did',
        tags,
        params: PathParams,
        body: Type.Object(
          {
            keep: Type.Optional(Type.Literal(true)),
            take: Type.Optional(OperationId),
            type: Type.Optional(TypeName),
            field: Type.Optional(Type.String({ description: 'Where several conflicts are at the path.' })),
            timeMs: Type.Optional(Type.Integer({ minimum: 0 })),
          },
          { additionalProperties: false },
        ),
        response: { 200: Written, ...problems },
      },
    },
    ({ caller, params, body: { keep, take, type, field, timeMs } }) => {
      const path = params['*']
      const { space, author } = readablePath(caller.space(params.space), path)
      if ((keep === undefined) === (take === undefined))
        throw new FaultError({ code: 'BAD_REQUEST', detail: '/body: give one of keep and take' })
      const by = { author, ...(timeMs === undefined ? {} : { timeMs }) }
      const choice = { type, field }
      return {
        operation: explained(path, () =>
          take === undefined
            ? space.conflicts.keep(path, choice, by)
            : space.conflicts.take(path, take, choice, by),
        ),
      }
    },
  )
}
