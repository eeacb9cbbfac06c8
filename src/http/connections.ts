import type { Server, Socket } from 'node:net'
import { HTTP_CONNECTIONS_MAX, HTTP_CONNECTIONS_PER_ADDRESS_MAX } from '../core/limits.ts'

/** Bounds the connections to a server: all of them, and those from one address. What is beyond is closed at once. */
export function boundConnections(server: Server, perAddress = HTTP_CONNECTIONS_PER_ADDRESS_MAX): void {
  server.maxConnections = HTTP_CONNECTIONS_MAX
  const open = new Map<string, number>()
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? ''
    const others = open.get(address) ?? 0
    if (others >= perAddress) {
      socket.destroy()
      return
    }
    open.set(address, others + 1)
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1
      if (left === 0) open.delete(address)
      else open.set(address, left)
    })
  })
}
