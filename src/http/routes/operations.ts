import { type Static, Type } from 'typebox'
import { WRITE_EDITS_MAX } from '../../core/limits.ts'
import { commonPath, parsePath } from '../../core/path.ts'
import { explainWithin } from '../../node/agents/explanation.ts'
import { operationsWithin } from '../../node/agents/operation-listing.ts'
import type { SpaceAccess } from '../../node/agents/space-access.ts'
import { FaultError, orThrow } from '../../node/fault-error.ts'
import type { ItemEdit } from '../../node/space/item-edit.ts'
import { checkConditions, isUnconditional } from '../etag.ts'
import type { HttpApp } from '../http-context.ts'
import { buildsOnWhatShows, editOf, typeOfEdit } from '../item-edits.ts'
import { at, isOfRight, refusedWrite, RequestFault } from '../request-fault.ts'
import { BatchEdit, Limit, Next, OperationId, PathQuery, writeOptions } from '../schemas/item.ts'
import { problems } from '../schemas/problem.ts'
import { SpaceParams } from '../schemas/space.ts'

const tags = ['operations']
const Ids = Type.Array(Type.String())
const OperationSchema = Type.Object({
  id: Type.String(),
  author: Type.String({ description: 'did:key' }),
  seq: Type.Integer(),
  lamport: Type.Integer(),
  time: Type.Integer({ description: "Ms since 1970, as the author's clock said." }),
  command: Type.String(),
  path: Type.String(),
  changes: Type.Union([Type.Integer(), Type.Null()], {
    description: 'How many you may read; null: the content has not arrived.',
  }),
  masked: Type.Boolean({ description: 'A revocation took its effect.' }),
  chain: { ...Ids, description: 'Delegations it was made under, root first.' } as typeof Ids,
  parents: Ids,
  edits: Type.Array(Type.Unknown(), { description: 'What it did, the first of it.' }),
  moreEdits: Type.Integer(),
})
const Verdicts = Type.Array(
  Type.Object({
    operation: Type.String(),
    author: Type.String(),
    target: Type.Union([Type.String(), Type.Null()]),
  }),
)
const ExplanationSchema = Type.Object({
  id: Type.String(),
  verdict: Type.Unsafe<string>({ type: 'string', enum: ['admitted', 'masked', 'held', 'refused'] }),
  code: Type.Union([Type.String(), Type.Null()], { description: 'Of the check that failed.' }),
  detail: Type.String(),
  author: Type.Union([Type.String(), Type.Null()]),
  nextKeys: Ids,
  chain: Type.Array(Type.Object({ digest: Type.String(), terms: Type.Unknown() })),
  maskedBy: Verdicts,
  endorsedBy: Verdicts,
  void: Type.Array(Type.Object({ index: Type.Integer(), detail: Type.String() })),
})
const Batch = Type.Object(
  {
    edits: Type.Array(BatchEdit, { minItems: 1, maxItems: WRITE_EDITS_MAX }),
    path: Type.Optional(
      Type.String({ description: 'Of the operation. Default: the common path of its edits.' }),
    ),
    ...writeOptions,
  },
  { additionalProperties: false },
)

/** Operations: many edits as one, and what was done. */
export function registerOperationRoutes(app: HttpApp): void {
  app.post(
    '/v1/spaces/:space/operations',
    {
      schema: {
        operationId: 'write',
        summary: 'Many edits of any items as one signed operation: all of them, or none',
        description:
          'What is deleted is what was there before: an edit does not see the others. An edit that cannot be done is named by `errors` of the problem, and nothing is written.',
        tags,
        params: SpaceParams,
        body: Batch,
        response: {
          200: Type.Object({ operation: Type.String(), edits: Type.Integer() }),
          ...problems,
        },
      },
    },
    async ({ caller, params, body }) => {
      const access = caller.space(params.space)
      return await access.space.writeSoon(() => writeBatch(access, body))
    },
  )
  app.get(
    '/v1/spaces/:space/operations',
    {
      schema: {
        operationId: 'listOperations',
        summary: 'What was done at or below a path, the latest to arrive first',
        tags,
        params: SpaceParams,
        querystring: Type.Object({
          path: PathQuery,
          limit: Limit,
          after: Type.Optional(OperationId),
        }),
        response: {
          200: Type.Object({ operations: Type.Array(OperationSchema), next: Next }),
          ...problems,
        },
      },
    },
    async ({ caller, params, query: { path, limit, after } }) => {
      const access = caller.space(params.space)
      at('/querystring/path', () => orThrow(parsePath(path)))
      return await operationsWithin(access, path, { limit, after })
    },
  )
  app.get(
    '/v1/spaces/:space/operations/:operation',
    {
      schema: {
        operationId: 'explainOperation',
        summary: 'What became of one operation, and why: its chain of delegations, and who took its effect',
        tags,
        params: Type.Object({ ...SpaceParams.properties, operation: OperationId }),
        response: { 200: ExplanationSchema, ...problems },
      },
    },
    ({ caller, params }) => explainWithin(caller.space(params.space), params.operation),
  )
}

function writeBatch(access: SpaceAccess, { edits: given, path, after, timeMs }: Static<typeof Batch>) {
  const { space, author } = access
  const edits = given.map((json, i): ItemEdit => {
    const conditions = { ifMatch: json.ifMatch, ifNoneMatch: json.ifNoneMatch }
    return at(`/body/edits/${i}`, () => {
      const edit = editOf(json.path, json)
      if (buildsOnWhatShows(edit) || !isUnconditional(conditions)) access.requireRead(edit.path)
      checkConditions(conditions, space, edit.path, typeOfEdit(edit))
      return edit
    })
  })
  const options = {
    author,
    ...(path === undefined ? {} : { path }),
    ...(after === undefined ? {} : { after }),
    ...(timeMs === undefined ? {} : { timeMs }),
  }
  try {
    return { operation: space.write(edits, options), edits: edits.length }
  } catch (error) {
    throw error instanceof FaultError ? naming(error, edits, access) : error
  }
}

/** The fault of a write with the edits that are to blame for it, as far as that can be told. */
function naming(fault: FaultError, edits: readonly ItemEdit[], access: SpaceAccess): FaultError {
  const { code, message: detail } = fault
  const isRight = isOfRight(fault)
  const errors = edits.flatMap(({ path }, i) => {
    const pointer = `/body/edits/${i}`
    if (path === fault.path) return [{ pointer, detail }]
    return isRight && !access.mayWrite(path) ? [{ pointer, detail: refusedWrite(fault, path).detail }] : []
  })
  const [first] = errors
  if (first !== undefined)
    return new RequestFault({ code, detail: `${first.pointer}: ${first.detail}` }, errors)
  if (!isRight || edits.length === 1) return fault
  const common = JSON.stringify(commonPath(edits.map(({ path }) => path)))
  return new FaultError({
    code,
    detail: `${detail}. All edits are one operation at ${common}, their common path, which no single delegation of yours reaches: write them as several`,
  })
}
