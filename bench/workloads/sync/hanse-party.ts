import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { hash } from 'node:crypto'
import { stop } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { createSigner } from '../../../src/core/native-signature.ts'
import { formatDid } from '../../../src/core/principal.ts'
import type { Signer } from '../../../src/core/signature.ts'
import { keepHeapLean } from '../../../src/node/lean-heap.ts'
import type { HanseNode } from '../../../src/node/node.ts'
import type { ItemEdit } from '../../../src/node/space/item-edit.ts'
import type { Space } from '../../../src/node/space/space.ts'
import { type Address, entryPath, entryValue, type SyncSizes } from './entries.ts'

/**
 * Hanse as source or receiver: TCP, Noise and yamux, SQLite on both sides, every signature checked. Synced means that both sides have
 * proved to be equal, that all operations are stored, and that the last entry is read.
 */
const OPTIONS = { dht: false, relay: false, antiEntropyIntervalMs: 3_600_000 }
const LISTEN = { ...OPTIONS, listen: ['/ip4/127.0.0.1/tcp/0'] }
const DIAL_ONLY = { ...OPTIONS, listen: [] }

/** Bound of connecting, in ms. */
const CONNECT_MS = 30_000

interface Place {
  readonly folder: string
  readonly sizes: SyncSizes
}

interface Written {
  readonly sizes: SyncSizes
  readonly first: number
  readonly operations: number
}

interface CatchUp {
  readonly sizes: SyncSizes
  readonly address: Address
  /** So many in all, once caught up. */
  readonly operations: number
  /** Whether any of them is still missed. */
  readonly isNew: boolean
}

// As the command line does for a node: before one is loaded.
keepHeapLean()
const { createNode } = await import('../../../src/node/node.ts')
let node: HanseNode | undefined
let folder = ''
let isAsked = false

/** Keys by number, the same in every process: authors that are not nodes. */
function authorsOf(count: number): readonly Signer[] {
  return Array.from({ length: count }, (_, i) =>
    createSigner(new Uint8Array(hash('sha256', `author ${i} of the benchmark`, 'buffer'))),
  )
}

/** Operations from `first` on, each by the next author. */
function write(space: Space, { authors, changes }: SyncSizes, first: number, operations: number): void {
  const signers = authorsOf(authors)
  for (let i = first; i < first + operations; i++) {
    const edits = Array.from({ length: changes }, (_, j): ItemEdit => {
      const n = i * changes + j
      return { kind: 'put', path: entryPath(n), value: entryValue(n) }
    })
    space.write(edits, { author: signers[i % authors] as Signer })
  }
}

async function fill({ folder, sizes }: Place): Promise<void> {
  const source = await createNode({ dataDirectory: join(folder, 'source'), online: false })
  const space = source.createSpace({ name: 'bench' })
  space.grantAll(
    authorsOf(sizes.authors).map(({ publicKey }) => ({ to: formatDid(publicKey), role: 'writer' })),
  )
  write(space, sizes, 0, sizes.operations)
  await source.stop()
}

async function open(dataDirectory: string, options: typeof LISTEN): Promise<HanseNode> {
  folder = dataDirectory
  node = await createNode({ ...options, dataDirectory })
  return node
}

const theNode = () => node as HanseNode
const theSpace = () => theNode().spaces()[0] as Space

/** Once a run has shown both sides to be equal. */
async function untilEqual(space: Space): Promise<void> {
  const equal = Promise.withResolvers<void>()
  const onSync = ({ detail: { report } }: CustomEvent<{ readonly report: { readonly inSync: boolean } }>) => {
    if (report.inSync) equal.resolve()
  }
  space.addEventListener('sync', onSync)
  await equal.promise
  space.removeEventListener('sync', onSync)
}

/** From now on nothing is announced, and no comparison is begun: what is written is found by the other side, when it catches up. */
async function tellNobody(source: HanseNode): Promise<void> {
  await stop(services(source).pubsub)
  services(source).sync.sync = never
}

/** From now on a comparison is begun only when it is asked for: a node looks by itself now and then, and the source takes seconds to write. */
function compareWhenAsked(receiver: HanseNode): void {
  const { sync } = services(receiver)
  const begin = sync.sync.bind(sync)
  sync.sync = async (...run) => await (isAsked ? begin(...run) : never())
}

function services({ network }: HanseNode) {
  if (network === null) throw new Error('both sides are online')
  return network.libp2p.services
}

const never = async () => await new Promise<never>(() => {})

function read(space: Space, { changes }: SyncSizes, operations: number): void {
  const last = operations * changes - 1
  const { n } = (space.get(entryPath(last))?.value ?? {}) as { readonly n?: number }
  if (n !== last) throw new Error(`the last entry is not there: ${n} for ${last}`)
}

export const commands = {
  prepare: fill,

  /** A source that holds everything. */
  serve: async ({ folder }: Place): Promise<Address> => {
    await open(join(folder, 'source'), LISTEN)
    return { link: theSpace().invite({ role: 'reader' }) }
  },

  /** A receiver that has nothing yet. */
  openEmpty: async ({ folder }: Place): Promise<void> => {
    await open(join(folder, 'empty'), DIAL_ONLY)
  },

  receiveAll: async ({ address, sizes }: { readonly address: Address; readonly sizes: SyncSizes }) => {
    const startedMs = performance.now()
    const space = theNode().join(String(address['link']))
    await untilEqual(space)
    read(space, sizes, sizes.operations)
    return { seconds: (performance.now() - startedMs) / 1000 }
  },

  close: async (): Promise<void> => {
    await node?.stop()
    if (!folder.endsWith('source')) rmSync(folder, { recursive: true, force: true })
  },

  /** For catching up: the same in a source and in a receiver, which has it by a sync. */
  prepareBoth: async (place: Place): Promise<void> => {
    await fill(place)
    const source = await createNode({ ...LISTEN, dataDirectory: join(place.folder, 'source') })
    const receiver = await createNode({ ...DIAL_ONLY, dataDirectory: join(place.folder, 'receiver') })
    const given = source.spaces()[0] as Space
    const space = receiver.join(given.invite({ role: 'reader' }))
    await untilEqual(space)
    // The receiver publishes what it joined with once it has synced.
    while (given.status().operations !== space.status().operations) await space.sync(source.peerId)
    await receiver.stop()
    await source.stop()
  },

  /** Opens a copy of one of both sides, so that no run finds what another has left. */
  hold: async ({ folder, side }: Place & { readonly side: 'source' | 'receiver' }): Promise<Address> => {
    const copy = join(folder, `${side} of this run`)
    rmSync(copy, { recursive: true, force: true })
    cpSync(join(folder, side), copy, { recursive: true })
    const { peerId, addresses } = await open(copy, side === 'source' ? LISTEN : DIAL_ONLY)
    return { peer: peerId, multiaddr: addresses[0] }
  },

  /** One connection is kept for all that follows. */
  part: (): void => {},
  allow: (): void => {},

  /** Past the handshake, and equal. */
  connect: async ({ address }: { readonly address: Address }): Promise<void> => {
    if (theNode().network?.connectedPeers().length !== 0) return
    const equal = untilEqual(theSpace())
    await theNode().network?.reach(multiaddr(String(address['multiaddr'])), AbortSignal.timeout(CONNECT_MS))
    await equal
    compareWhenAsked(theNode())
  },

  /** Writes what the other side does not have. */
  write: async ({ sizes, first, operations }: Written): Promise<void> => {
    await tellNobody(theNode())
    write(theSpace(), sizes, first, operations)
  },

  /** Compares once, with `operations` in all; in ms. */
  catchUp: async ({ sizes, address, operations, isNew }: CatchUp): Promise<number> => {
    const space = theSpace()
    if (isNew && space.get(entryPath(operations * sizes.changes - 1)) !== undefined)
      throw new Error('what differs was here before it was asked for')
    const startedMs = performance.now()
    isAsked = true
    const report = (await space.sync(String(address['peer']))).values().next().value
    isAsked = false
    if (report?.inSync !== true) throw new Error('the two sides are not equal')
    read(space, sizes, operations)
    return performance.now() - startedMs
  },
}
