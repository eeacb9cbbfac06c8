import { type EventEmitter, once } from 'node:events'
import { cpSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import SecretStream from '@hyperswarm/secret-stream'
import Corestore from 'corestore'
import { type Address, entryValue, type SyncSizes } from '../../workloads/sync/entries.ts'

/**
 * One core for each author, all in one store on disk (RocksDB), over TCP with Hyperswarm's own encryption. An operation of several
 * changes is one append of as many blocks: one signature.
 */
interface Core {
  readonly key: Buffer
  readonly length: number
  readonly contiguousLength: number
  readonly peers: readonly { readonly remoteSynced: boolean }[]
  ready(): Promise<void>
  append(blocks: Buffer | readonly Buffer[]): Promise<unknown>
  download(range: { readonly start: number; readonly end: number }): unknown
  get(block: number): Promise<Buffer>
  on(event: 'append' | 'download', heard: () => void): void
  off(event: 'append' | 'download', heard: () => void): void
}

interface Store {
  ready(): Promise<void>
  get(options: { readonly name: string } | { readonly key: Buffer }): Core
  replicate(stream: unknown): unknown
  close(): Promise<void>
}

interface Written {
  readonly sizes: SyncSizes
  readonly first: number
  readonly operations: number
}

interface CatchUp {
  readonly sizes: SyncSizes
  readonly operations: number
}

interface Place {
  readonly folder: string
  readonly sizes: SyncSizes
}

let store: Store
let cores: Core[] = []
let folder = ''

async function open(directory: string): Promise<void> {
  folder = directory
  store = new Corestore(directory) as Store
  await store.ready()
}

async function openCores(
  authors: number,
  of: (author: number) => Parameters<Store['get']>[0],
): Promise<void> {
  cores = Array.from({ length: authors }, (_, author) => store.get(of(author)))
  await Promise.all(cores.map(async (core) => await core.ready()))
}

const named = (author: number) => ({ name: `author-${author}` })

const blockOf = (n: number) => Buffer.from(JSON.stringify(entryValue(n)))

async function write({ authors, changes }: SyncSizes, first: number, operations: number): Promise<void> {
  for (let i = first; i < first + operations; i++)
    await cores[i % authors]?.append(Array.from({ length: changes }, (_, j) => blockOf(i * changes + j)))
}

/** Blocks that an author has, of so many operations in all. */
function lengthOf(author: number, { authors, changes }: SyncSizes, operations: number): number {
  return Math.ceil((operations - author) / authors) * changes
}

/** Once every block of every core is here and the last entry is read. */
async function untilAll(sizes: SyncSizes, operations: number): Promise<void> {
  await Promise.all(
    cores.map(async (core, author) => await untilLong(core, lengthOf(author, sizes, operations))),
  )
  const last = operations * sizes.changes - 1
  const author = (operations - 1) % sizes.authors
  const { n } = JSON.parse(String(await cores[author]?.get(lengthOf(author, sizes, operations) - 1))) as {
    readonly n: number
  }
  if (n !== last) throw new Error(`the last entry is not there: ${n} for ${last}`)
}

async function untilLong(core: Core, length: number): Promise<void> {
  if (core.contiguousLength >= length) return
  const done = Promise.withResolvers<void>()
  const look = () => {
    if (core.contiguousLength >= length) done.resolve()
  }
  core.on('download', look)
  core.on('append', look)
  core.download({ start: 0, end: -1 })
  look()
  await done.promise
  core.off('download', look)
  core.off('append', look)
}

interface Secret extends EventEmitter {
  readonly destroyed: boolean
  readonly opened: Promise<boolean>
  destroy(): void
}

let accepted: Secret[] = []
let dialled: Secret | undefined

/** `isEager`: replicates with whoever comes; else only once it is allowed to. */
async function serve(sizes: SyncSizes, isEager: boolean): Promise<Address> {
  await openCores(sizes.authors, named)
  const own = store
  const server = createServer((socket) => {
    const secret: Secret = new SecretStream(false, socket)
    secret.on('error', () => {})
    accepted.push(secret)
    if (isEager) own.replicate(secret)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, keys: cores.map(({ key }) => key.toString('hex')) }
}

async function dial(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const secret: Secret = new SecretStream(true, socket)
  secret.on('error', () => {})
  dialled = secret
  await secret.opened
}

async function part(): Promise<void> {
  const open = [...accepted, ...(dialled === undefined ? [] : [dialled])].filter(
    ({ destroyed }) => !destroyed,
  )
  accepted = []
  dialled = undefined
  await Promise.all(
    open.map(async (secret) => {
      const closed = once(secret, 'close')
      secret.destroy()
      await closed
    }),
  )
}

/** Once the other side has told the length of every core. The cores say so nowhere, so they are looked at again and again. */
async function untilTold(): Promise<void> {
  while (!cores.every(({ peers }) => peers.some(({ remoteSynced }) => remoteSynced)))
    await new Promise((resolve) => void setImmediate(resolve))
}

async function openKeys({ keys }: Address): Promise<void> {
  const known = (keys as readonly string[]).map((key) => Buffer.from(key, 'hex'))
  await openCores(known.length, (author) => ({ key: known[author] as Buffer }))
}

async function prepare({ folder, sizes }: Place): Promise<void> {
  await open(join(folder, 'source'))
  await openCores(sizes.authors, named)
  await write(sizes, 0, sizes.operations)
}

export const commands = {
  prepare: async (place: Place): Promise<void> => {
    await prepare(place)
    await store.close()
  },

  serve: async ({ folder, sizes }: Place): Promise<Address> => {
    await open(join(folder, 'source'))
    return await serve(sizes, true)
  },

  openEmpty: async ({ folder }: Place): Promise<void> => {
    await open(join(folder, 'empty'))
  },

  receiveAll: async ({ address, sizes }: { readonly address: Address; readonly sizes: SyncSizes }) => {
    const startedMs = performance.now()
    await openKeys(address)
    await dial(Number(address['port']))
    store.replicate(dialled)
    await untilAll(sizes, sizes.operations)
    return { seconds: (performance.now() - startedMs) / 1000 }
  },

  close: async (): Promise<void> => {
    await part()
    await store.close()
    if (!folder.endsWith('source')) rmSync(folder, { recursive: true, force: true })
  },

  /** The receiver has it by a sync within this process. */
  prepareBoth: async ({ folder, sizes }: Place): Promise<void> => {
    await prepare({ folder, sizes })
    const address = await serve(sizes, true)
    const source = store
    await open(join(folder, 'receiver'))
    await openKeys(address)
    await dial(Number(address['port']))
    store.replicate(dialled)
    await untilAll(sizes, sizes.operations)
    await part()
    await store.close()
    await source.close()
  },

  /** A copy of one side, so that no run finds what another has left. */
  hold: async ({ folder, sizes, side }: Place & { readonly side: string }): Promise<Address> => {
    const copy = join(folder, `${side} of this run`)
    rmSync(copy, { recursive: true, force: true })
    // Its mark of where it lies, by which it would refuse a copy, stays behind.
    cpSync(join(folder, side), copy, { recursive: true, filter: (file) => !file.endsWith('CORESTORE') })
    await open(copy)
    return side === 'source' ? await serve(sizes, false) : {}
  },

  /** A new connection, encrypted already, on which nothing is replicated yet. */
  connect: async ({ address }: { readonly address: Address }): Promise<void> => {
    if (cores.length === 0) await openKeys(address)
    await dial(Number(address['port']))
  },

  part,

  write: async ({ sizes, first, operations }: Written): Promise<void> => {
    // The other side has gone.
    await part()
    await write(sizes, first, operations)
  },

  allow: (): void => {
    store.replicate(accepted.at(-1))
  },

  /** Replicates until everything is here and the other side has told the lengths of all of its cores. */
  catchUp: async ({ sizes, operations }: CatchUp): Promise<number> => {
    const startedMs = performance.now()
    store.replicate(dialled)
    await untilTold()
    await untilAll(sizes, operations)
    return performance.now() - startedMs
  },
}
