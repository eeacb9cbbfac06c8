import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decodeCanonical } from '../../src/core/canonical-cbor.ts'
import { alice, register } from './fixtures.ts'
import { makeFolder, openStore, optionsFor } from './sqlite-harness.ts'

const CHILD = fileURLToPath(import.meta.resolve('./crash-child.ts'))
/** Operations of one transaction of the child. */
const BATCH = 7

describe('a process killed with SIGKILL while it commits', () => {
  let folder: string
  let file: string
  beforeEach(() => {
    folder = makeFolder()
    file = join(folder, 'space.sqlite')
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it.each(['process', 'power'] as const)('has lost nothing acknowledged (%s)', async (durability) => {
    let acknowledged = -1
    // The moment of the kill wanders: after more and more commits, in the middle of the next. The ends of the log are written twice or more
    // often, long after the first kills.
    for (const commits of [1, 2, 5, 9, 17, 40]) {
      const last = await killAfter(file, durability, commits)
      expect(last).toBeGreaterThan(acknowledged)
      acknowledged = last
      expectWhole(file, acknowledged)
    }
  })

  it('leaves a file that opens when it is killed while it opens it for the first time', async () => {
    // Opening takes a few milliseconds; the delay is not waited for anything, it is the moment of the kill.
    for (const delayMs of [0, 1, 2, 3, 5, 8]) {
      rmSync(file, { force: true })
      await killAfter(file, 'process', 0, delayMs)
      const store = openStore(optionsFor(file))
      expect(store.count() % BATCH).toBe(0)
      store.close()
      for (const ending of ['-wal', '-shm']) expect(existsSync(file + ending)).toBe(false)
    }
  })
})

function start(file: string, durability: string): ChildProcessByStdio<null, Readable, null> {
  return spawn(process.execPath, [CHILD, file, durability], { stdio: ['ignore', 'pipe', 'inherit'] })
}

/**
 * Runs the child until it has acknowledged that many commits (with 0, until it begins to open the file), and kills it. The last
 * ordinal that was acknowledged, -1 for none.
 */
async function killAfter(file: string, durability: string, commits: number, delayMs = 0): Promise<number> {
  const child = start(file, durability)
  const exit = once(child, 'exit')
  let last = -1
  let lines = 0
  for await (const line of createInterface({ input: child.stdout })) {
    if (line !== 'opening') last = Number(line)
    // Goes on reading after the kill: what was written before it is acknowledged too.
    if (lines++ !== commits) continue
    await delay(delayMs)
    child.kill('SIGKILL')
  }
  const [, signal] = (await exit) as [number | null, string | null]
  expect(signal).toBe('SIGKILL')
  return last
}

/** Everything up to the last acknowledged operation is there, whole batches only, and all tables agree. */
function expectWhole(file: string, acknowledged: number): void {
  const store = openStore({ ...optionsFor(file), create: false, idTailMax: 50 })
  expect(store.count()).toBeGreaterThan(acknowledged)
  expect(store.count() % BATCH).toBe(0)
  const entries = store.entriesFrom(0, store.count())
  for (const entry of entries) {
    expect(store.firstAfter(alice.publicKey, entry.ordinal)).toEqual(entries[entry.ordinal + 1])
    expect(store.find(entry.id)?.ordinal).toBe(entry.ordinal)
    expect(store.operation(entry.ordinal).body).not.toBeNull()
  }
  const head = entries.at(-1)
  expect(store.heads(alice.publicKey)).toEqual([head])
  expect(store.frontier()).toEqual([head])
  for (let i = 0; i < 20; i++) {
    const history = store.history(register(`docs/${i}`))
    const value = store.cell(register(`docs/${i}`))?.value
    expect(value === undefined ? undefined : decodeCanonical(value)).toEqual(
      history.length === 0 ? undefined : { ok: true, value: history.at(-1)?.ordinal },
    )
  }
  store.close()
  const database = new DatabaseSync(file)
  expect(database.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
  database.close()
  // And it can be written again.
  const again = openStore({ ...optionsFor(file), idTailMax: 50 })
  again.transaction('power', () => undefined)
  again.close()
}
