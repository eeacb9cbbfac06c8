import { type EventEmitter, once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import SecretStream from '@hyperswarm/secret-stream'
import Corestore from 'corestore'
import { type LiveCluster, liveEdges, type LiveInit } from '../../workloads/live/cluster.ts'
import { entryValue } from '../../workloads/sync/entries.ts'

interface Core {
  readonly key: Buffer
  ready(): Promise<void>
  append(blocks: readonly Buffer[]): Promise<unknown>
  download(range: { readonly start: number; readonly end: number }): unknown
  get(block: number): Promise<Buffer>
  on(event: 'download', heard: (block: number) => void): void
}

interface Store {
  ready(): Promise<void>
  get(options: { readonly name: string } | { readonly key: Buffer }): Core
  replicate(stream: unknown): unknown
  close(): Promise<void>
}

/** A store on disk for each node with a core of its own and a copy of everybody else's, downloaded as they grow; over encrypted TCP. */
export async function start(init: LiveInit): Promise<LiveCluster> {
  const { folder, nodes, onVisible } = init
  const stores: Store[] = []
  const own: Core[] = []
  const servers: Server[] = []
  const streams: (EventEmitter & { destroy(): void })[] = []
  const replicate = (store: Store, isInitiator: boolean, socket: Socket) => {
    const stream = new SecretStream(isInitiator, socket) as EventEmitter & { destroy(): void }
    stream.on('error', () => {})
    streams.push(stream)
    store.replicate(stream)
  }
  for (let i = 0; i < nodes; i++) {
    const store = new Corestore(join(folder, `node-${i}`)) as Store
    await store.ready()
    stores.push(store)
    const core = store.get({ name: 'own' })
    await core.ready()
    own.push(core)
    const server = createServer((socket) => {
      socket.setNoDelay(true)
      replicate(store, false, socket)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    servers.push(server)
  }
  for (const [i, store] of stores.entries()) {
    for (const other of own) {
      if (other === own[i]) continue
      const core = store.get({ key: other.key })
      await core.ready()
      core.on('download', (block) => void read(core, block).then((n) => onVisible(i, n)))
      core.download({ start: 0, end: -1 })
    }
  }
  for (const [from, to] of liveEdges(init)) {
    const socket = connect((servers[to]?.address() as AddressInfo).port, '127.0.0.1')
    await once(socket, 'connect')
    socket.setNoDelay(true)
    replicate(stores[from] as Store, true, socket)
  }
  return {
    write: async (node, numbers) => {
      await own[node]?.append(numbers.map((n) => Buffer.from(JSON.stringify(entryValue(n)))))
    },
    stop: async () => {
      for (const stream of streams) stream.destroy()
      for (const server of servers) server.close()
      await Promise.all(stores.map(async (store) => await store.close()))
    },
  }
}

async function read(core: Core, block: number): Promise<number> {
  return (JSON.parse(String(await core.get(block))) as { readonly n: number }).n
}
