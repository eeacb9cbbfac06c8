import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Machine, type RunningNode } from './hanse.ts'
import { anyNumber, containing, matching } from './matchers.ts'

const machine = new Machine()
afterAll(async () => machine.remove())

const KIB = 1024
const MIB = 1024 * KIB

/** A file with content that differs from piece to piece. */
function fileOf(name: string, bytes: number): { readonly file: string; readonly content: Buffer } {
  const content = Buffer.alloc(bytes)
  for (let i = 0; i + 4 <= bytes; i += 1_000) content.writeUInt32LE(i, i)
  const file = join(machine.folder, name)
  writeFileSync(file, content)
  return { file, content }
}

interface Blobs {
  readonly spaces: readonly { readonly blobs: Readonly<Record<string, unknown>> }[]
}

const blobsOf = async (data: string) => (await machine.json<Blobs>(data, 'status')).spaces[0]?.blobs

describe('hanse blob, without a running node', () => {
  let data: string
  beforeAll(async () => {
    data = await machine.init('alone')
    await machine.json(data, 'space', 'create', 'Shelf')
  })

  it('puts a file and gets the same bytes, from a file, standard input, and into both', async () => {
    const { file, content } = fileOf('plan.pdf', 700 * KIB)
    const written = await machine.json(data, 'blob', 'put', 'docs/plan', file, '--type', 'application/pdf')
    expect(written).toEqual({
      id: matching(/^[0-9a-f]{64}$/),
      path: 'docs/plan',
      hash: matching(/^[0-9a-f]{64}$/),
      size: content.length,
      mediaType: 'application/pdf',
      name: 'plan.pdf',
    })
    const out = join(machine.folder, 'out.pdf')
    const got = await machine.json(data, 'blob', 'get', 'docs/plan', '--output', out)
    expect(got).toMatchObject({ path: 'docs/plan', complete: true, from: [], output: out })
    expect(readFileSync(out).equals(content)).toBe(true)

    expect((await machine.hanse(data, ['blob', 'put', 'docs/text', '-'], { input: 'hello' })).code).toBe(0)
    expect(await machine.hanse(data, ['blob', 'get', 'docs/text'])).toMatchObject({
      code: 0,
      stdout: 'hello',
    })
    expect((await machine.hanse(data, ['blob', 'put', 'docs/empty', '-'], { input: '' })).code).toBe(0)
    expect(await machine.hanse(data, ['blob', 'get', 'docs/empty'])).toMatchObject({ code: 0, stdout: '' })
    expect(await machine.json(data, 'get', 'docs/text')).toMatchObject({ type: 'blob', value: { size: 5 } })
    expect(readdirSync(machine.folder).filter((name) => name.endsWith('.part'))).toEqual([])
  })

  it('lists what is there, counts equal content once, and prunes what is not referred to any more', async () => {
    expect((await machine.hanse(data, ['blob', 'put', 'docs/copy', '-'], { input: 'hello' })).code).toBe(0)
    const list = await machine.json<readonly { path: string; complete: boolean }[]>(
      data,
      'blob',
      'list',
      'docs',
    )
    expect(list.map(({ path, complete }) => [path, complete])).toEqual([
      ['docs/copy', true],
      ['docs/empty', true],
      ['docs/plan', true],
      ['docs/text', true],
    ])
    expect(await blobsOf(data)).toMatchObject({ referenced: 3, complete: 3, missing: 0, counted: true })
    expect((await machine.hanse(data, ['status'])).stdout).toMatch(/^ {2}blobs +3, all here$/m)
    await machine.json(data, 'delete', 'docs/plan')
    expect(await machine.json(data, 'blob', 'prune')).toEqual({ pieces: 4, bytes: 700 * KIB + 3 * 32 })
    expect(await machine.json(data, 'blob', 'prune')).toEqual({ pieces: 0, bytes: 0 })
    expect(await machine.hanse(data, ['blob', 'get', 'docs/text'])).toMatchObject({ stdout: 'hello' })
  })

  it('says what is wrong, and what to do', async () => {
    const { file } = fileOf('any.bin', KIB)
    const refused: readonly (readonly [readonly string[], number, string])[] = [
      [['get', 'docs/nothing'], 1, 'there is no blob at'],
      [['get', 'docs/text', '--json'], 2, 'say with --output'],
      [['get', 'docs/text', '--output', machine.folder], 2, 'is a folder'],
      [['get', 'docs/text', '--output', join(machine.folder, 'no', 'such', 'x')], 2, 'cannot be written'],
      [['put', 'docs/x', join(machine.folder, 'absent')], 2, 'cannot be read'],
      [['put', 'docs/x', machine.folder], 2, 'is a folder'],
      [['put', 'docs//x', file], 2, 'empty segment'],
      [['put', 'docs/x', file, '--type', 'pdf'], 2, 'not a media type'],
      [['wants', '--drop', 'docs/text'], 1, 'not on the want-list'],
    ]
    for (const [args, code, message] of refused) {
      const ended = await machine.hanse(data, ['blob', ...args])
      expect([args.join(' '), ended.code]).toEqual([args.join(' '), code])
      expect(ended.stderr).toMatch(args.includes('--json') ? /^\{"error".*\n$/ : /^hanse: .*\n$/)
      expect(ended.stderr).toContain(message)
    }
  })
})

describe('hanse blob, between nodes', () => {
  let alice: RunningNode
  let bob: RunningNode

  beforeAll(async () => {
    const [atAlice, atBob] = await Promise.all([machine.init('alice'), machine.init('bob')])
    await machine.json(atAlice, 'space', 'create', 'Fleet')
    ;[alice, bob] = await Promise.all([machine.up(atAlice), machine.up(atBob)])
    const { link } = await machine.json<{ link: string }>(alice.data, 'invite', '--role', 'writer')
    await machine.json(bob.data, 'join', link)
  })

  it('brings what is small by itself, and counts what is large as missing until somebody gets it', async () => {
    const small = fileOf('small.txt', 3 * KIB)
    const large = fileOf('large.bin', 5 * MIB)
    await machine.json(alice.data, 'blob', 'put', 'files/small', small.file)
    await machine.json(alice.data, 'blob', 'put', 'files/large', large.file)
    await expect
      .poll(async () => blobsOf(bob.data), { timeout: 15_000 })
      .toMatchObject({ referenced: 2, complete: 1, missing: 1, wanted: 0 })
    expect((await machine.hanse(bob.data, ['status'])).stdout).toMatch(/^ {2}blobs +2, missing: 1$/m)
    const out = join(machine.folder, 'large.out')
    const got = await machine.json(bob.data, 'blob', 'get', 'files/large', '--output', out)
    expect(got).toMatchObject({ complete: true, from: [{ peer: alice.listening.peerId, pieces: 21 }] })
    expect(readFileSync(out).equals(large.content)).toBe(true)
    expect(await blobsOf(bob.data)).toMatchObject({ complete: 2, missing: 0 })
    expect(await machine.json(bob.data, 'blob', 'wants')).toEqual([])
  })

  it('says who was asked where nobody has it, keeps it wanted, and brings it once somebody has it again', async () => {
    const carol = await machine.init('carol')
    const { link } = await machine.json<{ link: string }>(alice.data, 'invite', '--role', 'writer')
    await machine.json(carol, 'join', link)
    const rare = fileOf('rare.bin', 2 * MIB)
    await machine.json(carol, 'blob', 'put', 'files/rare', rare.file)
    await machine.json(carol, 'sync')
    await expect
      .poll(async () => (await machine.hanse(bob.data, ['get', 'files/rare'])).code, { timeout: 15_000 })
      .toBe(0)
    const failed = await machine.hanse(bob.data, [
      'blob',
      'get',
      'files/rare',
      '--output',
      join(machine.folder, 'no'),
    ])
    expect(failed).toMatchObject({
      code: 1,
      stderr: containing(`${alice.listening.peerId} does not have it, or not for this node`),
    })
    expect(readdirSync(machine.folder).filter((name) => name.startsWith('no'))).toEqual([])
    const wanted = { size: 2 * MIB, paths: ['files/rare'], asked: true, sinceMs: anyNumber }
    expect(await machine.json(bob.data, 'blob', 'wants')).toMatchObject([wanted])

    // The want outlives the process, and is served as soon as carol runs.
    await bob.stop('SIGKILL')
    expect(await machine.json(bob.data, 'blob', 'wants')).toMatchObject([wanted])
    bob = await machine.up(bob.data, '--peers', alice.listening.addresses[0] as string)
    const running = await machine.up(carol, '--peers', bob.listening.addresses[0] as string)
    await expect
      .poll(async () => blobsOf(bob.data), { timeout: 20_000 })
      .toMatchObject({ missing: 0, wanted: 0 })
    await running.stop()
    const out = join(machine.folder, 'rare.out')
    await machine.json(bob.data, 'blob', 'get', 'files/rare', '--output', out)
    expect(readFileSync(out).equals(rare.content)).toBe(true)
  })

  it('gets what is missing without a running node too, by going online for that long', async () => {
    const file = fileOf('offline.bin', 3 * MIB)
    await machine.json(alice.data, 'blob', 'put', 'files/offline', file.file)
    await expect
      .poll(async () => (await machine.hanse(bob.data, ['get', 'files/offline'])).code, { timeout: 15_000 })
      .toBe(0)
    await bob.stop()
    const child = machine.start(bob.data, ['blob', 'get', 'files/offline'])
    const parts: Buffer[] = []
    child.stdout?.on('data', (part: Buffer) => parts.push(part))
    await once(child, 'close')
    expect(child.exitCode).toBe(0)
    expect(Buffer.concat(parts).equals(file.content)).toBe(true)
  })
})
