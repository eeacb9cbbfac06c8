import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { BLOB_NAME_BYTES_MAX, HTTP_BLOB_WAIT_SECONDS_MAX, HTTP_PAGE_MAX } from '../../core/limits.ts'
import { isAtOrBelow } from '../../core/path.ts'
import { intersectPrefixes } from '../../core/ucan/path-prefixes.ts'
import type { SpaceAccess } from '../../node/agents/space-access.ts'
import type { BlobInfo } from '../../node/blobs/space-blobs.ts'
import { FaultError } from '../../node/fault-error.ts'
import { parseByteRange } from '../byte-range.ts'
import { isAmong } from '../etag.ts'
import { goneSignal } from '../gone-signal.ts'
import type { HttpApp } from '../http-context.ts'
import { problemOf, PROBLEM_TYPE } from '../problem.ts'
import { readablePath } from '../readable-path.ts'
import { Next, PathParams, PathQuery } from '../schemas/item.ts'
import { problems } from '../schemas/problem.ts'
import { SpaceParams } from '../schemas/space.ts'
import { unhurried } from '../unhurried.ts'

const tags = ['blobs']
const Limit = Type.Integer({
  minimum: 1,
  maximum: HTTP_PAGE_MAX,
  default: 100,
  description: 'At most so many.',
})

/** Content of any size: put at a path, got from it, whole or in part. */
export async function registerBlobRoutes(app: HttpApp): Promise<void> {
  registerListing(app)
  registerGetting(app)
  // Its own scope: here whatever comes is content, JSON too.
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    registerPutting(scope)
  })
}

function registerListing(app: HttpApp): void {
  app.get(
    '/v1/spaces/:space/blobs',
    {
      schema: {
        operationId: 'listBlobs',
        summary: 'The blobs at or below a path, a page at a time',
        tags,
        params: SpaceParams,
        querystring: Type.Object({
          path: PathQuery,
          limit: Limit,
          after: Type.Optional(Type.String({ description: 'The path with which the page before ended.' })),
        }),
        response: { 200: Type.Object({ blobs: Type.Array(Type.Ref('Blob')), next: Next }), ...problems },
      },
    },
    ({ caller, params, query }) => {
      const blobs: BlobInfo[] = []
      for (const blob of readableBlobs(caller.space(params.space), query.path, query.after)) {
        if (blobs.length === query.limit) return { blobs, next: blobs.at(-1)?.path ?? null }
        blobs.push(blob)
      }
      return { blobs, next: null }
    },
  )
  app.get(
    '/v1/spaces/:space/wants',
    {
      schema: {
        operationId: 'listWants',
        summary: 'Blobs that are wanted and not here yet, in the order in which they are fetched',
        tags,
        params: SpaceParams,
        querystring: Type.Object({ limit: Limit }),
        response: { 200: Type.Object({ wants: Type.Array(Type.Ref('Want')) }), ...problems },
      },
    },
    ({ caller, params, query }) => {
      const access = caller.space(params.space)
      return { wants: access.space.blobs.wants(query.limit, (path) => access.mayRead(path)) }
    },
  )
}

function registerGetting(app: HttpApp): void {
  app.route({
    method: ['GET'],
    exposeHeadRoute: true,
    url: '/v1/spaces/:space/blobs/*',
    schema: {
      operationId: 'getBlob',
      summary: 'The content of a blob, whole or a range of it',
      description:
        'Answers ranges (206, 416), If-Range and If-None-Match; the entity tag is the hash of the content. 503 BLOB_MISSING: it is not on this node yet; ask with ?wait=30 to have it fetched.',
      tags,
      params: PathParams,
      querystring: Type.Object({
        wait: Type.Integer({
          minimum: 0,
          maximum: HTTP_BLOB_WAIT_SECONDS_MAX,
          default: 0,
          description: 'Have it fetched from peers, and give up where for so many seconds nothing comes.',
        }),
      }),
      headers: Type.Object({
        range: Type.Optional(Type.String()),
        'if-range': Type.Optional(Type.String()),
        'if-none-match': Type.Optional(Type.String()),
      }),
      produces: ['application/octet-stream'],
      response: {
        200: Type.Unsafe({ type: 'string', format: 'binary' }),
        206: Type.Unsafe({ type: 'string', format: 'binary' }),
        304: Type.Null(),
        ...problems,
      },
    },
    handler: async ({ caller, params, query, headers, method }, reply) => {
      const path = params['*']
      const access = readablePath(caller.space(params.space), path)
      const blob = await blobAt(access, path, query.wait, reply)
      const etag = `"${blob.hash}"`
      describeContent(reply, blob, etag)
      const known = headers['if-none-match']
      if (known !== undefined && isAmong(etag, known)) return await reply.code(304).send(null)
      const isSame = headers['if-range'] === undefined || headers['if-range'] === etag
      const range = isSame ? parseByteRange(headers.range, blob.size) : null
      if (range === 'unsatisfiable') return await refuseRange(reply, blob)
      const { start, end } = range ?? { start: 0, end: blob.size }
      reply.code(range === null ? 200 : 206).header('Content-Length', end - start)
      if (range !== null) reply.header('Content-Range', `bytes ${start}-${end - 1}/${blob.size}`)
      // Of no content its length would be told.
      if (method === 'HEAD') return await reply.send(Readable.from([]))
      const { blobs } = access.space
      return await reply.send(streamOf(range === null ? blobs.read(path) : blobs.readRange(path, start, end)))
    },
  })
}

function registerPutting(app: HttpApp): void {
  app.route({
    method: ['PUT', 'POST'],
    url: '/v1/spaces/:space/blobs/*',
    config: { isStreamed: true },
    schema: {
      operationId: 'putBlob',
      summary: 'Put content of any size at a path',
      description:
        'The body is the content, of whatever Content-Type: that is kept as its media type. Answers when all of it is on the disk and one signed operation refers to it. If-None-Match: * only where there is no blob yet; If-Match: only in the place of that one.',
      tags,
      params: PathParams,
      querystring: Type.Object({
        name: Type.Optional(
          Type.String({ minLength: 1, description: `Of a file; at most ${BLOB_NAME_BYTES_MAX} bytes.` }),
        ),
      }),
      consumes: ['application/octet-stream'],
      response: {
        201: Type.Object({
          id: Type.String({ description: 'Of the operation, hexadecimal.' }),
          path: Type.String(),
          hash: Type.String({ description: 'Hexadecimal; the entity tag.' }),
          size: Type.Integer({ description: 'Bytes.' }),
        }),
        ...problems,
      },
    },
    handler: async ({ caller, params, query, headers, body }, reply) => {
      const access = caller.space(params.space)
      const path = params['*']
      const check = () => checkBlobConditions(access, path, headers)
      check()
      const content = (body ?? []) as AsyncIterable<Uint8Array> | Iterable<Uint8Array>
      const { id, reference } = await access.space.blobs.put(path, unhurried(content), {
        author: access.author,
        mediaType: headers['content-type'],
        name: query.name,
        signal: goneSignal(reply),
        // What is there may have changed while the content came.
        onStored: check,
      })
      const hash = Buffer.from(reference.hash).toString('hex')
      reply.header('ETag', `"${hash}"`)
      return await reply.code(201).send({ id, path, hash, size: reference.size })
    },
  })
}

/** The blobs that the caller may read, those of one prefix after those of the one before; `after`: a path that was listed. */
function* readableBlobs(access: SpaceAccess, path: string, after: string | undefined): Generator<BlobInfo> {
  const { blobs } = access.space
  const prefixes = intersectPrefixes([path], access.readable())
  if (prefixes === null) {
    for (const blob of blobs.list(path, { after })) if (access.mayRead(blob.path)) yield blob
    return
  }
  const known = after === undefined ? -1 : prefixes.findIndex((prefix) => isAtOrBelow(after, prefix))
  if (after !== undefined && known === -1)
    throw new FaultError({
      code: 'BAD_CURSOR',
      detail: '`after` is no path that was listed: leave it out to begin anew',
    })
  for (const [at, prefix] of prefixes.entries())
    if (at >= known) yield* blobs.list(prefix, at === known ? { after } : {})
}

/** The blob, whole and here. Throws `NOT_FOUND`, and where it is not here what fetching it says. */
async function blobAt(
  access: SpaceAccess,
  path: string,
  waitSeconds: number,
  reply: FastifyReply,
): Promise<BlobInfo> {
  const { blobs } = access.space
  const blob = blobs.get(path)
  if (blob === undefined) {
    const detail = `there is no blob at ${JSON.stringify(path)}: list the blobs to see what there is`
    throw new FaultError({ code: 'NOT_FOUND', detail })
  }
  if (blob.complete) return blob
  if (waitSeconds > 0) {
    await blobs.fetch(path, { signal: goneSignal(reply), silenceMs: waitSeconds * 1000 })
    return blobs.get(path) ?? blob
  }
  const detail = `the content at ${JSON.stringify(path)} is not on this node yet: ask with ?wait=30 to have it fetched from peers`
  throw new FaultError({ code: 'BLOB_MISSING', detail })
}

/**
 * What a browser makes of content that anybody may have written, on the origin of the operator's own page: nothing. It is saved rather than
 * shown, no type is guessed, and what is shown all the same runs no script and is of no origin.
 */
function describeContent(reply: FastifyReply, { mediaType, name, path }: BlobInfo, etag: string): void {
  const file = name ?? path.split('/').at(-1) ?? 'blob'
  const encoded = encodeURIComponent(file.toWellFormed()).replaceAll(
    /['()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16)}`,
  )
  reply
    .header('Content-Type', mediaType ?? 'application/octet-stream')
    .header('Content-Disposition', `attachment; filename*=UTF-8''${encoded}`)
    .header('Content-Security-Policy', "default-src 'none'; sandbox")
    .header('X-Content-Type-Options', 'nosniff')
    .header('Accept-Ranges', 'bytes')
    .header('ETag', etag)
    .header('Cache-Control', 'private, no-cache')
}

async function refuseRange(reply: FastifyReply, { size }: BlobInfo): Promise<FastifyReply> {
  for (const name of ['Content-Disposition', 'ETag']) reply.removeHeader(name)
  const problem = problemOf('BAD_RANGE', `the content has ${size} bytes: ask for some of them`)
  return await reply
    .code(problem.status)
    .type(PROBLEM_TYPE)
    .header('Content-Range', `bytes */${size}`)
    .send(problem)
}

/** Begins to read, so that what is missing or damaged at its beginning is told before anything is sent. */
function streamOf(content: Generator<Uint8Array>): Readable {
  const first = content.next()
  return Readable.from(
    (function* () {
      if (first.done !== true) yield first.value
      yield* content
    })(),
    { objectMode: false },
  )
}

function checkBlobConditions(
  access: SpaceAccess,
  path: string,
  headers: Readonly<Record<string, unknown>>,
): void {
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = headers
  if (ifMatch === undefined && ifNoneMatch === undefined) return
  const blob = readablePath(access, path).space.blobs.get(path)
  const etag = blob === undefined ? null : `"${blob.hash}"`
  const holds =
    (typeof ifMatch !== 'string' || isAmong(etag, ifMatch)) &&
    (typeof ifNoneMatch !== 'string' || !isAmong(etag, ifNoneMatch))
  if (holds) return
  const detail = `the blob at ${JSON.stringify(path)} is ${etag ?? 'not there'} now: read it again and decide anew`
  throw new FaultError({ code: 'IF_MATCH', detail })
}
