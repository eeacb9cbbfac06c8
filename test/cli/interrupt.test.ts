import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ended, endOf, Machine } from './hanse.ts'

const ROWS = 1_500
const WAIT = { timeout: 20_000, interval: 5 }

const machine = new Machine()
let data: string
let rows: string
let film: string
/** Where temporary files go, and where commands write to. */
let temporary: string
let output: string
beforeAll(async () => {
  data = await machine.init('alice')
  await machine.json(data, 'space', 'create', 'team')
  rows = join(machine.folder, 'rows.json')
  const entities = Array.from({ length: ROWS }, (_, id) => ({ id: String(id), text: 'x'.repeat(1_000) }))
  writeFileSync(rows, JSON.stringify(entities))
  film = join(machine.folder, 'film')
  writeFileSync(film, randomBytes(48 * 1024 * 1024))
  for (const name of ['temporary', 'output']) mkdirSync(join(machine.folder, name))
  temporary = join(machine.folder, 'temporary')
  output = join(machine.folder, 'output')
  await machine.json(data, 'import', 'json', rows, '--path', 'before', '--key', 'id')
})
afterAll(async () => await machine.remove())

function start(...args: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const child = machine.start(data, args, { TMPDIR: temporary })
  child.stdin?.on('error', () => {})
  return { child, ended: endOf(child) }
}

/** True from when the program handles signals itself: Linux tells which it catches, and nothing of Node's own catches SIGHUP. */
function handlesSignals({ pid, exitCode }: ChildProcess): boolean {
  if (exitCode !== null) return true
  const [, caught = '0'] = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return (BigInt(`0x${caught}`) & 1n) === 1n
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0
const logOf = (file: string): string =>
  join(
    data,
    file === 'space'
      ? `spaces/${readdirSync(join(data, 'spaces')).find((name) => name.endsWith('.sqlite'))}-wal`
      : `${file}-wal`,
  )

/** Files of the data directory but those that SQLite and the lock make and take away, and the mark of the last opening. */
const filesOf = () =>
  readdirSync(data, { recursive: true })
    .map(String)
    .filter((name) => !/(-wal|-shm|-journal)$|^place-|^hanse\.sock/.test(name))
    .toSorted()

/** Whole, and nothing lies about. */
async function expectWhole(files: readonly string[]): Promise<void> {
  expect(readdirSync(temporary)).toEqual([])
  expect(filesOf()).toEqual(files)
  expect(await machine.json(data, 'verify')).toMatchObject({ sound: true })
}

const INTERRUPTED = { code: 130, stdout: '', stderr: 'hanse: interrupted\n' }

describe('Ctrl-C', () => {
  it.each([
    ['put', 'notes/a', '-'],
    ['append', 'journal/a', '-'],
    ['write', '-'],
    ['text', 'set', 'notes/plan', '-'],
    ['blob', 'put', 'files/a', '-'],
    ['import', 'json', '-', '--path', 'a', '--key', 'id'],
    ['ops', 'import', '-'],
    ['snapshot', 'import', '-'],
    ['join', '-'],
  ])('ends %s %s, which waits for standard input', async (...args) => {
    const files = filesOf()
    const { child, ended } = start(...args)
    child.stdin?.write('[\n')
    await expect.poll(() => handlesSignals(child), WAIT).toBe(true)
    child.kill('SIGINT')
    expect(await ended).toEqual(INTERRUPTED)
    expect(readdirSync(temporary)).toEqual([])
    expect(filesOf()).toEqual(files)
  })

  it('ends an import midway: what is in stays, and the rest comes with the same command again', async () => {
    const files = filesOf()
    const args = ['import', 'json', rows, '--path', 'after', '--key', 'id']
    const { child, ended } = start(...args)
    await expect.poll(() => sizeOf(logOf('space')) > 500_000 || child.exitCode !== null, WAIT).toBe(true)
    child.kill('SIGINT')
    expect(await ended).toEqual(INTERRUPTED)
    await expectWhole(files)
    const inItNow = async () =>
      (await machine.json<readonly unknown[]>(data, 'list', 'after', '--limit', '100000')).length
    expect(await inItNow()).toBeLessThan(ROWS)
    await machine.json(data, ...args)
    expect(await inItNow()).toBe(ROWS)
  })

  it('ends an export whose reader is slow', async () => {
    const files = filesOf()
    const child = machine.start(data, ['ops', 'export'], { TMPDIR: temporary })
    // Not read until it was interrupted, and more than pipes and streams hold on the way: it cannot have come to its end.
    await expect
      .poll(
        () =>
          (child.stdout as NodeJS.ReadableStream & { readableLength: number }).readableLength > 0 ||
          child.exitCode !== null,
        WAIT,
      )
      .toBe(true)
    child.kill('SIGINT')
    expect((await endOf(child)).code).toBe(130)
    await expectWhole(files)
  })

  it.each([
    ['ops', 'export', '--output'],
    ['snapshot', 'export'],
  ])('leaves no part of a file behind: %s %s', async (...args) => {
    const files = filesOf()
    const file = join(output, 'out')
    const { child, ended } = start(...args, file)
    await expect.poll(() => readdirSync(output).length > 0 || child.exitCode !== null, WAIT).toBe(true)
    child.kill('SIGINT')
    const { code } = await ended
    // Either it was done already, or nothing is there.
    expect([
      [0, ['out']],
      [130, []],
    ]).toContainEqual([code, readdirSync(output)])
    rmSync(file, { force: true })
    await expectWhole(files)
  })

  it.each([false, true])(
    'ends storing a large file midway (beside a running node: %s)',
    async (isRunning) => {
      const node = isRunning ? await machine.up(data, '--http', 'none') : null
      const files = filesOf()
      const { child, ended } = start('blob', 'put', `files/film-${isRunning}`, film)
      await expect
        .poll(() => sizeOf(logOf('blobs.sqlite')) > 1_000_000 || child.exitCode !== null, WAIT)
        .toBe(true)
      child.kill('SIGINT')
      expect(await ended).toEqual(INTERRUPTED)
      await expectWhole(files)
      const { code } = await machine.hanse(data, ['get', `files/film-${isRunning}`])
      expect(code).toBe(1)
      await node?.stop()
    },
  )

  it('ends a sync that looks for somebody', async () => {
    const files = filesOf()
    const { child, ended } = start('sync', '--timeout', '60s', '--no-mdns')
    await expect.poll(() => handlesSignals(child), WAIT).toBe(true)
    child.kill('SIGINT')
    expect(await ended).toEqual(INTERRUPTED)
    await expectWhole(files)
  })
})
