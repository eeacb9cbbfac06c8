import { once } from 'node:events'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Machine, type RunningNode } from './hanse.ts'
import { anyNumber, containing, including } from './matchers.ts'

const machine = new Machine()
afterAll(async () => machine.remove())

interface Status {
  readonly running: boolean
  readonly spaces: readonly {
    readonly operations: number
    readonly clockRoot: string
    readonly stateRoot: string
    readonly peers: readonly {
      readonly peer: string
      readonly connected: boolean
      readonly inSync: boolean
      readonly provedAtMs: number | null
    }[]
  }[]
}

describe('two running nodes', () => {
  let alice: RunningNode
  let bob: RunningNode
  let space: string

  beforeAll(async () => {
    const [atAlice, atBob] = await Promise.all([machine.init('alice'), machine.init('bob')])
    space = (await machine.json<{ id: string }>(atAlice, 'space', 'create', 'Fleet')).id
    ;[alice, bob] = await Promise.all([machine.up(atAlice), machine.up(atBob)])
  })

  it('say first where they listen, and can be reached on the socket that they name', async () => {
    expect(alice.listening.addresses[0]).toMatch(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/12D3KooW/)
    expect(statSync(alice.listening.socket).mode & 0o777).toBe(0o600)
    expect(await machine.json(alice.data, 'whoami')).toMatchObject({
      running: true,
      pid: alice.child.pid,
      did: alice.listening.did,
      peerId: alice.listening.peerId,
      addresses: alice.listening.addresses,
    })
  })

  it('share a space by an invite, and each sees what the other writes', async () => {
    await machine.json(alice.data, 'put', 'notes/alice', 'hello bob')
    const { link, expiresMs } = await machine.json<{ link: string; expiresMs: number }>(
      alice.data,
      'invite',
      '--role',
      'writer',
      '--path',
      'notes',
      '--expires',
      '7d',
    )
    expect(Math.abs(expiresMs - Date.now() - 7 * 86_400_000)).toBeLessThan(60_000)

    const joined = await machine.json(bob.data, 'join', link)
    expect(joined).toMatchObject({ space, name: 'Fleet', published: true, inSync: true })
    expect(await machine.json(bob.data, 'get', 'notes/alice')).toMatchObject({ value: 'hello bob' })

    await machine.json(bob.data, 'put', 'notes/bob', 'hello alice')
    await expect
      .poll(async () => (await machine.hanse(alice.data, ['get', 'notes/bob'])).stdout, { timeout: 10_000 })
      .toBe('hello alice\n')
  })

  it('hold a guest to the path of the invite', async () => {
    const refused = await machine.hanse(bob.data, ['put', 'elsewhere/x', '1', '--json'])
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(JSON.parse(refused.stderr)).toMatchObject({ error: { code: 'CAP_POLICY' } })
  })

  it('refuse to let a guest give away more than it has', async () => {
    for (const command of [
      ['invite', '--role', 'admin'],
      ['invite', '--role', 'writer', '--path', 'elsewhere'],
      ['grant', alice.listening.did, '--role', 'admin'],
    ]) {
      const { code, stdout, stderr } = await machine.hanse(bob.data, command)
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toMatch(/^hanse: this node cannot give the role .*\n$/)
    }
    for (const command of [
      ['invite', '--role', 'reader'],
      ['invite', '--role', 'writer', '--path', 'notes/below'],
    ]) {
      expect((await machine.hanse(bob.data, command)).code).toBe(0)
    }
  })

  it('are in sync by proof on both sides, with equal roots', async () => {
    const report = await machine.json<{ inSync: boolean; peers: readonly Record<string, unknown>[] }>(
      bob.data,
      'sync',
    )
    expect(report).toMatchObject({
      inSync: true,
      peers: [{ peer: alice.listening.peerId, reached: true, inSync: true, weLack: 0, theyLack: 0 }],
    })
    const [ofAlice, ofBob] = await Promise.all([
      machine.json<Status>(alice.data, 'status'),
      machine.json<Status>(bob.data, 'status'),
    ])
    for (const [status, peer] of [
      [ofAlice, bob.listening.peerId],
      [ofBob, alice.listening.peerId],
    ] as const) {
      expect(status.spaces[0]?.peers).toEqual([including({ peer, connected: true, inSync: true })])
    }
    expect(ofAlice.spaces[0]?.clockRoot).toBe(ofBob.spaces[0]?.clockRoot)
    expect(ofAlice.spaces[0]?.stateRoot).toBe(ofBob.spaces[0]?.stateRoot)
    const { stdout } = await machine.hanse(alice.data, ['status'])
    expect(stdout).toMatch(
      new RegExp(`^ {2}in sync with ${bob.listening.peerId} since \\d\\d:\\d\\d:\\d\\d \\(proved\\)$`, 'm'),
    )
    expect(stdout).toMatch(/^ {2}bodies +all here$/m)
    expect(stdout).toMatch(/^ {2}last write +acknowledged by 1 of 1 peer$/m)
  })

  it('explain each other’s operations, and list peers with what is held against them', async () => {
    const [latest] = await machine.json<readonly { id: string; author: string }[]>(
      alice.data,
      'log',
      'notes/bob',
    )
    expect(latest?.author).toBe(bob.listening.did)
    expect(await machine.json(alice.data, 'explain', latest?.id ?? '')).toMatchObject({
      verdict: 'admitted',
      code: null,
      author: bob.listening.did,
    })
    expect(await machine.json(alice.data, 'peers')).toMatchObject({
      running: true,
      connections: [{ peer: bob.listening.peerId, points: 0, banned: false }],
      spaces: [
        {
          name: 'Fleet',
          peers: [{ peer: bob.listening.peerId, connected: true, refused: {}, lastFault: null }],
        },
      ],
    })
  })

  it('let an admin give rights to a known key, and refuse it to others', async () => {
    const { token } = await machine.json<{ token: string }>(
      alice.data,
      'grant',
      bob.listening.did,
      '--role',
      'writer',
      '--path',
      'elsewhere',
    )
    expect(token).toMatch(/^[0-9a-f]{64}$/)
    await expect
      .poll(async () => (await machine.hanse(bob.data, ['put', 'elsewhere/x', '1'])).code, {
        timeout: 10_000,
      })
      .toBe(0)
  })

  it('list a large space page by page, the same on the socket as without a node', async () => {
    const socket = connect(alice.listening.socket)
    await once(socket, 'connect')
    // One writer of many values: quicker than as many processes.
    let answers = 0
    const done = new Promise<void>((resolve) => {
      socket.on('data', (chunk: Buffer) => {
        answers += chunk.toString().split('\n').length - 1
        if (answers >= 600) resolve()
      })
    })
    for (let id = 0; id < 600; id++) {
      const args = { path: `many/${String(id).padStart(4, '0')}`, value: JSON.stringify(`value ${id}`) }
      socket.write(`${JSON.stringify({ hanse: 1, id, action: 'put', args })}\n`)
    }
    await done
    socket.destroy()
    const whole = await machine.hanse(alice.data, ['list', 'many', '--json'])
    expect(JSON.parse(whole.stdout)).toHaveLength(600)
    expect((await machine.hanse(alice.data, ['list', 'many'])).stdout.split('\n')).toHaveLength(601)
    await alice.stop()
    expect((await machine.hanse(alice.data, ['list', 'many', '--json'])).stdout).toBe(whole.stdout)
    alice = await machine.up(alice.data)
  })

  it('stop at SIGTERM with exit code 0, leave no socket, and remember whom they were in sync with', async () => {
    const ended = await bob.stop('SIGTERM')
    expect(ended.code).toBe(0)
    expect(ended.stderr).toBe('')
    expect(ended.stdout.trim().split('\n').at(-1)).toBe('{"event":"stopped"}')
    expect(existsSync(bob.listening.socket)).toBe(false)
    const status = await machine.json<Status>(bob.data, 'status')
    expect(status.running).toBe(false)
    expect(status.spaces[0]?.peers).toEqual([
      including({ peer: alice.listening.peerId, connected: false, provedAtMs: anyNumber }),
    ])
  })

  it('are synced with by a command that goes online for a moment', async () => {
    await machine.json(bob.data, 'put', 'notes/offline', 'written alone')
    const { stdout } = await machine.hanse(bob.data, ['status'])
    expect(stdout).toContain('not proved in sync with')
    const report = await machine.json(bob.data, 'sync', alice.listening.addresses[0] ?? '', '--no-mdns')
    expect(report).toMatchObject({ inSync: true, peers: [{ peer: alice.listening.peerId, inSync: true }] })
    expect(await machine.json(alice.data, 'get', 'notes/offline')).toMatchObject({ value: 'written alone' })
    expect(await machine.json(bob.data, 'status')).toMatchObject({
      spaces: [{ peers: [{ inSync: true, connected: false }] }],
    })
  })

  it('take in a guest whose own node does not run', async () => {
    const carol = await machine.init('carol')
    const { link } = await machine.json<{ link: string }>(alice.data, 'invite')
    const joined = await machine.hanse(carol, ['join', '-', '--json', '--no-mdns'], { input: `${link}\n` })
    expect([joined.code, joined.stderr]).toEqual([0, ''])
    expect(JSON.parse(joined.stdout)).toMatchObject({ name: 'Fleet', published: true, inSync: true })
    expect(await machine.json(carol, 'get', 'notes/offline')).toMatchObject({ value: 'written alone' })
  })

  it('are a guest’s to find later where nobody answered at first', async () => {
    const { link } = await machine.json<{ link: string }>(alice.data, 'invite')
    const { addresses } = alice.listening
    await alice.stop()
    const dave = await machine.init('dave')
    const joined = await machine.hanse(dave, ['join', link, '--timeout', '1s', '--no-mdns'])
    expect(joined.code).toBe(1)
    expect(joined.stdout).toContain('no peer of it was reached')
    expect(joined.stdout).toContain('"hanse up" goes on looking')
    expect((await machine.hanse(dave, ['list'])).stderr).toMatch(
      /^hanse: nothing of this space has arrived yet: .*\n$/,
    )

    const port = /\/tcp\/(\d+)\//.exec(addresses[0] ?? '')?.[1] ?? ''
    alice = await machine.up(alice.data, '--listen', `/ip4/127.0.0.1/tcp/${port}`)
    const running = await machine.up(dave)
    await running.event(({ event, inSync }) => event === 'sync' && inSync === true)
    expect(await machine.json(dave, 'get', 'notes/offline')).toMatchObject({ value: 'written alone' })
  })
})

describe('a data directory with a node', () => {
  it('takes no second node, and commands go on through the first', async () => {
    const data = await machine.init('single')
    await machine.json(data, 'space', 'create', 'Fleet')
    const first = await machine.up(data)
    const second = await machine.hanse(data, ['up', '--json'])
    expect(second).toMatchObject({ code: 1, stdout: '' })
    expect(JSON.parse(second.stderr)).toMatchObject({ error: { code: 'IN_USE' } })
    expect(await machine.hanse(data, ['sync', '--listen', '/ip4/127.0.0.1/tcp/0'])).toMatchObject({
      code: 2,
      stderr: containing('--listen has no effect on the node that is running'),
    })
    await machine.json(data, 'put', 'a', '1')
    expect((await first.stop('SIGINT')).code).toBe(0)
  })

  it('is usable at once after the node was killed, by commands and by a new node', async () => {
    const data = await machine.init('killed')
    await machine.json(data, 'space', 'create', 'Fleet')
    const node = await machine.up(data)
    await machine.json(data, 'put', 'a', 'acknowledged')
    await node.stop('SIGKILL')
    expect(existsSync(node.listening.socket)).toBe(true)
    expect(await machine.json(data, 'get', 'a')).toMatchObject({ value: 'acknowledged' })
    const again = await machine.up(data)
    expect(await machine.json(data, 'get', 'a')).toMatchObject({ value: 'acknowledged' })
    await again.stop()
  })

  it('may have a path that is too long for a socket', async () => {
    const data = join(machine.folder, 'long'.repeat(40))
    mkdirSync(data, { mode: 0o700 })
    await machine.json(data, 'init')
    const node = await machine.up(data)
    expect(node.listening.socket.startsWith(data)).toBe(false)
    expect(await machine.json(data, 'whoami')).toMatchObject({ running: true })
    await node.stop()
    expect(existsSync(dirname(node.listening.socket))).toBe(false)
    expect(await machine.json(data, 'whoami')).toMatchObject({ running: false })
  })

  it('is not held up by a program that talks garbage to the socket', async () => {
    const data = await machine.init('bothered')
    const node = await machine.up(data)
    const mallory = connect(node.listening.socket)
    await once(mallory, 'connect')
    mallory.resume()
    mallory.on('error', () => {})
    mallory.write('\u0000'.repeat(100_000))
    expect(await machine.json(data, 'whoami')).toMatchObject({ running: true })
    mallory.write('\n')
    await once(mallory, 'close')
    expect((await node.stop()).code).toBe(0)
  })
})
