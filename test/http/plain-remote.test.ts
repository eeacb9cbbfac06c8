import { execFile } from 'node:child_process'
import { PassThrough } from 'node:stream'
import { promisify } from 'node:util'
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BAD_SIGNATURES_PER_PEER_MAX, HTTP_TRANSFERS_MAX } from '../../src/core/limits.ts'
import { parseClockText } from '../../src/core/clock-text.ts'
import { orThrow } from '../../src/node/fault-error.ts'
import { unpackedBody } from '../../src/http/received-lines.ts'
import { importNewSpace } from '../../src/node/exchange/import-file.ts'
import { ServedNode } from './served-node.ts'

let served: ServedNode
let all: string
let notes: string

beforeAll(async () => {
  served = await ServedNode.start()
  served.space.put('notes/a', 'one')
  served.space.put('docs/b', 'two')
  all = served.token('all', 'writer')
  notes = served.token('notes', 'reader', 'notes')
})
afterAll(async () => served.stop())

async function get(token: string, path: string, headers: Record<string, string> = {}) {
  return await fetch(served.server.origin + path, {
    headers: { authorization: `Bearer ${token}`, 'accept-encoding': 'identity', ...headers },
    signal: AbortSignal.timeout(20_000),
  })
}

async function post(
  token: string,
  path: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
) {
  const response = await fetch(served.server.origin + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson', ...headers },
    body: body as string,
    signal: AbortSignal.timeout(20_000),
  })
  return { status: response.status, lines: parse(await response.text()) }
}

interface Line {
  readonly [key: string]: unknown
}
const parse = (text: string): readonly Line[] =>
  text
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)

describe('GET /version', () => {
  it('is the clock as "hanse ops clock" prints it, at the root and under the space, and 304 while nothing is new', async () => {
    const response = await get(all, '/version')
    expect(response.headers.get('hanse-space')).toBe(served.space.id)
    expect(await response.json()).toEqual(served.space.exchange.clock())
    const tag = response.headers.get('etag') as string
    const again = await get(all, `/v1/spaces/lab/version`, { 'if-none-match': tag })
    expect([again.status, await again.text()]).toEqual([304, ''])
  })

  it('is nothing without a token', async () => {
    expect((await fetch(`${served.server.origin}/version`)).status).toBe(401)
    expect(await served.ask(null, 'GET', '/snapshot/latest')).toMatchObject({ status: 401 })
  })

  it('asks which space where a token reaches several', async () => {
    const other = served.node.createSpace({ name: 'other' })
    served.node.agents.allow('all', [{ space: other, role: 'reader' }])
    expect(await served.ask(all, 'GET', '/version')).toMatchObject({
      status: 400,
      body: { code: 'AMBIGUOUS' },
    })
    expect((await get(all, '/version?space=lab')).status).toBe(200)
  })
})

describe('GET /ops', () => {
  it('streams what a clock lacks, parents first', async () => {
    const clock = JSON.stringify(served.space.exchange.clock())
    expect(parse(await (await get(notes, `/ops?since=${encodeURIComponent(clock)}`)).text())).toEqual([])
    const lines = parse(await (await get(all, '/ops?space=lab')).text())
    expect(lines).toHaveLength(served.space.hosted.store.count())
    expect(lines[0]).toMatchObject({ space: null })
    served.space.put('notes/c', 'three')
    const wish = `{"since":${clock}}`
    const answer = await post(notes, '/ops/since', wish, { 'content-type': 'application/json' })
    expect(answer).toMatchObject({ status: 200, lines: [{ path: 'notes/c' }] })
  })

  it('gives headers of all, and bodies only where the token reads', async () => {
    const lines = parse(await (await get(notes, '/ops')).text())
    const body = (path: string) => lines.find((line) => line['path'] === path)?.['body']
    expect(body('docs/b')).toBeNull()
    expect(body('notes/a')).toHaveLength(1)
    const ids = lines.filter(({ path }) => path === 'docs/b' || path === 'notes/a').map(({ id }) => id)
    const wish = JSON.stringify({ since: served.space.exchange.clock(), bodies: ids })
    const asked = await post(notes, '/ops/since', wish, { 'content-type': 'application/json' })
    expect(asked.lines).toMatchObject([{ path: 'notes/a' }])
  })

  it('is packed as the client takes it', async () => {
    const curl = async (encoding: string) => {
      const headers = [`Authorization: Bearer ${notes}`, `Accept-Encoding: ${encoding}`]
      const args = ['-s', '-m', '20', ...headers.flatMap((header) => ['-H', header])]
      const options = { encoding: 'buffer' as const, timeout: 20_000 }
      return (await promisify(execFile)('curl', [...args, `${served.server.origin}/ops`], options)).stdout
    }
    const plain = (await curl('identity')).toString()
    expect(zstdDecompressSync(await curl('gzip;q=0.5, zstd')).toString()).toBe(plain)
    expect(gunzipSync(await curl('gzip')).toString()).toBe(plain)
    expect((await curl('zstd;q=0')).toString()).toBe(plain)
  })

  it('refuses a clock that is none', async () => {
    expect(await served.ask(notes, 'GET', '/ops?since=nonsense')).toMatchObject({
      status: 400,
      body: { code: 'BAD_CLOCK' },
    })
  })
})

describe('POST /ops', () => {
  it('answers for each line, and one bad line never stops the rest', async () => {
    const text = await (await get(all, '/ops?space=lab')).text()
    const [first, second] = text.trim().split('\n') as [string, string]
    const forged = second.replace(/"signature":"../, '"signature":"00')
    const { status, lines } = await post(
      all,
      '/v1/spaces/lab/ops',
      ['nonsense', first, forged, second].join('\n'),
    )
    expect(status).toBe(200)
    expect(lines).toMatchObject([
      { line: 1, id: null, outcome: 'refused', code: 'BAD_JSON' },
      { line: 2, outcome: 'known' },
      { line: 3, outcome: expect.stringMatching(/known|refused/) as unknown },
      { line: 4, outcome: 'known' },
      { end: { admitted: 0, waiting: 0 } },
    ])
  })

  it('takes packed bodies, and says of a damaged one where it is', async () => {
    const text = await (await get(notes, '/ops')).text()
    const count = served.space.hosted.store.count()
    const end = [{ end: { admitted: 0, completed: 0, known: count, waiting: 0, refused: 0 } }]
    const quiet = '/ops?report=problems&space=lab'
    expect((await post(all, quiet, gzipSync(text), { 'content-encoding': 'gzip' })).lines).toEqual(end)
    const zstd = zstdCompressSync(text)
    expect((await post(all, quiet, zstd, { 'content-encoding': 'zstd' })).lines).toEqual(end)
    expect((await post(all, quiet, zstd.subarray(0, -9))).lines).toMatchObject([
      { error: { code: 'BAD_FILE' } },
    ])
    expect(await post(all, '/ops?space=lab', text, { 'content-encoding': 'br' })).toMatchObject({
      status: 400,
    })
  })
})

describe('many forged signatures', () => {
  it('of one token are looked at no further than a few, said so line by line, and cost no other token anything', async () => {
    const writer = await ServedNode.start()
    try {
      served.space.grant({ to: writer.node.did, role: 'writer', path: 'flood' })
      const text = await (await get(all, '/ops?space=lab')).text()
      const { space } = await importNewSpace(writer.node, bytesOf(text), {})
      const clock = space.exchange.clock()
      for (let i = 0; i < 20; i++) space.put(`flood/${i}`, i)
      const lines = await linesOf(space, clock)
      const forged = lines.map((line) => line.replace(/"signature":"../, forgedByte))
      const flood = await post(all, '/ops?space=lab', forged.join(''))
      const codes = flood.lines.slice(0, -1).map(({ outcome, code }) => [outcome, code])
      const looked = codes.filter(([, code]) => code === 'BAD_SIGNATURE')
      expect(looked).toHaveLength(BAD_SIGNATURES_PER_PEER_MAX)
      expect(codes.filter(([, code]) => code === 'NOT_LOOKED_AT')).toHaveLength(20 - looked.length)
      expect(codes.every(([outcome]) => outcome === 'refused')).toBe(true)
      expect(flood.lines.at(-1)).toMatchObject({ end: { refused: 20 } })
      const other = served.token('honest', 'reader')
      const honest = await post(other, '/ops?report=problems', lines.join(''))
      expect(honest.lines).toMatchObject([{ end: { admitted: 20, refused: 0 } }])
      // An agent is no peer, whose standing would be kept.
      expect(served.space.peers.all()).toEqual([])
    } finally {
      await writer.stop()
    }
  })
})

const forgedByte = (found: string): string => `${found.slice(0, -2)}${found.endsWith('00') ? '11' : '00'}`

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}

async function linesOf(space: ServedNode['space'], clock: unknown): Promise<readonly string[]> {
  const since = orThrow(parseClockText(JSON.stringify(clock)))
  return await Array.fromAsync(space.exchange.operations({ since }), (line) => line.text)
}

describe('a body that falls silent', () => {
  it.each(['identity', 'gzip'])('is given up, be it %s', async (encoding) => {
    const body = new PassThrough()
    body.write(encoding === 'gzip' ? gzipSync('a line\n').subarray(0, 12) : 'a line\n')
    const whole = Array.fromAsync(unpackedBody(body, encoding, 30))
    await expect(whole).rejects.toMatchObject({ code: 'TIMEOUT' })
  })
})

describe('transfers', () => {
  it('beyond those that may be served at once are asked to come again, and have their turn when one ends', async () => {
    const open: AbortController[] = []
    const hold = async (token: string) => {
      const gone = new AbortController()
      open.push(gone)
      const body = new ReadableStream({ start: (to) => to.enqueue(Buffer.from('nonsense\n')) })
      const init = { method: 'POST', body, duplex: 'half', signal: gone.signal } as RequestInit
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' }
      const response = await fetch(`${served.server.origin}/v1/spaces/lab/ops`, { ...init, headers })
      return response.status
    }
    const tokens = Array.from({ length: HTTP_TRANSFERS_MAX }, (_, i) => served.token(`many-${i}`, 'reader'))
    const held = await Promise.all(tokens.map(hold))
    expect(held.every((status) => status === 200)).toBe(true)
    expect(await served.ask(notes, 'GET', '/ops')).toMatchObject({ status: 429, body: { code: 'TOO_MANY' } })
    for (const gone of open) gone.abort()
    const until = Date.now() + 10_000
    while ((await get(notes, '/ops')).status !== 200)
      if (Date.now() > until) throw new Error('no place was given back')
  })
})

describe('GET /snapshot/latest', () => {
  it('is a snapshot of what the token reads', async () => {
    const whole = await get(all, '/snapshot/latest?space=lab')
    expect(whole.headers.get('content-type')).toContain('snapshot')
    expect((await whole.arrayBuffer()).byteLength).toBeGreaterThan(500)
    expect((await get(notes, '/snapshot/latest')).status).toBe(200)
    expect(await served.ask(notes, 'GET', '/snapshot/latest?path=docs')).toMatchObject({
      status: 403,
      body: { code: 'NOT_ALLOWED' },
    })
    expect(await served.ask(notes, 'GET', '/snapshot/latest?path=')).toMatchObject({ status: 403 })
  })

  it('says before the first byte where a path cannot be cut out', async () => {
    served.space.write([
      { kind: 'put', path: 'notes/x', value: 1 },
      { kind: 'put', path: 'docs/x', value: 1 },
    ] as never)
    expect(await served.ask(notes, 'GET', '/snapshot/latest')).toMatchObject({
      status: 400,
      body: { code: 'ABOVE_PATH' },
    })
  })
})
