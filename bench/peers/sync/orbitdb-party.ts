import { once } from 'node:events'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bitswap } from '@helia/block-brokers'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createOrbitDB, IPFSAccessController } from '@orbitdb/core'
import { LevelBlockstore } from 'blockstore-level'
import { createHelia } from 'helia'
import { createLibp2p } from 'libp2p'
import { type Address, entryPath, entryValue, type SyncSizes } from '../../workloads/sync/entries.ts'

/**
 * A key-value database on Helia, blocks and heads in LevelDB, over TCP, Noise and yamux, with gossipsub: as its documentation sets it up.
 * One author: every further one is an identity whose signature is checked too.
 */
interface KeyValue {
  readonly address: string
  readonly events: import('node:events').EventEmitter
  put(key: string, value: unknown): Promise<string>
  get(key: string): Promise<unknown>
  close(): Promise<void>
}

interface Place {
  readonly folder: string
  readonly sizes: SyncSizes
}

const ADDRESS_FILE = 'address'
let folder = ''
let node: Awaited<ReturnType<typeof start>> | undefined
let database: KeyValue | undefined

async function start(directory: string) {
  const libp2p = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) },
  })
  const blockstore = new LevelBlockstore(join(directory, 'blocks'))
  await blockstore.open()
  const helia = await createHelia({ libp2p, blockstore, blockBrokers: [bitswap()], routers: [] })
  const orbitdb = await createOrbitDB({ ipfs: helia, directory: join(directory, 'orbitdb'), id: 'bench' })
  return { libp2p, blockstore, helia, orbitdb }
}

async function open(directory: string): Promise<void> {
  folder = directory
  node = await start(directory)
}

async function stop(): Promise<void> {
  await node?.orbitdb.stop()
  await node?.helia.stop()
  await node?.blockstore.close()
  node = undefined
}

async function openDatabase(address: string): Promise<KeyValue> {
  return (await node?.orbitdb.open(address)) as KeyValue
}

/** The first time by name: the address follows from who may write. */
async function createDatabase(): Promise<KeyValue> {
  const AccessController = IPFSAccessController({ write: ['*'] })
  return (await node?.orbitdb.open('bench', { type: 'keyvalue', AccessController })) as KeyValue
}

async function write(
  database: KeyValue,
  { changes }: SyncSizes,
  first: number,
  operations: number,
): Promise<void> {
  for (let n = first * changes; n < (first + operations) * changes; n++)
    await database.put(entryPath(n), entryValue(n))
}

async function prepare({ folder, sizes }: Place): Promise<void> {
  await open(join(folder, 'source'))
  const database = await createDatabase()
  await write(database, sizes, 0, sizes.operations)
  writeFileSync(join(folder, ADDRESS_FILE), database.address)
}

/** Of the node and the database. */
async function serve(root: string): Promise<Address> {
  const address = readFileSync(join(root, ADDRESS_FILE), 'utf8')
  database = await openDatabase(address)
  return { address, multiaddr: String(node?.libp2p.getMultiaddrs()[0]) }
}

async function dial({ multiaddr: text }: Address): Promise<void> {
  await node?.libp2p.dial(multiaddr(String(text)))
}

/** Opens the database, and waits until the heads of the other side, and what they stand on, have been joined and the last entry is read. */
async function catchUpWith({ address }: Address, { changes }: SyncSizes, operations: number): Promise<void> {
  database = await openDatabase(String(address))
  await once(database.events, 'join')
  const last = operations * changes - 1
  const { n } = ((await database.get(entryPath(last))) ?? {}) as { readonly n?: number }
  if (n !== last) throw new Error(`the last entry is not there: ${n} for ${last}`)
}

export const commands = {
  prepare: async (place: Place): Promise<void> => {
    await prepare(place)
    await stop()
  },

  serve: async ({ folder }: Place): Promise<Address> => {
    await open(join(folder, 'source'))
    return await serve(folder)
  },

  openEmpty: async ({ folder }: Place): Promise<void> => {
    await open(join(folder, 'empty'))
  },

  receiveAll: async ({ address, sizes }: { readonly address: Address; readonly sizes: SyncSizes }) => {
    const startedMs = performance.now()
    await dial(address)
    await catchUpWith(address, sizes, sizes.operations)
    return { seconds: (performance.now() - startedMs) / 1000 }
  },

  close: async (): Promise<void> => {
    await stop()
    if (!folder.endsWith('source')) rmSync(folder, { recursive: true, force: true })
  },

  /** The receiver has it by a sync. */
  prepareBoth: async (place: Place): Promise<void> => {
    await prepare(place)
    const source = node
    const address = await serve(place.folder)
    await open(join(place.folder, 'receiver'))
    await dial(address)
    await catchUpWith(address, place.sizes, place.sizes.operations)
    await stop()
    node = source
    await stop()
  },

  hold: async ({ folder, side }: Place & { readonly side: string }): Promise<Address> => {
    const copy = join(folder, `${side} of this run`)
    rmSync(copy, { recursive: true, force: true })
    cpSync(join(folder, side), copy, { recursive: true })
    await open(copy)
    return side === 'source' ? await serve(folder) : {}
  },

  part: async (): Promise<void> => {
    await database?.close()
  },

  allow: (): void => {},

  /** Nodes are connected; the database of the receiver is closed until it catches up. */
  connect: async ({ address }: { readonly address: Address }): Promise<void> => {
    if (node?.libp2p.getPeers().length === 0) await dial(address)
  },

  write: async ({
    sizes,
    first,
    operations,
  }: {
    readonly sizes: SyncSizes
    first: number
    operations: number
  }) => {
    await write(database as KeyValue, sizes, first, operations)
  },

  catchUp: async (of: {
    readonly address: Address
    readonly sizes: SyncSizes
    readonly operations: number
  }) => {
    const startedMs = performance.now()
    await catchUpWith(of.address, of.sizes, of.operations)
    return performance.now() - startedMs
  },
}
