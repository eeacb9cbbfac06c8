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
import { faultOf } from '../fault-of.ts'
import { readArguments, type Action } from './action.ts'
import { formatAnswer, parseRequest, type ControlAnswer, type ControlRequest } from './control-codec.ts'
import { LineError, readLines } from './line-reader.ts'

export interface ControlServerInit {
  readonly node: HanseNode
  readonly actions: ReadonlyMap<string, Action>
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
      const fault = { code: 'BUSY', detail: `${CONTROL_CONNECTIONS_MAX} commands talk to this node already: try again` }
      socket.end(formatAnswer({ id: 0, fault }))
      return
    }
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    socket.setTimeout(CONTROL_REQUEST_TIMEOUT_MS, () => socket.destroy())
    void this.#serve(socket)
  }

  async #serve(socket: Socket): Promise<void> {
    try {
      for await (const line of readLines(socket as AsyncIterable<Uint8Array>, CONTROL_REQUEST_BYTES_MAX)) {
        const request = parseRequest(line)
        if (!request.ok) {
          await send(socket, { id: 0, fault: request.fault })
          break
        }
        socket.setTimeout(0)
        await this.#answer(socket, request.value)
        socket.setTimeout(CONTROL_REQUEST_TIMEOUT_MS)
      }
    } catch (error) {
      if (error instanceof LineError) await send(socket, { id: 0, fault: { code: 'BAD_REQUEST', detail: error.message } }).catch(() => {})
    }
    socket.end()
  }

  async #answer(socket: Socket, { id, action: name, args }: ControlRequest): Promise<void> {
    const action = this.#init.actions.get(name)
    const read = action === undefined ? null : readArguments(action.shape, args)
    if (action === undefined || read === null) return send(socket, { id, fault: unknownAction(name) })
    if (!read.ok) return send(socket, { id, fault: read.fault })
    const gone = new AbortController()
    const onClose = () => gone.abort(new Error('whoever asked is gone'))
    socket.once('close', onClose)
    try {
      const context = {
        node: this.#init.node,
        isRunning: true,
        signal: AbortSignal.any([gone.signal, this.#stopping.signal]),
        emit: (event: unknown) => send(socket, { id, event }),
      }
      await send(socket, { id, result: (await action.run(context, read.value)) ?? null })
    } catch (error) {
      await send(socket, { id, fault: faultOf(error) })
    } finally {
      socket.off('close', onClose)
    }
  }
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
  return { code: 'BAD_REQUEST', detail: `the running node has no action ${JSON.stringify(name.slice(0, 40))}: restart it after an update` }
}
