import { once } from 'node:events'
import { chmodSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import {
  CONTROL_ANSWER_BYTES_MAX,
  CONTROL_CONNECTIONS_MAX,
  CONTROL_REQUEST_BYTES_MAX,
  CONTROL_REQUEST_TIMEOUT_MS,
} from '../../core/limits.ts'
import type { Fault } from '../../core/result.ts'
import type { HanseNode } from '../../node/node.ts'
import { faultOf } from '../../node/fault-of.ts'
import { readArguments, type Action, type HttpDoor } from './action.ts'
import { formatAnswer, parseRequest, type ControlAnswer, type ControlRequest } from './control-codec.ts'
import { LineError, readLines } from './line-reader.ts'

export interface ControlServerInit {
  readonly node: HanseNode
  readonly actions: ReadonlyMap<string, Action>
  /** Null where HTTP is not served. */
  readonly http: HttpDoor | null
  /** Where to listen; nothing may be there. */
  readonly path: string
}

/**
 * Answers the commands of this machine's user on a Unix domain socket. Invariants:
 * 1. only the owner can open the socket;
 * 2. at most CONTROL_CONNECTIONS_MAX connections, each with one request at a time and at most CONTROL_REQUEST_BYTES_MAX of it;
 * 3. a connection without a request for CONTROL_REQUEST_TIMEOUT_MS ends; a reader who is slow slows down its own answer only.
 */
export class ControlServer {
  readonly #init: ControlServerInit
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #stopping = new AbortController()

  constructor(init: ControlServerInit) {
    this.#init = init
    this.#server = createServer((socket) => this.#accept(socket))
  }

  async start(): Promise<void> {
    // The socket is made inside listen(), so that there is no moment at which others could open it.
    const previous = process.umask(0o177)
    try {
      this.#server.listen(this.#init.path)
    } finally {
      process.umask(previous)
    }
    await once(this.#server, 'listening')
    chmodSync(this.#init.path, 0o600)
  }

  /** Gives up what is under way, closes every connection, and removes the socket. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the node stops'))
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
    })
    for (const socket of this.#sockets) socket.destroySoon()
    await closed
  }

  #accept(socket: Socket): void {
    // A reset by the other side ends the reading below; it is nobody's fault.
    socket.on('error', () => {})
    if (this.#sockets.size >= CONTROL_CONNECTIONS_MAX) {
      const fault = {
        code: 'BUSY',
        detail: `${CONTROL_CONNECTIONS_MAX} commands talk to this node already: try again`,
      }
      socket.write(formatAnswer({ id: 0, fault }))
      endSoon(socket)
      return
    }
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    socket.setTimeout(CONTROL_REQUEST_TIMEOUT_MS, () => socket.destroy())
    void this.#serve(socket)
  }

  async #serve(socket: Socket): Promise<void> {
    // Not destroyed when reading ends, so that the reason can still be written.
    const chunks = socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>
    const lines = readLines(chunks, CONTROL_REQUEST_BYTES_MAX)
    try {
      let next = lines.next()
      for (let line = await next; line.done !== true; line = await next) {
        const request = parseRequest(line.value)
        if (!request.ok) {
          await send(socket, { id: 0, fault: request.fault })
          break
        }
        // Reading goes on during the action, or the end of the connection would go unnoticed.
        next = lines.next()
        socket.setTimeout(0)
        await this.#answer(socket, request.value, endOf(next))
        socket.setTimeout(CONTROL_REQUEST_TIMEOUT_MS)
      }
    } catch (error) {
      if (error instanceof LineError)
        await send(socket, { id: 0, fault: { code: 'BAD_REQUEST', detail: error.message } }).catch(() => {})
    }
    endSoon(socket)
  }

  async #answer(
    socket: Socket,
    { id, action: name, args }: ControlRequest,
    gone: AbortSignal,
  ): Promise<void> {
    const action = this.#init.actions.get(name)
    const read = action === undefined ? null : readArguments(action.shape, args)
    if (action === undefined || read === null) return send(socket, { id, fault: unknownAction(name) })
    if (!read.ok) return send(socket, { id, fault: read.fault })
    const context = {
      node: this.#init.node,
      isRunning: true,
      http: this.#init.http,
      signal: AbortSignal.any([gone, this.#stopping.signal]),
      emit: (event: unknown) => send(socket, { id, event }),
    }
    try {
      await send(socket, { id, result: (await action.run(context, read.value)) ?? null })
    } catch (error) {
      await send(socket, { id, fault: faultOf(error) })
    }
  }
}

/** How long a connection that is over may take to read what is left, in ms. */
const END_TIMEOUT_MS = 1_000

/** Ends a connection; what still comes is thrown away, because unread it would swallow the last line that was written. */
function endSoon(socket: Socket): void {
  socket.end()
  socket.resume()
  setTimeout(() => socket.destroy(), END_TIMEOUT_MS).unref()
}

/** Aborts when the connection ends in place of the next request. */
function endOf(next: Promise<IteratorResult<string>>): AbortSignal {
  const ended = new AbortController()
  const abort = () => ended.abort(new Error('whoever asked is gone'))
  next.then(({ done }) => (done === true ? abort() : undefined), abort)
  return ended.signal
}

/** Writes one line, and waits while the reader is behind. Rejects when the reader is gone. */
async function send(socket: Socket, answer: ControlAnswer): Promise<void> {
  const line = Buffer.from(formatAnswer(answer))
  if (line.length > CONTROL_ANSWER_BYTES_MAX) {
    const detail = `one item of the answer has ${line.length} bytes, at most ${CONTROL_ANSWER_BYTES_MAX} are sent`
    return send(socket, { id: answer.id, fault: { code: 'LIMIT', detail } })
  }
  if (socket.destroyed) throw new Error('whoever asked is gone')
  if (socket.write(line)) return
  await Promise.race([once(socket, 'drain'), once(socket, 'close')])
}

function unknownAction(name: string): Fault {
  return {
    code: 'BAD_REQUEST',
    detail: `the running node has no action ${JSON.stringify(name.slice(0, 40))}: restart it after an update`,
  }
}
