import { Readable, pipeline } from 'node:stream'
import { createZstdCompress } from 'node:zlib'
import { toHex } from '../../core/bytes.ts'
import { type KnownLog, parseClockText } from '../../core/clock-text.ts'
import {
  BODIES_ASKED_MAX,
  CLOCK_TEXT_BYTES_MAX,
  REMOTE_PUSH_CHARACTERS_MAX,
  REMOTE_PUSH_OPERATIONS_MAX,
  REMOTE_REFUSALS_MAX,
} from '../../core/limits.ts'
import { isAtOrBelow } from '../../core/path.ts'
import type { LineReport } from '../exchange/import-operations.ts'
import { readTextLines } from '../exchange/text-lines.ts'
import { FaultError } from '../fault-error.ts'
import { type HttpAnswer, type HttpClient, readText } from './http-client.ts'
import { persist } from './persist.ts'
import type { HttpRunContext } from './run-context.ts'

/** What a node says of a space it serves. */
export interface RemoteVersion {
  readonly spaceId: string
  /** Names what it holds: equal tags, equal clocks. Null where it gives none. */
  readonly tag: string | null
  readonly clock: readonly KnownLog[]
  readonly operations: number
  readonly latencyMs: number
}

/** Characters of an address, beyond which a clock goes in the body of a request. */
const ADDRESS_CHARACTERS_MAX = 6_000
const PROBLEM_BYTES_MAX = 64 * 1024
const ANSWER_LINE_BYTES_MAX = 64 * 1024
const LINES = 'application/x-ndjson'

/** The address of something of the plain remote, below the address that the remote was given. */
export function addressOf(base: URL, name: string, query: Readonly<Record<string, string>> = {}): URL {
  const url = new URL(base)
  url.pathname = `${base.pathname.replace(/\/+$/, '')}/${name}`
  for (const [key, value] of Object.entries(query)) {
    if (key === 'space' && (/\/spaces\//.test(url.pathname) || url.searchParams.has('space'))) continue
    url.searchParams.set(key, value)
  }
  return url
}

/**
 * Asks a remote for its clock; null where what answers is no Hanse node (a web server with files). Throws the remote's own fault where it
 * does not let us in, and those of HttpClient.
 */
export async function askVersion(
  client: HttpClient,
  base: URL,
  spaceId: string | undefined,
  signal: AbortSignal,
): Promise<RemoteVersion | null> {
  const startedMs = performance.now()
  const url = addressOf(base, 'version', spaceId === undefined ? {} : { space: spaceId })
  const answer = await client.ask(url, { signal, headers: { accept: 'application/json' } })
  const latencyMs = Math.round(performance.now() - startedMs)
  const space = answer.headers['hanse-space']
  if (answer.status !== 200 || typeof space !== 'string') {
    const fault = await faultOfAnswer(answer, url)
    if (fault.isHanse || answer.status === 401 || answer.status === 403 || answer.status >= 500)
      throw fault.error
    return null
  }
  const clock = parseClockText(await readText(answer, CLOCK_TEXT_BYTES_MAX))
  if (!clock.ok) throw new FaultError({ code: 'REMOTE_ANSWER', detail: `${url.host} answers with no clock` })
  const operations = Number(answer.headers['hanse-operations'] ?? 0)
  return { spaceId: space, tag: answer.headers.etag ?? null, clock: clock.value, operations, latencyMs }
}

/** Takes what the remote has and this node lacks. Goes on by itself where the connection breaks. */
export async function pullFromNode(context: HttpRunContext, version: RemoteVersion): Promise<void> {
  const { space, signal, tally } = context
  requireSpace(version, space.id, context.base)
  const isNews = context.isAll || version.tag !== tagOf(space.hosted)
  const reached = () => 1 + tally.gained + tally.bytesReceived
  if (isNews) await persist(async () => await pullOnce(context, version), { progress: reached, signal })
  if (context.isThorough || isNews) await pullBodies(context)
}

/** The tag under which this node itself would serve a space. */
export function tagOf({ replica }: { readonly replica: { clockRoot(): Uint8Array } }): string {
  return `"${toHex(replica.clockRoot())}"`
}

async function pullOnce(context: HttpRunContext, version: RemoteVersion): Promise<void> {
  const { space, path } = context
  const clock = context.isAll ? '{}' : JSON.stringify(space.exchange.clock())
  const expected = context.isAll ? version.operations : version.operations - space.hosted.store.count()
  await take(context, { since: clock, path, bodies: [] }, Math.max(0, expected))
}

/** Bodies that were left out of an earlier pull by path, or could not be read then. */
async function pullBodies(context: HttpRunContext): Promise<void> {
  const { space, path } = context
  const { store } = space.hosted
  const absent = store.absentBodies(store.absentBodyCount()).filter((entry) => isAtOrBelow(entry.path, path))
  const clock = JSON.stringify(space.exchange.clock())
  for (let at = 0; at < absent.length; at += BODIES_ASKED_MAX) {
    const bodies = absent.slice(at, at + BODIES_ASKED_MAX).map(({ id }) => toHex(id))
    await take(context, { since: clock, path, bodies }, 0)
  }
}

interface Wish {
  /** A clock as JSON. */
  readonly since: string
  readonly path: string
  readonly bodies: readonly string[]
}

async function take(context: HttpRunContext, wish: Wish, expected: number): Promise<void> {
  const { client, tally, signal, space } = context
  const answer = await askOperations(context, wish)
  if (answer.status !== 200) throw (await faultOfAnswer(answer, context.base)).error
  let done = 0
  await space.exchange.receiveOperations(answer.body, {
    signal,
    onReport: async (report) => {
      done++
      countArrival(report, context)
      tally.bytesReceived = client.bytesReceived
      await context.onProgress({ what: 'receiving', done, total: Math.max(expected, done) })
    },
  })
}

/** Counts what became of one line that has come from a remote. Throws `REMOTE_LIES` where too much of it is refused. */
export function countArrival(
  { id, outcome, code = '', detail = '' }: LineReport,
  { tally, base }: { readonly tally: HttpRunContext['tally']; readonly base: { readonly href: string } },
): void {
  if (outcome === 'admitted' || outcome === 'completed') tally.gained++
  else if (outcome === 'refused' || outcome === 'waiting') {
    tally.refuse({ side: 'here', outcome, id, code, detail })
    if (tally.refusedCount > REMOTE_REFUSALS_MAX)
      throw new FaultError({
        code: 'REMOTE_LIES',
        detail: `more than ${REMOTE_REFUSALS_MAX} operations from ${base.href} were refused: it is broken, or lies; what was sound stays`,
      })
  }
}

async function askOperations(
  { client, base, space, signal }: HttpRunContext,
  wish: Wish,
): Promise<HttpAnswer> {
  const { since, path, bodies } = wish
  const headers = { accept: LINES, 'accept-encoding': 'zstd, gzip' }
  const url = addressOf(base, 'ops', { space: space.id, since, ...(path === '' ? {} : { path }) })
  if (bodies.length === 0 && url.href.length <= ADDRESS_CHARACTERS_MAX)
    return await client.ask(url, { signal, headers })
  const body = `{"since":${since},"path":${JSON.stringify(path)},"bodies":${JSON.stringify(bodies)}}`
  return await client.ask(addressOf(base, 'ops/since', { space: space.id }), {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body,
    signal,
  })
}

/** Sends what the remote lacks. Goes on by itself where the connection breaks. */
export async function pushToNode(context: HttpRunContext, version: RemoteVersion): Promise<void> {
  const { space, signal, tally, client, base } = context
  requireSpace(version, space.id, base)
  if (!context.isAll && version.tag === tagOf(space.hosted)) return
  let { clock } = version
  let isFirst = true
  const work = async () => {
    if (!isFirst) clock = (await askVersion(client, base, space.id, signal))?.clock ?? clock
    isFirst = false
    await pushOnce(context, context.isAll ? [] : clock)
  }
  await persist(work, { progress: () => 1 + tally.sent + tally.refusedCount, signal })
}

async function pushOnce(context: HttpRunContext, since: readonly KnownLog[]): Promise<void> {
  const { space, path } = context
  const lines = new LineParts(space.exchange.operations({ since, path }), context)
  try {
    while (await lines.hasMore()) await sendPart(context, lines.part())
  } finally {
    await lines.close()
  }
}

/** Lines to be sent, in parts of one request each. */
class LineParts {
  readonly #lines: AsyncGenerator<{ readonly text: string }>
  readonly #context: Pick<HttpRunContext, 'signal' | 'onProgress'>
  #next: IteratorResult<{ readonly text: string }> | null = null
  #done = 0

  constructor(
    lines: AsyncGenerator<{ readonly text: string }>,
    context: Pick<HttpRunContext, 'signal' | 'onProgress'>,
  ) {
    this.#lines = lines
    this.#context = context
  }

  async hasMore(): Promise<boolean> {
    this.#next ??= await this.#lines.next()
    return this.#next.done !== true
  }

  async *part(): AsyncGenerator<string> {
    const { signal, onProgress } = this.#context
    let characters = 0
    for (let count = 0; count < REMOTE_PUSH_OPERATIONS_MAX; count++) {
      if (characters >= REMOTE_PUSH_CHARACTERS_MAX || !(await this.hasMore())) return
      signal.throwIfAborted()
      const next = this.#next
      this.#next = null
      if (next === null || next.done === true) return
      characters += next.value.text.length
      yield next.value.text
      await onProgress({ what: 'sending', done: ++this.#done, total: 0 })
    }
  }

  async close(): Promise<void> {
    await this.#lines.return(undefined)
  }
}

async function sendPart(context: HttpRunContext, text: AsyncIterable<string>): Promise<void> {
  const { client, base, space, signal, tally } = context
  const url = addressOf(base, 'ops', { space: space.id })
  const packed = pipeline(Readable.from(text, { objectMode: false }), createZstdCompress(), () => {})
  const answer = await client.ask(url, {
    method: 'POST',
    headers: { 'content-type': LINES, 'content-encoding': 'zstd', accept: LINES },
    body: packed,
    signal,
  })
  if (answer.status !== 200) throw (await faultOfAnswer(answer, url)).error
  let isOver = false
  for await (const line of readTextLines(answer.body, ANSWER_LINE_BYTES_MAX)) {
    isOver = countAnswer(line.text.ok ? line.text.value : '', context) || isOver
    tally.bytesSent = client.bytesSent
  }
  // Without its end an answer says nothing of what came last.
  if (!isOver) throw new FaultError({ code: 'UNREACHABLE', detail: `${url.host} broke off in the middle` })
}

/** True for the line that ends an answer. */
function countAnswer(text: string, { tally, base }: HttpRunContext): boolean {
  const line = readObject(text)
  if (line === null)
    throw new FaultError({
      code: 'REMOTE_ANSWER',
      detail: `${base.host} answers with something that is no report`,
    })
  const { id, outcome, error, end } = line
  if (end !== undefined) return true
  if (typeof error === 'object' && error !== null) {
    const { code, detail } = error as Readonly<Record<string, unknown>>
    throw new FaultError({
      code: 'REMOTE_FAILED',
      detail: `${base.host} stopped taking operations: ${textOf(code)} ${textOf(detail)}`,
    })
  }
  if (outcome === 'admitted' || outcome === 'completed') tally.sent++
  else if (outcome === 'refused' || outcome === 'waiting') {
    const hex = typeof id === 'string' ? id.slice(0, 64) : null
    const code = textOf(line['code'])
    tally.refuse({ side: 'there', outcome, id: hex, code, detail: textOf(line['detail']) })
  }
  return false
}

/** What a remote says in place of an answer. `isHanse`: in the words of a Hanse node. */
export async function faultOfAnswer(
  answer: HttpAnswer,
  url: URL,
): Promise<{ readonly error: FaultError; readonly isHanse: boolean }> {
  const { status } = answer
  const isProblem = answer.headers['content-type']?.includes('json') === true
  const problem = isProblem ? readObject(await readText(answer, PROBLEM_BYTES_MAX)) : null
  if (!isProblem) answer.drop()
  const { type, code, detail } = problem ?? {}
  if (
    typeof type === 'string' &&
    type.startsWith('urn:hanse:fault:') &&
    /^[A-Z0-9_]{2,40}$/.test(textOf(code))
  ) {
    const own = status >= 500 ? 'REMOTE_FAILED' : textOf(code)
    return {
      error: new FaultError({ code: own, detail: `${url.host} says: ${textOf(detail)}` }),
      isHanse: true,
    }
  }
  const codes: Readonly<Record<number, readonly [string, string]>> = {
    401: ['NO_TOKEN', 'it wants a token: give one with --token'],
    403: ['NOT_ALLOWED', 'it does not allow that'],
    404: ['NOT_FOUND', 'there is nothing at that address'],
    429: ['TOO_MANY', 'it has too much to do'],
  }
  const [known, why] = codes[status] ?? [
    status >= 500 ? 'REMOTE_FAILED' : 'REMOTE_ANSWER',
    'it does not serve a space there',
  ]
  return {
    error: new FaultError({ code: known, detail: `${url.host} answers ${status}: ${why}` }),
    isHanse: false,
  }
}

function requireSpace({ spaceId }: RemoteVersion, own: string, base: URL): void {
  if (spaceId === own) return
  const detail = `${base.host} serves space ${spaceId.slice(0, 64)} at that address, not ${own}`
  throw new FaultError({ code: 'WRONG_SPACE', detail })
}

function readObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const json = JSON.parse(text) as unknown
    return typeof json === 'object' && json !== null && !Array.isArray(json)
      ? (json as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}

/** What a remote says, as short text. */
const textOf = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 500) : '')
