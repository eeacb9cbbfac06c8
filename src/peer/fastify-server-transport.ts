import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { PEER_CONNECTIONS_MAX, PEER_MESSAGE_BYTES_MAX, PEER_SEND_TIMEOUT_MS } from '../core/limits.ts'
import { sendEvents, type ServerEvent } from '../http/event-stream.ts'
import { FaultError } from '../node/fault-error.ts'
import { EventQueue } from './event-queue.ts'
import type { PeerCursor } from './message.ts'
import type { PeerTransport, TransportHost } from './transport.ts'

/** What a program that embeds the routes decides of each request. */
export interface FastifyTransportOptions {
  /** Before `/peer/…`, such as `/v1/spaces/lab`. Default: none. */
  readonly prefix?: string
  /**
   * Who asks: throws where nobody may, or gives a name that is the same for all requests of one client, and what that client may read.
   * Called for every request.
   */
  readonly authorize: (request: FastifyRequest) => PeerClient | Promise<PeerClient>
}

/** Whoever asks. */
export interface PeerClient {
  readonly name: string
  /** As in `RemotePeer`. */
  readonly mayRead?: (path: string) => boolean
}

/** What a client sends. */
type Posted =
  | { readonly session: string; readonly type: 'sync'; readonly cursor: unknown }
  | { readonly session: string; readonly type: 'data'; readonly message: unknown }

interface Session {
  readonly client: string
  readonly secret: string
  readonly peerId: string
  readonly queue: EventQueue<ServerEvent>
}

/**
 * The server's side of peers over HTTP (docs/transports.md): server-sent events down, POST up, many clients at once. Each stream begins with
 * a session that its client must name in what it posts, and that is bound to whoever opened it; a client that comes again takes the place of
 * its former stream. CORS and security headers are the application's.
 */
export class FastifyServerTransport implements PeerTransport {
  readonly name: string
  readonly #sessions = new Map<string, Session>()
  #host: TransportHost | null = null
  #stopping = new AbortController()

  constructor(name = 'http-server') {
    this.name = name
  }

  /** Adds `GET …/peer/events` and `POST …/peer/messages` to an application. */
  registerRoutes(app: FastifyInstance, { prefix = '', authorize }: FastifyTransportOptions): void {
    app.get(`${prefix}/peer/events`, async (request, reply) => {
      const { peer } = request.query as { readonly peer?: unknown }
      await this.open(reply, typeof peer === 'string' ? peer : '', await authorize(request))
    })
    app.post(`${prefix}/peer/messages`, { bodyLimit: PEER_MESSAGE_BYTES_MAX }, async (request, reply) => {
      await this.take(request.body, await authorize(request))
      return await reply.code(204).send(null)
    })
  }

  start(host: TransportHost): Promise<void> {
    this.#host = host
    this.#stopping = new AbortController()
    return Promise.resolve()
  }

  /** Serves the stream of a client until one of the two ends it. Throws `OFFLINE`, `BAD_PEER`, `TOO_MANY`. */
  async open(reply: FastifyReply, peerId: string, client: PeerClient): Promise<void> {
    const host = this.#running()
    if (!/^[A-Za-z0-9-]{8,64}$/.test(peerId))
      throw new FaultError({
        code: 'BAD_PEER',
        detail: 'the query "peer" must be the id of your peer, 8 to 64 letters, digits or dashes',
      })
    const former = this.#sessions.get(peerId)
    // A client may come again before its former stream is known to be gone; nobody else may take its place.
    if (former !== undefined && former.client !== client.name)
      throw new FaultError({
        code: 'BAD_PEER',
        detail: 'a peer with that id is connected already: choose another',
      })
    if (former === undefined && this.#sessions.size >= PEER_CONNECTIONS_MAX)
      throw new FaultError({
        code: 'TOO_MANY',
        detail: `${PEER_CONNECTIONS_MAX} peers are connected already: try again later`,
      })
    if (former !== undefined) this.#close(former)
    const queue = new EventQueue<ServerEvent>()
    const session = { client: client.name, secret: randomBytes(16).toString('hex'), peerId, queue }
    this.#sessions.set(peerId, session)
    const hello = {
      peerId: host.peerId,
      schemaVersion: host.schemaVersion,
      session: `${peerId}.${session.secret}`,
    }
    const { signal } = this.#stopping
    try {
      await sendEvents(
        reply,
        async function* (ended) {
          yield { event: 'connect', data: hello }
          host.onConnect({ id: peerId, mayRead: client.mayRead })
          yield* queue.take(ended)
        },
        signal,
      )
    } finally {
      this.#close(session)
    }
  }

  /** Takes what a client posted; resolves when it was dealt with. Throws `BAD_MESSAGE`, `NO_SESSION`. */
  async take(body: unknown, client: PeerClient): Promise<void> {
    const host = this.#running()
    const posted = readPosted(body)
    const session = this.#sessions.get(posted.session.slice(0, posted.session.lastIndexOf('.')))
    const isOurs =
      session !== undefined &&
      session.client === client.name &&
      isSame(posted.session, `${session.peerId}.${session.secret}`)
    if (!isOurs)
      throw new FaultError({
        code: 'NO_SESSION',
        detail: 'there is no such session any more: open the stream of events again',
      })
    if (posted.type === 'sync') host.onSync(session.peerId, posted.cursor)
    else await host.onReceive(session.peerId, posted.message)
  }

  async sync(peerId: string, cursor: PeerCursor): Promise<void> {
    await this.#push(peerId, { event: 'sync', data: { cursor } })
  }

  async send(peerId: string, message: unknown): Promise<void> {
    await this.#push(peerId, { event: 'data', data: { message } })
  }

  disconnect(peerId: string, code: string): void {
    const session = this.#sessions.get(peerId)
    if (session === undefined) return
    void session.queue.push({ event: 'error', data: { code } }).catch(() => {})
    this.#close(session)
  }

  stop(): Promise<void> {
    this.#stopping.abort()
    for (const session of this.#sessions.values()) this.#close(session)
    this.#host = null
    return Promise.resolve()
  }

  async #push(peerId: string, event: ServerEvent): Promise<void> {
    const session = this.#sessions.get(peerId)
    if (session === undefined) throw new Error(`the peer ${peerId} is not connected`)
    const late = AbortSignal.timeout(PEER_SEND_TIMEOUT_MS)
    await Promise.race([
      session.queue.push(event),
      new Promise((_resolve, reject) => {
        late.addEventListener('abort', () => reject(new Error('the peer does not read')), { once: true })
      }),
    ])
  }

  /** Ends a stream when what was put into it before has been sent. */
  #close(session: Session): void {
    session.queue.end()
    if (this.#sessions.get(session.peerId) !== session) return
    this.#sessions.delete(session.peerId)
    this.#host?.onDisconnect(session.peerId)
  }

  #running(): TransportHost {
    if (this.#host !== null) return this.#host
    throw new FaultError({ code: 'OFFLINE', detail: 'this node takes no peers at the moment: try again' })
  }
}

function readPosted(body: unknown): Posted {
  const { session, type } = (body ?? {}) as Partial<Posted>
  if (typeof session === 'string' && (type === 'sync' || type === 'data')) return body as Posted
  throw new FaultError({
    code: 'BAD_MESSAGE',
    detail: 'send { "session", "type": "sync", "cursor" } or { "session", "type": "data", "message" }',
  })
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
