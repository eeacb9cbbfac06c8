import { request } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HttpServer } from '../../src/http/http-server.ts'
import { ServedNode } from './served-node.ts'

describe('who asks over HTTP', () => {
  let served: ServedNode
  let nowMs = 1_800_000_000_000

  beforeEach(async () => {
    served = await ServedNode.start({ now: () => nowMs })
  })

  afterEach(async () => served.stop())

  it('knows an agent by its token, and tells it what it may do', async () => {
    const token = served.token('scribe', 'writer', 'notes')
    const { status, body } = await served.ask(token, 'GET', '/v1/whoami')
    expect(status).toBe(200)
    expect(body).toMatchObject({
      name: 'scribe',
      operator: false,
      grants: [{ role: 'writer', path: 'notes' }],
    })
    expect(body.did).not.toBe(served.node.did)
  })

  it('refuses whoever shows nothing, something else, or a token of another node, and says what to do', async () => {
    const other = await ServedNode.start()
    const tokens = [null, 'x', 'hanse_agent_x', other.token('scribe', 'writer')]
    const codes = []
    for (const token of tokens) {
      const { status, headers, body } = await served.ask(token, 'GET', '/v1/spaces')
      expect(status).toBe(401)
      expect(headers.get('www-authenticate')).toContain('Bearer')
      expect(headers.get('content-type')).toContain('application/problem+json')
      codes.push(body.code)
    }
    expect(codes).toEqual(['NO_TOKEN', 'BAD_TOKEN', 'BAD_TOKEN', 'BAD_TOKEN'])
    await other.stop()
  })

  it('takes no token after it was revoked or has expired', async () => {
    const token = served.token('scribe', 'writer')
    served.node.agents.revoke('scribe')
    expect((await served.ask(token, 'GET', '/v1/spaces')).body.code).toBe('TOKEN_REVOKED')
    const reach = [{ space: served.space, role: 'reader' as const }]
    const brief = served.node.agents.add({ name: 'brief', reach, expiresMs: nowMs + 60_000 }).token
    expect((await served.ask(brief, 'GET', '/v1/spaces')).status).toBe(200)
    nowMs += 60_000
    expect((await served.ask(brief, 'GET', '/v1/spaces')).body.code).toBe('TOKEN_EXPIRED')
  })

  it('hides spaces that a token does not reach', async () => {
    const hidden = served.node.createSpace({ name: 'hidden' })
    const token = served.token('scribe', 'reader')
    const { body } = await served.ask(token, 'GET', '/v1/spaces')
    expect(body.spaces.map(({ name }: { name: string }) => name)).toEqual(['lab'])
    expect((await served.ask(token, 'GET', `/v1/spaces/${hidden.id}`)).body.code).toBe('NO_SPACE')
  })

  it('makes a browser the operator by a link that works once', async () => {
    const secret = new URL(served.server.createLink()).hash.slice('#link='.length)
    const first = await served.ask(null, 'POST', '/v1/session', { secret })
    expect(first.status).toBe(204)
    const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? ''
    expect(first.headers.get('set-cookie')).toMatch(/HttpOnly; SameSite=Strict/)
    const asked = await fetch(`${served.server.origin}/v1/whoami`, { headers: { cookie } })
    expect(await asked.json()).toMatchObject({ name: 'operator', operator: true, did: served.node.did })
    expect((await served.ask(null, 'POST', '/v1/session', { secret })).body.code).toBe('BAD_TOKEN')
  })

  it('takes nothing on behalf of the operator from a page of another site', async () => {
    const secret = new URL(served.server.createLink()).hash.slice('#link='.length)
    const { headers } = await served.ask(null, 'POST', '/v1/session', { secret })
    const cookie = headers.get('set-cookie')?.split(';')[0] ?? ''
    const { origin } = served.server
    const end = async (extra: Record<string, string>) =>
      (await fetch(`${origin}/v1/session`, { method: 'DELETE', headers: { cookie, ...extra } })).status
    expect(await end({ origin: 'https://evil.example' })).toBe(403)
    expect(await end({ 'sec-fetch-site': 'cross-site' })).toBe(403)
    expect(await end({})).toBe(403)
    expect(await end({ origin })).toBe(204)
    expect((await fetch(`${origin}/v1/whoami`, { headers: { cookie } })).status).toBe(401)
  })

  it('keeps the sessions of two nodes of one machine apart, of which browsers do not know that they are two', async () => {
    const other = await ServedNode.start()
    const cookies = []
    for (const one of [served, other]) {
      const secret = new URL(one.server.createLink()).hash.slice('#link='.length)
      const { headers } = await one.ask(null, 'POST', '/v1/session', { secret })
      cookies.push(headers.get('set-cookie')?.split(';')[0] ?? '')
    }
    const headers = { cookie: cookies.join('; ') }
    for (const { server } of [served, other])
      expect((await fetch(`${server.origin}/v1/whoami`, { headers })).status).toBe(200)
    await other.stop()
  })

  it('answers on loopback to no other name than its own', async () => {
    const token = served.token('scribe', 'reader')
    const { port } = new URL(served.server.origin)
    const status = await new Promise((resolve, reject) => {
      const headers = { host: 'evil.example', authorization: `Bearer ${token}` }
      request({ host: '127.0.0.1', port, path: '/v1/spaces', headers }, ({ statusCode }) =>
        resolve(statusCode),
      )
        .on('error', reject)
        .end()
    })
    expect(status).toBe(403)
  })

  it('refuses to serve others than this machine without TLS', async () => {
    const listen = { host: '0.0.0.0', port: 0 }
    const { node } = served
    await expect(HttpServer.start({ node, version: '0', listen })).rejects.toMatchObject({
      code: 'BAD_CONFIG',
    })
  })
})
