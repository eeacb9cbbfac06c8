import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createStyle } from '../../src/cli/output/style.ts'
import { widthOf } from '../../src/cli/output/table.ts'
import { renderTop } from '../../src/cli/top/render.ts'
import type { TopSample } from '../../src/cli/top/sample.ts'
import { endOf, Machine, type RunningNode } from './hanse.ts'

const machine = new Machine()
let data: string
let node: RunningNode
beforeAll(async () => {
  data = await machine.init('alice')
  await machine.json(data, 'space', 'create', 'team')
  node = await machine.up(data, '--http', 'none')
})
afterAll(async () => await machine.remove())

const plain = createStyle({}, {})
const WAIT_MS = 20_000

const peer = (name: string, connected: boolean, inSync: boolean) => ({
  peer: name,
  space: 'team',
  connected,
  inSync,
  provedAtMs: inSync ? 1_795_267_712_058 : null,
  weLack: 0,
  theyLack: inSync ? 0 : 12,
  refused: 0,
  lastFault: null,
})
const SAMPLE: TopSample = {
  atMs: 1_795_267_712_058,
  version: '0.1.0',
  pid: 42,
  did: 'did:key:z6MknhuL8rVT8TJTpvjLPLexaHcJt7Qe5pLrFuiv3aTUgSbn',
  upMs: 10_000,
  http: null,
  residentBytes: 150 * 1024 ** 2,
  heapBytes: 60 * 1024 ** 2,
  cpuMs: 3_000,
  connectedPeers: 2,
  spaceCount: 1,
  spaces: [
    {
      id: 'ab'.repeat(32),
      name: 'team',
      operations: 5_000,
      held: 3,
      refused: 14,
      absentBodies: 0,
      connected: 2,
      inSync: 1,
    },
  ],
  peerCount: 2,
  peers: [peer('12D3KooWA', true, true), peer('12D3KooWB', true, false)],
}
const BEFORE: TopSample = {
  ...SAMPLE,
  upMs: 8_000,
  cpuMs: 2_500,
  spaces: SAMPLE.spaces.map((space) => ({ ...space, operations: 4_750 })),
}

describe('what hanse top shows', () => {
  it('has rates since the sample before, and says in sync only of what is proved', () => {
    const text = renderTop(SAMPLE, BEFORE, plain, null).join('\n')
    expect(text).toMatch(/memory 150 MiB, heap 60 MiB {3}cpu 25 % {3}125 operations\/s/)
    expect(text).toMatch(/^team +5,000 +125 +3 +14 +0 +in sync with 1 of 2 peers$/m)
    expect(text).toMatch(/^12D3KooWA +team +connected +in sync /m)
    expect(text).toMatch(/^12D3KooWB +team +connected +we lack 0, they 12/m)
  })

  it('knows no rate at first', () => {
    expect(renderTop(SAMPLE, null, plain, null).join('\n')).toMatch(/^team +5,000 +– +3/m)
  })

  it('never is wider or longer than the screen, and says what it leaves out', () => {
    for (const frame of [
      { columns: 20, rows: 4 },
      { columns: 50, rows: 7 },
    ]) {
      const lines = renderTop(SAMPLE, BEFORE, plain, frame)
      expect(lines.length).toBe(frame.rows)
      expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(frame.columns)
      expect(lines.at(-1)).toMatch(/^\d+ more lines$/)
    }
  })
})

describe('hanse top', () => {
  it('is one look where the output is no terminal', async () => {
    const { code, stdout, stderr } = await machine.hanse(data, ['top'])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^hanse .*process \d+, up .*\n0 peers +1 space/)
    expect(stdout).toMatch(/^team +1 +– .*nobody connected$/m)
    expect(await machine.json(data, 'top', '--once')).toMatchObject({
      pid: node.child.pid,
      spaces: [{ name: 'team', operations: 1 }],
    })
  })

  it('goes on with --json, an object a line, until it is ended, which is no failure', async () => {
    const child = machine.start(data, ['top', '--json', '--every', '1s'])
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
    const samples: TopSample[] = []
    lines.on('line', (line) => samples.push(JSON.parse(line) as TopSample))
    while (samples.length < 2) await once(lines, 'line', { signal: AbortSignal.timeout(WAIT_MS) })
    child.kill('SIGINT')
    const [code] = (await once(child, 'close')) as [number | null]
    expect(code).toBe(0)
    expect(samples[1]?.upMs).toBeGreaterThan(samples[0]?.upMs as number)
  })

  it('draws on a terminal, and leaves it as it was on q and on Ctrl-C', async (test) => {
    if (spawnSync('script', ['--version']).status !== 0) {
      test.skip('there is no "script" (util-linux) here to make a terminal with')
    }
    const program = `${process.execPath} ${new URL('../../src/cli/main.ts', import.meta.url).pathname} top`
    for (const key of ['q', '\u0003']) {
      const child = spawn(
        'script',
        ['-qfec', `stty rows 12 cols 70; ${program}; echo code $?; stty -a`, '/dev/null'],
        {
          env: { ...process.env, HANSE_DATA: data, TERM: 'xterm' },
          stdio: 'pipe',
        },
      )
      let seen = ''
      child.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()))
      while (!seen.includes('nobody connected'))
        await once(child.stdout, 'data', { signal: AbortSignal.timeout(WAIT_MS) })
      expect(seen).toContain('\x1b[?1049h')
      expect(seen).not.toContain('\x1b[?1049l')
      const ended = endOf(child)
      child.stdin.write(key)
      const { code } = await ended
      expect(code).toBe(0)
      expect(seen).toContain('\x1b[?25h\x1b[?1049l')
      expect(seen).toMatch(/code 0\r?\n[^]* icanon/)
    }
  })

  it('says that nothing runs where nothing does', async () => {
    const other = await machine.init('idle')
    const { code, stderr } = await machine.hanse(other, ['top'])
    expect([code, stderr]).toEqual([1, 'hanse: no node runs here: start it with "hanse up"\n'])
  })
})
