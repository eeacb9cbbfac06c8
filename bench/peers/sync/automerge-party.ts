import { readFileSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import * as Automerge from '@automerge/automerge'
import {
  type AutomergeUrl,
  type DocHandle,
  type DocumentId,
  parseAutomergeUrl,
  Repo,
} from '@automerge/automerge-repo'
import { WebSocketClientAdapter, WebSocketServerAdapter } from '@automerge/automerge-repo-network-websocket'
import { WebSocketServer } from 'ws'
import { type Address, entryPath, entryValue, type SyncSizes } from '../../workloads/sync/entries.ts'

/**
 * One document of a repo in memory, over its websocket. Entries are JSON in scalars (its own strings are texts, with an operation for each
 * character); an operation is a change; each author is an actor that makes its changes one after the other, because another actor means a
 * clone of the document. They lie in maps of 256, because a change copies the map it is in.
 */
type Shelf = Record<string, Automerge.ImmutableString>

interface Entries extends Record<string, unknown> {
  entries: Record<string, Shelf>
}

interface Place {
  readonly folder: string
  readonly sizes: SyncSizes
}

interface Written {
  readonly sizes: SyncSizes
  readonly first: number
  readonly operations: number
}

const URL_FILE = 'url'
const shelfOf = (n: number) => String(n >> 8)

let repo: Repo
let handle: DocHandle<Entries>
let isSharing = true

function fill(doc: Automerge.Doc<Entries>, { changes }: SyncSizes, first: number, operations: number) {
  let filled = doc
  for (let i = first; i < first + operations; i++) {
    filled = Automerge.change(filled, ({ entries }) => {
      for (let n = i * changes; n < (i + 1) * changes; n++) {
        const shelf = shelfOf(n)
        entries[shelf] ??= {}
        const value = new Automerge.ImmutableString(JSON.stringify(entryValue(n)))
        ;(entries[shelf] as Shelf)[entryPath(n)] = value
      }
    })
  }
  return filled
}

function prepare({ folder, sizes }: Place): void {
  const { operations, authors } = sizes
  let doc = Automerge.from<Entries>({ entries: {} })
  for (let author = 0; author < authors; author++) {
    const [first, end] = [author, author + 1].map((n) => Math.floor((operations * n) / authors)) as [
      number,
      number,
    ]
    if (author > 0) doc = Automerge.clone(doc)
    doc = fill(doc, sizes, first, end - first)
  }
  writeFileSync(join(folder, 'saved'), Automerge.save(doc))
  writeFileSync(join(folder, URL_FILE), new Repo().create().url)
}

async function open(folder: string): Promise<Address> {
  const url = readFileSync(join(folder, URL_FILE), 'utf8') as AutomergeUrl
  const docId: DocumentId = parseAutomergeUrl(url).documentId
  handle = repo.import<Entries>(readFileSync(join(folder, 'saved')), { docId })
  await handle.whenReady()
  return { url }
}

/** Shares with whoever comes, where it is asked. */
async function serve(folder: string): Promise<Address> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  repo = new Repo({
    network: [new WebSocketServerAdapter(server)],
    shareConfig: { announce: async () => false, access: async () => true },
  })
  return { ...(await open(folder)), port: (server.address() as AddressInfo).port }
}

const dial = ({ port }: Address) => new WebSocketClientAdapter(`ws://127.0.0.1:${String(port)}`)

/** Throws where the last entry is not there. */
function read({ changes }: SyncSizes, operations: number): void {
  if (!has({ changes }, operations)) throw new Error('the last entry is not there')
}

function has({ changes }: Pick<SyncSizes, 'changes'>, operations: number): boolean {
  const last = operations * changes - 1
  const text = handle.doc().entries[shelfOf(last)]?.[entryPath(last)]
  return text !== undefined && (JSON.parse(String(text)) as { readonly n: number }).n === last
}

/** Once every peer has gone: what is written now is told nobody. */
async function untilAlone(): Promise<void> {
  while (repo.peers.length > 0)
    await new Promise((resolve) => repo.networkSubsystem.once('peer-disconnected', resolve))
}

export const commands = {
  prepare,
  prepareBoth: prepare,
  serve: async ({ folder }: Place): Promise<Address> => await serve(folder),
  openEmpty: () => {},
  receiveAll: async ({ address, sizes }: { readonly address: Address; readonly sizes: SyncSizes }) => {
    const startedMs = performance.now()
    repo = new Repo({ network: [dial(address)] })
    handle = await repo.find<Entries>(address['url'] as AutomergeUrl)
    read(sizes, sizes.operations)
    return { seconds: (performance.now() - startedMs) / 1000 }
  },
  close: () => {},

  hold: async ({ folder, side }: Place & { readonly side: string }): Promise<Address> => {
    if (side === 'source') return await serve(folder)
    isSharing = false
    repo = new Repo({ shareConfig: { announce: async () => isSharing, access: async () => isSharing } })
    return await open(folder)
  },

  /** A new connection, on which nothing is shared yet. */
  connect: async ({ address }: { readonly address: Address }): Promise<void> => {
    const adapter = dial(address)
    const met = new Promise((resolve) => adapter.once('peer-candidate', resolve))
    repo.networkSubsystem.addNetworkAdapter(adapter)
    await met
  },

  part: async (): Promise<void> => {
    isSharing = false
    for (const adapter of [...repo.networkSubsystem.adapters])
      repo.networkSubsystem.removeNetworkAdapter(adapter)
    await untilAlone()
  },

  allow: () => {},

  write: async ({ sizes, first, operations }: Written): Promise<void> => {
    await untilAlone()
    handle.update((doc) => fill(doc, sizes, first, operations))
  },

  catchUp: async ({ sizes, operations }: { readonly sizes: SyncSizes; readonly operations: number }) => {
    const done = Promise.withResolvers<void>()
    const look = () => {
      // Told while the document is taking it up.
      setImmediate(() => {
        if (has(sizes, operations)) done.resolve()
      })
    }
    repo.on('doc-metrics', (metrics) => {
      if (metrics.type === 'receive-sync-message') look()
    })
    const startedMs = performance.now()
    isSharing = true
    repo.shareConfigChanged()
    await done.promise
    return performance.now() - startedMs
  },
}
