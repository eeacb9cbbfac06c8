import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Address, SyncSizes } from '../../workloads/sync/entries.ts'
import { Frames, serveFrames } from './frames.ts'

/** A document of a library that keeps everything in memory: what it has, and what another has not. */
export interface SyncDocument {
  /** Writes operations from `first` on, each by the next author and of `changes` entries. */
  write(sizes: SyncSizes, first: number, operations: number): void
  /** What this document has seen, as the other side needs it to find what is missing here. */
  version(): Uint8Array
  missingAt(version: Uint8Array): Uint8Array
  merge(update: Uint8Array): void
  save(): Uint8Array
  /** The number within the value of that entry; undefined where it is not there. */
  read(entry: number): number | undefined
}

/**
 * The commands of hanse-party.ts for such documents. Each side tells what it has and is sent what it has not, as in the protocols of these
 * libraries (y-protocols' two steps), over bare TCP: no encryption, nothing signed, nothing stored.
 */
export function documentCommands(create: () => SyncDocument, open: (saved: Uint8Array) => SyncDocument) {
  let document = create()
  let frames: Frames | undefined

  const serve = async (folder: string): Promise<Address> => {
    document = open(readFileSync(join(folder, 'saved')))
    const port = await serveFrames(async (peer) => {
      for (;;) {
        const version = await peer.receive()
        peer.send(document.version())
        peer.send(document.missingAt(version))
        document.merge(await peer.receive())
      }
    })
    return { port }
  }

  const exchange = async (peer: Frames): Promise<void> => {
    peer.send(document.version())
    const version = await peer.receive()
    document.merge(await peer.receive())
    peer.send(document.missingAt(version))
  }

  const read = ({ changes }: SyncSizes, operations: number): void => {
    const last = operations * changes - 1
    if (document.read(last) !== last) throw new Error('the last entry is not there')
  }

  const prepare = ({ folder, sizes }: { readonly folder: string; readonly sizes: SyncSizes }): void => {
    document.write(sizes, 0, sizes.operations)
    writeFileSync(join(folder, 'saved'), document.save())
  }

  return {
    prepare,
    prepareBoth: prepare,
    serve: async ({ folder }: { readonly folder: string }) => await serve(folder),
    openEmpty: () => {},
    receiveAll: async ({ address, sizes }: { readonly address: Address; readonly sizes: SyncSizes }) => {
      const startedMs = performance.now()
      await exchange(await Frames.dial(Number(address['port'])))
      read(sizes, sizes.operations)
      return { seconds: (performance.now() - startedMs) / 1000 }
    },
    close: () => {},
    hold: async ({ folder, side }: { readonly folder: string; readonly side: string }): Promise<Address> => {
      if (side === 'source') return await serve(folder)
      document = open(readFileSync(join(folder, 'saved')))
      return {}
    },
    // One connection is kept for all that follows.
    part: () => {},
    allow: () => {},
    connect: async ({ address }: { readonly address: Address }) => {
      if (frames !== undefined) return
      frames = await Frames.dial(Number(address['port']))
      // The first exchange warms both sides up, as with peers that compare when they meet.
      await exchange(frames)
    },
    write: ({
      sizes,
      first,
      operations,
    }: {
      readonly sizes: SyncSizes
      first: number
      operations: number
    }) => {
      document.write(sizes, first, operations)
    },
    catchUp: async ({ sizes, operations }: { readonly sizes: SyncSizes; readonly operations: number }) => {
      const startedMs = performance.now()
      await exchange(frames as Frames)
      read(sizes, operations)
      return performance.now() - startedMs
    },
  }
}
