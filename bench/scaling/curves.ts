/**
 * How do disk, memory, opening and the root grow with operations, and with authors?
 *
 *     node --expose-gc bench/scaling/curves.ts [OPERATIONS] [AUTHORS]
 *
 * One space on disk, one change an operation; measured at every power of ten up to so many. Prints one JSON object.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sha256 } from '../../src/core/hash.ts'
import { createSigner } from '../../src/core/native-signature.ts'
import { formatDid } from '../../src/core/principal.ts'
import { createNode } from '../../src/node/node.ts'
import type { Space } from '../../src/node/space/space.ts'

const OPERATIONS = Number(process.argv[2] ?? 100_000)
const AUTHORS = Number(process.argv[3] ?? 10_000)
const folder = mkdtempSync(join(tmpdir(), 'hanse-curves-'))

interface Point {
  readonly operations: number
  readonly authors: number
  readonly diskBytesPerOperation: number
  /** Of the process beyond one without a space, after opening and after the first roots. */
  readonly memoryMiB: number
  readonly openMs: number
  readonly clockRootMs: number
  readonly stateRootMs: number
}

try {
  const report = { operations: await growOperations(), authors: await growAuthors() }
  console.log(JSON.stringify(report, null, 2))
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** One author, ever more operations. */
async function growOperations(): Promise<readonly Point[]> {
  const data = join(folder, 'operations')
  const points: Point[] = []
  let count = 1
  for (let target = 1_000; target <= OPERATIONS; target *= 10) {
    const node = await createNode({ dataDirectory: data, online: false })
    const space = node.spaces()[0] ?? node.createSpace({ name: 'operations' })
    for (; count < target; count++)
      space.put(`notes/${count}`, { text: `a note, number ${count}`, done: false })
    await node.stop()
    points.push(await measure(data, 1))
  }
  return points
}

/** Ever more authors, each with one operation of its own beside what gives it its right. */
async function growAuthors(): Promise<readonly Point[]> {
  const points: Point[] = []
  for (let authors = 1; authors <= AUTHORS; authors *= 10) {
    const data = join(folder, `authors ${authors}`)
    const node = await createNode({ dataDirectory: data, online: false })
    const space = node.createSpace({ name: 'authors' })
    const signers = Array.from({ length: authors }, (_, i) =>
      createSigner(sha256(Buffer.from(`author ${i}`))),
    )
    space.grantAll(signers.map(({ publicKey }) => ({ to: formatDid(publicKey), role: 'writer' })))
    for (const [i, author] of signers.entries()) {
      const edits = [{ kind: 'put', path: `by/${i}`, value: i }] as const
      space.hosted.write(edits, { author, timeMs: Date.now() })
    }
    await node.stop()
    points.push(await measure(data, authors))
  }
  return points
}

/** Opens the space again, and looks. */
async function measure(data: string, authors: number): Promise<Point> {
  const before = memoryMiB()
  const start = performance.now()
  const node = await createNode({ dataDirectory: data, online: false })
  const openMs = performance.now() - start
  const [{ hosted }] = node.spaces() as readonly [Space, ...Space[]]
  const clockRootMs = taken(() => hosted.replica.clockRoot())
  const stateRootMs = taken(() => hosted.replica.stateRoot())
  const operations = hosted.store.count()
  const memory = memoryMiB() - before
  await node.stop()
  const spaces = join(data, 'spaces')
  const bytes = readdirSync(spaces).reduce((sum, name) => sum + statSync(join(spaces, name)).size, 0)
  const diskBytesPerOperation = bytes / operations
  return { operations, authors, diskBytesPerOperation, memoryMiB: memory, openMs, clockRootMs, stateRootMs }
}

function taken(work: () => unknown): number {
  const start = performance.now()
  work()
  return performance.now() - start
}

function memoryMiB(): number {
  globalThis.gc?.()
  return process.memoryUsage().rss / 2 ** 20
}
