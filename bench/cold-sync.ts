import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createSigner } from '../src/core/native-signature.ts'
import { formatDid } from '../src/core/principal.ts'
import { createNode } from '../src/node/node.ts'
import type { SyncReport } from '../src/core/sync/session.ts'

/**
 * How fast does an empty node get everything from one peer? Two processes over loopback TCP, Noise and yamux, SQLite on both sides,
 * one change of about 150 bytes per operation, every signature checked; from the join until both have proved to be equal.
 *
 *     node bench/cold-sync.ts [operations = 10000] [authors = 100] [rounds = 5]
 *
 * Prints one JSON object with every round, after one round to warm up.
 */
const OPTIONS = { listen: ['/ip4/127.0.0.1/tcp/0'], dht: false, relay: false, antiEntropyIntervalMs: 600_000 }

const [role = '10000', ...rest] = process.argv.slice(2)
if (role === 'source') await source(Number(rest[0]), Number(rest[1]), String(rest[2]))
else await measure(Number(role), Number(rest[0] ?? 100), Number(rest[1] ?? 5))

/** Holds the operations, and answers each message with a fresh invite. */
async function source(operations: number, authors: number, dataDirectory: string): Promise<void> {
  const node = await createNode({ ...OPTIONS, dataDirectory })
  const space = node.createSpace({ name: 'bench' })
  const signers = Array.from({ length: authors }, () =>
    createSigner(crypto.getRandomValues(new Uint8Array(32))),
  )
  space.grantAll(signers.map(({ publicKey }) => ({ to: formatDid(publicKey), role: 'writer' as const })))
  for (let i = 0; i < operations; i++) {
    const author = signers[i % authors]
    const value = { n: i, title: `entry ${i} of the benchmark`, text: 'x'.repeat(80) }
    space.put(`entries/${i}`, value, author === undefined ? {} : { author })
  }
  process.on('message', () => process.send?.(space.invite({ role: 'reader' })))
  process.send?.('ready')
}

async function measure(operations: number, authors: number, rounds: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'hanse-bench-'))
  const child = fork(fileURLToPath(import.meta.url), [
    'source',
    String(operations),
    String(authors),
    directory,
  ])
  const answer = async () => ((await once(child, 'message')) as [string])[0]
  await answer()
  const results = []
  for (let round = 0; round <= rounds; round++) {
    const link = answer()
    child.send('invite')
    const result = await receive(await link)
    if (round > 0) results.push(result)
  }
  child.kill()
  await once(child, 'exit')
  rmSync(directory, { recursive: true, force: true })
  const rates = results.map(({ perSecond }) => perSecond).toSorted((a, b) => a - b)
  const summary = {
    workload: 'cold sync, one change per operation',
    operations,
    authors,
    operationsPerSecond: { median: rates[Math.floor(rates.length / 2)], least: rates[0], most: rates.at(-1) },
    bytesPerOperation: results.at(-1)?.bytesPerOperation,
    receiverPeakRssMb: Math.round(process.resourceUsage().maxRSS / 1024),
    rounds: results,
  }
  process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`)
}

async function receive(link: string) {
  const directory = mkdtempSync(join(tmpdir(), 'hanse-bench-'))
  const node = await createNode({ ...OPTIONS, dataDirectory: directory })
  const startedMs = performance.now()
  const space = node.join(link)
  const { promise, resolve } = Promise.withResolvers<{
    readonly report: SyncReport
    readonly bytes: number
  }>()
  space.addEventListener('sync', ({ detail: { report, traffic } }) => {
    if (report.inSync) resolve({ report, bytes: traffic.bytesReceived + traffic.bytesSent })
  })
  const { report, bytes } = await promise
  const seconds = (performance.now() - startedMs) / 1000
  await node.stop()
  rmSync(directory, { recursive: true, force: true })
  const { operations } = report.mine
  return {
    seconds: Math.round(seconds * 1000) / 1000,
    perSecond: Math.round(operations / seconds),
    bytesPerOperation: Math.round(bytes / operations),
  }
}
