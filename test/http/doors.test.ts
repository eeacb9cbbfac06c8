import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { HTTP_REFUSED_LINES_MAX, HTTP_TRANSFERS_PER_CALLER_MAX } from '../../src/core/limits.ts'
import { parseDid } from '../../src/core/principal.ts'
import { orThrow } from '../../src/node/fault-error.ts'
import { createNode } from '../../src/node/node.ts'
import { HttpClient } from '../../src/node/remotes/http-client.ts'
import type { Space } from '../../src/node/space/space.ts'
import { ServedNode } from './served-node.ts'

/** A query that does not end by itself. */
const ENDLESS = 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c'

describe('mallory at the doors', () => {
  let served: ServedNode
  const sockets: Socket[] = []

  beforeEach(async () => {
    served = await ServedNode.start()
  })
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    await served.stop()
  })

  /** A request of which nothing more comes, and whose answer nobody reads. */
  const send = (head: string, token: string): Socket => {
    const socket = connect(Number(new URL(served.server.origin).port), '127.0.0.1')
    sockets.push(socket)
    socket.on('error', () => {})
    socket.write(`${head}\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n\r\n`)
    return socket
  }

  describe('with a token that reads one path', () => {
    it('keeps nothing by an invite that was made before the token was revoked', async () => {
      const { node } = served
      const space = node.createSpace({ name: 'closed', openReading: false })
      space.put('notes/1', 1)
      const reach = [{ space, role: 'reader' as const, path: 'notes' }]
      const { token, agent } = node.agents.add({ name: 'mallory', reach })
      const body = { role: 'reader', path: 'notes' }
      const invite = await served.ask(token, 'POST', '/v1/spaces/closed/invites', body)
      expect(invite.status).toBe(201)
      const guest = await createNode({ online: false })
      try {
        const joined = guest.join(invite.body.link)
        const scope = () => scopeOf(space, guest.did)
        for (const delegation of joined.hosted.pendingTokens()) space.hosted.tokens.add(delegation)
        expect(scope()).toEqual(['notes'])
        expect(node.agents.revoke('mallory')).toMatchObject({ faults: [] })
        expect(scope()).toEqual([])
        expect(scopeOf(space, agent.did)).toEqual([])
      } finally {
        await guest.stop()
      }
    })

    it('does not take all transfers of operations', async () => {
      const mallory = served.token('mallory', 'reader', 'notes')
      const alice = served.token('alice', 'writer')
      const head =
        'POST /v1/spaces/lab/ops HTTP/1.1\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked'
      for (let i = 0; i < HTTP_TRANSFERS_PER_CALLER_MAX; i++) send(head, mallory)
      const own = { authorization: `Bearer ${mallory}` }
      await expect
        .poll(async () => {
          const { status, body } = await fetch(`${served.server.origin}/v1/spaces/lab/ops`, { headers: own })
          await body?.cancel()
          return status
        })
        .toBe(429)
      const answer = await fetch(`${served.server.origin}/v1/spaces/lab/ops`, {
        headers: { authorization: `Bearer ${alice}` },
      })
      expect(answer.status).toBe(200)
      await answer.text()
    })

    it('is not listened to through millions of lines that came packed', async () => {
      const mallory = served.token('mallory', 'reader', 'notes')
      const answer = await fetch(`${served.server.origin}/v1/spaces/lab/ops`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${mallory}`,
          'content-type': 'application/x-ndjson',
          'content-encoding': 'gzip',
        },
        body: new Uint8Array(gzipSync('{}\n'.repeat(2 * HTTP_REFUSED_LINES_MAX))),
        signal: AbortSignal.timeout(20_000),
      })
      const lines = (await answer.text()).trim().split('\n')
      expect(lines).toHaveLength(HTTP_REFUSED_LINES_MAX + 1)
      expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ error: { code: 'LIMIT' } })
    })

    it('does not keep others from asking with SQL', async () => {
      const mallory = served.token('mallory', 'reader', 'notes')
      const alice = served.token('alice', 'writer')
      const gone = new AbortController()
      const asked = Array.from({ length: 20 }, async () =>
        fetch(`${served.server.origin}/v1/spaces/lab/sql`, {
          method: 'POST',
          headers: { authorization: `Bearer ${mallory}`, 'content-type': 'application/json' },
          body: JSON.stringify({ query: ENDLESS, timeoutMs: 60_000 }),
          signal: gone.signal,
        }).then(
          ({ status }) => status,
          () => 0,
        ),
      )
      // One of them runs, as many wait as may, and the rest is refused at once.
      expect(await Promise.race(asked)).toBe(429)
      const answer = await served.ask(alice, 'POST', '/v1/spaces/lab/sql', { query: 'SELECT 1 AS one' })
      expect(answer.body.rows).toEqual([{ one: 1 }])
      gone.abort()
      await Promise.all(asked)
    })

    it('counts no rows of tables with SQL that no view shows it', async () => {
      const mallory = served.token('mallory', 'reader', 'notes')
      served.token('alice', 'writer', 'secret')
      const tables = ['tokens', 'token_publishers', 'notes', 'refused', 'cells', 'sqlite_schema', 'dbstat']
      const statuses = tables.map(async (table) => {
        const query = `SELECT count(*) AS count FROM ${table}`
        const { status, body } = await served.ask(mallory, 'POST', '/v1/spaces/lab/sql', { query })
        return [table, status, body.rows]
      })
      expect(await Promise.all(statuses)).toEqual(tables.map((table) => [table, 403, undefined]))
    })

    it('does not make what its streams leave unread pile up in memory', async () => {
      const mallory = served.token('mallory', 'reader')
      await Promise.all(
        Array.from({ length: 30 }, async () =>
          once(send('GET /v1/spaces/lab/events HTTP/1.1', mallory), 'readable'),
        ),
      )
      const before = process.memoryUsage().heapUsed
      for (let i = 0; i < 160; i++) {
        served.space.put(`notes/${i}`, `${i}`.padEnd(100_000, 'x'))
        if (i % 8 === 0) await served.ask(mallory, 'GET', '/v1/spaces')
      }
      // All of it is 16 MB; for each stream it would be 480.
      expect(process.memoryUsage().heapUsed - before).toBeLessThan(250_000_000)
    })
  })

  it('a token that lasts longer than a timer has streams after it has run out, too', () => {
    const timers = vi.spyOn(globalThis, 'setTimeout')
    try {
      const { agents } = served.node
      const now = Date.now()
      const reach = [{ space: served.space, role: 'reader' as const }]
      const { token } = agents.add({ name: 'alice', reach, expiresMs: now + 60 * 24 * 60 * 60 * 1000 })
      const ended = () => orThrow(agents.authenticate(token)).ended
      const first = ended()
      const [end] = timers.mock.calls.find(([, ms]) => ms === 2 ** 31 - 1) ?? []
      end?.()
      expect([first.aborted, ended().aborted]).toEqual([true, false])
    } finally {
      timers.mockRestore()
    }
  })

  describe('as a remote', () => {
    it.each(['file:///etc/passwd', 'http://[', 'data:,x'])(
      'leads by a redirect not to %s',
      async (location) => {
        const mallory = createServer((_request, response) => response.writeHead(302, { location }).end())
        await new Promise<void>((resolve) => {
          mallory.listen(0, '127.0.0.1', resolve)
        })
        const { port } = mallory.address() as AddressInfo
        const client = new HttpClient({ token: 'secret' })
        try {
          const asking = client.ask(new URL(`http://127.0.0.1:${port}/`), {
            signal: AbortSignal.timeout(10_000),
          })
          await expect(asking).rejects.toMatchObject({ code: 'UNREACHABLE' })
        } finally {
          client.close()
          mallory.close()
        }
      },
    )
  })

  describe('without a token', () => {
    it('is not listened to beyond a few bytes', async () => {
      const answer = await served.ask(null, 'POST', '/v1/session', { secret: 'x'.repeat(8_000) })
      expect([answer.status, answer.body.code]).toEqual([413, 'TOO_LARGE'])
    })
  })
})

const scopeOf = (space: Space, did: string) => {
  const reader = parseDid(did)
  const nowMs = Date.now()
  return reader.ok ? space.hosted.reading.scopeOf(reader.value, nowMs).prefixes(nowMs) : null
}
