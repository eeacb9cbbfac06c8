import { chmodSync, cpSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { checkClock } from '../../src/cli/doctor/check-node.ts'
import type { HanseNode } from '../../src/node/node.ts'
import { Machine } from './hanse.ts'

const machine = new Machine()
afterAll(async () => await machine.remove())

interface Check {
  readonly area: string
  readonly level: string
  readonly found: string
  readonly advice: string | null
}

/** What doctor finds amiss, as `area level`, and all of it. */
async function doctor(data: string, env: NodeJS.ProcessEnv = {}) {
  const { code, stdout, stderr } = await machine.hanse(data, ['doctor', '--json'], { env })
  expect(stderr).toBe('')
  const { healthy, checks } = JSON.parse(stdout) as { healthy: boolean; checks: readonly Check[] }
  expect(code).toBe(healthy ? 0 : 1)
  // Whatever is not right comes with what to do.
  expect(checks.filter(({ level, advice }) => (level === 'ok') !== (advice === null))).toEqual([])
  const amiss = checks.filter(({ level }) => level !== 'ok').map(({ area, level }) => `${area} ${level}`)
  return { healthy, checks, amiss }
}

/** Nothing of the machine that runs the tests is to be found by these. */
const ALONE = { HANSE_LISTEN: '/ip4/127.0.0.1/tcp/47123', HANSE_MDNS: 'false', HANSE_PEERS: 'none' }

describe('hanse doctor', () => {
  it('says what to do where there is no data directory', async () => {
    const { checks, amiss } = await doctor(join(machine.folder, 'nowhere'))
    expect(amiss).toEqual(['data fail'])
    expect(checks.find(({ area }) => area === 'data')?.advice).toContain('hanse init')
    expect(checks.find(({ area }) => area === 'versions')?.found).toContain(process.versions.node)
  })

  it('finds nothing to mend on a new node, and tells what is still to be set', async () => {
    const data = await machine.init('new')
    await machine.json(data, 'space', 'create', 'team')
    const { healthy, amiss } = await doctor(data, ALONE)
    expect(healthy).toBe(true)
    expect(amiss).toEqual(['configuration warn', 'bootstrap warn', 'http warn'])
    const text = await machine.hanse(data, ['doctor'], { env: ALONE })
    expect(text.code).toBe(0)
    expect(text.stdout).toMatch(/^warn {2}bootstrap.*\n {6,}→ set bootstrap/m)
    expect(text.stdout).toMatch(/\d+ ok, 3 to know of, 0 to mend\n$/)
  })

  it('finds keys that others can read, a damaged space, and a port that is taken', async () => {
    const data = await machine.init('damaged')
    await machine.json(data, 'space', 'create', 'team')
    const key = join(data, 'keys', 'author.key')
    chmodSync(key, 0o644)
    const [file = ''] = readdirSync(join(data, 'spaces')).filter((name) => name.endsWith('.sqlite'))
    truncateSync(join(data, 'spaces', file), 5_000)
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { readonly port: number }
    const { checks, amiss } = await doctor(data, { ...ALONE, HANSE_LISTEN: `/ip4/127.0.0.1/tcp/${port}` })
    server.close()
    expect(amiss).toEqual(
      expect.arrayContaining([
        'keys fail',
        'storage fail',
        'spaces fail',
        'ports fail',
        'configuration warn',
      ]),
    )
    expect(checks.find(({ area }) => area === 'keys')?.found).toContain(key)
    expect(checks.find(({ area }) => area === 'ports')?.found).toContain('EADDRINUSE')
  })

  it('finds a configuration that cannot be used, and an introduction node that does not answer', async () => {
    const data = await machine.init('configured')
    const dead = '/ip4/127.0.0.1/tcp/9/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
    const { checks } = await doctor(data, { ...ALONE, HANSE_BOOTSTRAP: dead })
    expect(checks.filter(({ level }) => level === 'fail')).toMatchObject([
      { area: 'bootstrap', found: expect.stringContaining(dead) as string },
    ])
    writeFileSync(join(data, 'config.toml'), 'listen = "everywhere"\n')
    expect((await doctor(data)).amiss).toEqual(['configuration fail'])
  })

  it('finds a data directory that is a copy', async () => {
    const data = await machine.init('original')
    const copy = join(machine.folder, 'copy')
    cpSync(data, copy, { recursive: true })
    const { checks } = await doctor(copy, ALONE)
    expect(checks.filter(({ level }) => level === 'fail').map(({ area }) => area)).toEqual(['identity'])
    rmSync(copy, { recursive: true })
  })

  it('asks a running node about its peers, their clocks, its addresses and HTTP', async () => {
    const data = await machine.init('alice')
    await machine.json(data, 'space', 'create', 'team')
    const alice = await machine.up(data, '--http', '127.0.0.1:0')
    const { link } = await machine.json<{ link: string }>(data, 'invite')
    const bobs = await machine.init('bob')
    await machine.json(bobs, 'join', link)
    const bob = await machine.up(bobs, '--peers', alice.listening.addresses[0] as string, '--http', 'none')
    await bob.event(({ event, inSync }) => event === 'sync' && inSync === true)
    await machine.json(bobs, 'sync')
    const found = async (data: string) =>
      Object.fromEntries((await doctor(data)).checks.map((check) => [check.area, check]))
    const alices = await found(data)
    expect(alices).toMatchObject({
      reachability: { level: 'ok', found: '1 peer dialled this node' },
      peers: { level: 'ok', found: '1 peer connected' },
      clock: { level: 'ok' },
      ports: { level: 'ok' },
      http: { level: 'ok', found: expect.stringContaining('http://127.0.0.1:') as string },
    })
    expect(alices['clock']?.found).toMatch(/^within \d+ m?s of 1 peer clock$/)
    expect((await found(bobs))['http']?.found).toContain('not served')
    await bob.stop()
    await alice.stop()
  })

  it('tells a clock that is ahead from one that is behind, and one odd peer from two that agree', () => {
    const nodeBeside = (...aheadMs: readonly number[]) =>
      ({
        spaces: () => [
          {
            status: () => ({ clockBehindMs: null }),
            peers: { all: () => aheadMs.map((clockAheadMs) => ({ clockAheadMs })) },
          },
        ],
      }) as unknown as HanseNode
    expect(checkClock(nodeBeside())).toMatchObject([{ level: 'ok' }])
    expect(checkClock(nodeBeside(20, -40, 5))).toMatchObject([{ level: 'ok' }])
    expect(checkClock(nodeBeside(600_000))).toMatchObject([
      { level: 'warn', found: expect.stringContaining('10 min behind') as string },
    ])
    expect(checkClock(nodeBeside(-600_000, -590_000))).toMatchObject([
      { level: 'fail', found: expect.stringContaining('ahead of 2') as string },
    ])
    expect(checkClock(nodeBeside(600_000, 3, 8))).toMatchObject([{ level: 'ok' }])
  })
})
