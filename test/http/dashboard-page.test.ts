import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fastify from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PageFiles } from '../../src/http/dashboard/page-files.ts'
import { registerPageRoutes } from '../../src/http/dashboard/page-routes.ts'

describe('the files of the dashboard', () => {
  let folder = ''
  let app: ReturnType<typeof fastify>

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hanse-page-'))
    app = fastify()
    registerPageRoutes(app, new PageFiles(folder))
  })

  afterEach(async () => {
    await app.close()
    rmSync(folder, { recursive: true, force: true })
  })

  function build(): void {
    for (const name of ['index.html', 'app.js', 'app.css', 'icon.svg'])
      writeFileSync(join(folder, name), `${name} `.repeat(50))
  }

  it('come with their types and a policy that lets the page run its own script and ask this node, and nothing else', async () => {
    build()
    const types = { '': 'text/html', 'dashboard/app.js': 'text/javascript', 'dashboard/app.css': 'text/css' }
    for (const [path, type] of Object.entries(types)) {
      const { statusCode, headers } = await app.inject(`/${path}`)
      const policy = String(headers['content-security-policy'])
      expect(statusCode).toBe(200)
      expect(headers['content-type']).toContain(type)
      for (const rule of [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
      ])
        expect(policy).toContain(rule)
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).not.toMatch(/unsafe|https?:|\*/)
    }
  })

  it('are not sent again where the browser has them, and are sent small where it can read that', async () => {
    build()
    const first = await app.inject({ url: '/dashboard/app.js', headers: { 'accept-encoding': 'gzip' } })
    expect(first.headers['content-encoding']).toBe('gzip')
    expect(first.rawPayload.length).toBeLessThan(200)
    const again = { 'if-none-match': String(first.headers.etag) }
    const second = await app.inject({ url: '/dashboard/app.js', headers: again })
    expect({ status: second.statusCode, body: second.body }).toEqual({ status: 304, body: '' })
  })

  it('are four: a name that leads elsewhere leads nowhere', async () => {
    build()
    writeFileSync(join(folder, 'secret.txt'), 'secret')
    for (const name of ['secret.txt', '..%2fsecret.txt', '%2e%2e/package.json', 'constructor'])
      expect((await app.inject(`/dashboard/${name}`)).body).not.toContain('"secret"')
    expect((await app.inject('/dashboard/secret.txt')).json()).toMatchObject({ code: 'NOT_FOUND' })
  })

  it('say how they are made where they are not, and are there once they are', async () => {
    const { body } = await app.inject('/')
    expect(body).toContain('npm run build')
    build()
    expect((await app.inject('/')).statusCode).toBe(200)
  })
})
