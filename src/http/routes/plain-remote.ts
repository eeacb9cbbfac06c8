import { pipeline, Readable } from 'node:stream'
import { constants, createGzip, createZstdCompress } from 'node:zlib'
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { fromHex, toHex } from '../../core/bytes.ts'
import { type KnownLog, parseClockText } from '../../core/clock-text.ts'
import { HASH_BYTES } from '../../core/hash.ts'
import { formatJson } from '../../core/json.ts'
import {
  BODIES_ASKED_MAX,
  HTTP_TRANSFERS_MAX,
  HTTP_TRANSFERS_PER_CALLER_MAX,
  PATH_BYTES_MAX,
} from '../../core/limits.ts'
import { isAtOrBelow, parsePath } from '../../core/path.ts'
import type { Caller } from '../../node/agents/caller.ts'
import type { SpaceAccess } from '../../node/agents/space-access.ts'
import { FaultError, orThrow } from '../../node/fault-error.ts'
import type { HttpApp, HttpContext } from '../http-context.ts'
import { receiveLines, sourceOf, unpackedBody } from '../received-lines.ts'
import { problems } from '../schemas/problem.ts'

/** Media type of operations as lines of JSON (docs/formats.md). */
const LINES = 'application/x-ndjson'
/** Of a snapshot's file. */
const SNAPSHOT = 'application/vnd.hanse.snapshot'
/** Types under which lines may come: some clients know no better one. */
const LINES_TAKEN = [LINES, 'application/jsonl', 'application/octet-stream', 'application/zstd', 'text/plain']

const SpaceQuery = Type.Optional(
  Type.String({ description: 'Id, beginning of the id, or name. Not needed where your token reaches one.' }),
)
const PathQuery = Type.String({ default: '', maxLength: PATH_BYTES_MAX })

/**
 * The plain remote: what nodes and old clients fetch and send over HTTP without libp2p. Under `/v1/spaces/:space`, and at the root for
 * whoever expects it there. Reads give what the token reaches; what is sent passes the pipeline like an operation from any peer.
 */
export async function registerPlainRemoteRoutes(app: HttpApp, context: HttpContext): Promise<void> {
  const transfers = new Transfers()
  // Its own scope: how bodies are read here concerns no other route.
  await app.register(async (scope) => {
    scope.addContentTypeParser(LINES_TAKEN, (_request, payload, done) => done(null, payload))
    for (const at of ['', '/v1/spaces/:space']) {
      registerVersion(scope, at)
      registerOperations(scope, at, transfers, context)
      registerReceiving(scope, at, transfers, context)
      registerSnapshot(scope, at, transfers)
    }
  })
}

function registerVersion(app: HttpApp, at: string): void {
  app.get(
    `${at}/version`,
    {
      schema: {
        ...describe(at, 'getVersion', 'The clock of a space: what this node has, by author'),
        querystring: Type.Object({ space: SpaceQuery }),
        response: {
          200: Type.Record(Type.String(), Type.Any(), {
            description: 'From did:key of an author to { seq, id } of the head, or a list of them.',
          }),
          304: Type.Null(),
          ...problems,
        },
      },
    },
    async (request, reply) => {
      const { space } = spaceOf(request, at)
      const tag = `"${toHex(space.hosted.replica.clockRoot())}"`
      reply.header('ETag', tag).header('Hanse-Space', space.id).header('Cache-Control', 'no-cache')
      reply.header('Hanse-Operations', String(space.hosted.store.count()))
      if (request.headers['if-none-match'] === tag) return await reply.code(304).send(null)
      return space.exchange.clock()
    },
  )
}

function registerOperations(app: HttpApp, at: string, transfers: Transfers, context: HttpContext): void {
  const send = (reply: FastifyReply, access: SpaceAccess, wish: Wish) => {
    transfers.begin(reply)
    const source = Readable.from(operationLines(access, wish, context.stopping), { objectMode: false })
    reply.header('Hanse-Space', access.space.id).header('Cache-Control', 'no-store')
    return reply.type(LINES).send(packed(source, reply))
  }
  app.get(
    `${at}/ops`,
    {
      schema: {
        ...describe(at, 'getOperations', 'Operations that you lack, a line of JSON each, parents first'),
        querystring: Type.Object({
          space: SpaceQuery,
          since: Type.Optional(Type.String({ description: 'A clock, as JSON: what is in it is left out.' })),
          path: PathQuery,
        }),
        response: { 200: streamed(LINES, 'Headers of all; bodies that your token may read.'), ...problems },
      },
    },
    (request, reply) => {
      const { since, path } = request.query
      const known = since === undefined ? [] : orThrow(parseClockText(since))
      return send(reply, spaceOf(request, at), { since: known, path, bodies: [] })
    },
  )
  app.post(
    `${at}/ops/since`,
    {
      schema: {
        ...describe(
          at,
          'postOperationsSince',
          'The same for a clock that is too long for an address, and for bodies you lack',
        ),
        querystring: Type.Object({ space: SpaceQuery }),
        body: Type.Object(
          {
            since: Type.Record(Type.String(), Type.Any(), { default: {} }),
            path: PathQuery,
            bodies: Type.Array(Type.String(), {
              default: [],
              maxItems: BODIES_ASKED_MAX,
              description: 'Ids of operations that you have without their body; sent last.',
            }),
          },
          { additionalProperties: false },
        ),
        response: { 200: streamed(LINES, 'Headers of all; bodies that your token may read.'), ...problems },
      },
    },
    (request, reply) => {
      const { since, path, bodies } = request.body
      const known = orThrow(parseClockText(formatJson(since)))
      return send(reply, spaceOf(request, at), { since: known, path, bodies: bodies.map(readId) })
    },
  )
}

function registerReceiving(app: HttpApp, at: string, transfers: Transfers, { stopping }: HttpContext): void {
  app.post(
    `${at}/ops`,
    {
      config: { isStreamed: true },
      schema: {
        ...describe(at, 'postOperations', 'Hand over operations, a line of JSON each, in any order'),
        description:
          'The body is a stream of lines, packed with gzip or zstd if you like. One answer for each, as it is known: {"line":1,"id":"…","outcome":"admitted|completed|known|waiting|refused","code":"…","detail":"…"}; the last line is {"end":{…counts}}, or {"error":{"code","detail"}} where it broke off. One bad line never stops the rest. Whoever sends everything before reading answers sends at most some 20,000 lines at a time, or asks for report=problems.',
        querystring: Type.Object({
          space: SpaceQuery,
          report: Type.Union([Type.Literal('all'), Type.Literal('problems')], { default: 'all' }),
        }),
        body: { content: { [LINES]: { schema: Type.Any() } } },
        response: { 200: streamed(LINES, 'An answer for each line, and the end.'), ...problems },
      },
    },
    (request, reply) => {
      const access = spaceOf(request, at)
      const body = unpackedBody(request.body as Readable, request.headers['content-encoding'])
      transfers.begin(reply)
      const isAll = request.query.report === 'all'
      const answers = receiveLines(access, body, { isAll, source: sourceOf(request.caller), stopping })
      reply.header('Hanse-Space', access.space.id).header('Cache-Control', 'no-store')
      return reply.type(LINES).send(answers)
    },
  )
}

function registerSnapshot(app: HttpApp, at: string, transfers: Transfers): void {
  app.get(
    `${at}/snapshot/latest`,
    {
      schema: {
        ...describe(at, 'getSnapshot', 'A snapshot of the space as it is now'),
        querystring: Type.Object({
          space: SpaceQuery,
          path: Type.Optional(
            Type.String({
              description: 'At and below it. Default: where your token reads, if that is one place.',
            }),
          ),
        }),
        response: { 200: streamed(SNAPSHOT, 'docs/formats.md'), ...problems },
      },
    },
    async (request, reply) => {
      const access = spaceOf(request, at)
      const { space } = access
      const source = space.exchange.snapshot(snapshotPath(access, request.query.path))
      transfers.begin(reply)
      // What is wrong with the wish shows before the first byte.
      const first = await source.next()
      const bytes = async function* () {
        if (first.done !== true) yield first.value
        yield* source
      }
      reply.header('Hanse-Space', space.id).header('Cache-Control', 'no-store')
      reply.header('Content-Disposition', `attachment; filename="${space.id.slice(0, 16)}.snapshot"`)
      return reply.type(SNAPSHOT).send(Readable.from(bytes(), { objectMode: false }))
    },
  )
}

/** The streams that are served; each ends with its connection, at the latest. */
class Transfers {
  #count = 0
  /** By did of the caller. */
  readonly #own = new Map<string, number>()

  begin({ raw, request }: FastifyReply): void {
    const { did } = request.caller
    const own = this.#own.get(did) ?? 0
    if (this.#count >= HTTP_TRANSFERS_MAX || own >= HTTP_TRANSFERS_PER_CALLER_MAX)
      throw new FaultError({
        code: 'TOO_MANY',
        detail: `${this.#count} transfers are being served, ${own} of them to you: try again in a moment`,
      })
    this.#count++
    this.#own.set(did, own + 1)
    raw.once('close', () => {
      this.#count--
      const left = (this.#own.get(did) ?? 1) - 1
      if (left === 0) this.#own.delete(did)
      else this.#own.set(did, left)
    })
  }
}

/** What somebody lacks. */
interface Wish {
  readonly since: readonly KnownLog[]
  readonly path: string
  readonly bodies: readonly Uint8Array[]
}

async function* operationLines(
  access: SpaceAccess,
  { since, path, bodies }: Wish,
  stopping: AbortSignal,
): AsyncGenerator<string> {
  const { exchange } = access.space
  const mayRead = (at: string) => access.mayRead(at)
  const inChunks = new Chunks()
  for await (const { text } of exchange.operations({ since, path, mayRead })) {
    stopping.throwIfAborted()
    if (inChunks.add(text)) yield inChunks.take()
  }
  for (const { text } of exchange.bodies(bodies, mayRead)) if (inChunks.add(text)) yield inChunks.take()
  yield inChunks.take()
}

/** Lines joined, so that they are not sent one by one. */
class Chunks {
  #text = ''

  /** True where it is enough to be sent. */
  add(line: string): boolean {
    this.#text += line
    return this.#text.length >= CHUNK_CHARACTERS
  }

  take(): string {
    const text = this.#text
    this.#text = ''
    return text
  }
}

const CHUNK_CHARACTERS = 64 * 1024

/** Packs an answer as the client takes it: zstd before gzip before nothing. */
function packed(source: Readable, reply: FastifyReply): Readable {
  const accepted = reply.request.headers['accept-encoding'] ?? ''
  reply.header('Vary', 'Accept-Encoding')
  const takes = (name: string) =>
    accepted.split(',').some((one) => new RegExp(`^\\s*${name}\\s*(;\\s*q=(?!0(\\.0*)?\\s*$)|$)`).test(one))
  if (takes('zstd')) {
    reply.header('Content-Encoding', 'zstd')
    const packer = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 3 } })
    return pipeline(source, packer, () => {})
  }
  if (!takes('gzip')) return source
  reply.header('Content-Encoding', 'gzip')
  return pipeline(source, createGzip(), () => {})
}

interface SpaceRequest {
  readonly caller: Caller
  readonly query: unknown
  readonly params: unknown
}

function spaceOf({ caller, query, params }: SpaceRequest, at: string): SpaceAccess {
  const given = (at === '' ? query : params) as { readonly space?: string }
  if (given.space !== undefined) return caller.space(given.space)
  const [only, ...others] = caller.spaces()
  if (only === undefined)
    throw new FaultError({ code: 'NO_SPACE', detail: 'your token reaches no space: ask who runs this node' })
  if (others.length > 0)
    throw new FaultError({
      code: 'AMBIGUOUS',
      detail: `your token reaches ${others.length + 1} spaces: say which with ?space=`,
    })
  return only
}

function snapshotPath(access: SpaceAccess, given: string | undefined): string {
  const readable = access.readable()
  const [only, ...others] = readable ?? []
  const path = given ?? (others.length === 0 ? only : undefined)
  if (path !== undefined) {
    orThrow(parsePath(path))
    if (readable?.some((prefix) => isAtOrBelow(path, prefix)) === true) return path
    access.requireRead(path)
  }
  const where = readable?.map((prefix) => JSON.stringify(prefix)).join(', ') ?? 'where its delegations say'
  throw new FaultError({
    code: 'NOT_ALLOWED',
    detail: `your token reads ${where}: say which with ?path=, or take the operations from /ops`,
  })
}

function readId(text: string): Uint8Array {
  const id = fromHex(text)
  if (id?.length === HASH_BYTES) return id
  throw new FaultError({ code: 'BAD_ID', detail: 'an id in "bodies" is not 64 hexadecimal digits' })
}

/** One name for each address: at the root the same routes have another. */
function describe(at: string, operationId: string, summary: string) {
  const isRoot = at === ''
  const params = isRoot ? {} : { params: Type.Object({ space: Type.String() }) }
  return {
    operationId: isRoot ? `${operationId}AtRoot` : operationId,
    summary,
    tags: ['remote'],
    ...params,
  }
}

function streamed(type: string, description: string) {
  return { description, content: { [type]: { schema: Type.String() } } }
}
