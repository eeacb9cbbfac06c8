import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defineAction, readArguments, type Action } from '../../src/cli/control/action.ts'
import { formatRequest, parseAnswer, parseRequest } from '../../src/cli/control/control-codec.ts'
import { connectControl, type ControlClient } from '../../src/cli/control/control-client.ts'
import { ControlServer } from '../../src/cli/control/control-server.ts'
import { LineError, readLines } from '../../src/cli/control/line-reader.ts'
import { prepareSocketPath, removeSocket, socketPathOf } from '../../src/cli/control/socket-path.ts'
import {
  CONTROL_ANSWER_BYTES_MAX,
  CONTROL_CONNECTIONS_MAX,
  CONTROL_REQUEST_BYTES_MAX,
  SOCKET_PATH_BYTES_MAX,
} from '../../src/core/limits.ts'
import { FaultError } from '../../src/node/fault-error.ts'
import type { HanseNode } from '../../src/node/node.ts'

let folder: string
let cleanups: (() => unknown)[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hanse-control-'))
})

afterEach(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup()
  cleanups = []
  await rm(folder, { recursive: true })
})

describe('readLines', () => {
  async function* chunksOf(...chunks: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) yield typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk
  }
  const linesOf = async (lineBytesMax: number, ...chunks: readonly (string | Uint8Array)[]) =>
    Array.fromAsync(readLines(chunksOf(...chunks), lineBytesMax))

  it('gives lines wherever the chunks part', async () => {
    const text = new TextEncoder().encode('eins\nzwölf\n\n世界\n')
    for (let at = 0; at <= text.length; at++) {
      expect(await linesOf(100, text.subarray(0, at), text.subarray(at))).toEqual([
        'eins',
        'zwölf',
        '',
        '世界',
      ])
    }
  })

  it('takes a line of the most bytes and refuses one byte more, in one chunk or many', async () => {
    expect(await linesOf(4, '1234\n12', '34\n')).toEqual(['1234', '1234'])
    await expect(linesOf(4, '12345\n')).rejects.toThrow(LineError)
    await expect(linesOf(4, '12', '34', '5\n')).rejects.toThrow(LineError)
    await expect(linesOf(4, '12345')).rejects.toThrow(LineError)
  })

  it('refuses bytes that are not UTF-8, and an end in the middle of a line', async () => {
    await expect(linesOf(9, new Uint8Array([0xff, 0x0a]))).rejects.toThrow('not UTF-8')
    await expect(linesOf(9, 'half')).rejects.toThrow('in the middle')
  })
})

describe('the control codec', () => {
  it('reads back what it writes', () => {
    const request = { id: 7, action: 'put', args: { path: 'a', n: 9007199254740993n } }
    expect(parseRequest(formatRequest(request))).toEqual({ ok: true, value: request })
  })

  it.each([
    ['no JSON', 'hello'],
    ['a list', '[]'],
    ['a field too many', '{"hanse":1,"id":1,"action":"x","args":{},"more":1}'],
    ['no id', '{"hanse":1,"action":"x","args":{}}'],
    ['a negative id', '{"hanse":1,"id":-1,"action":"x","args":{}}'],
    ['an action that is no text', '{"hanse":1,"id":1,"action":2,"args":{}}'],
  ])('refuses a request that is or has %s', (_what, line) => {
    expect(parseRequest(line)).toMatchObject({ ok: false, fault: { code: 'BAD_REQUEST' } })
  })

  it('tells another version of the protocol apart', () => {
    expect(parseRequest('{"hanse":2,"id":1,"action":"x","args":{}}')).toMatchObject({
      fault: { code: 'OTHER_VERSION' },
    })
  })

  it('refuses an answer of another form', () => {
    for (const line of [
      '',
      'x',
      '{"id":1}',
      '{"id":1,"result":1,"event":1}',
      '{"id":1,"fault":{"code":1,"detail":"x"}}',
      '{"result":1}',
    ]) {
      expect(parseAnswer(line)).toBeNull()
    }
  })

  it('refuses arguments that are missing, of another kind, or unknown', () => {
    const shape = { path: 'text', limit: 'integer?', names: 'texts?', deep: 'boolean?' } as const
    expect(readArguments(shape, { path: 'a', limit: 3, names: ['x'], deep: false }).ok).toBe(true)
    expect(readArguments(shape, { path: 'a' }).ok).toBe(true)
    for (const args of [
      null,
      [],
      {},
      { path: 1 },
      { path: 'a', limit: 1.5 },
      { path: 'a', limit: '3' },
      { path: 'a', names: [1] },
      { path: 'a', x: 1 },
    ]) {
      expect(readArguments(shape, args)).toMatchObject({ ok: false, fault: { code: 'BAD_REQUEST' } })
    }
  })
})

describe('ControlServer', () => {
  const echo = defineAction({ name: 'echo', shape: { text: 'text' }, run: (_context, { text }) => text })
  const refuse = defineAction({
    name: 'refuse',
    shape: {},
    run: () => {
      throw new FaultError({ code: 'NOT_FOUND', detail: 'there is nothing' })
    },
  })
  const large = defineAction({
    name: 'large',
    shape: { size: 'integer' },
    run: (_context, { size }) => 'x'.repeat(size),
  })
  const flood = defineAction<{ readonly pages: 'integer' }, number, string>({
    name: 'flood',
    shape: { pages: 'integer' },
    run: async ({ emit, signal }, { pages }) => {
      for (let page = 0; page < pages; page++) {
        emitted = page
        await emit('x'.repeat(64 * 1024))
        signal.throwIfAborted()
      }
      return pages
    },
  })
  const hang = defineAction({
    name: 'hang',
    shape: {},
    run: async ({ signal }) => {
      hanging.began.resolve()
      await once(signal, 'abort')
      hanging.ended.resolve()
      throw signal.reason
    },
  })
  let emitted = 0
  /** What the action `hang` settles; made anew for each run. */
  let hanging = { began: Promise.withResolvers<void>(), ended: Promise.withResolvers<void>() }

  async function startServer(): Promise<{ readonly server: ControlServer; readonly path: string }> {
    const actions = new Map(
      [echo, refuse, large, flood, hang].map((action) => [action.name, action as unknown as Action]),
    )
    const path = join(folder, 'hanse.sock')
    // No action here looks at the node.
    const server = new ControlServer({ node: {} as HanseNode, actions, http: null, path })
    await server.start()
    cleanups.push(async () => server.stop())
    return { server, path }
  }

  async function connectTo(path: string): Promise<ControlClient> {
    const client = await connectControl(path)
    if (client === null) throw new Error('nobody listens')
    cleanups.push(() => client.close())
    return client
  }

  async function rawConnection(path: string): Promise<Socket> {
    const socket = connect(path)
    socket.on('error', () => {})
    cleanups.push(() => socket.destroy())
    await once(socket, 'connect')
    return socket
  }

  /** The lines that the server sends until it ends the connection. */
  async function lastWordsOf(socket: Socket): Promise<readonly string[]> {
    return await Array.fromAsync(readLines(socket as AsyncIterable<Uint8Array>, CONTROL_ANSWER_BYTES_MAX))
  }

  const ignore = () => {}

  it('can be opened by its owner alone', async () => {
    const { path } = await startServer()
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  it('answers one request after another on a connection, and passes faults on', async () => {
    const client = await connectTo((await startServer()).path)
    expect(await client.request('echo', { text: 'zwölf\n\u2028' }, ignore)).toBe('zwölf\n\u2028')
    await expect(client.request('refuse', {}, ignore)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'there is nothing',
    })
    await expect(client.request('echo', { text: 3 }, ignore)).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    await expect(client.request('nothing', {}, ignore)).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    expect(await client.request('echo', { text: 'still here' }, ignore)).toBe('still here')
  })

  it('takes a request of the most bytes, and ends the connection at one byte more', async () => {
    const { path } = await startServer()
    const overhead = Buffer.byteLength(formatRequest({ id: 1, action: 'echo', args: { text: '' } })) - 1
    const longest = 'x'.repeat(CONTROL_REQUEST_BYTES_MAX - overhead)
    expect(await (await connectTo(path)).request('echo', { text: longest }, ignore)).toBe(longest)
    await expect(
      (await connectTo(path)).request('echo', { text: `${longest}x` }, ignore),
    ).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  })

  it('sends a line of the most bytes, and a fault in place of a longer one', async () => {
    const client = await connectTo((await startServer()).path)
    const overhead = Buffer.byteLength('{"id":1,"result":""}\n')
    expect(await client.request('large', { size: CONTROL_ANSWER_BYTES_MAX - overhead }, ignore)).toHaveLength(
      CONTROL_ANSWER_BYTES_MAX - overhead,
    )
    await expect(
      client.request('large', { size: CONTROL_ANSWER_BYTES_MAX - overhead + 1 }, ignore),
    ).rejects.toMatchObject({ code: 'LIMIT' })
  })

  it('refuses one connection more than it serves, and serves again when one has gone', async () => {
    const { path } = await startServer()
    const first = await connectTo(path)
    const others = await Promise.all(
      Array.from({ length: CONTROL_CONNECTIONS_MAX - 1 }, async () => connectTo(path)),
    )
    // Answered, so that the server has seen every one of them.
    for (const client of [first, ...others])
      expect(await client.request('echo', { text: 'x' }, ignore)).toBe('x')
    await expect((await connectTo(path)).request('echo', { text: 'x' }, ignore)).rejects.toMatchObject({
      code: 'BUSY',
    })
    first.close()
    await expect
      .poll(async () => (await connectTo(path)).request('echo', { text: 'y' }, ignore).catch(() => 'busy'))
      .toBe('y')
  })

  it('ends a connection that talks garbage, after one line', async () => {
    const { path } = await startServer()
    for (const garbage of ['GET / HTTP/1.1\r\n\r\n', '\n', '\u0000\u0001\n', '{"hanse":1}\n']) {
      const mallory = await rawConnection(path)
      mallory.write(garbage)
      const lines = await lastWordsOf(mallory)
      expect(lines).toHaveLength(1)
      expect(lines[0]).toMatch(/BAD_REQUEST|OTHER_VERSION/)
    }
  })

  it('waits for a reader who is slow, instead of keeping the answer in memory', async () => {
    const { path } = await startServer()
    const slow = await rawConnection(path)
    slow.pause()
    emitted = -1
    slow.write(formatRequest({ id: 1, action: 'flood', args: { pages: 4_096 } }))
    await expect.poll(() => emitted).toBeGreaterThan(0)
    // While nobody reads, others are served, and the flood stands still.
    const other = await connectTo(path)
    for (let i = 0; i < 50; i++) expect(await other.request('echo', { text: 'x' }, ignore)).toBe('x')
    expect(emitted).toBeLessThan(64)
    slow.destroy()
  })

  it('gives up an action when whoever asked has gone, and when the node stops', async () => {
    const { server, path } = await startServer()
    for (const end of ['close', 'stop'] as const) {
      hanging = { began: Promise.withResolvers<void>(), ended: Promise.withResolvers<void>() }
      const client = await connectTo(path)
      expect(await client.request('echo', { text: 'x' }, ignore)).toBe('x')
      const asked = client.request('hang', {}, ignore).catch((error: unknown) => (error as FaultError).code)
      await hanging.began.promise
      if (end === 'close') client.close()
      else await server.stop()
      await hanging.ended.promise
      expect(await asked).toBe('NODE_STOPPED')
    }
  })

  it('is taken for stuck by a client after a silence', async () => {
    const client = await connectTo((await startServer()).path)
    await expect(client.request('hang', {}, ignore, 50)).rejects.toMatchObject({ code: 'NO_ANSWER' })
  })
})

describe('connectControl', () => {
  it('finds nobody where there is nothing, a file, or a socket left behind', async () => {
    expect(await connectControl(join(folder, 'none.sock'))).toBeNull()
    await writeFile(join(folder, 'file.sock'), '')
    expect(await connectControl(join(folder, 'file.sock'))).toBeNull()
    expect(await connectControl(join(folder, 'file.sock', 'below'))).toBeNull()
    await leaveSocketBehind(join(folder, 'stale.sock'))
    expect(await connectControl(join(folder, 'stale.sock'))).toBeNull()
  })

  it('does not take another program for a node', async () => {
    const path = join(folder, 'other.sock')
    const other = createServer((socket) => socket.end('220 mail.example.org ESMTP\n'))
    other.listen(path)
    await once(other, 'listening')
    cleanups.push(() => other.close())
    const client = await connectControl(path)
    await expect(client?.request('echo', {}, () => {})).rejects.toMatchObject({ code: 'NO_ANSWER' })
  })
})

describe('the path of the socket', () => {
  it('is in the data directory, and what a killed process left there is removed', async () => {
    const path = join(folder, 'hanse.sock')
    await leaveSocketBehind(path)
    expect(prepareSocketPath(folder)).toBe(path)
    await expect(stat(path)).rejects.toThrow('ENOENT')
    expect(socketPathOf(folder)).toBe(path)
  })

  it('never removes what is not a socket', async () => {
    await writeFile(join(folder, 'hanse.sock'), 'precious')
    removeSocket(folder)
    expect(await readFile(join(folder, 'hanse.sock'), 'utf8')).toBe('precious')
  })

  it('fits up to its bound, and moves to a folder of its own one byte beyond', async () => {
    const room = SOCKET_PATH_BYTES_MAX - Buffer.byteLength(join(folder, 'hanse.sock')) - 1
    const fitting = join(folder, 'd'.repeat(room))
    const longer = join(folder, 'd'.repeat(room + 1))
    for (const directory of [fitting, longer]) await mkdir(directory)
    expect(prepareSocketPath(fitting)).toBe(join(fitting, 'hanse.sock'))

    const elsewhere = prepareSocketPath(longer)
    cleanups.push(async () => rm(dirname(elsewhere), { recursive: true, force: true }))
    expect(dirname(elsewhere)).not.toBe(longer)
    expect(Buffer.byteLength(elsewhere)).toBeLessThanOrEqual(SOCKET_PATH_BYTES_MAX)
    expect((await stat(dirname(elsewhere))).mode & 0o777).toBe(0o700)
    expect(socketPathOf(longer)).toBe(elsewhere)
    await leaveSocketBehind(elsewhere)

    const again = prepareSocketPath(longer)
    cleanups.push(async () => rm(dirname(again), { recursive: true, force: true }))
    await expect(stat(dirname(elsewhere))).rejects.toThrow('ENOENT')
    removeSocket(longer)
    await expect(stat(dirname(again))).rejects.toThrow('ENOENT')
    await chmod(longer, 0o700)
  })
})

/** A socket on which nobody listens any more, as a killed process leaves it. */
async function leaveSocketBehind(path: string): Promise<void> {
  const { spawn } = await import('node:child_process')
  const program = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  const child = spawn(process.execPath, ['-e', program])
  await once(child, 'exit')
  expect((await stat(path)).isSocket()).toBe(true)
}
