import type { ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
import { formatValue } from '../core/value-json.ts'
import { HTTP_EVENT_BYTES_WAITING_MAX, HTTP_KEEP_ALIVE_MS } from '../core/limits.ts'

/** One server-sent event. */
export interface ServerEvent {
  readonly event: string
  /** What the client hands back as `Last-Event-ID`. */
  readonly id?: string
  /** Sent as JSON. */
  readonly data: unknown
}

/**
 * Answers with server-sent events (WHATWG HTML §9.2) until the source ends, the client goes, its token is not
 * taken any more, or `signal` aborts. A comment keeps the
 * connection alive; a client that does not read makes the source wait, and one that leaves HTTP_EVENT_BYTES_WAITING_MAX unread, which a
 * source that cannot wait may cause, is closed and comes back with its last id.
 */
export async function sendEvents(
  reply: FastifyReply,
  source: (signal: AbortSignal) => AsyncIterable<ServerEvent>,
  signal: AbortSignal,
): Promise<void> {
  const { raw } = reply
  const gone = new AbortController()
  const both = AbortSignal.any([gone.signal, signal, ...endOf(reply)])
  raw.once('close', () => gone.abort())
  reply.hijack()
  // What hooks have set (CORS, security) is in the reply and not in the raw answer.
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) raw.setHeader(name, value)
  raw.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Accel-Buffering': 'no',
  })
  raw.flushHeaders()
  raw.write(': hanse\n\n')
  const alive = setInterval(() => {
    if (raw.writableLength > HTTP_EVENT_BYTES_WAITING_MAX) raw.destroy()
    else raw.write(': still here\n\n')
  }, HTTP_KEEP_ALIVE_MS)
  try {
    for await (const event of source(both)) {
      if (both.aborted) break
      if (!raw.write(textOf(event))) await drained(raw, both)
    }
  } catch (error) {
    if (!both.aborted) throw error
  } finally {
    clearInterval(alive)
    raw.end()
  }
}

/** A token that is not taken any more ends its streams. An application that embeds our routes has callers of its own. */
function endOf({ request }: FastifyReply): readonly AbortSignal[] {
  const { caller } = request as { readonly caller?: { readonly ended: AbortSignal } | null }
  return caller == null ? [] : [caller.ended]
}

/** What was made of events that are sent to several clients; as long as somebody has the event. */
const texts = new WeakMap<ServerEvent, string>()

function textOf(event: ServerEvent): string {
  const known = texts.get(event)
  if (known !== undefined) return known
  const text = formatEvent(event)
  texts.set(event, text)
  return text
}

/** An event as it is sent. */
export function formatEvent({ event, id, data }: ServerEvent): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${formatValue(data)}\n\n`
}

async function drained(raw: ServerResponse, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      raw.off('drain', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    raw.once('drain', done)
    signal.addEventListener('abort', done, { once: true })
  })
}
