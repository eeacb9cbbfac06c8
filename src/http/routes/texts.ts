import { Type } from 'typebox'
import { spliceDelta, type TextDelta } from '../../core/types/text/delta.ts'
import type { SpaceAccess } from '../../node/agents/space-access.ts'
import { FaultError } from '../../node/fault-error.ts'
import type { PutOptions } from '../../node/space/put-options.ts'
import type { SpaceText } from '../../node/space/space-text.ts'
import { checkConditions, conditionsOf, etagOf, isAmong } from '../etag.ts'
import type { HttpApp } from '../http-context.ts'
import { spliceOf } from '../item-edits.ts'
import { readablePath } from '../readable-path.ts'
import { at, explained } from '../request-fault.ts'
import { PathParams, Splices, writeOptions } from '../schemas/item.ts'
import { problems } from '../schemas/problem.ts'

const tags = ['texts']
const count = { minimum: 0 }
const Deltas = Type.Array(
  Type.Object(
    {
      retain: Type.Optional(Type.Integer(count)),
      insert: Type.Optional(Type.String()),
      delete: Type.Optional(Type.Integer(count)),
    },
    { additionalProperties: false, minProperties: 1, maxProperties: 1 },
  ),
  { minItems: 1, description: 'From the start of the text: keep so many, insert, delete so many.' },
)
const ConditionHeaders = Type.Object({
  'if-match': Type.Optional(Type.String({ description: 'Only where the text has this entity tag.' })),
  'if-none-match': Type.Optional(Type.String()),
})
const TextWritten = Type.Object({
  operation: Type.Union([Type.String(), Type.Null()], {
    description: 'Id of the last operation made; null where nothing had to change.',
  }),
  length: Type.Integer({ description: 'Code points that show now.' }),
  etag: Type.Union([Type.String(), Type.Null()]),
})

/** Texts that people type in at the same time. Positions count Unicode code points, as Python's `len` does. */
export function registerTextRoutes(app: HttpApp): void {
  app.get(
    '/v1/spaces/:space/texts/*',
    {
      schema: {
        operationId: 'getText',
        summary: 'A text or a stretch of it, as it shows now',
        tags,
        params: PathParams,
        querystring: Type.Object({
          from: Type.Integer({ ...count, default: 0 }),
          to: Type.Optional(Type.Integer({ ...count, description: 'One past the last. Default: the end.' })),
        }),
        headers: Type.Object({ 'if-none-match': Type.Optional(Type.String()) }),
        response: {
          200: Type.Object({
            path: Type.String(),
            text: Type.String(),
            from: Type.Integer(),
            length: Type.Integer({ description: 'Code points of the whole text.' }),
            etag: Type.Union([Type.String(), Type.Null()]),
            incomplete: Type.Boolean({ description: 'Not all of it has arrived: it cannot be edited yet.' }),
          }),
          304: Type.Null(),
          ...problems,
        },
      },
    },
    async ({ caller, params, query: { from, to }, headers }, reply) => {
      const path = params['*']
      const { space } = readablePath(caller.space(params.space), path)
      const text = space.text(path)
      if (!text.exists) {
        const detail = `there is no text at ${JSON.stringify(path)}: PUT or POST makes one`
        throw new FaultError({ code: 'NOT_FOUND', detail })
      }
      const etag = etagOf(space, path, 'text')
      if (etag !== null) reply.headers({ ETag: etag, 'Cache-Control': 'private, no-cache' })
      if (headers['if-none-match'] !== undefined && isAmong(etag, headers['if-none-match']))
        return await reply.code(304).send(null)
      const { length, isIncomplete: incomplete } = text
      return { path, text: text.slice(from, Math.max(from, to ?? length)), from, length, etag, incomplete }
    },
  )
  app.put(
    '/v1/spaces/:space/texts/*',
    {
      schema: {
        operationId: 'putText',
        summary:
          'Make a text say this, by the fewest insertions and deletions of words: what others type meanwhile stays',
        tags,
        params: PathParams,
        headers: ConditionHeaders,
        body: Type.Object({ text: Type.String(), ...writeOptions }, { additionalProperties: false }),
        response: { 200: TextWritten, ...problems },
      },
    },
    async ({ caller, params, headers, body }) => {
      const { text: wanted, ...options } = body
      return await edit(caller.space(params.space), params['*'], headers, options, (text, all) => {
        checkWellFormed('/body/text', wanted)
        return text.set(wanted, all)
      })
    },
  )
  app.post(
    '/v1/spaces/:space/texts/*',
    {
      schema: {
        operationId: 'editText',
        summary: 'Edit a text by splices or by a delta; makes it where there is none',
        tags,
        params: PathParams,
        headers: ConditionHeaders,
        body: Type.Object(
          { splices: Type.Optional(Splices), delta: Type.Optional(Deltas), ...writeOptions },
          { additionalProperties: false },
        ),
        response: { 200: TextWritten, ...problems },
      },
    },
    async ({ caller, params, headers, body }) => {
      const { splices, delta, ...options } = body
      if ((splices === undefined) === (delta === undefined))
        throw new FaultError({ code: 'BAD_REQUEST', detail: '/body: give one of splices and delta' })
      const given = splices?.map(spliceOf) ?? spliceDelta(delta as TextDelta)
      given.forEach(([, , inserted], i) =>
        checkWellFormed(`/body/${splices ? 'splices' : 'delta'}/${i}`, inserted),
      )
      return await edit(caller.space(params.space), params['*'], headers, options, (text, all) =>
        at('/body', () => text.apply(given, all)),
      )
    },
  )
}

async function edit(
  access: SpaceAccess,
  path: string,
  headers: Readonly<Record<string, unknown>>,
  options: PutOptions,
  perform: (text: SpaceText, options: PutOptions) => string | null,
) {
  const { space, author } = readablePath(access, path)
  const conditions = conditionsOf(headers)
  return await space.writeSoon(() => {
    checkConditions(conditions, space, path, 'text')
    const text = space.text(path)
    const operation = explained(path, () => perform(text, { ...options, author }))
    return { operation, length: text.length, etag: etagOf(space, path, 'text') }
  })
}

function checkWellFormed(pointer: string, text: string): void {
  at(pointer, () => {
    if (text.isWellFormed()) return
    throw new FaultError({
      code: 'BAD_VALUE',
      detail: 'the text cannot be stored: it is not well-formed Unicode',
    })
  })
}
