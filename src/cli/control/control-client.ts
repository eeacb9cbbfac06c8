import { connect, type Socket } from 'node:net'
import { CONTROL_ANSWER_BYTES_MAX, CONTROL_SILENCE_MS } from '../../core/limits.ts'
import { FaultError } from '../../node/fault-error.ts'
import { formatRequest, parseAnswer } from './control-codec.ts'
import { LineError, readLines } from './line-reader.ts'

/** Connects to the node that listens at a path; null where none does, whether or not a socket was left there. */
export async function connectControl(path: string): Promise<ControlClient | null> {
  const socket = connect(path)
  const { promise, resolve, reject } = Promise.withResolvers<ControlClient | null>()
  socket.once('connect', () => resolve(new ControlClient(socket)))
  socket.once('error', (error: NodeJS.ErrnoException) => {
    socket.destroy()
    if (NOBODY.has(error.code ?? '')) resolve(null)
    else
      reject(
        new FaultError({
          code: 'NO_ANSWER',
          detail: `the socket ${path} cannot be opened: ${error.code ?? error.message}`,
        }),
      )
  })
  return await promise
}

/** What connecting says where nothing listens. */
const NOBODY = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTSOCK', 'ENOTDIR', 'EINVAL'])

/** A connection to a running node, for one request after another. */
export class ControlClient {
  readonly #socket: Socket
  readonly #lines: AsyncGenerator<string>
  #nextId = 1

  constructor(socket: Socket) {
    this.#socket = socket
    this.#lines = readLines(socket as AsyncIterable<Uint8Array>, CONTROL_ANSWER_BYTES_MAX)
    // Errors surface where the lines are read.
    socket.on('error', () => {})
    socket.on('timeout', () => {
      const detail = `the running node has not answered for ${Math.round(socket.timeout ?? 0) / 1000} s: look after it, or stop it`
      socket.destroy(new FaultError({ code: 'NO_ANSWER', detail }))
    })
  }

  /**
   * Asks for an action and gives its result; events go to `onEvent`, which may make the node wait. Throws the action's fault as a
   * FaultError, `NO_ANSWER` where the node falls silent for `silenceMs`, `NODE_STOPPED` where it ends first.
   */
  async request(
    action: string,
    args: unknown,
    onEvent: (event: unknown) => void | Promise<void>,
    silenceMs = CONTROL_SILENCE_MS,
  ): Promise<unknown> {
    const id = this.#nextId++
    this.#socket.setTimeout(silenceMs)
    this.#socket.write(formatRequest({ id, action, args }))
    for (;;) {
      const answer = parseAnswer(await this.#nextLine())
      // A fault of the connection as a whole carries the id 0.
      if (answer === null || (answer.id !== id && !('fault' in answer && answer.id === 0))) {
        throw new FaultError({
          code: 'NO_ANSWER',
          detail: 'what listens on the control socket is no Hanse node of this version',
        })
      }
      if ('fault' in answer) throw new FaultError(answer.fault)
      if ('result' in answer) return answer.result
      await onEvent(answer.event)
    }
  }

  close(): void {
    this.#socket.destroy()
  }

  async #nextLine(): Promise<string> {
    try {
      const line = await this.#lines.next()
      if (line.done !== true) return line.value
    } catch (error) {
      if (error instanceof FaultError) throw error
      if (error instanceof LineError)
        throw new FaultError({ code: 'NO_ANSWER', detail: `the running node broke off: ${error.message}` })
    }
    throw new FaultError({
      code: 'NODE_STOPPED',
      detail: 'the running node stopped before it had answered: try again',
    })
  }
}
