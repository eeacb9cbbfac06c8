import { execFile, spawn } from 'node:child_process'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import fastify from 'fastify'
import { formatEvent } from '../../../src/http/event-stream.ts'
import { HttpServer } from '../../../src/http/http-server.ts'
import { keepHeapLean } from '../../../src/node/lean-heap.ts'
import { createNode } from '../../../src/node/node.ts'
import { type Figures, sizeOf, type Sizes, type Subject, type Workload } from '../../measure.ts'

const run = promisify(execFile)
const LOAD = fileURLToPath(new URL('load-main.ts', import.meta.url))
const LISTEN = fileURLToPath(new URL('listen-main.ts', import.meta.url))
const VALUE = { title: 'A note of ordinary length', done: false, tags: ['one', 'two'] }
/** Nobody is to wait here for asking too often: what is measured is how often that can be. */
const limits = { requestsPerWindow: Number.MAX_SAFE_INTEGER, openPerCaller: 100_000 }

/** A node on disk with one item, and an agent that may write there, served with every check as always. */
async function serve(folder: string) {
  // As `hanse up` does.
  keepHeapLean()
  const node = await createNode({ dataDirectory: `${folder}/node-${process.pid}`, online: false })
  const space = node.createSpace({ name: 'bench' })
  space.put('notes/a', VALUE)
  const { token } = node.agents.add({ name: 'load', reach: [{ space, role: 'writer', path: 'notes' }] })
  const server = await HttpServer.start({
    node,
    version: '0',
    listen: { host: '127.0.0.1', port: 0 },
    limits,
  })
  const stop = async () => {
    await server.stop()
    await node.stop()
  }
  return { node, space, token, url: `${server.origin}/v1/spaces/bench`, stop }
}

async function load(sizes: Sizes, method: string, url: string, token: string, body = ''): Promise<Figures> {
  const [connections, seconds, warmSeconds] = ['connections', 'seconds', 'warmSeconds'].map((name) =>
    String(sizeOf(sizes, name)),
  ) as [string, string, string]
  const { stdout } = await run(process.execPath, [
    '--no-warnings',
    LOAD,
    method,
    url,
    token,
    connections,
    seconds,
    warmSeconds,
    body,
  ])
  return JSON.parse(stdout) as Figures
}

const read: Subject = {
  name: 'Hanse, reading an item',
  without: '',
  run: async (sizes, folder) => {
    const { url, token, stop } = await serve(folder)
    const figures = await load(sizes, 'GET', `${url}/items/notes/a`, token)
    await stop()
    return figures
  },
}

const write: Subject = {
  name: 'Hanse, writing an item',
  without: '',
  run: async (sizes, folder) => {
    const { url, token, stop } = await serve(folder)
    const figures = await load(sizes, 'PUT', `${url}/items/notes/a`, token, JSON.stringify({ value: VALUE }))
    await stop()
    return figures
  },
}

const bare: Subject = {
  name: 'fastify, a bare route',
  without: 'ask who asks, validate, look anything up, set headers, count',
  isFloor: true,
  run: async (sizes) => {
    const app = fastify()
    const answer = { path: 'notes/a', type: 'register', value: VALUE, etag: '"0123456789abcdef"' }
    app.get('/item', () => answer)
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const figures = await load(sizes, 'GET', `http://127.0.0.1:${port}/item`, '')
    await app.close()
    return figures
  },
}

/** How many requests a second one node answers, and how long each takes. */
const HTTP: Workload = {
  name: 'http',
  question: 'Requests over HTTP, one after the other on each of some connections',
  sizes: { connections: 16, seconds: 5, warmSeconds: 2 },
  quick: { connections: 4, seconds: 1, warmSeconds: 1 },
  subjects: [read, write, bare],
  compared: { requestsPerSecond: 'more' },
  targets: [
    { subject: read.name, figure: 'requestsPerSecond', is: 'at least', bound: 0.33, times: bare.name },
    { subject: read.name, figure: 'p99Ms', is: 'at most', bound: 4, times: bare.name },
  ],
}

/** Starts the listeners, has all events told, and says how many a second came through. */
async function follow(
  sizes: Sizes,
  url: string,
  token: string,
  tell: (event: number) => unknown,
): Promise<Figures> {
  const listeners = sizeOf(sizes, 'listeners')
  const events = sizeOf(sizes, 'events')
  const child = spawn(
    process.execPath,
    ['--no-warnings', LISTEN, url, token, String(listeners), String(events)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  if ((await lines.next()).value !== 'ready') throw new Error('the listeners are not there')
  for (let event = 0; event < events; event++) await tell(event)
  const ms = Number((await lines.next()).value)
  return { eventsPerSecond: (listeners * events) / (ms / 1000) }
}

const told: Subject = {
  name: 'Hanse, events of a space',
  without: '',
  run: async (sizes, folder) => {
    const { url, token, space, stop } = await serve(folder)
    const figures = await follow(sizes, `${url}/events`, token, (event) => {
      space.append('notes/log', { event, ...VALUE })
      return new Promise(setImmediate)
    })
    await stop()
    return figures
  },
}

const sent: Subject = {
  name: 'node:http, the same bytes',
  without: 'sign, store, look who may read, remember where each listener is',
  isFloor: true,
  run: async (sizes) => {
    const open: ServerResponse[] = []
    const server = createServer((_request, answer) => {
      answer.writeHead(200, { 'Content-Type': 'text/event-stream' })
      answer.flushHeaders()
      open.push(answer)
    })
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    const { port } = server.address() as AddressInfo
    const figures = await follow(sizes, `http://127.0.0.1:${port}/`, '', (event) => {
      const author = `did:key:z6Mk${'a'.repeat(44)}`
      const data = {
        operation: 'a'.repeat(64),
        author,
        time: Date.now(),
        path: 'notes/log',
        type: 'log',
        cause: 'written',
        event,
        value: VALUE,
      }
      const text = formatEvent({ event: 'change', id: 'a'.repeat(120), data })
      for (const answer of open) answer.write(text)
      return new Promise(setImmediate)
    })
    server.closeAllConnections()
    server.close()
    return figures
  },
}

/** How many events a second reach many listeners, all of them together. */
const HTTP_EVENTS: Workload = {
  name: 'http-events',
  question: 'Events of a space to many listeners, each operation to all of them',
  sizes: { listeners: 200, events: 500 },
  quick: { listeners: 20, events: 50 },
  subjects: [told, sent],
  compared: { eventsPerSecond: 'more' },
  targets: [
    {
      subject: told.name,
      figure: 'eventsPerSecond',
      is: 'at least',
      bound: 0.2,
      times: sent.name,
      at: { listeners: 200, events: 500 },
    },
  ],
}

export const HTTP_WORKLOADS: readonly Workload[] = [HTTP, HTTP_EVENTS]
