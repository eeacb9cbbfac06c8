import diagnostics from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** How long anything is waited for, in ms. */
const WAIT_MS = 60_000

/** Counts from now on what this process writes to TCP sockets, in bytes: of connections with both ends here, what goes over the wire. */
export function countWireBytes(): () => number {
  const sockets = new Set<Socket>()
  let closed = 0
  const onSocket = (message: unknown) => {
    const { socket } = message as { readonly socket: Socket }
    sockets.add(socket)
    socket.once('close', () => {
      sockets.delete(socket)
      closed += socket.bytesWritten
    })
  }
  diagnostics.subscribe('net.client.socket', onSocket)
  diagnostics.subscribe('net.server.socket', onSocket)
  return () => [...sockets].reduce((sum, { bytesWritten }) => sum + bytesWritten, closed)
}

/** Resolves when it holds; rejects after a minute. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const end = performance.now() + WAIT_MS
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not within ${WAIT_MS} ms: ${what}`)
    await pause(2)
  }
}
