import fastify from 'fastify'
import { FastifyServerTransport } from '../../src/peer/fastify-server-transport.ts'
import { HttpClientTransport } from '../../src/peer/http-client-transport.ts'
import { InProcessHub } from '../../src/peer/in-process.ts'
import { createPortPair } from './message-port-transport.ts'
import { describeTransport } from './transport-conformance.ts'

describeTransport('in one process', async () => {
  const hub = new InProcessHub()
  return { first: hub.transport(), second: hub.transport(), stop: async () => {} }
})

async function overHttp() {
  const app = fastify({ forceCloseConnections: true })
  const server = new FastifyServerTransport()
  server.registerRoutes(app, { prefix: '/space', authorize: () => ({ name: 'anybody' }) })
  const origin = await app.listen({ host: '127.0.0.1', port: 0 })
  // Pauses are at their shortest.
  const client = new HttpClientTransport({ url: `${origin}/space/`, random: () => 0 })
  return { server, client, stop: async () => app.close() }
}

describeTransport('HTTP, the server first', async () => {
  const { server: first, client: second, stop } = await overHttp()
  return { first, second, stop }
})

describeTransport('HTTP, the client first', async () => {
  const { server: second, client: first, stop } = await overHttp()
  return { first, second, stop }
})

describeTransport('of somebody else: a message port', async () => {
  const [first, second] = createPortPair()
  return { first, second, stop: async () => {} }
})
