import { createParser } from 'eventsource-parser'
import { formatJson, parseJson } from '../../core/json.ts'

/** A message of JSON-RPC 2.0, as far as the bridge looks into it. */
export interface RpcMessage {
  readonly jsonrpc: '2.0'
  readonly id?: string | number | null
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly result?: unknown
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown }
}

/** Why a message was not answered. */
export type DoorTrouble =
  /** It did not get there, or the session is not there any more: nothing was done. */
  | { readonly kind: 'gone' }
  /** The connection ended before the answer: nobody knows whether it was done. */
  | { readonly kind: 'broken' }
  /** The node does not take it, and says why. */
  | { readonly kind: 'refused'; readonly code: string; readonly detail: string }

/** Thrown by a {@link Door}. */
export class DoorError extends Error {
  override readonly name = 'DoorError'
  readonly trouble: DoorTrouble

  constructor(trouble: DoorTrouble) {
    super(trouble.kind === 'refused' ? trouble.detail : trouble.kind)
    this.trouble = trouble
  }
}

/** Codes of connections that were never made. */
const NOT_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

/**
 * One session of MCP with a node over streamable HTTP. Written for the bridge rather than taken from the SDK, whose transport neither says
 * which request a broken connection belonged to, nor keeps the digits of integers beyond 2^53 - 1.
 */
export class Door {
  readonly #url: URL
  readonly #token: string
  readonly #closed = new AbortController()
  #sessionId: string | null = null
  /** As agreed on when the session began. */
  #version: string | null = null

  /** `origin`: such as `http://127.0.0.1:7420`. */
  constructor(origin: string, token: string) {
    this.#url = new URL('/mcp', origin)
    this.#token = token
  }

  /** Sends a message; what comes of it goes to `onMessage`, its answer included. Throws a {@link DoorError}. */
  async send(message: RpcMessage, onMessage: (message: RpcMessage) => void): Promise<void> {
    const response = await this.#fetch('POST', {
      accept: 'application/json, text/event-stream',
      body: formatJson(message),
    })
    this.#sessionId = response.headers.get('mcp-session-id') ?? this.#sessionId
    if (message.method === undefined || message.id === undefined) {
      await response.body?.cancel()
      return
    }
    let isAnswered = false
    await readMessages(response, (one) => {
      if (one.method === undefined && one.id === message.id) isAnswered = true
      const { protocolVersion } = (one.result ?? {}) as { readonly protocolVersion?: unknown }
      if (message.method === 'initialize' && typeof protocolVersion === 'string')
        this.#version = protocolVersion
      onMessage(one)
    })
    if (!isAnswered) throw new DoorError({ kind: 'broken' })
  }

  /** Hears what the node tells unasked, until the connection ends. Throws a {@link DoorError} where there is none. */
  async listen(onMessage: (message: RpcMessage) => void): Promise<void> {
    const response = await this.#fetch('GET', { accept: 'text/event-stream' })
    await readMessages(response, onMessage)
  }

  /** Gives the session up, and whatever is under way. */
  close(): void {
    this.#closed.abort()
  }

  /** Tells the node too; bounded by `signal`. */
  async end(signal: AbortSignal): Promise<void> {
    if (this.#sessionId !== null)
      await fetch(this.#url, { method: 'DELETE', headers: this.#headers(), signal }).catch(() => {})
    this.close()
  }

  #headers(): Record<string, string> {
    return {
      authorization: `Bearer ${this.#token}`,
      ...(this.#sessionId === null ? {} : { 'mcp-session-id': this.#sessionId }),
      ...(this.#version === null ? {} : { 'mcp-protocol-version': this.#version }),
    }
  }

  async #fetch(
    method: string,
    { accept, body }: { readonly accept: string; readonly body?: string },
  ): Promise<Response> {
    const headers = {
      ...this.#headers(),
      accept,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    }
    let response: Response
    try {
      // A token must not be carried elsewhere.
      const init = { method, headers, redirect: 'error' as const, signal: this.#closed.signal }
      response = await fetch(this.#url, body === undefined ? init : { ...init, body })
    } catch (error) {
      const { cause } = error as { readonly cause?: { readonly code?: string } }
      throw new DoorError({ kind: NOT_CONNECTED.has(cause?.code ?? '') ? 'gone' : 'broken' })
    }
    if (response.ok) return response
    throw new DoorError(await troubleOf(response))
  }
}

async function troubleOf(response: Response): Promise<DoorTrouble> {
  const text = await response.text().catch(() => '')
  let problem: { readonly code?: unknown; readonly detail?: unknown } = {}
  try {
    problem = JSON.parse(text) as typeof problem
  } catch {
    // What is not JSON is told by its status alone.
  }
  const code = typeof problem.code === 'string' ? problem.code : `HTTP_${response.status}`
  if (code === 'NO_SESSION') return { kind: 'gone' }
  const detail =
    typeof problem.detail === 'string' ? problem.detail : `the node answered with status ${response.status}`
  return { kind: 'refused', code, detail }
}

/** Reads the messages of an answer, be it one of JSON or a stream of events. */
async function readMessages(response: Response, onMessage: (message: RpcMessage) => void): Promise<void> {
  try {
    if (!(response.headers.get('content-type') ?? '').startsWith('text/event-stream')) {
      const json = parseJson(await response.text())
      for (const message of Array.isArray(json) ? json : [json]) onMessage(message as RpcMessage)
      return
    }
    const parser = createParser({
      onEvent: ({ data }) => {
        if (data !== '') onMessage(parseJson(data) as RpcMessage)
      },
    })
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) parser.feed(decoder.decode(chunk, { stream: true }))
  } catch {
    throw new DoorError({ kind: 'broken' })
  }
}
