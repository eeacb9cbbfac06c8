import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { HttpClient, readText } from '../../src/node/remotes/http-client.ts'
import { HttpHost } from './http-host.ts'

const folder = mkdtempSync(join(tmpdir(), 'hanse-client-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const signal = AbortSignal.timeout(60_000)

describe('a client of a remote', () => {
  it('shows its token to the remote alone, never where a redirect leads', async () => {
    const seen: (string | undefined)[] = []
    const other = await HttpHost.start((request, response) => {
      seen.push(request.headers.authorization)
      response.end('there')
    })
    const own = await HttpHost.start((request, response) => {
      seen.push(request.headers.authorization)
      if (request.url === '/round') response.writeHead(302, { location: '/round' }).end()
      else response.writeHead(302, { location: `${other.origin}/x` }).end()
    })
    const client = new HttpClient({ token: 'secret' })
    try {
      const answer = await client.ask(new URL(own.origin), { signal })
      expect(await readText(answer, 100)).toBe('there')
      expect(seen).toEqual(['Bearer secret', undefined])
      await expect(client.ask(new URL(`${own.origin}/round`), { signal })).rejects.toThrow(/again and again/)
    } finally {
      client.close()
      await Promise.all([own.stop(), other.stop()])
    }
  })

  it('ends an answer that is larger than it may be', async () => {
    const host = await HttpHost.start((_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(10_000)));
      }
      response.on('drain', more)
      more()
    })
    const client = new HttpClient({ bytesMax: 200_000 })
    try {
      const whole = async () => await readText(await client.ask(new URL(host.origin), { signal }), 1e9)
      await expect(whole()).rejects.toMatchObject({ code: 'TOO_LARGE' })
      expect(client.bytesReceived).toBeLessThan(1_000_000)
    } finally {
      client.close()
      await host.stop()
    }
  })

  it('says what is wrong with a certificate, and takes one of an authority that it was given', async () => {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
    const made = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
    ]
    await promisify(execFile)('openssl', [...made, ...subject, '-keyout', key, '-out', cert], {
      timeout: 30_000,
    })
    const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_request, response) =>
      response.end('safe'),
    )
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    const { port } = server.address() as AddressInfo
    const ask = async (url: string, caFile?: string) => {
      const client = new HttpClient(caFile === undefined ? {} : { caFile })
      try {
        return await readText(await client.ask(new URL(url), { signal }), 100)
      } finally {
        client.close()
      }
    }
    try {
      await expect(ask(`https://localhost:${port}`)).rejects.toMatchObject({
        code: 'REMOTE_TLS',
        message: expect.stringContaining('--ca FILE') as string,
      })
      expect(await ask(`https://localhost:${port}`, cert)).toBe('safe')
      await expect(ask(`https://127.0.0.1:${port}`, cert)).rejects.toThrow(/for another name/)
      await expect(ask(`http://127.0.0.1:${port}`)).rejects.toMatchObject({ code: 'UNREACHABLE' })
      await expect(ask(`https://localhost:${port}`, join(folder, 'none'))).rejects.toMatchObject({
        code: 'BAD_FILE',
      })
    } finally {
      server.closeAllConnections()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    }
  })
})
