import { type Static, Type } from 'typebox'
import { PageSize } from '../../node/agents/page-size.ts'
import type { SpaceHistory } from '../../node/history/space-history.ts'
import type { HistoryOptions, HistoryPage, Version } from '../../node/history/versions.ts'
import type { HttpApp } from '../http-context.ts'
import { readablePath } from '../readable-path.ts'
import { at, explained } from '../request-fault.ts'
import { Limit, Next, OperationId, PathParams, Recorded, TypeName, Written } from '../schemas/item.ts'
import { problems } from '../schemas/problem.ts'

const tags = ['history']
/** Each reading looks at all lines of the history once. */
const VERSIONS_AT_ONCE = 16
const choice = {
  type: Type.Optional(TypeName),
  field: Type.Optional(
    Type.String({ description: "A map's field, a set's member, label/to of an edge, or empty." }),
  ),
}
const Point = Type.String({
  maxLength: 80,
  description:
    "An operation's id, one followed by ^ for before it, a time (ISO 8601 or ms since 1970), or now.",
})
const Writer = {
  operation: Type.String(),
  index: Type.Integer(),
  author: Type.String(),
  time: Type.Integer(),
}
const VersionSchema = Type.Object({
  operation: Type.String(),
  author: Type.String({ description: 'did:key' }),
  time: Type.Integer({ description: "Ms since 1970, as the author's clock said." }),
  lamport: Type.Integer(),
  seq: Type.Integer(),
  edits: Type.Array(Type.Unknown(), { description: 'What it did to this item.' }),
  effective: Type.Boolean({ description: 'False where a revocation took its effect.' }),
  maskedBy: Type.Array(Type.Unknown()),
  shows: Type.Boolean({ description: 'Something of it is what shows now.' }),
  chain: Type.Array(Type.String(), { description: 'Delegations it was made under, root first.' }),
  parents: Type.Array(Type.String()),
  saw: Type.Array(Type.String()),
  concurrent: Type.Array(Type.String()),
})
const DifferenceSchema = Type.Object({
  type: TypeName,
  field: Type.String(),
  kind: Type.Union([Type.Literal('added'), Type.Literal('removed'), Type.Literal('changed')]),
  before: Type.Optional(Type.Unknown()),
  after: Type.Optional(Type.Unknown()),
  lines: Type.Optional(Type.Unknown({ description: 'Of texts, line by line.' })),
  writer: Type.Union([Type.Object(Writer), Type.Null()]),
})
const BlameSchema = Type.Object({
  type: TypeName,
  field: Type.String(),
  value: Type.Unknown(),
  ...Writer,
  chain: Type.Array(Type.String()),
  parts: Type.Optional(Type.Array(Type.Unknown(), { description: 'Of a counter: who added how much.' })),
  ranges: Type.Optional(Type.Array(Type.Unknown(), { description: 'Of a text: who wrote which stretch.' })),
})
const RevertBody = Type.Object(
  {
    to: Point,
    ...choice,
    recorded: Type.Optional(Type.Boolean()),
    timeMs: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  { additionalProperties: false },
)

/** What items were, who made them so, and making them so again. */
export function registerHistoryRoutes(app: HttpApp): void {
  app.get(
    '/v1/spaces/:space/history/*',
    {
      schema: {
        operationId: 'listVersions',
        summary: 'The versions of the items at a path: who, when, what, under which right, having seen what',
        tags,
        params: PathParams,
        querystring: Type.Object({
          ...choice,
          order: Type.Unsafe<'latest' | 'oldest'>({
            type: 'string',
            enum: ['latest', 'oldest'],
            default: 'latest',
            description: 'As they arrived here, which puts causes before effects.',
          }),
          limit: Limit,
          after: Type.Optional(OperationId),
        }),
        response: { 200: Type.Object({ versions: Type.Array(VersionSchema), next: Next }), ...problems },
      },
    },
    ({ caller, params, query }) => {
      const { space } = readablePath(caller.space(params.space), params['*'])
      return at('/querystring', () => pageOfVersions(space.history, params['*'], query))
    },
  )
  app.get(
    '/v1/spaces/:space/diff/*',
    {
      schema: {
        operationId: 'diffItems',
        summary: 'In what the items at a path differ between two points',
        tags,
        params: PathParams,
        querystring: Type.Object({
          from: Point,
          to: Type.Optional({ ...Point, default: 'now' } as typeof Point),
          ...choice,
          recorded: Recorded,
        }),
        response: { 200: Type.Object({ differences: Type.Array(DifferenceSchema) }), ...problems },
      },
    },
    ({ caller, params, query: { from, to = 'now', recorded: asRecorded, ...which } }) => {
      const { space } = readablePath(caller.space(params.space), params['*'])
      const options = { ...which, asRecorded }
      return {
        differences: at('/querystring', () => space.history.diff(params['*'], from, to, options)),
      }
    },
  )
  app.get(
    '/v1/spaces/:space/blame/*',
    {
      schema: {
        operationId: 'blameItems',
        summary: 'Who wrote what shows at a path: each value, field, edge, member, and stretch of a text',
        tags,
        params: PathParams,
        querystring: Type.Object(choice),
        response: { 200: Type.Object({ blame: Type.Array(BlameSchema) }), ...problems },
      },
    },
    ({ caller, params, query }) => {
      const { space } = readablePath(caller.space(params.space), params['*'])
      return { blame: space.history.blame(params['*'], query) }
    },
  )
  app.post(
    '/v1/spaces/:space/revert/*',
    {
      schema: {
        operationId: 'revertItems',
        summary: 'Make the items at a path again what they were at a point, as one new operation',
        tags,
        params: PathParams,
        body: RevertBody,
        response: { 200: Written, ...problems },
      },
    },
    ({ caller, params, body }) => {
      const { space, author } = readablePath(caller.space(params.space), params['*'])
      const { to, recorded: asRecorded, timeMs, ...which }: Static<typeof RevertBody> = body
      const by = { author, ...(timeMs === undefined ? {} : { timeMs }) }
      const options = { ...which, asRecorded }
      return {
        operation: at('/body', () =>
          explained(params['*'], () => space.history.revert(params['*'], to, options, by)),
        ),
      }
    },
  )
}

/** A page of versions, read a few at a time until it has as many as asked for, or is as long as a page may be. */
function pageOfVersions(
  history: SpaceHistory,
  path: string,
  query: HistoryOptions & { limit: number },
): HistoryPage {
  const { limit } = query
  const versions: Version[] = []
  const size = new PageSize()
  let { after } = query
  for (;;) {
    const few = Math.min(VERSIONS_AT_ONCE, limit - versions.length)
    const page = history.of(path, { ...query, limit: few, after })
    for (const version of page.versions) versions.push(size.add(version))
    if (page.next === null || versions.length === limit || size.isFull) return { versions, next: page.next }
    after = page.next
  }
}
