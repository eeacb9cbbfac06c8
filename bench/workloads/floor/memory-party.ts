import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keepHeapLean } from '../../../src/node/lean-heap.ts'

/** A process that loads what it is asked for, and does nothing with it: what it then has is what nobody who uses that can go below. */
keepHeapLean()
const kept: unknown[] = []
const folder = mkdtempSync(join(tmpdir(), 'hanse-bench-memory-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

export const commands = {
  /** A file of Hanse's schema, with its settings. */
  sqlite: async (): Promise<void> => {
    const { RowWriter } = await import('./row-writer.ts')
    kept.push(new RowWriter(join(folder, 'file')))
  },

  /** TCP, Noise and yamux, listening. */
  libp2p: async (): Promise<void> => {
    const { createFloorNode } = await import('./link.ts')
    kept.push(await createFloorNode(true))
  },

  /** The libraries that Hanse's network is made of (src/node/network/libp2p.ts), listening, with Hanse's options and none of its protocols. */
  composed: async (): Promise<void> => {
    const { startComposed } = await import('./composed.ts')
    kept.push(await startComposed())
  },

  /** The threads that check signatures, each after a task. */
  threads: async (): Promise<void> => {
    const { checkOnThreads } = await import('./check-on-threads.ts')
    kept.push(await checkOnThreads())
  },

  /** Hanse, online, with one space in which nothing was written. */
  node: async (): Promise<void> => {
    const { createNode } = await import('../../../src/node/node.ts')
    const listen = ['/ip4/127.0.0.1/tcp/0']
    const node = await createNode({ dataDirectory: join(folder, 'node'), dht: false, relay: false, listen })
    node.createSpace({ name: 'idle' })
    kept.push(node)
  },
}
