import { Type } from 'typebox'
import {
  SEARCH_HITS_MAX,
  SQL_PARAMETERS_MAX,
  SQL_QUERY_CHARACTERS_MAX,
  SQL_ROWS,
  SQL_ROWS_MAX,
  SQL_TIMEOUT_MS,
  SQL_TIMEOUT_MS_MAX,
} from '../../core/limits.ts'
import type { Caller } from '../../node/agents/caller.ts'
import { FaultError } from '../../node/fault-error.ts'
import type { SqlParameters, SqlValue } from '../../node/query/query-message.ts'
import { goneSignal } from '../gone-signal.ts'
import type { HttpApp } from '../http-context.ts'
import { givenValue } from '../../node/given-value.ts'
import { PathQuery } from '../schemas/item.ts'
import { problems } from '../schemas/problem.ts'
import { SpaceParams } from '../schemas/space.ts'
import { withinReach } from '../within.ts'

const tags = ['queries']
const TimeoutMs = Type.Integer({
  minimum: 1,
  maximum: SQL_TIMEOUT_MS_MAX,
  default: SQL_TIMEOUT_MS,
  description: 'The query is stopped after so many ms.',
})
const SqlParameter = Type.Unknown({
  description: 'null, a number, a text, true, false, or {"/": {"bytes": "base64"}}.',
})

/** SQL and search. A token that does not reach everything asks views that have no more than it reaches. */
export function registerQueryRoutes(app: HttpApp): void {
  app.post(
    '/v1/spaces/:space/sql',
    {
      schema: {
        operationId: 'sql',
        summary: 'Ask with SQL',
        description:
          'One SELECT in the SQL of SQLite over the views items, fields, edges, events, tags, counters, texts, blobs, claims, conflicts, operations, heads and authors, as far as your token reaches. A token that reaches everything has delegations, refusals, search and all kinds besides.',
        tags,
        params: SpaceParams,
        body: Type.Object(
          {
            query: Type.String({ maxLength: SQL_QUERY_CHARACTERS_MAX, minLength: 1 }),
            parameters: Type.Optional(
              Type.Union(
                [
                  Type.Array(SqlParameter, { maxItems: SQL_PARAMETERS_MAX }),
                  Type.Record(Type.String(), SqlParameter, { maxProperties: SQL_PARAMETERS_MAX }),
                ],
                { description: 'For each ? in turn, or by name for :name, @name and $name.' },
              ),
            ),
            maxRows: Type.Integer({ minimum: 1, maximum: SQL_ROWS_MAX, default: SQL_ROWS }),
            timeoutMs: TimeoutMs,
          },
          { additionalProperties: false },
        ),
        response: {
          200: Type.Object({
            columns: Type.Array(Type.String()),
            rows: Type.Array(Type.Record(Type.String(), Type.Unknown())),
            more: Type.Boolean({
              description: 'True: there are more rows than maxRows, or than an answer holds.',
            }),
          }),
          ...problems,
        },
      },
    },
    async ({ caller, params, body }, reply) => {
      const access = caller.space(params.space)
      const { query, parameters = [], maxRows, timeoutMs } = body
      const options = {
        maxRows,
        timeoutMs,
        signal: goneSignal(reply),
        asker: askerOf(caller),
        ...withinReach(access),
      }
      return await access.space.sql(query, sqlParameters(parameters), options)
    },
  )
  app.get(
    '/v1/spaces/:space/search',
    {
      schema: {
        operationId: 'search',
        summary: 'Find where words are, in what shows now',
        tags,
        params: SpaceParams,
        querystring: Type.Object({
          q: Type.String({
            minLength: 1,
            maxLength: SQL_QUERY_CHARACTERS_MAX,
            description: 'All of these words; stor* is any word that begins so.',
          }),
          path: PathQuery,
          limit: Type.Integer({ minimum: 1, maximum: SEARCH_HITS_MAX, default: 20 }),
          raw: Type.Boolean({ default: false, description: "True: q is an expression of SQLite's FTS5." }),
          timeoutMs: TimeoutMs,
        }),
        response: {
          200: Type.Object({
            hits: Type.Array(
              Type.Object({
                path: Type.String(),
                type: Type.String(),
                field: Type.String({
                  description:
                    "Of a map the field, of an edge label/target, of a log the entry's place, of a set the tag.",
                }),
                snippet: Type.String({ description: 'The words stand between ⟦ and ⟧.' }),
                score: Type.Number({ description: 'Greater is better, within one answer.' }),
              }),
            ),
          }),
          ...problems,
        },
      },
    },
    async ({ caller, params, query }, reply) => {
      const access = caller.space(params.space)
      const { q, ...options } = query
      const hits = await access.space.search(q, {
        ...options,
        signal: goneSignal(reply),
        asker: askerOf(caller),
        ...withinReach(access),
      })
      return { hits }
    },
  )
}

/** The node itself may have all places. */
const askerOf = ({ isNode, did }: Caller): string | undefined => (isNode ? undefined : did)

function sqlParameters(given: readonly unknown[] | Readonly<Record<string, unknown>>): SqlParameters {
  if (Array.isArray(given)) return given.map((one: unknown) => sqlValue(givenValue(one)))
  return Object.fromEntries(Object.entries(given).map(([name, one]) => [name, sqlValue(givenValue(one))]))
}

function sqlValue(value: unknown): SqlValue {
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value === null || value instanceof Uint8Array) return value
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string') return value
  throw new FaultError({
    code: 'SQL_PARAMETERS',
    detail:
      'a parameter is null, a number, a text, true, false or bytes: hand lists and maps over as JSON texts',
  })
}
