import { randomBytes } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { request as ask } from 'node:http'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { REMOTE_REFUSALS_MAX } from '../../src/core/limits.ts'
import { Machine, type RunningNode } from '../cli/hanse.ts'
import type { RunReport } from '../../src/node/remotes/run-report.ts'
import { CuttingLine, HttpHost } from './http-host.ts'

const machine = new Machine()
const file = (name: string) => join(machine.folder, name)
afterAll(async () => machine.remove())

interface Cloned {
  readonly space: string
  readonly created: boolean
  readonly from: string
  readonly did: string
  readonly operations: number
  readonly run: RunReport
}
interface Runs {
  readonly runs: readonly RunReport[]
}

let alice: string
let hub: RunningNode
let origin: string
let token: string

/** The hub is a process that runs on; its folder is asked through its socket. */
beforeAll(async () => {
  alice = await machine.init('alice')
  await machine.json(alice, 'space', 'create', 'Fleet')
  await machine.json(alice, 'put', 'notes/a', 'one')
  await machine.json(alice, 'put', 'docs/b', 'two')
  hub = await machine.up(alice, '--http', '127.0.0.1:0')
  origin = (hub.listening as unknown as { readonly http: string }).http
  token = await tokenFor('hub', 'write')
})

async function tokenFor(name: string, can: string, ...flags: string[]): Promise<string> {
  const made = await machine.json<{ agentToken: string }>(alice, 'agent', 'add', name, '--can', can, ...flags)
  return made.agentToken
}

/** A clone of the hub by somebody who may write. */
async function cloneOf(name: string, url = origin): Promise<string> {
  const data = file(name)
  const { did } = await machine.json<Cloned>(data, 'clone', url, '--token', token)
  await machine.json(alice, 'grant', did, '--role', 'writer')
  await machine.json(data, 'pull')
  return data
}

async function rootsOf(data: string): Promise<unknown> {
  const { clockRoot, stateRoot } = await machine.json<Record<string, unknown>>(data, 'verify')
  return { clockRoot, stateRoot }
}

describe('a clone over HTTP', () => {
  it('makes the space from a snapshot, is written on both sides, and comes to the same by pull, push and sync', async () => {
    const bob = file('bob')
    const cloned = await machine.json<Cloned>(bob, 'clone', origin, '--token', token)
    expect(cloned).toMatchObject({
      created: true,
      from: 'snapshot',
      run: { error: null, ahead: 0, behind: 0 },
    })
    await machine.json(alice, 'grant', cloned.did, '--role', 'writer')
    await machine.json(alice, 'put', 'notes/c', 'three')
    await machine.json(alice, 'put', 'docs/b', 'changed')
    const pulled = await machine.json<Runs>(bob, 'pull', 'origin')
    expect(pulled.runs).toMatchObject([{ added: 1, updated: 1, deleted: 0, gained: 3, sent: 0, refused: {} }])
    expect(pulled.runs[0]?.items).toEqual([
      { side: 'here', action: 'added', path: 'notes/c', type: 'register' },
      { side: 'here', action: 'updated', path: 'docs/b', type: 'register' },
    ])

    await machine.json(bob, 'put', 'notes/bob', 'from bob')
    const status = await machine.json<{ remotes: readonly object[] }>(bob, 'remote', 'status')
    expect(status.remotes).toMatchObject([
      { localOnly: 1, behind: 0, localItems: { added: [{ path: 'notes/bob' }] } },
    ])
    await machine.json(alice, 'put', 'notes/d', 'four')
    const pushed = await machine.json<Runs>(bob, 'push')
    expect(pushed.runs[0]).toMatchObject({ sent: 1, gained: 0, behind: 1, ahead: 0 })
    expect(pushed.runs[0]?.notes.join()).toContain('behind')
    expect(await machine.json(alice, 'get', 'notes/bob')).toMatchObject({ value: 'from bob' })

    const synced = await machine.json<Runs>(bob, 'sync')
    expect(synced.runs).toMatchObject([{ direction: 'sync', gained: 1, ahead: 0, behind: 0 }])
    expect(await machine.json(bob, 'get', 'notes/d')).toMatchObject({ value: 'four' })
    const stats = await machine.json<{ runs: readonly { direction: string }[] }>(
      bob,
      'remote',
      'stats',
      'origin',
    )
    expect(stats.runs.map(({ direction }) => direction)).toEqual(['pull', 'pull', 'push', 'sync'])
  })

  it('keeps both where writes met, and says what to do', async () => {
    const carol = await cloneOf('carol')
    await machine.json(carol, 'put', 'notes/a', 'carol')
    await machine.json(alice, 'put', 'notes/a', 'alice')
    const [run] = (await machine.json<Runs>(carol, 'sync')).runs
    expect(run?.conflicts).toMatchObject([{ path: 'notes/a', type: 'register' }])
    expect(run?.conflicts[0]?.resolution).toContain('hanse conflicts keep notes/a')
    expect(await machine.json(carol, 'conflicts')).toHaveLength(1)
  })

  it('keeps the token where only the owner reads it, and never shows it', async () => {
    const dave = await cloneOf('dave')
    expect(statSync(join(dave, 'secrets.json')).mode & 0o777).toBe(0o600)
    const shown = [
      (await machine.hanse(dave, ['remote', 'list', '--json'])).stdout,
      (await machine.hanse(dave, ['remote', 'show', 'origin'])).stdout,
      (await machine.hanse(dave, ['sync', '--verbose'])).stdout,
    ].join('\n')
    expect(shown).toContain(origin)
    expect(shown).not.toContain(token)
    await machine.json(dave, 'remote', 'remove', 'origin')
    expect(readFileSync(join(dave, 'secrets.json'), 'utf8')).not.toContain(token)
    expect(await machine.hanse(dave, ['pull', 'origin'])).toMatchObject({ code: 2 })
  })

  it('is refused where it is not the space that was meant', async () => {
    const meant = 'ab'.repeat(32)
    const answer = await machine.hanse(file('olga'), ['clone', origin, '--token', token, '--space', meant])
    expect(answer.code).toBe(2)
    expect(await machine.json(file('olga'), 'space', 'list')).toEqual([])
  })

  it('takes a subtree, and the rest when it is asked for', async () => {
    const erin = file('erin')
    const cloned = await machine.json<Cloned>(erin, 'clone', origin, '--token', token, '--path', 'notes')
    expect(cloned.run.error).toBeNull()
    const paths = async () =>
      (await machine.json<readonly { path: string }[]>(erin, 'list')).map(({ path }) => path)
    expect((await paths()).every((path) => path.startsWith('notes/'))).toBe(true)
    const [rest] = (await machine.json<Runs>(erin, 'pull', '--path', '')).runs
    expect(rest).toMatchObject({ error: null, added: 1 })
    expect(await paths()).toContain('docs/b')
  })

  it('goes on where the line breaks in the middle of a transfer', async () => {
    for (let i = 0; i < 6; i++)
      await machine.json(alice, 'put', `bulk/${i}`, randomBytes(4_000).toString('base64'))
    const line = await CuttingLine.start(Number(new URL(origin).port), [9_000, 9_000, 12_000, 12_000])
    try {
      const frank = file('frank')
      const cloned = await machine.json<Cloned>(frank, 'clone', line.origin, '--token', token)
      expect(cloned.created).toBe(true)
      const [run] = (await machine.json<Runs>(frank, 'sync')).runs
      expect(run).toMatchObject({ error: null, ahead: 0, behind: 0 })
      expect(line.cuts).toBeGreaterThanOrEqual(2)
      expect(await rootsOf(frank)).toEqual(await rootsOf(alice))
    } finally {
      line.stop()
    }
  })

  it('says that a token has expired, is of another node, or is missing, and changes nothing', async () => {
    const short = await tokenFor('short', 'read', '--expires', '1s')
    const data = await cloneOf('heidi')
    await machine.json(data, 'remote', 'add', 'late', origin, '--token', short)
    // Cloning has taken longer than the second that the token is good for.
    const late = await machine.hanse(data, ['pull', 'late', '--json'])
    expect(late.code).toBe(1)
    expect(JSON.parse(late.stdout)).toMatchObject({ runs: [{ gained: 0, error: { code: 'TOKEN_EXPIRED' } }] })
    await machine.json(data, 'remote', 'add', 'none', origin)
    expect(JSON.parse((await machine.hanse(data, ['pull', 'none', '--json'])).stdout)).toMatchObject({
      runs: [{ error: { code: 'NO_TOKEN' } }],
    })
    // The nearest that answers is tried next.
    const sync = await machine.json<Runs>(data, 'sync')
    expect(sync.runs.at(-1)).toMatchObject({ remote: 'origin', error: null })
    expect(await machine.hanse(data, ['clone', 'http://127.0.0.1:1', '--space', '00'])).toMatchObject({
      code: 1,
    })
  })
})

describe('a remote that lies', () => {
  it('has each bad operation refused by its code, and the rest goes on', async () => {
    const ivan = await cloneOf('ivan')
    const [only] = await machine.json<readonly { id: string }[]>(ivan, 'space', 'list')
    const space = only?.id ?? ''
    await machine.json(alice, 'put', 'notes/true', 'sound')
    await machine.json(alice, 'put', 'notes/more', 'sound too')
    const lines = (await machine.hanse(alice, ['ops', 'export'])).stdout.trim().split('\n')
    const clock = JSON.stringify(await machine.json(alice, 'ops', 'clock'))
    const [more, sound] = [lines.at(-1) as string, lines.at(-2) as string]
    const forged = more.replace(
      /"signature":"(..)/,
      (_, two: string) => `"signature":"${two === '00' ? '11' : '00'}`,
    )
    const garbled = more.replace('"path":"notes/more"', '"path":"notes/evil"')
    const liar = await HttpHost.start((request, response) => {
      if (request.url?.startsWith('/version') === true)
        return void response
          .writeHead(200, { 'hanse-space': space, 'content-type': 'application/json' })
          .end(clock)
      if (request.method === 'POST')
        return void response.writeHead(200).end('{"outcome":"admitted"}\nnonsense\n')
      response.writeHead(200).end(['nonsense', forged, garbled, sound].join('\n'))
    })
    try {
      await machine.json(ivan, 'remote', 'add', 'liar', liar.origin)
      const pulled = await machine.hanse(ivan, ['pull', 'liar', '--json'])
      expect(pulled.code).toBe(1)
      const [run] = (JSON.parse(pulled.stdout) as Runs).runs
      expect(run).toMatchObject({
        gained: 1,
        refused: { BAD_JSON: 1, BAD_SIGNATURE: 1, BAD_ID: 1 },
        error: null,
      })
      expect(await machine.json(ivan, 'get', 'notes/true')).toMatchObject({ value: 'sound' })
      expect(await machine.hanse(ivan, ['get', 'notes/evil'])).toMatchObject({ code: 1 })
      await machine.json(ivan, 'put', 'notes/ivan', 'mine')
      const pushed = JSON.parse((await machine.hanse(ivan, ['push', 'liar', '--json'])).stdout) as Runs
      expect(pushed.runs).toMatchObject([{ error: { code: 'REMOTE_ANSWER' } }])
      // What it could not do to others it could not do to us: the true operation still comes from the hub.
      expect((await machine.json<Runs>(ivan, 'sync', 'origin')).runs).toMatchObject([
        { ahead: 0, behind: 0, refused: {} },
      ])
      expect(await rootsOf(ivan)).toEqual(await rootsOf(alice))
    } finally {
      await liar.stop()
    }
  })
})

describe('a remote that has nothing but lies', () => {
  it('is ended, and said to lie', async () => {
    const judas = await cloneOf('judas')
    const [only] = await machine.json<readonly { id: string }[]>(judas, 'space', 'list')
    const liar = await HttpHost.start((request, response) => {
      const isVersion = request.url?.startsWith('/version') === true
      response.writeHead(200, { 'hanse-space': only?.id ?? '', 'content-type': 'application/json' })
      response.end(isVersion ? '{}' : 'nonsense\n'.repeat(REMOTE_REFUSALS_MAX + 5))
    })
    try {
      await machine.json(judas, 'remote', 'add', 'liar', liar.origin)
      const pulled = await machine.hanse(judas, ['pull', 'liar', '--json'])
      expect(pulled.code).toBe(1)
      expect(JSON.parse(pulled.stdout)).toMatchObject({
        runs: [{ error: { code: 'REMOTE_LIES' }, refused: { BAD_JSON: REMOTE_REFUSALS_MAX + 1 } }],
      })
    } finally {
      await liar.stop()
    }
  })
})

describe('a node that is up', () => {
  it('syncs with a peer by name, and makes itself known where it is told to', async () => {
    const pat = await cloneOf('pat')
    const at = hub.listening.addresses[0] ?? ''
    const peer = at.includes('/p2p/') ? at : `${at}/p2p/${hub.listening.peerId}`
    await machine.json(pat, 'remote', 'add', 'peer', peer)
    await machine.json(pat, 'remote', 'add', 'id', hub.listening.peerId)
    expect(JSON.parse((await machine.hanse(pat, ['pull', 'peer', '--json'])).stdout)).toMatchObject({
      runs: [{ kind: 'peer', error: null }],
    })
    const up = await machine.up(pat, '--http', 'none')
    await machine.json(alice, 'put', 'peer/down', '1')
    for (const verb of ['sync', 'pull', 'push']) {
      await machine.json(pat, 'put', `peer/${verb}`, '1')
      const name = verb === 'sync' ? 'peer' : 'id'
      expect((await machine.json<Runs>(pat, verb, name)).runs).toMatchObject([{ kind: 'peer', error: null }])
      expect(await machine.json(alice, 'get', `peer/${verb}`)).toMatchObject({ value: 1 })
    }
    expect(await machine.json(pat, 'get', 'peer/down')).toMatchObject({ value: 1 })
    await machine.json(pat, 'remote', 'add', 'known', origin, '--token', token, '--register', 'server')
    await until(async () => {
      const { nodes } = await machine.json<{ nodes: readonly object[] }>(alice, 'remote', 'nodes')
      expect(nodes).toMatchObject([{ id: up.listening.peerId, kind: 'server', healthy: true }])
    })
    await until(async () =>
      expect(await shown(pat, 'known')).toMatchObject({
        registerError: null,
        registeredMs: expect.any(Number) as number,
      }),
    )
    expect(await machine.hanse(pat, ['remote', 'add', 'x', 'file:///x', '--register'])).toMatchObject({
      code: 2,
    })
    await up.stop()
  })

  it('asks every so often, by mode hybrid at its own pace, and where there are no events', async () => {
    const rita = await cloneOf('rita')
    const bare = await HttpHost.start((request, response) => {
      if (request.url?.includes('/events') === true) return void response.writeHead(404).end()
      const forward = ask(`${origin}${request.url}`, { method: request.method, headers: request.headers })
      forward.on('response', (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(response)
      })
      forward.on('error', () => response.destroy())
      request.pipe(forward)
    })
    try {
      await machine.json(rita, 'remote', 'set', 'origin', '--mode', 'hybrid', '--every', '1s')
      expect(await shown(rita, 'origin')).toMatchObject({ schedule: { everyMs: 1_000, afterChanges: 100 } })
      const up = await machine.up(rita, '--http', 'none')
      await machine.json(alice, 'put', 'every/down', '1')
      await seen(rita, 'every/down')
      await machine.json(rita, 'remote', 'remove', 'origin')
      await machine.json(rita, 'remote', 'add', 'bare', bare.origin, '--token', token, '--mode', 'continuous')
      await until(async () => expect(bare.asked.some((one) => one.includes('/events'))).toBe(true))
      await machine.json(alice, 'put', 'polled/down', '1')
      await seen(rita, 'polled/down')
      await up.stop()
    } finally {
      await bare.stop()
    }
  })
})

async function shown(data: string, name: string): Promise<object> {
  return await machine.json<object>(data, 'remote', 'show', name)
}

/** Looks again until it holds. */
async function until(holds: () => Promise<void>): Promise<void> {
  await vi.waitFor(holds, { timeout: 20_000, interval: 100 })
}

describe('files', () => {
  it('on a web server are cloned from and pulled from, and not read again while they are the same', async () => {
    const folder = file('published')
    await machine.json(alice, 'remote', 'add', 'folder', `file://${folder}`)
    expect((await machine.json<Runs>(alice, 'push', 'folder')).runs).toMatchObject([
      { kind: 'files', error: null },
    ])
    const files = new Map<string, Uint8Array>()
    const publish = () => {
      for (const name of ['ops.jsonl.zst', 'latest.snapshot', 'version'])
        files.set(`/fleet/${name}`, readFileSync(join(folder, name)))
    }
    publish()
    const host = await HttpHost.ofFiles(files)
    try {
      const judy = file('judy')
      const cloned = await machine.json<Cloned>(judy, 'clone', `${host.origin}/fleet/`)
      expect(cloned).toMatchObject({ created: true, from: 'snapshot', run: { kind: 'files' } })
      await machine.json(alice, 'put', 'notes/late', 'later')
      await machine.json(alice, 'push', 'folder')
      publish()
      expect((await machine.json<Runs>(judy, 'pull')).runs).toMatchObject([{ gained: 1, added: 1 }])
      expect(await machine.hanse(judy, ['push'])).toMatchObject({ code: 1 })
      const only = file('only')
      files.delete('/fleet/ops.jsonl.zst')
      await machine.json(only, 'clone', `${host.origin}/fleet/latest.snapshot`)
      expect(await rootsOf(only)).toEqual(await rootsOf(judy))
      const kim = file('kim')
      expect(await machine.json(kim, 'clone', `file://${folder}`)).toMatchObject({ created: true })
    } finally {
      await host.stop()
    }
  })

  it('that are no space are told from one', async () => {
    const host = await HttpHost.start((_request, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<p>Welcome'),
    )
    try {
      const answer = await machine.hanse(file('nobody'), ['clone', host.origin])
      expect(answer.code).toBe(2)
      expect(answer.stderr).toContain('ops.jsonl.zst')
    } finally {
      await host.stop()
    }
  })
})

describe('schedules', () => {
  it('carry writes both ways as they happen, and recover by themselves', async () => {
    const leo = await cloneOf('leo')
    await machine.json(leo, 'remote', 'set', 'origin', '--mode', 'continuous')
    const running = await machine.up(leo, '--http', 'none')
    await machine.json(alice, 'put', 'live/down', '1')
    await seen(leo, 'live/down')
    await machine.json(leo, 'put', 'live/up', '2')
    await seen(alice, 'live/up')
    await hub.stop()
    await machine.json(leo, 'put', 'live/offline', '3')
    await running.event(({ event, message }) => event === 'log' && String(message).includes('trying again'))
    hub = await machine.up(alice, '--http', new URL(origin).host)
    await seen(alice, 'live/offline')
    const { runs } = await machine.json<{ runs: readonly { trigger: string; code: string | null }[] }>(
      leo,
      'remote',
      'stats',
      'origin',
    )
    expect(runs.some(({ trigger, code }) => trigger === 'schedule' && code === 'UNREACHABLE')).toBe(true)
    expect(await running.stop()).toMatchObject({ code: 0 })
  })

  it('push after so many changes, and wake when a remote is added', async () => {
    const mia = await cloneOf('mia')
    await machine.json(mia, 'remote', 'remove', 'origin')
    const running = await machine.up(mia, '--http', 'none')
    await machine.json(mia, 'remote', 'add', 'hub', origin, '--token', token, '--after', '3')
    const until = Date.now() + 15_000
    const synced = async () =>
      (
        await machine.json<{ remotes: readonly { syncedMs: number | null }[] }>(
          mia,
          'remote',
          'status',
          '--offline',
        )
      ).remotes[0]?.syncedMs
    while (typeof (await synced()) !== 'number')
      if (Date.now() > until) throw new Error('the schedule did not wake')
    await machine.json(mia, 'put', 'batch/1', '1')
    await machine.json(mia, 'put', 'batch/2', '1')
    expect(await machine.hanse(alice, ['get', 'batch/1'])).toMatchObject({ code: 1 })
    await machine.json(mia, 'put', 'batch/3', '1')
    await seen(alice, 'batch/3')
    expect(await machine.json(alice, 'get', 'batch/1')).toMatchObject({ value: 1 })
    await running.stop()
  })
})

describe('several remotes', () => {
  it('are tried the nearest first, and the next where one fails, which is asked last from then on', async () => {
    const olga = await cloneOf('olga')
    await machine.json(olga, 'remote', 'remove', 'origin')
    await machine.json(olga, 'remote', 'add', 'gone', 'http://127.0.0.1:1')
    await machine.json(olga, 'remote', 'add', 'hub', origin, '--token', token)
    await machine.json(alice, 'put', 'several/a', '1')
    const pull = async () => (await machine.json<Runs>(olga, 'pull')).runs
    expect(await pull()).toMatchObject([
      { remote: 'gone', error: { code: 'UNREACHABLE' } },
      { remote: 'hub', error: null, gained: 1 },
    ])
    expect(await pull()).toMatchObject([{ remote: 'hub', error: null }])
  })
})

/** Waits until an item is there, asking again. */
async function seen(data: string, path: string): Promise<void> {
  const until = Date.now() + 40_000
  for (;;) {
    if ((await machine.hanse(data, ['get', path])).code === 0) return
    if (Date.now() > until) throw new Error(`${path} never came`)
  }
}

describe('flags', () => {
  it('that cannot be meant are refused in one line', async () => {
    const nina = await cloneOf('nina')
    writeFileSync(file('token.txt'), `${token}\n`)
    const refused = async (...args: string[]) => {
      const { code, stderr } = await machine.hanse(nina, args)
      return [code, stderr.trim()] as const
    }
    expect(await refused('remote', 'add', 'x', 'https://user:secret@h')).toMatchObject([
      2,
      expect.stringContaining('--token'),
    ])
    expect(await refused('remote', 'add', 'x', 'ftp://h')).toMatchObject([2, expect.stringContaining('ftp:')])
    expect(
      await refused('remote', 'add', 'x', 'http://example.com', '--token-file', file('token.txt')),
    ).toMatchObject([2, expect.stringContaining('--insecure')])
    expect(await refused('remote', 'add', 'origin', origin)).toMatchObject([
      2,
      expect.stringContaining('already'),
    ])
    expect(await refused('remote', 'set', 'origin', '--mode', 'cloud')).toMatchObject([
      2,
      expect.stringContaining('hybrid'),
    ])
    expect(await refused('pull', 'nowhere')).toMatchObject([2, expect.stringContaining('it has origin')])
    expect(
      await refused('clone', '/ip4/127.0.0.1/tcp/1/p2p/12D3KooWGRUoaNhxGGBN1hp8QWNqvJYXkEEvNyzbzgTxzuLHkm4e'),
    ).toMatchObject([2, expect.stringContaining('hanse join')])
  })
})
