import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { parseJson } from '../core/json.ts'
import {
  PEER_BACK_OFF_MS,
  PEER_BACK_OFF_MS_MAX,
  PEER_MESSAGE_BYTES_MAX,
  PEER_SEND_TIMEOUT_MS,
  PEER_SILENCE_MS_MAX,
} from '../core/limits.ts'
import { FaultError } from '../node/fault-error.ts'
import type { PeerCursor } from './message.ts'
import type { PeerTransport, TransportHost } from './transport.ts'

/** How the client's side of peers over HTTP is made. */
export interface HttpClientTransportOptions {
  /** What `/peer/events` and `/peer/messages` are below, such as `http://127.0.0.1:7420/v1/spaces/lab`. */
  readonly url: string
  /** Sent as `Authorization: Bearer …`. Default: none. */
  readonly token?: string
  /** Further headers of every request. */
  readonly headers?: Readonly<Record<string, string>>
  /** In place of the one that the runtime has. */
  readonly fetch?: typeof globalThis.fetch
  /** What the server may have of what is here; default as in `RemotePeer`. */
  readonly mayRead?: (path: string) => boolean
  /** Hears why a connection was lost, or could not be made. */
  readonly onTrouble?: (error: Error) => void
  /** For the pause before the next try: 0 to 1. Default `Math.random`. */
  readonly random?: () => number
}

/** What the server says first. */
interface Hello {
  readonly peerId: string
  readonly session: string
}

/**
 * The client's side of peers over HTTP: one stream of server-sent events down, POST up. A connection that is lost, or silent for
 * PEER_SILENCE_MS_MAX, is made again after a pause that doubles from PEER_BACK_OFF_MS to PEER_BACK_OFF_MS_MAX, with as much of chance in
 * it that clients of one server do not come back together; what was missed meanwhile comes by the next comparison. A server that refuses
 * the token is asked again too: it may be given its right later.
 */
export class HttpClientTransport implements PeerTransport {
  readonly name: string
  readonly #options: HttpClientTransportOptions
  #stopping = new AbortController()
  #connection: { readonly hello: Hello; readonly abort: AbortController } | null = null
  #attempts = 0
  #ended: Promise<void> = Promise.resolve()
  /** One POST after the other, so that messages arrive in their order. */
  #posting: Promise<void> = Promise.resolve()

  constructor(options: HttpClientTransportOptions) {
    this.#options = { ...options, url: options.url.replace(/\/+$/, '') }
    // Throws a TypeError for what is no URL.
    this.name = `http ${new URL(options.url).host}`
  }

  /** True while the stream of events is open. */
  get isConnected(): boolean {
    return this.#connection !== null
  }

  get endpoint(): string {
    return this.#options.url
  }

  /** Tries since the last connection. */
  get reconnectAttempts(): number {
    return this.#attempts
  }

  /** Of the server, while connected. */
  get remotePeerId(): string | null {
    return this.#connection?.hello.peerId ?? null
  }

  start(host: TransportHost): Promise<void> {
    this.#stopping = new AbortController()
    this.#ended = this.#run(host, this.#stopping.signal)
    return Promise.resolve()
  }

  async sync(_peerId: string, cursor: PeerCursor): Promise<void> {
    await this.#post({ type: 'sync', cursor })
  }

  async send(_peerId: string, message: unknown): Promise<void> {
    await this.#post({ type: 'data', message })
  }

  disconnect(): void {
    this.#connection?.abort.abort()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#ended
  }

  async #run(host: TransportHost, stopping: AbortSignal): Promise<void> {
    while (!stopping.aborted) {
      try {
        await this.#connect(host, stopping)
      } catch (error) {
        if (!stopping.aborted)
          this.#options.onTrouble?.(error instanceof Error ? error : new Error(String(error)))
      }
      const longest = Math.min(PEER_BACK_OFF_MS_MAX, PEER_BACK_OFF_MS * 2 ** Math.min(this.#attempts, 16))
      this.#attempts++
      const chance = (this.#options.random ?? Math.random)()
      await pause(longest * (0.5 + chance / 2), stopping)
    }
  }

  /** One connection, until it ends. */
  async #connect(host: TransportHost, stopping: AbortSignal): Promise<void> {
    const abort = new AbortController()
    const signal = AbortSignal.any([stopping, abort.signal])
    let alive = setTimeout(() => abort.abort(), PEER_SILENCE_MS_MAX)
    try {
      const url = `${this.#options.url}/peer/events?peer=${encodeURIComponent(host.peerId)}`
      const response = await this.#fetch(url, {
        headers: { ...this.#headers(), accept: 'text/event-stream' },
        signal,
      })
      await refuseBad(response)
      const events: EventSourceMessage[] = []
      const parser = createParser({
        onEvent: (event) => void events.push(event),
        maxBufferSize: 2 * PEER_MESSAGE_BYTES_MAX,
      })
      const decoder = new TextDecoder()
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        clearTimeout(alive)
        alive = setTimeout(() => abort.abort(), PEER_SILENCE_MS_MAX)
        parser.feed(decoder.decode(chunk, { stream: true }))
        // Read on only when what came was dealt with: a slow peer slows down its server, and nothing piles up.
        clearTimeout(alive)
        for (const event of events.splice(0)) await this.#take(event, host, abort)
        alive = setTimeout(() => abort.abort(), PEER_SILENCE_MS_MAX)
      }
    } finally {
      clearTimeout(alive)
      abort.abort()
      const connection = this.#connection
      this.#connection = null
      if (connection !== null) host.onDisconnect(connection.hello.peerId)
    }
  }

  async #take(
    { event, data }: EventSourceMessage,
    host: TransportHost,
    abort: AbortController,
  ): Promise<void> {
    const value = parseJson(data) as Readonly<Record<string, unknown>>
    if (event === 'connect') {
      const hello = readHello(value)
      this.#connection = { hello, abort }
      this.#attempts = 0
      host.onConnect({ id: hello.peerId, mayRead: this.#options.mayRead })
      return
    }
    const peerId = this.#connection?.hello.peerId
    if (peerId === undefined) throw new Error('the server did not say first who it is: is it a Hanse node?')
    if (event === 'sync') host.onSync(peerId, value['cursor'])
    else if (event === 'data') await host.onReceive(peerId, value['message'])
    else if (event === 'error')
      throw new Error(`the server has ended the connection: ${String(value['code']).slice(0, 64)}`)
    // Events of other kinds are for clients that know more.
  }

  async #post(body: Readonly<Record<string, unknown>>): Promise<void> {
    const connection = this.#connection
    if (connection === null) throw new Error(`${this.endpoint} is not connected`)
    const turn = this.#posting.then(async () => {
      const signal = AbortSignal.any([connection.abort.signal, AbortSignal.timeout(PEER_SEND_TIMEOUT_MS)])
      const headers = { ...this.#headers(), 'content-type': 'application/json' }
      const text = JSON.stringify({ session: connection.hello.session, ...body })
      const response = await this.#fetch(`${this.#options.url}/peer/messages`, {
        method: 'POST',
        headers,
        body: text,
        signal,
      })
      await refuseBad(response)
      await response.body?.cancel()
    })
    this.#posting = turn.catch(() => {})
    await turn
  }

  #headers(): Record<string, string> {
    const { token, headers } = this.#options
    return { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }
  }

  async #fetch(url: string, init: RequestInit): Promise<Response> {
    return await (this.#options.fetch ?? globalThis.fetch)(url, init)
  }
}

async function refuseBad(response: Response): Promise<void> {
  if (response.ok) return
  const text = (await response.text()).slice(0, 4096)
  let problem: { readonly code?: unknown; readonly detail?: unknown } = {}
  try {
    problem = JSON.parse(text) as typeof problem
  } catch {
    // Not a problem of ours: the status says enough.
  }
  const code = typeof problem.code === 'string' ? problem.code : 'UNREACHABLE'
  const detail =
    typeof problem.detail === 'string' ? problem.detail : `the server answers with ${response.status}`
  throw new FaultError({ code, detail })
}

function readHello({ peerId, session }: Readonly<Record<string, unknown>>): Hello {
  if (typeof peerId === 'string' && typeof session === 'string') return { peerId, session }
  throw new Error('the server does not say who it is: is it a Hanse node?')
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done, { once: true })
  })
}
