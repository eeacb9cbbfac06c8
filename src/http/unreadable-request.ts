import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { PROBLEM_TYPE, problemOf } from './problem.ts'

/** What a request is answered that Node's parser cannot read: nothing else has seen it. By the error's code; all others are 400. */
const SAID: Readonly<Record<string, readonly [status: number, detail: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the headers did not come in time'],
  HPE_HEADER_OVERFLOW: [431, 'the headers are too large'],
}

/** Answers with a problem, as everything else is answered, and ends the connection. */
export function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const [status, detail] = SAID[error.code ?? ''] ?? [
    400,
    'that is not HTTP: look at the request line and at each header, a token with a line end in it for one',
  ]
  const body = JSON.stringify({ ...problemOf('BAD_REQUEST', detail), status })
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: ${PROBLEM_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`
  if (socket.writable) socket.write(head + body)
  socket.destroy(error)
}
