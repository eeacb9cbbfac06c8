import { readFileSync } from 'node:fs'
import type { Agent, ClientRequest, IncomingHttpHeaders, IncomingMessage, request } from 'node:http'
import { type Readable, pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { REMOTE_DOWNLOAD_BYTES_MAX, REMOTE_REDIRECTS_MAX, REMOTE_SILENCE_MS } from '../../core/limits.ts'
import { FaultError } from '../fault-error.ts'

/** Whom a client speaks for. */
export interface HttpClientInit {
  /** Sent to the origin of the first address alone, never where a redirect leads away from it. */
  readonly token?: string | undefined
  /** PEM file of authorities that are trusted beside the system's. */
  readonly caFile?: string | undefined
  /** Bytes that are taken in all; beyond them the run ends. Default: REMOTE_DOWNLOAD_BYTES_MAX. */
  readonly bytesMax?: number
}

export interface HttpQuestion {
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | AsyncIterable<Uint8Array | string>
  readonly signal: AbortSignal
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Unpacked where it came packed with gzip; zstd is left as it is. */
  readonly body: AsyncIterable<Uint8Array>
  /** Bytes of the body as announced; null where that is not said. */
  readonly length: number | null
  /** Leaves it unread, and lets its connection go. */
  drop(): void
}

/**
 * HTTP to one remote. Every wait is bounded by REMOTE_SILENCE_MS of silence, every answer by bytes. Reason for Node's own client and not
 * `fetch`: a custom authority, streams both ways at once, and counting what goes over the wire. Faults: `UNREACHABLE`, `TIMEOUT`,
 * `REMOTE_TLS`, `TOO_LARGE`.
 */
export class HttpClient {
  readonly #init: HttpClientInit
  /** PEM; null where the system's authorities are enough. */
  readonly #authority: string | null
  #connector: Promise<Connector> | null = null
  /** Bytes of bodies that went and came. */
  bytesSent = 0
  bytesReceived = 0

  constructor(init: HttpClientInit = {}) {
    this.#init = init
    this.#authority = init.caFile === undefined ? null : readAuthority(init.caFile)
  }

  /** Asks, and follows redirects of a GET. */
  async ask(url: URL, question: HttpQuestion): Promise<HttpAnswer> {
    let at = url
    for (let redirects = 0; ; redirects++) {
      const answer = await this.#askOnce(at, question, at.origin === url.origin)
      const { location } = answer.headers
      const isRedirect = [301, 302, 303, 307, 308].includes(answer.status) && location !== undefined
      if (!isRedirect || (question.method ?? 'GET') !== 'GET') return answer
      answer.drop()
      if (redirects >= REMOTE_REDIRECTS_MAX)
        throw new FaultError({ code: 'UNREACHABLE', detail: `${url.origin} redirects again and again` })
      const next = URL.parse(location, at)
      if (next === null || !/^https?:$/.test(next.protocol))
        throw new FaultError({
          code: 'UNREACHABLE',
          detail: `${url.origin} redirects to what is no address of HTTP`,
        })
      if (at.protocol === 'https:' && next.protocol !== 'https:')
        throw new FaultError({
          code: 'REMOTE_TLS',
          detail: `${url.origin} redirects from https:// to ${next.protocol}`,
        })
      at = next
    }
  }

  close(): void {
    void this.#connector?.then((connector) => {
      connector['http:'].agent.destroy()
      connector['https:'].agent.destroy()
    })
  }

  async #askOnce(url: URL, question: HttpQuestion, isOwn: boolean): Promise<HttpAnswer> {
    const { method = 'GET', headers = {}, body, signal } = question
    const { token } = this.#init
    this.#connector ??= openConnector(this.#authority)
    const { request: ask, agent } = (await this.#connector)[url.protocol === 'https:' ? 'https:' : 'http:']
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const request = ask(url, {
      method,
      agent,
      signal,
      headers: {
        ...headers,
        ...(token !== undefined && isOwn ? { authorization: `Bearer ${token}` } : {}),
        'user-agent': 'hanse',
      },
    })
    request.setTimeout(REMOTE_SILENCE_MS, () => request.destroy(silent(url)))
    request.once('response', resolve)
    request.once('error', (error) => reject(faultOfTransport(error, url)))
    if (body === undefined) request.end()
    else if (typeof body === 'string') {
      this.bytesSent += Buffer.byteLength(body)
      request.end(body)
    } else void this.#send(body, request)
    const response = await promise
    request.on('error', () => {})
    const length = Number(response.headers['content-length'] ?? Number.NaN)
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      body: this.#receive(response, url, signal),
      length: Number.isFinite(length) ? length : null,
      drop: () => response.destroy(),
    }
  }

  async #send(body: AsyncIterable<Uint8Array | string>, request: ClientRequest): Promise<void> {
    try {
      for await (const chunk of body) {
        if (request.destroyed) return
        this.bytesSent += Buffer.byteLength(chunk)
        if (!request.write(chunk)) await drained(request)
      }
      request.end()
    } catch (error) {
      request.destroy(error instanceof Error ? error : new Error(String(error)))
    }
  }

  async *#receive(response: IncomingMessage, url: URL, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { bytesMax = REMOTE_DOWNLOAD_BYTES_MAX } = this.#init
    response.on('data', (chunk: Uint8Array) => {
      this.bytesReceived += chunk.length
      if (this.bytesReceived <= bytesMax) return
      const detail = `${url.origin} sends more than ${bytesMax} bytes: that is taken for broken, and ended`
      response.destroy(new FaultError({ code: 'TOO_LARGE', detail }))
    })
    response.pause()
    const isPacked = response.headers['content-encoding'] === 'gzip'
    const source: Readable = isPacked ? pipeline(response, createGunzip(), () => {}) : response
    try {
      for await (const chunk of source as AsyncIterable<Uint8Array>) yield chunk
    } catch (error) {
      signal.throwIfAborted()
      throw faultOfTransport(error, url)
    } finally {
      response.destroy()
    }
  }
}

type Connector = Readonly<
  Record<'http:' | 'https:', { readonly request: typeof request; readonly agent: Agent }>
>

/**
 * Loads Node's client with the first question and not with this module: Node loads its `fetch` with it, which a command that asks nobody would
 * wait for in vain.
 */
async function openConnector(authority: string | null): Promise<Connector> {
  const [http, https, tls] = await Promise.all([
    import('node:http'),
    import('node:https'),
    import('node:tls'),
  ])
  const options = { keepAlive: true, maxSockets: 4 }
  const ca = authority === null ? {} : { ca: [...tls.rootCertificates, authority] }
  return {
    'http:': { request: http.request, agent: new http.Agent(options) },
    'https:': { request: https.request, agent: new https.Agent({ ...options, ...ca }) },
  }
}

/** A whole answer as text, bounded. Throws `TOO_LARGE`. */
export async function readText({ body }: HttpAnswer, bytesMax: number): Promise<string> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of body) {
    size += part.length
    if (size > bytesMax)
      throw new FaultError({
        code: 'TOO_LARGE',
        detail: `the remote answers with more than ${bytesMax} bytes`,
      })
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}

/** What went wrong on the way, in words that say what to do. */
function faultOfTransport(error: unknown, url: URL): unknown {
  if (error instanceof FaultError) return error
  const { code = '', name, message } = error as NodeJS.ErrnoException
  if (name === 'AbortError' || name === 'TimeoutError') return error
  const tls =
    TLS[code] ??
    (code.startsWith('ERR_SSL') || code === 'EPROTO' ? 'it does not speak TLS as it should' : null)
  if (tls !== null)
    return new FaultError({ code: 'REMOTE_TLS', detail: `${url.host} cannot be trusted: ${tls} (${code})` })
  const why = REASONS[code] ?? message
  return new FaultError({ code: 'UNREACHABLE', detail: `${url.host} cannot be reached: ${why}` })
}

const OWN_CA = 'if it is your own, give the authority with "hanse remote add --ca FILE"'
const TLS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: `its certificate is signed by itself; ${OWN_CA}`,
  SELF_SIGNED_CERT_IN_CHAIN: `its certificate is of an authority that is not known here; ${OWN_CA}`,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: `its certificate is of an authority that is not known here; ${OWN_CA}`,
  UNABLE_TO_GET_ISSUER_CERT: `its certificate is of an authority that is not known here; ${OWN_CA}`,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: `its certificate is of an authority that is not known here; ${OWN_CA}`,
  CERT_HAS_EXPIRED: 'its certificate has expired: whoever runs it has to renew it',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: look whether the clock of this machine is right',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name: use the name that the certificate has',
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut in the middle',
  EPIPE: 'the connection was cut in the middle',
  ENOTFOUND: 'there is no such name',
  EAI_AGAIN: 'the name could not be looked up; is this machine online?',
  EHOSTUNREACH: 'there is no way to it from here',
  ENETUNREACH: 'there is no way to it from here; is this machine online?',
  ETIMEDOUT: 'it does not answer',
  ERR_STREAM_PREMATURE_CLOSE: 'the connection was cut in the middle',
  HPE_INVALID_CONSTANT: 'what answers there does not speak HTTP',
}

const silent = (url: URL): FaultError =>
  new FaultError({
    code: 'TIMEOUT',
    detail: `${url.host} has not answered for ${REMOTE_SILENCE_MS / 1000} s`,
  })

function readAuthority(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new FaultError({
      code: 'BAD_FILE',
      detail: `${file} cannot be read: it should hold the authority, as PEM`,
    })
  }
}

async function drained(request: ClientRequest): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      request.off('drain', done)
      request.off('close', done)
      resolve()
    }
    request.on('drain', done)
    request.on('close', done)
  })
}
