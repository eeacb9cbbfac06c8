import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { request as tlsRequest } from 'node:https'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as tlsConnect } from 'node:tls'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { BODY_BYTES_MAX, HTTP_BODY_BYTES_MAX } from '../../src/core/limits.ts'
import { parseDid } from '../../src/core/principal.ts'
import { StoreError } from '../../src/storage/store-error.ts'
import { ServedNode } from './served-node.ts'

let served: ServedNode | null = null
afterEach(async () => {
  await served?.stop()
  served = null
})
const start = async (init: Parameters<typeof ServedNode.start>[0] = {}) => {
  served = await ServedNode.start(init)
  return served
}
const ended = async (socket: Socket): Promise<string> => {
  let text = ''
  socket.on('data', (chunk) => (text += String(chunk)))
  socket.on('error', () => {})
  await once(socket, 'close')
  return text
}

describe('what a server bounds', () => {
  it('tells a caller who asks too often to wait, and nobody else', async () => {
    const { node, space, server } = await start({ limits: { requestsPerWindow: 3 } })
    const [one, other] = ['one', 'other'].map(
      (name) => node.agents.add({ name, reach: [{ space, role: 'reader' }] }).token,
    )
    const ask = async (token: string | undefined) =>
      await fetch(`${server.origin}/v1/whoami`, { headers: { authorization: `Bearer ${token}` } })
    for (let i = 0; i < 3; i++) expect((await ask(one)).status).toBe(200)
    const refused = await ask(one)
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await refused.json()).toMatchObject({ code: 'TOO_MANY' })
    expect((await ask(other)).status).toBe(200)
  })

  it('counts wrong tokens by address, which keeps nobody with a right one out', async () => {
    const here = await start({ limits: { unknownPerWindow: 3 } })
    const token = here.token('scribe', 'reader')
    const statuses = []
    for (let i = 0; i < 4; i++) statuses.push((await here.ask('hanse_agent_x', 'GET', '/v1/spaces')).status)
    expect(statuses).toEqual([401, 401, 401, 429])
    expect((await here.ask(token, 'GET', '/v1/spaces')).status).toBe(200)
  })

  it('bounds what a caller has open at once', async () => {
    const here = await start({ limits: { openPerCaller: 2 } })
    const token = here.token('scribe', 'writer')
    const address = `${here.server.origin}/v1/spaces/lab/blobs/a`
    const headers = { authorization: `Bearer ${token}` }
    const bodies: ReadableStreamDefaultController[] = []
    const open = async () =>
      await fetch(address, {
        method: 'PUT',
        headers,
        body: new ReadableStream({
          start: (controller) => {
            controller.enqueue(new Uint8Array(1))
            bodies.push(controller)
          },
        }),
        duplex: 'half',
      } as RequestInit)
    const first = open()
    const second = open()
    await expect.poll(async () => (await here.ask(token, 'GET', '/v1/whoami')).status).toBe(429)
    for (const body of bodies) body.close()
    expect([(await first).status, (await second).status]).toEqual([201, 201])
    await expect.poll(async () => (await here.ask(token, 'GET', '/v1/whoami')).status).toBe(200)
  })

  it('closes connections beyond those that one address may have', async () => {
    const { server } = await start({ limits: { connectionsPerAddress: 2 } })
    const { port } = new URL(server.origin)
    const sockets = [0, 1].map(() => connect(Number(port), '127.0.0.1'))
    await Promise.all(sockets.map(async (socket) => await once(socket, 'connect')))
    expect(await ended(connect(Number(port), '127.0.0.1'))).toBe('')
    for (const socket of sockets) socket.destroy()
    await expect
      .poll(async () => (await fetch(`${server.origin}/health`).catch(() => null))?.status)
      .toBe(200)
  })

  it('waits for the headers of a request no longer than it has to', async () => {
    const { server } = await start({ limits: { headersMs: 200 } })
    const socket = connect(Number(new URL(server.origin).port), '127.0.0.1')
    socket.write('GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ')
    expect(await ended(socket)).toMatch(/^HTTP\/1\.1 408 /)
  })

  it('takes no body that is larger than bodies are', async () => {
    const here = await start()
    const token = here.token('scribe', 'writer')
    const text = async (size: number) =>
      (await here.ask(token, 'POST', '/v1/spaces/lab/sql', { query: 'SELECT 1', x: 'a'.repeat(size) })).status
    expect(await text(HTTP_BODY_BYTES_MAX)).toBe(413)
    expect(await text(100)).toBe(400)
  })

  it('makes no values of a body that has more of them than any write has bytes', async () => {
    const here = await start()
    const token = here.token('scribe', 'writer')
    const ask = async (json: string) => {
      const body = await fetch(`${here.server.origin}/v1/spaces/lab/items/a`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: `{"value":${json}}`,
      })
      return ((await body.json()) as { code?: string; detail?: string }) ?? {}
    }
    const parse = vi.spyOn(JSON, 'parse')
    const refused = await ask(`[${'[],'.repeat(BODY_BYTES_MAX)}1]`)
    expect(refused).toMatchObject({ code: 'LIMIT', detail: expect.stringContaining('more values than') })
    // Each byte of the largest write may be a value, and a text may hold as many commas and brackets as it likes.
    expect((await ask(`[${'[],'.repeat(BODY_BYTES_MAX - 300)}1]`)).code).toBeUndefined()
    expect((await ask(JSON.stringify('[,"{'.repeat(BODY_BYTES_MAX / 5)))).code).toBeUndefined()
    expect(parse.mock.calls.filter(([text]) => text.length > 3 * BODY_BYTES_MAX)).toEqual([])
    parse.mockRestore()
  })

  it('looks at each of many removed fields once', async () => {
    const here = await start()
    const token = here.token('scribe', 'writer')
    const remove = Array.from({ length: 150_000 }, (_, i) => i.toString(36))
    const answer = await here.ask(token, 'PATCH', '/v1/spaces/lab/items/a', { remove })
    expect(answer.status).toBe(200)
  })
})

describe('a request that is not quite one', () => {
  it('is answered with a problem too, where it is not HTTP at all', async () => {
    const { server } = await start()
    const socket = connect(Number(new URL(server.origin).port), '127.0.0.1')
    socket.write('GET /v1/whoami HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer one\ntwo\r\n\r\n')
    const answer = await ended(socket)
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\nContent-Type: application\/problem\+json/)
    expect(JSON.parse(answer.slice(answer.indexOf('{')))).toMatchObject({ code: 'BAD_REQUEST', status: 400 })
  })

  it('may say that its body is JSON where there is none, and is told where one is needed', async () => {
    const { server, space, token } = await start().then((here) => ({
      server: here.server,
      space: here.space,
      token: here.token('scribe', 'writer'),
    }))
    space.put('notes/a', 1)
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const at = `${server.origin}/v1/spaces/lab/items/notes/a`
    expect((await fetch(at, { method: 'DELETE', headers })).status).toBe(200)
    const put = await fetch(at, { method: 'PUT', headers })
    expect([put.status, await put.json()]).toMatchObject([400, { errors: [{ pointer: '/body' }] }])
    const body = JSON.stringify({ kind: 'banana' })
    const post = await fetch(at, { method: 'POST', headers, body })
    expect(await post.json()).toMatchObject({
      errors: [{ detail: 'has a "kind" that there is not, "banana"' }],
    })
  })
})

describe('what a browser is told', () => {
  it('lets a page do nothing with an answer, and says so in every one', async () => {
    const here = await start()
    for (const path of ['/health', '/v1/spaces', '/nothing', '/openapi.json']) {
      const { headers } = await here.ask(null, 'GET', path)
      expect(headers.get('content-security-policy')).toBe(
        "default-src 'none';frame-ancestors 'none';base-uri 'none';form-action 'none'",
      )
      expect(Object.fromEntries(headers)).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
      })
      expect(headers.get('x-powered-by')).toBeNull()
      expect(headers.get('strict-transport-security')).toBeNull()
    }
  })

  it('lets no page of elsewhere read anything', async () => {
    const here = await start()
    const token = here.token('scribe', 'reader')
    const headers = { origin: 'https://app.example', authorization: `Bearer ${token}` }
    const got = await fetch(`${here.server.origin}/v1/spaces`, { headers })
    expect(got.headers.get('access-control-allow-origin')).toBeNull()
    const preflight = await fetch(`${here.server.origin}/v1/spaces`, {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example', 'access-control-request-method': 'POST' },
    })
    expect(preflight.status).toBeGreaterThanOrEqual(400)
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull()
  })

  it('lets those pages read that are named, and no others', async () => {
    const here = await start({ corsOrigins: ['https://app.example'] })
    const token = here.token('scribe', 'reader')
    const allowed = async (origin: string, method = 'GET') => {
      const ask =
        method === 'OPTIONS'
          ? { 'access-control-request-method': 'POST' }
          : { authorization: `Bearer ${token}` }
      const { status, headers } = await fetch(`${here.server.origin}/v1/spaces`, {
        method,
        headers: { origin, ...ask } as Record<string, string>,
      })
      return [
        status,
        headers.get('access-control-allow-origin'),
        headers.get('access-control-allow-credentials'),
      ]
    }
    expect(await allowed('https://app.example')).toEqual([200, 'https://app.example', null])
    expect(await allowed('https://app.example', 'OPTIONS')).toEqual([204, 'https://app.example', null])
    for (const origin of ['https://evil.example', 'https://app.example.evil.example', 'null'])
      expect((await allowed(origin))[1]).toBeNull()
  })

  it('shows the document as a page that runs nothing but its own script', async () => {
    const here = await start()
    const page = await here.ask(null, 'GET', '/docs/')
    const { status, headers, body } = page.status === 302 ? await here.ask(null, 'GET', '/docs') : page
    expect(status).toBe(200)
    expect(headers.get('content-security-policy')).toContain(
      "default-src 'none'; script-src 'self'; style-src 'self'",
    )
    expect(body).not.toMatch(/<script(?![^>]*\bsrc=)[^>]*>\s*\S/)
    for (const [, source] of String(body).matchAll(/(?:src|href)="([^"]+)"/g))
      expect((await fetch(new URL(source as string, `${here.server.origin}/docs/`))).status).toBe(200)
    expect((await here.ask(null, 'GET', '/docs/json')).body.info.title).toBe('Hanse')
  })
})

describe('TLS', () => {
  it('serves others than this machine with TLS 1.3, and nothing below', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hanse-tls-'))
    const tls = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') }
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1']
    execFileSync(
      'openssl',
      ['req', '-x509', ...kind, ...subject, '-keyout', tls.keyFile, '-out', tls.certFile],
      { stdio: 'pipe' },
    )
    const { server } = await start({ tls, listen: { host: '0.0.0.0', port: 0 } })
    expect(server.origin).toMatch(/^https:/)
    const port = Number(new URL(server.origin).port)
    const headers = await new Promise<Record<string, unknown>>((resolve, reject) => {
      const options = { host: '127.0.0.1', port, path: '/health', rejectUnauthorized: false }
      tlsRequest(options, (answer) => {
        answer.resume()
        resolve({
          ...answer.headers,
          status: answer.statusCode,
          protocol: (answer.socket as unknown as { getProtocol(): string }).getProtocol(),
        })
      })
        .on('error', reject)
        .end()
    })
    expect(headers).toMatchObject({ status: 200, protocol: 'TLSv1.3' })
    expect(headers['strict-transport-security']).toMatch(/^max-age=/)
    const older = tlsConnect({ host: '127.0.0.1', port, rejectUnauthorized: false, maxVersion: 'TLSv1.2' })
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    older.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code))
    const code = await promise
    expect(code).toMatch(/ALERT_PROTOCOL_VERSION|ECONNRESET/)
    const plain = await fetch(`http://127.0.0.1:${port}/health`).catch(() => null)
    expect(plain?.ok ?? false).toBe(false)
    rmSync(folder, { recursive: true })
  })
})

describe('health and figures', () => {
  it('is ready while its files can be written, and says by code why not', async () => {
    const here = await start()
    const { status, body } = await here.ask(null, 'GET', '/health')
    expect([status, body]).toEqual([200, { ready: true, ailments: [] }])
  })

  it('is not ready where a file cannot be written', async () => {
    const here = await start()
    here.space.hosted.store.transaction = () => {
      throw new StoreError({ code: 'STORE_IO', detail: '/var/lib/hanse: disk full' })
    }
    const { status, body } = await here.ask(null, 'GET', '/health')
    expect([status, body]).toEqual([503, { ready: false, ailments: [{ code: 'STORE_IO', count: 1 }] }])
  })

  it('is not ready where more peers show another state than prove this one', async () => {
    const here = await start()
    const { space } = here
    const clockRoot = space.hosted.replica.clockRoot()
    const standing = {
      clockRoot,
      stateRoot: space.hosted.replica.stateRoot(),
      authors: 1,
      operations: 1,
      absentBodies: 0,
      ownSeq: null,
    }
    const report = (inSync: boolean) => ({
      inSync,
      rounds: 1,
      sent: 0,
      received: 0,
      gained: 0,
      weLack: 0,
      theyLack: 0,
      mine: standing,
      theirs: inSync ? standing : { ...standing, stateRoot: new Uint8Array(32) },
    })
    space.peers.onReport('bob', report(true), 1)
    space.peers.onReport('mallory', report(false), 2)
    expect((await here.ask(null, 'GET', '/health')).status).toBe(200)
    const { hasDiverged } = await import('../../src/node/health.ts')
    expect(hasDiverged(space)).toBe(false)
    space.peers.onReport('carol', report(false), 3)
    expect(hasDiverged(space)).toBe(true)
    space.peers.onReport('carol', report(true), 4)
    expect(hasDiverged(space)).toBe(false)
  })

  it('gives the figures of its status to operators', async () => {
    const here = await start()
    here.space.put('notes/a', 1)
    const operator = here.node.agents.add({ name: 'root', reach: [], isOperator: true }).token
    expect((await here.ask(null, 'GET', '/metrics')).status).toBe(401)
    const { headers, body } = await here.ask(operator, 'GET', '/metrics')
    expect(headers.get('content-type')).toContain('text/plain; version=0.0.4')
    const operations = here.space.hosted.store.count()
    expect(body).toContain(`hanse_space_operations{space="${here.space.id}"} ${operations}\n`)
    expect(body).toContain('hanse_http_requests_total{method="GET",route="/metrics",status="401"} 1\n')
    expect(parseDid(here.node.did).ok).toBe(true)
  })
})
