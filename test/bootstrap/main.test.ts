import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createPlainNode } from './plain-node.ts'

const main = new URL('../../bootstrap/main.ts', import.meta.url).pathname
let data: string
let children: ChildProcess[] = []

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'hanse-bootstrap-'))
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  children = []
  await rm(data, { recursive: true })
})

function startProgram(...args: string[]): ChildProcess {
  const env = { ...process.env, HANSE_BOOTSTRAP_DATA: data }
  const child = spawn(process.execPath, [main, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  return child
}

/** Runs the program to its end. */
async function runProgram(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = startProgram(...args)
  if (child.stdout === null || child.stderr === null) throw new Error('no output')
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number]>,
  ])
  return { code, stdout, stderr }
}

async function* linesOf(child: ChildProcess): AsyncGenerator<string, void> {
  if (child.stdout === null) throw new Error('no output')
  yield* createInterface({ input: child.stdout })
}

async function nextLine(lines: AsyncGenerator<string, void>): Promise<string> {
  const { value } = await lines.next()
  if (typeof value !== 'string') throw new Error('the program ended')
  return value
}

async function startListening(...args: string[]): Promise<{
  child: ChildProcess
  lines: AsyncGenerator<string, void>
  event: { event: string; peerId: string; addresses: string[] }
}> {
  const child = startProgram('--listen', '/ip4/127.0.0.1/tcp/0', '--json', ...args)
  const lines = linesOf(child)
  const event = JSON.parse(await nextLine(lines)) as { event: string; peerId: string; addresses: string[] }
  return { child, lines, event }
}

describe('hanse-bootstrap', () => {
  it('listens, introduces, is healthy, and ends on SIGTERM with code 0', async () => {
    const { child, lines, event } = await startListening()
    expect(event.event).toBe('listening')
    const [address = ''] = event.addresses
    expect(address).toMatch(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\//)
    expect(address).toContain(event.peerId)

    const [alice, bob] = [await createPlainNode(), await createPlainNode()]
    try {
      const topic = new Uint8Array(32).fill(3)
      const signal = AbortSignal.timeout(10_000)
      const [registered] = await alice.services.introductions.register(multiaddr(address), [topic], signal)
      expect(registered?.outcome).toEqual({ ok: true, value: 7_200 })
      const answer = await bob.services.introductions.query(multiaddr(address), topic, { signal })
      expect(answer.ok && answer.value.peers.map(({ peerId }) => peerId.equals(alice.peerId))).toEqual([true])

      const health = await runProgram('health', '--address', address)
      expect(health).toMatchObject({ code: 0, stderr: '' })
      expect(health.stdout).toMatch(/^healthy: /)
      const asJson = await runProgram('health', '--address', address, '--json')
      expect(JSON.parse(asJson.stdout)).toMatchObject({ event: 'health', ok: true, peerId: event.peerId })

      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      expect(await ended).toEqual([0, null])
      expect(JSON.parse(await nextLine(lines))).toEqual({ event: 'stopped' })
    } finally {
      await Promise.all([alice, bob].map(async (node) => await node.stop()))
    }
    expect((await runProgram('health', '--address', address, '--timeout-seconds', '2')).code).toBe(1)
  })

  it('checks itself at an interval', async () => {
    const { lines } = await startListening('--health-interval-seconds', '1')
    expect(JSON.parse(await nextLine(lines))).toMatchObject({
      event: 'health',
      ok: true,
      status: { registered: 1 },
    })
  })

  it('keeps its peer id across restarts and ends on SIGINT', async () => {
    const ids = []
    for (let n = 0; n < 2; n++) {
      const { child, event } = await startListening()
      ids.push(event.peerId)
      const ended = once(child, 'exit')
      child.kill('SIGINT')
      expect(await ended).toEqual([0, null])
    }
    expect(ids[0]).toBe(ids[1])
  })

  it('prints one address a line without --json', async () => {
    const child = startProgram('--listen', '/ip4/127.0.0.1/tcp/0', '--listen', '/ip4/127.0.0.1/tcp/0/ws')
    const lines = linesOf(child)
    expect(await nextLine(lines)).toMatch(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/12D3\w+$/)
    expect(await nextLine(lines)).toMatch(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/ws\/p2p\/12D3\w+$/)
  })

  it('survives readers that leave', async () => {
    const { child, lines, event } = await startListening('--health-interval-seconds', '1')
    await lines.return()
    child.stdout?.destroy()
    child.stderr?.destroy()
    const address = event.addresses[0] ?? ''
    const { code } = await runProgram('health', '--address', address)
    expect(code).toBe(0)
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
  })

  it('reports an error that escaped from a library, thrown or rejected, and goes on', async () => {
    const stray = `
      process.on('SIGUSR2', () => {
        Promise.reject(new Error('rejected'))
        throw new Error('thrown')
      })`
    vi.stubEnv('NODE_OPTIONS', `--import=data:text/javascript,${encodeURIComponent(stray)}`)
    const { child, lines, event } = await startListening()
    vi.unstubAllEnvs()
    child.kill('SIGUSR2')
    const faults: unknown[] = [JSON.parse(await nextLine(lines)), JSON.parse(await nextLine(lines))]
    expect(faults).toEqual([
      { event: 'fault', detail: 'Error: thrown' },
      { event: 'fault', detail: 'Error: rejected' },
    ])
    expect((await runProgram('health', '--address', event.addresses[0] ?? '')).code).toBe(0)
  })

  it('refuses bad input with code 2 and one line that says what is wrong', async () => {
    await writeFile(join(data, 'bootstrap.toml'), 'helth-interval-seconds = 1\n')
    await writeFile(join(data, 'other.toml'), 'max-connections = "many"\n')
    const { event } = await startListening('--config', '/dev/null')
    const taken = (event.addresses[0] ?? '').replace(/\/p2p\/.*/, '')
    const cases: [string[], RegExp][] = [
      [[], /unknown key helth-interval-seconds in .*bootstrap.toml; did you mean health-interval-seconds\?/],
      [['--config', join(data, 'other.toml')], /max-connections in .*other.toml must be a whole number/],
      [['--config', join(data, 'none.toml')], /cannot read configuration .*none.toml: ENOENT/],
      [['--config', '/dev/null', '--listen', taken], /the port is in use/],
      [['--config', '/dev/null', '--listen', 'localhost'], /--listen: "localhost" is no address/],
      [['--lisen', taken], /unknown option '--lisen' \(Did you mean --listen\?\)/],
      [['--max-connections', 'many'], /--max-connections must be a whole number/],
      [['helth'], /too many arguments/],
      [['health'], /required option '--address <multiaddr>' not specified/],
      [['health', '--address', 'localhost'], /"localhost" is no address/],
      [['health', '--address', taken, '--timeout-seconds', '0'], /--timeout-seconds must be/],
    ]
    for (const [args, expected] of cases) {
      const { code, stdout, stderr } = await runProgram(...args)
      expect({ code, stdout }, `given ${args.join(' ')}`).toEqual({ code: 2, stdout: '' })
      expect(stderr).toMatch(expected)
      expect(stderr.trimEnd().split('\n').length, `said ${stderr}`).toBe(1)
    }
  })
})
