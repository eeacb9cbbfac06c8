import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import {
  CancelledNotificationSchema,
  isInitializeRequest,
  isJSONRPCRequest,
} from '@modelcontextprotocol/sdk/types.js'
import {
  MCP_LOOK_MS,
  MCP_REQUESTS_MAX,
  MCP_SESSION_IDLE_MS,
  MCP_SESSIONS_MAX,
  MCP_SESSIONS_PER_TOKEN_MAX,
} from '../core/limits.ts'
import type { Caller } from '../node/agents/caller.ts'
import { FaultError } from '../node/fault-error.ts'
import type { HanseNode } from '../node/node.ts'
import { HanseMcpServer } from './hanse-mcp-server.ts'

/** What sessions need. */
export interface McpSessionsInit {
  readonly node: HanseNode
  /** Of this program. */
  readonly version: string
  /** Hears of our own mistakes. */
  readonly onBug: (error: unknown) => void
}

/** One HTTP request, of somebody who has shown who they are. */
export interface McpRequest {
  readonly caller: Caller
  /** Names the token, or the browser's session, that the request came with: a session is for that one alone. */
  readonly credential: string
  /** Throws the fault once that is not taken any more. */
  readonly requireValid: () => void
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Parsed; undefined where the request has none. */
  readonly body: unknown
}

/**
 * Sessions of MCP over streamable HTTP. Invariants:
 * 1. a session serves the token that opened it and no other; for others it is not there;
 * 2. it ends when its token is not taken any more (looked at every MCP_LOOK_MS, and before anything is told), when nobody has asked or
 *    listened for MCP_SESSION_IDLE_MS, when its client ends it, and when the node stops;
 * 3. there are at most MCP_SESSIONS_MAX, MCP_SESSIONS_PER_TOKEN_MAX for one token, and each has MCP_REQUESTS_MAX requests under way.
 */
export class McpSessions {
  readonly #init: McpSessionsInit
  readonly #sessions = new Map<string, McpSession>()
  readonly #timer: NodeJS.Timeout

  constructor(init: McpSessionsInit) {
    this.#init = init
    this.#timer = setInterval(() => this.#look(), MCP_LOOK_MS)
    this.#timer.unref()
  }

  get size(): number {
    return this.#sessions.size
  }

  /**
   * Looks whether a request may be answered, and gives what answers it. Throws `BAD_REQUEST`, `NO_SESSION` for a session that is not there
   * or of another token, and `TOO_MANY`.
   */
  async accept(asked: McpRequest): Promise<() => Promise<void>> {
    const { request, body, credential } = asked
    const id = request.headers['mcp-session-id']
    if (id === undefined) {
      if (!isInitializeRequest(body))
        throw new FaultError({
          code: 'BAD_REQUEST',
          detail: 'a session of MCP begins with "initialize"; what comes after has the header Mcp-Session-Id',
        })
      const session = await this.#begin(asked)
      return async () => session.begin(asked)
    }
    const session = typeof id === 'string' ? this.#sessions.get(id) : undefined
    if (session === undefined || session.credential !== credential)
      throw new FaultError({
        code: 'NO_SESSION',
        detail: 'this session has ended: begin another with "initialize"',
      })
    session.reserve(asked)
    return async () => session.answer(asked)
  }

  /** Ends them all. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all([...this.#sessions.values()].map(async (session) => session.close()))
  }

  async #begin(asked: McpRequest): Promise<McpSession> {
    await this.#makeRoom(asked.credential)
    const session = new McpSession(this.#init, asked, {
      onBegun: (id) => this.#sessions.set(id, session),
      onEnded: (id) => this.#sessions.delete(id),
    })
    session.reserve(asked)
    return session
  }

  /** The session of that token that rests longest goes, if nobody listens to it. */
  async #makeRoom(credential: string): Promise<void> {
    const own = [...this.#sessions.values()].filter((session) => session.credential === credential)
    const isFull = this.#sessions.size >= MCP_SESSIONS_MAX || own.length >= MCP_SESSIONS_PER_TOKEN_MAX
    if (!isFull) return
    const [longest] = own.filter((session) => session.isResting).toSorted((a, b) => a.usedAtMs - b.usedAtMs)
    if (longest === undefined) {
      const detail = `there are ${own.length} sessions of this token and ${this.#sessions.size} in all already: end one, or wait`
      throw new FaultError({ code: 'TOO_MANY', detail })
    }
    await longest.close()
  }

  #look(): void {
    const nowMs = Date.now()
    for (const session of this.#sessions.values()) {
      const isIdle = session.isResting && nowMs - session.usedAtMs > MCP_SESSION_IDLE_MS
      if (isIdle || !session.look()) void session.close()
    }
  }
}

interface SessionHooks {
  readonly onBegun: (id: string) => void
  readonly onEnded: (id: string) => void
}

/** One session, and the connections on which it is. */
class McpSession {
  readonly credential: string
  readonly #server: HanseMcpServer
  readonly #transport: StreamableHTTPServerTransport
  readonly #hooks: SessionHooks
  readonly #onBug: (error: unknown) => void
  #underWay = 0
  /** The connection on which the client hears what it has not asked for; null while there is none. */
  #listener: ServerResponse | null = null
  /** When it was last used, by this machine's clock in ms. */
  usedAtMs = Date.now()

  constructor(
    { node, version, onBug }: McpSessionsInit,
    { caller, credential, requireValid }: McpRequest,
    hooks: SessionHooks,
  ) {
    this.credential = credential
    this.#hooks = hooks
    this.#onBug = onBug
    this.#server = new HanseMcpServer({ node, caller, version, requireValid, onBug })
    // Who does not read what is told does not make it pile up: it is kept once for each resource.
    this.#server.hearsWhile(() => this.#listener?.headersSent === true && !this.#listener.writableNeedDrain)
    this.#transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => hooks.onBegun(id),
    })
  }

  /** True while no request is under way and nobody listens. */
  get isResting(): boolean {
    return this.#underWay === 0 && this.#listener === null
  }

  /** Makes room for the requests of a message, until its answer is out. Throws `TOO_MANY`. */
  reserve({ response, body }: McpRequest): void {
    const ids = messagesOf(body).flatMap((one) => (isJSONRPCRequest(one) ? [one.id] : []))
    const count = ids.length
    if (this.#underWay + count > MCP_REQUESTS_MAX) {
      const detail = `a session has at most ${MCP_REQUESTS_MAX} requests under way: wait for an answer first`
      throw new FaultError({ code: 'TOO_MANY', detail })
    }
    this.usedAtMs = Date.now()
    this.#underWay += count
    response.once('close', () => {
      this.#underWay -= count
      this.usedAtMs = Date.now()
      if (this.#listener === response) this.#listener = null
      // An answer that has nowhere to go need not be waited for.
      if (!response.writableFinished) for (const id of ids) this.#cancel(id)
    })
  }

  /** Answers the first message of a session. */
  async begin(asked: McpRequest): Promise<void> {
    await this.#server.connect(this.#transport)
    await this.answer(asked)
    // Refused, such as for want of a header: then there is no session.
    if (this.#transport.sessionId === undefined) await this.close()
  }

  async answer({ request, response, body }: McpRequest): Promise<void> {
    const isListening = request.method === 'GET'
    // A listener that comes back may do so before its former connection is known to be dead.
    if (isListening) this.#transport.closeStandaloneSSEStream()
    const answered = this.#transport.handleRequest(request, response, body)
    if (isListening) {
      this.#listener = response
      setImmediate(() => this.#server.hear())
    }
    await answered
    // What was cancelled is not answered, and the SDK would keep its connection open for ever.
    for (const one of messagesOf(body)) {
      const cancelled = CancelledNotificationSchema.safeParse(one)
      const id = cancelled.data?.params.requestId
      if (id !== undefined) this.#transport.closeSSEStream(id)
    }
    if (request.method === 'DELETE') await this.close()
  }

  #cancel(requestId: string | number): void {
    const params = { requestId, reason: 'the connection has ended' }
    this.#transport.onmessage?.({ jsonrpc: '2.0', method: 'notifications/cancelled', params })
  }

  /** False once its token is not taken any more. */
  look(): boolean {
    try {
      this.#server.look()
      return true
    } catch (error) {
      if (!(error instanceof FaultError)) this.#onBug(error)
      return false
    }
  }

  async close(): Promise<void> {
    const { sessionId } = this.#transport
    if (sessionId !== undefined) this.#hooks.onEnded(sessionId)
    await this.#server.close()
  }
}

/** The messages of a body: one, or of an older version of MCP a list. */
const messagesOf = (body: unknown): readonly unknown[] => (Array.isArray(body) ? body : [body])
