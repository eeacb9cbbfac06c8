import diagnostics from 'node:diagnostics_channel'
import type { Socket } from 'node:net'

/** What went over this process's TCP sockets, both directions, since it began. */
export interface SocketCount {
  readonly bytesIn: number
  /** Handed to the system, or about to be. */
  readonly bytesOut: number
  /** How often something came in after something had gone out: round trips, where the two sides take turns. */
  readonly turns: number
}

/**
 * Counts from now on, whatever library opened the socket: `node:net` announces each that is dialled (`net.client.socket`) and each that
 * is accepted (`net.server.socket`), and a socket counts its own bytes. So all that travels is in it but the headers of TCP and IP:
 * handshakes, framing, encryption, keep-alives. Both ends of a connection within one process are counted twice.
 */
export function countSockets(): () => SocketCount {
  const sockets: Socket[] = []
  let turns = 0
  const onSocket = (message: unknown) => {
    const { socket } = message as { readonly socket: Socket }
    sockets.push(socket)
    let isOurTurn = false
    watch(
      socket,
      () => {
        isOurTurn = true
      },
      () => {
        if (isOurTurn) turns++
        isOurTurn = false
      },
    )
  }
  diagnostics.subscribe('net.client.socket', onSocket)
  diagnostics.subscribe('net.server.socket', onSocket)
  return () => ({
    bytesIn: sockets.reduce((bytes, { bytesRead }) => bytes + bytesRead, 0),
    bytesOut: sockets.reduce((bytes, { bytesWritten }) => bytes + bytesWritten, 0),
    turns,
  })
}

/** Calls back when the socket is given something to send, and when it has received something. */
function watch(socket: Socket, onOut: () => void, onIn: () => void): void {
  const write = socket._write.bind(socket)
  socket._write = (...of) => {
    onOut()
    write(...of)
  }
  const writev = socket._writev?.bind(socket)
  if (writev !== undefined) {
    socket._writev = (...of) => {
      onOut()
      writev(...of)
    }
  }
  const push = socket.push.bind(socket)
  socket.push = (chunk: unknown, ...of) => {
    if (chunk !== null) onIn()
    return push(chunk, ...of)
  }
}
