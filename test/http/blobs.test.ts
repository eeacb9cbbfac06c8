import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BLOB_CHUNK_BYTES, HTTP_BODY_BYTES_MAX } from '../../src/core/limits.ts'
import { parseByteRange } from '../../src/http/byte-range.ts'
import { unhurried } from '../../src/http/unhurried.ts'
import { ServedNode } from './served-node.ts'

/** Bytes that are different everywhere. */
function content(size: number): Buffer {
  const bytes = Buffer.alloc(size)
  for (let at = 0; at < size; at += 32) createHash('sha256').update(String(at)).digest().copy(bytes, at)
  return bytes
}

describe('blobs over HTTP', () => {
  let served: ServedNode
  let token: string

  beforeEach(async () => {
    served = await ServedNode.start()
    token = served.token('scribe', 'writer', 'files')
  })
  afterEach(async () => served.stop())

  const at = (path: string): string => `${served.server.origin}/v1/spaces/lab/blobs/${path}`
  const ask = async (path: string, init: RequestInit & { duplex?: 'half' } = {}) =>
    await fetch(at(path), {
      ...init,
      headers: { authorization: `Bearer ${token}`, ...(init.headers as Record<string, string>) },
      signal: AbortSignal.timeout(20_000),
    })
  const put = async (path: string, body: BodyInit, headers: Record<string, string> = {}) =>
    await ask(path, { method: 'PUT', body, headers })

  it('keeps content as it came, with its type and name, signed by whoever put it', async () => {
    const bytes = content(3 * BLOB_CHUNK_BYTES + 17)
    const made = await put('files/a%20map.png?name=map.png', new Uint8Array(bytes), {
      'content-type': 'image/png',
    })
    expect(made.status).toBe(201)
    const { hash, size, path } = (await made.json()) as { hash: string; size: number; path: string }
    expect({ path, size, etag: made.headers.get('etag') }).toEqual({
      path: 'files/a map.png',
      size: bytes.length,
      etag: `"${hash}"`,
    })
    const got = await ask('files/a%20map.png')
    expect(Buffer.from(await got.arrayBuffer()).equals(bytes)).toBe(true)
    expect(Object.fromEntries(got.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-length': String(bytes.length),
      'accept-ranges': 'bytes',
      'content-disposition': "attachment; filename*=UTF-8''map.png",
      etag: `"${hash}"`,
    })
    const [entry] = served.space.log('files')
    expect(entry?.author).toBe(served.node.agents.get('scribe').did)
  })

  it('takes content of any size as a stream, JSON and nothing at all among it', async () => {
    const chunk = content(1024 * 1024)
    const chunks = Math.ceil((2 * HTTP_BODY_BYTES_MAX) / chunk.length)
    const body = Readable.toWeb(Readable.from(Array.from({ length: chunks }, () => chunk))) as ReadableStream
    const made = await ask('files/large', { method: 'POST', body, duplex: 'half' })
    expect(await made.json()).toMatchObject({ size: chunks * chunk.length })
    expect((await put('files/a.json', '{"a": ', { 'content-type': 'application/json' })).status).toBe(201)
    expect(await (await ask('files/a.json')).text()).toBe('{"a": ')
    expect((await put('files/empty', '')).status).toBe(201)
    const empty = await ask('files/empty')
    expect([empty.status, await empty.text()]).toEqual([200, ''])
    expect((await ask('files/empty', { headers: { range: 'bytes=0-' } })).status).toBe(416)
  })

  it('answers ranges, and says what there is where it cannot', async () => {
    const bytes = content(2 * BLOB_CHUNK_BYTES + 5)
    const { hash } = (await (await put('files/a', new Uint8Array(bytes))).json()) as { hash: string }
    const range = async (value: string, headers: Record<string, string> = {}) => {
      const answer = await ask('files/a', { headers: { range: value, ...headers } })
      const body = Buffer.from(await answer.arrayBuffer())
      return { status: answer.status, range: answer.headers.get('content-range'), body }
    }
    const edge = BLOB_CHUNK_BYTES
    for (const [value, start, end] of [
      ['bytes=0-0', 0, 1],
      [`bytes=${edge - 1}-${edge}`, edge - 1, edge + 1],
      ['bytes=10-', 10, bytes.length],
      ['bytes=-7', bytes.length - 7, bytes.length],
      ['bytes=0-999999999', 0, bytes.length],
    ] as const) {
      const { status, range: told, body } = await range(value)
      expect([status, told]).toEqual([206, `bytes ${start}-${end - 1}/${bytes.length}`])
      expect(body.equals(bytes.subarray(start, end))).toBe(true)
    }
    const beyond = await range(`bytes=${bytes.length}-`)
    expect([beyond.status, beyond.range]).toEqual([416, `bytes */${bytes.length}`])
    expect(JSON.parse(beyond.body.toString())).toMatchObject({ code: 'BAD_RANGE', status: 416 })
    expect((await range('bytes=0-1,4-5')).status).toBe(200)
    expect((await range('bytes=5-1')).status).toBe(200)
    expect((await range('bytes=0-1', { 'if-range': `"${hash}"` })).status).toBe(206)
    expect((await range('bytes=0-1', { 'if-range': '"another"' })).status).toBe(200)
    expect((await ask('files/a', { headers: { 'if-none-match': `"${hash}"` } })).status).toBe(304)
  })

  it('tells what there is without sending it', async () => {
    await put('files/a', 'content')
    const head = await ask('files/a', { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '7', ''])
    expect((await ask('files/none', { method: 'HEAD' })).status).toBe(404)
  })

  it('lists what the token reaches, page by page, and nothing else', async () => {
    const { space, node } = served
    const reach = ['a', 'a-b'].map((path) => ({ space, role: 'reader' as const, path }))
    const reader = node.agents.add({ name: 'reader', reach }).token
    const paths = ['a', 'a-b/y', 'a/x', 'b', 'a/z', 'a-c']
    for (const path of paths) await space.blobs.put(path, new Uint8Array([path.length]))
    const listed: string[] = []
    let next = ''
    do {
      const { body } = await served.ask(reader, 'GET', `/v1/spaces/lab/blobs?limit=1${next}`)
      listed.push(...body.blobs.map(({ path }: { path: string }) => path))
      next = body.next === null ? '' : `&after=${encodeURIComponent(body.next)}`
    } while (next !== '')
    expect(listed.toSorted()).toEqual(['a', 'a-b/y', 'a/x', 'a/z'])
    expect((await served.ask(reader, 'GET', '/v1/spaces/lab/blobs?path=b')).body.blobs).toEqual([])
    expect((await served.ask(reader, 'GET', '/v1/spaces/lab/blobs?after=b')).body.code).toBe('BAD_CURSOR')
  })

  it('gives and takes nothing beyond the reach of the token', async () => {
    await served.space.blobs.put('vault/a', new Uint8Array([1]), { name: 'umbrella' })
    for (const path of ['vault/a', 'vault/none']) {
      const answer = await ask(path)
      expect(answer.status).toBe(403)
      expect(await answer.text()).not.toContain('umbrella')
    }
    const refused = await put('vault/b', 'x')
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([403, 'CAP_POLICY'])
    expect(served.space.blobs.get('vault/b')).toBeUndefined()
    expect((await put('vault/a', 'x', { 'if-none-match': '*' })).status).toBe(403)
  })

  it('replaces only what the writer has seen, where asked to', async () => {
    expect((await put('files/a', 'one', { 'if-none-match': '*' })).status).toBe(201)
    expect((await put('files/a', 'two', { 'if-none-match': '*' })).status).toBe(412)
    const etag = (await ask('files/a')).headers.get('etag') as string
    expect((await put('files/a', 'two', { 'if-match': etag })).status).toBe(201)
    expect((await put('files/a', 'three', { 'if-match': etag })).status).toBe(412)
    expect(await (await ask('files/a')).text()).toBe('two')
  })

  it('lets no browser run what somebody has put', async () => {
    await put('files/a.html', '<script>alert(1)</script>', { 'content-type': 'text/html' })
    const { headers } = await ask('files/a.html')
    expect(headers.get('content-security-policy')).toBe("default-src 'none'; sandbox")
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-disposition')).toMatch(/^attachment/)
    await put("files/b?name=a%22%0d%0aSet-Cookie:%20x'", 'x')
    expect((await ask('files/b')).headers.get('content-disposition')).toBe(
      "attachment; filename*=UTF-8''a%22%0D%0ASet-Cookie%3A%20x%27",
    )
  })

  it('says that content has not come, and lists what is wanted', async () => {
    const { space } = served
    const hash = new Uint8Array(32).fill(7)
    space.write([{ kind: 'attach', path: 'files/gone', reference: { hash, size: 10 } }])
    space.write([
      { kind: 'attach', path: 'vault/gone', reference: { hash: new Uint8Array(32).fill(8), size: 10 } },
    ])
    const answer = await ask('files/gone')
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([503, 'BLOB_MISSING'])
    expect((await ask('files/gone?wait=1')).status).toBe(503)
    const { body } = await served.ask(token, 'GET', '/v1/spaces/lab/wants')
    expect(body.wants.map(({ paths }: { paths: string[] }) => paths)).toEqual([['files/gone']])
  })

  it('keeps nothing of content that broke off', async () => {
    const { port } = new URL(served.server.origin)
    await new Promise<void>((resolve) => {
      const headers = { authorization: `Bearer ${token}`, 'content-length': '100' }
      const sent = request({ port, method: 'PUT', path: '/v1/spaces/lab/blobs/files/part', headers })
      sent.on('error', () => resolve())
      sent.write('half', () => sent.destroy())
      sent.on('close', () => resolve())
    })
    expect((await ask('files/part')).status).toBe(404)
  })

  it('gives a silent body up', async () => {
    async function* silent() {
      yield new Uint8Array([1])
      await new Promise(() => {})
    }
    const read = async () => {
      for await (const _chunk of unhurried(silent(), 20)) await Promise.resolve()
    }
    await expect(read()).rejects.toMatchObject({ code: 'TIMEOUT' })
  })
})

describe('ranges of bytes', () => {
  it('reads one range, and takes what is none for all', () => {
    const read = (header: string) => parseByteRange(header, 10)
    expect(read('bytes=2-4')).toEqual({ start: 2, end: 5 })
    expect(read('bytes=-20')).toEqual({ start: 0, end: 10 })
    expect(read('bytes=9-9')).toEqual({ start: 9, end: 10 })
    for (const none of ['', 'bytes=', 'bytes=-', 'lines=1-2', 'bytes=1-2,3-4', 'bytes=a-b', 'bytes=4-2'])
      expect(read(none)).toBeNull()
    for (const beyond of ['bytes=10-', 'bytes=10-11', 'bytes=-0']) expect(read(beyond)).toBe('unsatisfiable')
  })
})
