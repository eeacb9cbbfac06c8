/**
 * How does a node fare that holds very many spaces? One node: creating, memory, file handles, idle CPU, opening again. Then two nodes
 * that share all of them: joining, comparing every space after a restart, writing to one of them, and to as many at once as there are.
 *
 *     node --expose-gc bench/scaling/many-spaces.ts [SPACES]
 *
 * Prints one JSON object. Both nodes live in this process, over TCP on loopback.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { multiaddr } from '@multiformats/multiaddr'
import { createNode, type HanseNode } from '../../src/node/node.ts'
import type { Space } from '../../src/node/space/space.ts'

const SPACES = Number(process.argv[2] ?? 1_000)
const IDLE_MS = 10_000
const WAIT_MS = 300_000
const folder = mkdtempSync(join(tmpdir(), 'hanse-many-spaces-'))
const logged = new Map<string, number>()

try {
  console.log(JSON.stringify(await measure(), null, 2))
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function measure() {
  const start = await open('alice')
  const before = { memoryMiB: memoryMiB(), handles: handles() }
  const createMs = await took(() => {
    for (let i = 0; i < SPACES; i++) start.createSpace({ name: `space ${i}` }).put('first', i)
  })
  const afterCreation = { memoryMiB: memoryMiB(), handles: handles() }
  await start.stop()
  let alice = start
  const reopenMs = await took(async () => {
    alice = await open('alice')
  })
  const reopened = { memoryMiB: memoryMiB(), handles: handles() }
  const idleCpuPercent = await idleCpu()
  const alone = {
    createMsPerSpace: createMs / SPACES,
    reopenMsPerSpace: reopenMs / SPACES,
    memoryMiBPerSpace: (reopened.memoryMiB - before.memoryMiB) / SPACES,
    handlesPerSpace: (afterCreation.handles - before.handles) / SPACES,
    idleCpuPercent,
    topics: topicsOf(alice),
  }
  console.error(JSON.stringify(alone))

  let bob = await open('bob')
  const joinMs = await took(async () => {
    for (const space of alice.spaces()) bob.join(space.invite({ role: 'writer' }))
    await until(
      () =>
        pairs(alice, bob).filter(([hers, his]) => equal(hers, his) && hers.hosted.store.count() === 3)
          .length === SPACES,
      'all joined',
    )
  })
  console.error('joined', joinMs, [...logged])
  await bob.stop()
  const pick = alice.spaces()[Math.floor(SPACES / 2)] as Space
  pick.put('while away', true)
  bob = await open('bob')
  await bob.network?.reach(dialable(alice), AbortSignal.timeout(10_000))
  const catchUpMs = await took(async () => {
    const his = bob.space(pick.id)
    await until(() => his.get('while away') !== undefined, 'what was written while bob was away')
  })
  await settle(bob)
  const together = await idleCpu()
  const one = alice.spaces()[SPACES - 1] as Space
  const oneWriteMs = await took(async () => {
    one.put('live', 1)
    await until(() => bob.space(one.id).get('live') !== undefined, 'one write')
  })
  const again = await took(async () => {
    one.put('live again', 1)
    await until(() => bob.space(one.id).get('live again') !== undefined, 'another write')
  })
  const everyWriteMs = await took(async () => {
    for (const space of alice.spaces()) space.put('everywhere', 1)
    await until(
      () => pairs(alice, bob).every(([, his]) => his.get('everywhere') !== undefined),
      'a write to each',
    )
  })
  const shared = {
    joinMsPerSpace: joinMs / SPACES,
    catchUpMs,
    idleCpuPercentBoth: together,
    firstWriteMs: oneWriteMs,
    nextWriteMs: again,
    everyWriteMsPerSpace: everyWriteMs / SPACES,
    topics: topicsOf(alice),
    memoryMiBBoth: memoryMiB(),
    handlesBoth: handles(),
  }
  await alice.stop()
  await bob.stop()
  return { spaces: SPACES, alone, shared, logged: Object.fromEntries(logged) }
}

async function open(name: string): Promise<HanseNode> {
  const log = (message: string) => {
    const kind = `${name}: ${message.replaceAll(/12D3Koo\w+/gu, '…').slice(0, 100)}`
    logged.set(kind, (logged.get(kind) ?? 0) + 1)
  }
  const listen = ['/ip4/127.0.0.1/tcp/0']
  return await createNode({ dataDirectory: join(folder, name), listen, dht: false, relay: false, log })
}

function dialable(node: HanseNode) {
  return multiaddr(node.addresses[0] ?? '')
}

function topicsOf(node: HanseNode): number {
  return node.network?.libp2p.services.pubsub.getTopics().length ?? 0
}

function equal(a: Space, b: Space): boolean {
  return a.status().clockRoot === b.status().clockRoot
}

function pairs(alice: HanseNode, bob: HanseNode): readonly (readonly [Space, Space])[] {
  const his = new Map(bob.spaces().map((space) => [space.id, space]))
  return alice.spaces().flatMap((hers) => {
    const same = his.get(hers.id)
    return same === undefined ? [] : [[hers, same] as const]
  })
}

/** Waits until every space has been compared since the last start. */
async function settle(node: HanseNode): Promise<void> {
  await until(
    () => node.spaces().every((space) => space.status().peers.some(({ inSync }) => inSync)),
    'compared',
  )
}

async function until(holds: () => boolean, what: string): Promise<void> {
  const end = performance.now() + WAIT_MS
  while (!holds()) {
    if (performance.now() > end)
      throw new Error(`not within ${WAIT_MS} ms: ${what}; ${JSON.stringify([...logged])}`)
    await pause(50)
  }
}

async function took(work: () => void | Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

async function idleCpu(): Promise<number> {
  await pause(2_000)
  const [start, cpu] = [performance.now(), process.cpuUsage()]
  await pause(IDLE_MS)
  const { user, system } = process.cpuUsage(cpu)
  return ((user + system) / 1_000 / (performance.now() - start)) * 100
}

function memoryMiB(): number {
  globalThis.gc?.()
  return process.memoryUsage().rss / 2 ** 20
}

function handles(): number {
  return readdirSync('/proc/self/fd').length
}
