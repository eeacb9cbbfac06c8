import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endOf, Machine } from './hanse.ts'
import { containing, matching } from './matchers.ts'

const machine = new Machine()
afterAll(async () => machine.remove())

describe('hanse init', () => {
  it('makes keys that only their owner can read, and a configuration; a second time changes nothing', async () => {
    const data = join(machine.folder, 'deep', 'er', 'alice')
    const first = await machine.json<Record<string, unknown>>(data, 'init')
    expect(first).toMatchObject({
      created: true,
      did: matching(/^did:key:z6Mk/),
      peerId: matching(/^12D3KooW/),
    })
    expect(statSync(data).mode & 0o777).toBe(0o700)
    expect(statSync(join(data, 'keys', 'author.key')).mode & 0o777).toBe(0o600)
    const config = readFileSync(join(data, 'config.toml'), 'utf8')
    const second = await machine.json(data, 'init')
    expect(second).toEqual({ ...first, created: false })
    expect(readFileSync(join(data, 'config.toml'), 'utf8')).toBe(config)
  })

  it('writes configuration flags into the new file, and refuses them where there is one', async () => {
    const data = join(machine.folder, 'configured')
    await machine.json(data, 'init', '--listen', '/ip4/127.0.0.1/tcp/4123', '--no-mdns')
    expect(readFileSync(join(data, 'config.toml'), 'utf8')).toMatch(
      /^listen = \["\/ip4\/127\.0\.0\.1\/tcp\/4123"\]$[^]*^mdns = false$/m,
    )
    expect(await machine.hanse(data, ['init', '--no-dht'])).toMatchObject({
      code: 2,
      stderr: matching(/^hanse: .*config\.toml is there already.*\n$/),
    })
  })
})

describe('commands while no node runs', () => {
  let data: string
  let space: string

  beforeAll(async () => {
    data = await machine.init('alice')
    space = (await machine.json<{ id: string }>(data, 'space', 'create', 'Fleet')).id
  })

  it('write, read, list and delete values', async () => {
    const { id } = await machine.json<{ id: string }>(data, 'put', 'notes/today', 'buy milk')
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    await machine.json(data, 'put', 'numbers/large', '9007199254740993')
    await machine.json(data, 'put', 'numbers/text', '42', '--text')
    await machine.json(
      data,
      'put',
      'people/ada',
      '--field',
      'name=Ada',
      '--field',
      'born=1815',
      '--field',
      'note=a=b',
    )
    await machine.json(data, 'put', 'people/ada', '--remove', 'note')

    expect(await machine.json(data, 'get', 'notes/today')).toEqual({
      path: 'notes/today',
      type: 'register',
      value: 'buy milk',
    })
    expect(await machine.json(data, 'get', 'numbers/text')).toMatchObject({ value: '42' })
    expect(await machine.json(data, 'get', 'people/ada')).toEqual({
      path: 'people/ada',
      type: 'map',
      value: { name: 'Ada', born: 1815 },
    })
    expect((await machine.hanse(data, ['get', 'numbers/large', '--json'])).stdout).toContain(
      '"value":9007199254740993}',
    )

    const all = await machine.json<readonly { path: string }[]>(data, 'list')
    expect(all.map(({ path }) => path)).toEqual([
      'notes/today',
      'numbers/large',
      'numbers/text',
      'people/ada',
    ])
    expect(await machine.json<readonly unknown[]>(data, 'list', 'numbers')).toHaveLength(2)
    expect(await machine.json<readonly unknown[]>(data, 'list', '--limit', '3')).toHaveLength(3)
    expect(await machine.json(data, 'list', 'nowhere')).toEqual([])

    await machine.json(data, 'delete', 'numbers/large')
    expect(await machine.hanse(data, ['get', 'numbers/large'])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: containing('there is nothing at'),
    })
    expect((await machine.hanse(data, ['delete', 'numbers/large'])).code).toBe(1)
  })

  it('take a value from a file or standard input, and give back the same bytes', async () => {
    const lines = 'one\ntwo\n\u001b[31mthree\n'
    expect((await machine.hanse(data, ['put', 'files/lines', '-'], { input: lines })).code).toBe(0)
    expect((await machine.hanse(data, ['get', 'files/lines'])).stdout).toBe(lines)
    const file = join(machine.folder, 'bytes.bin')
    writeFileSync(file, new Uint8Array([0xff, 0x00, 0x80]))
    await machine.json(data, 'put', 'files/bytes', '--file', file)
    expect(await machine.json(data, 'get', 'files/bytes')).toMatchObject({
      value: { '/': { bytes: '/wCA' } },
    })
  })

  it('tell what was done, and why it holds', async () => {
    const log = await machine.json<readonly { id: string; command: string; path: string }[]>(
      data,
      'log',
      '--limit',
      '500',
    )
    expect(log.at(-1)).toMatchObject({ id: space, command: '/cap/grant' })
    const [latest] = await machine.json<readonly { id: string; path: string }[]>(
      data,
      'log',
      'notes',
      '--limit',
      '1',
    )
    expect(latest).toMatchObject({ path: 'notes/today' })
    const short = latest?.id.slice(0, 12) ?? ''
    expect(await machine.json(data, 'explain', short)).toMatchObject({
      id: latest?.id,
      verdict: 'admitted',
      code: null,
    })
    expect(await machine.hanse(data, ['explain', '0'.repeat(64)])).toMatchObject({
      code: 1,
      stdout: matching(/verdict +unknown/),
    })
  })

  it('show names and paths of others without letting them steer the terminal', async () => {
    await machine.json(data, 'put', 'bad/\u001b[2J\u202e', 'x\u0007')
    const { stdout } = await machine.hanse(data, ['list', 'bad'])
    expect(stdout).toBe('bad/\\u{1b}[2J\\u{202e}  register  "x\\u0007"\n')
  })

  it('say in status what is here, and that nobody has been met', async () => {
    const { stdout } = await machine.hanse(data, ['status'])
    expect(stdout).toMatch(/not running: start it with "hanse up"/)
    expect(stdout).toMatch(/^Fleet {2}[0-9a-f]{64}$/m)
    expect(stdout).toMatch(/^ {2}held +none$/m)
    expect(stdout).toMatch(/no peer of this space has been met/)
    const status = await machine.json<{ spaces: readonly Record<string, unknown>[] }>(data, 'status')
    expect(status).toMatchObject({
      running: false,
      unreadable: [],
      spaces: [
        { id: space, name: 'Fleet', absentBodies: 0, held: {}, refused: {}, forkedAuthors: [], peers: [] },
      ],
    })
  })

  it('name a space where there are several', async () => {
    const other = await machine.init('carol')
    for (const name of ['One', 'Two']) await machine.json(other, 'space', 'create', name)
    expect(await machine.hanse(other, ['list'])).toMatchObject({
      code: 2,
      stderr: matching(/^hanse: there are 2 spaces here: name one with --space/),
    })
    await machine.json(other, 'put', 'a', '1', '--space', 'One')
    expect(await machine.json<readonly unknown[]>(other, 'list', '--space', 'Two')).toEqual([])
    expect((await machine.hanse(other, ['get', 'a'], { env: { HANSE_SPACE: 'One' } })).stdout).toBe('1\n')
    expect(
      (await machine.json<readonly { name: string }[]>(other, 'space', 'list'))
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(['One', 'Two'])
  })

  it('wait for each other when they are many at once, and lose nothing', async () => {
    const crowded = await machine.init('crowded')
    await machine.json(crowded, 'space', 'create', 'Crowd')
    const numbers = Array.from({ length: 6 }, (_none, number) => number)
    const ended = await Promise.all(
      numbers.map(async (number) => machine.hanse(crowded, ['put', `n/${number}`, String(number)])),
    )
    expect(ended.map(({ code, stderr }) => [code, stderr])).toEqual(numbers.map(() => [0, '']))
    expect(await machine.json<readonly unknown[]>(crowded, 'list')).toHaveLength(numbers.length)
  })

  it('end quietly when nobody reads their output any more', async () => {
    const child = machine.start(data, ['list'])
    child.stdout?.destroy()
    const errors: Buffer[] = []
    child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk))
    await once(child, 'close')
    expect(Buffer.concat(errors).toString()).toBe('')
    expect(child.exitCode).toBe(0)
  })

  it('say plainly that a sync found nobody', async () => {
    const { code, stdout, stderr } = await machine.hanse(data, ['sync', '--timeout', '1s', '--no-mdns'])
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^hanse: no peer of this space was found within 1\.0 s: .*\n$/)
  })

  it('end at Ctrl-C with the code that shells use', async () => {
    const child = machine.start(data, ['sync', '--timeout', '60s', '--no-mdns'])
    const ended = endOf(child)
    await expect
      .poll(
        () =>
          statSync(join(data, 'node.sqlite-wal'), { throwIfNoEntry: false }) !== undefined ||
          child.exitCode !== null,
        { timeout: 10_000 },
      )
      .toBe(true)
    child.kill('SIGINT')
    expect(await ended).toMatchObject({ code: 130, stdout: '', stderr: 'hanse: interrupted\n' })
  })
})
