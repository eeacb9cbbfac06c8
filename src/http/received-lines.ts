import { PassThrough, pipeline, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { formatJson } from '../core/json.ts'
import { HTTP_EVENT_BYTES_WAITING_MAX, HTTP_REFUSED_LINES_MAX } from '../core/limits.ts'
import type { Caller } from '../node/agents/caller.ts'
import type { SpaceAccess } from '../node/agents/space-access.ts'
import type { LineCounts, LineReport } from '../node/exchange/import-operations.ts'
import { FaultError } from '../node/fault-error.ts'
import { faultOf } from '../node/fault-of.ts'
import { agentSource, FILE_SOURCE } from '../node/replica/file-source.ts'
import { unhurried } from './unhurried.ts'

interface Receiving {
  /** False: only what is refused or waits is answered. */
  readonly isAll: boolean
  readonly source: string
  readonly stopping: AbortSignal
}

/** Takes operations, a line each, into a space; gives the stream of its answers, the end or the failure last. */
export function receiveLines(
  access: SpaceAccess,
  body: AsyncIterable<Uint8Array>,
  receiving: Receiving,
): Readable {
  // Answers wait here while the client still sends; when they have filled it, the client waits.
  const answers = new PassThrough({ highWaterMark: HTTP_EVENT_BYTES_WAITING_MAX })
  void receive(access, body, answers, receiving)
  return answers
}

/** What the node's own operator hands over is a file of the owner's. */
export const sourceOf = ({ isNode, name }: Caller): string => (isNode ? FILE_SOURCE : agentSource(name))

async function receive(
  { space }: SpaceAccess,
  body: AsyncIterable<Uint8Array>,
  answers: PassThrough,
  { isAll, source, stopping }: Receiving,
): Promise<void> {
  const gone = new AbortController()
  answers.once('close', () => gone.abort())
  let refused = 0
  const onReport = async (report: LineReport) => {
    if (report.outcome === 'refused' && ++refused > HTTP_REFUSED_LINES_MAX)
      throw new FaultError({
        code: 'LIMIT',
        detail: `more than ${HTTP_REFUSED_LINES_MAX} lines were refused: the rest is not looked at`,
      })
    if (!isAll && report.outcome !== 'refused' && report.outcome !== 'waiting') return
    if (!answers.write(`${formatJson(answerOf(report))}\n`)) await drained(answers, gone.signal)
  }
  try {
    const counts = await space.exchange.receiveOperations(body, {
      onReport,
      source,
      signal: AbortSignal.any([gone.signal, stopping]),
    })
    answers.end(`${formatJson({ end: endOf(counts) })}\n`)
  } catch (error) {
    if (gone.signal.aborted) return
    const { code, detail } = faultOf(error)
    answers.end(
      `${formatJson({ error: { code, detail: code === 'BUG' ? 'the node has failed' : detail } })}\n`,
    )
  }
}

/** As the other side says it: what was here already is known. */
function answerOf({ outcome, ...rest }: LineReport): object {
  return { ...rest, outcome: outcome === 'duplicate' ? 'known' : outcome }
}

function endOf({ duplicate, ...counts }: LineCounts): object {
  return { ...counts, known: duplicate }
}

async function drained(stream: PassThrough, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      stream.off('drain', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    stream.once('drain', done)
    signal.addEventListener('abort', done, { once: true })
  })
}

/** Bytes of a body that may come at any pace but falls silent, unpacked as its Content-Encoding says; zstd is known by its content too. */
export function unpackedBody(
  body: Readable | undefined,
  encoding = 'identity',
  silenceMs?: number,
): AsyncIterable<Uint8Array> {
  if (body === undefined || body === null)
    throw new FaultError({
      code: 'BAD_REQUEST',
      detail: 'send operations, a line each, as application/x-ndjson',
    })
  const bytes = unhurried(body, silenceMs)
  if (encoding === 'identity' || encoding === 'zstd') return bytes
  if (encoding !== 'gzip')
    throw new FaultError({
      code: 'BAD_REQUEST',
      detail: `the encoding ${JSON.stringify(encoding.slice(0, 40))} is not taken: gzip, zstd or none`,
    })
  const unpacker = createGunzip()
  pipeline(bytes, unpacker, () => {})
  return unpacker
}
