/**
 * Measures what the steps of a node cost on this machine, and writes it to costs.json beside this file:
 *
 *     node simulation/scale/measure-costs.ts
 *
 * Two real nodes over TCP on loopback, and their parts by themselves. Takes about a minute; nothing else should run meanwhile.
 */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { createBootstrapNode } from '../../bootstrap/node.ts'
import {
  decodeOperation,
  encodeOperation,
  signatureClaim,
  type Operation,
} from '../../src/core/operation/operation.ts'
import type { SignatureVerifier } from '../../src/core/native-signature.ts'
import { orThrow } from '../../src/node/fault-error.ts'
import { createNode, type HanseNode } from '../../src/node/node.ts'
import { HostedSpace } from '../../src/node/space/hosted-space.ts'
import type { Space } from '../../src/node/space/space.ts'
import { openSqliteSpaceStore } from '../../src/storage/sqlite/open.ts'
import type { Costs } from './costs.ts'
import { countWireBytes, until } from './measuring.ts'

const OPERATIONS = 2_000
const REPEATS = 200
const IDLE_MS = 10_000
/** Between two operations that go round by themselves, in ms. */
const SPACED_MS = 30
/** Listeners more than one, over which the cost of one more is measured. */
const LISTENERS = 4
/** Takes every signature for good: what it costs to check them is measured by itself. */
const BELIEVING: SignatureVerifier = {
  verifySync: () => true,
  verifyAsync: async () => await Promise.resolve(true),
  acceptAll: async (claims) => await Promise.resolve(claims.map(() => true)),
}
const folder = mkdtempSync(join(tmpdir(), 'hanse-costs-'))
const wire = countWireBytes()

try {
  const parts = await measureParts()
  const pair = await measurePair(parts.bytes.operation, parts.cpuUs)
  const introducer = await measureIntroducer()
  const costs: Costs = {
    measured: {
      machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
      node: process.version,
      commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
      date: new Date().toISOString().slice(0, 10),
    },
    cpuUs: rounded({ ...parts.cpuUs, ...pair.cpuUs }),
    bytes: rounded({ ...parts.bytes, ...pair.bytes, ...introducer }),
  }
  writeFileSync(new URL('./costs.json', import.meta.url), `${JSON.stringify(costs, null, 2)}\n`)
  console.log(JSON.stringify(costs, null, 2))
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Codec, signatures and admission, without a network. */
async function measureParts() {
  const node = await createNode({ online: false })
  const space = node.createSpace({ name: 'costs' })
  for (let i = 0; i < OPERATIONS; i++) put(space, i)
  const operations = operationsOf(space)
  const [genesis, ...rest] = operations as readonly [Operation, ...Operation[]]
  const envelopes = rest.map((operation) => encodeOperation(operation))
  const writing = await createNode({ dataDirectory: join(folder, 'writing'), online: false })
  const written = writing.createSpace({ name: 'writing' })
  const cpuUs = {
    encode: await cpuEach(rest, (operation) => encodeOperation(operation)),
    decode: await cpuEach(envelopes, (envelope) => decodeOperation(envelope)),
    verify:
      (await cpuEach([rest], async () => {
        const accepted = await node.verifier.acceptAll(rest.map(signatureClaim))
        if (accepted.includes(false)) throw new Error('an honest signature was not accepted')
      })) / rest.length,
    admitInBatch: await admitting('batch', genesis, rest, 256),
    admitAlone: await admitting('alone', genesis, rest, 1),
    write: await cpuEach(rest, (_, i) => put(written, i)),
  }
  await node.stop()
  await writing.stop()
  const operation = envelopes.reduce((sum, { length }) => sum + length, 0) / envelopes.length
  return { cpuUs, bytes: { operation } }
}

/** Two nodes that share a space. */
async function measurePair(
  operationBytes: number,
  parts: {
    readonly decode: number
    readonly admitAlone: number
  },
) {
  const alice = await start('alice')
  const bob = await start('bob')
  const hers = alice.createSpace({ name: 'pair' })
  put(hers, 0)
  await bob.network?.reach(addressOf(alice), AbortSignal.timeout(10_000))
  const connections = await both(20, async () => {
    await bob.network?.libp2p.hangUp(peerOf(bob))
    await until(() => alice.network?.connectedPeers().length === 0, 'both have hung up')
    await bob.network?.reach(addressOf(alice), AbortSignal.timeout(10_000))
    // Libp2p turns away who comes back too soon.
    await pause(200)
  })
  const his = bob.join(hers.invite({ role: 'writer' }))
  await until(() => equal(hers, his, 3), 'bob has joined')
  await pause(2_000)
  const quiet = await both(REPEATS, async () => void (await his.sync(alice.peerId)))
  const { sync } = bob.network?.libp2p.services ?? {}
  const reopened = await both(REPEATS, async () => {
    sync?.letGo(his.hosted.id)
    await until(
      () => alice.network?.libp2p.services.sync.isProven(peerOf(alice), his.hosted.id) === false,
      'let go',
    )
    await his.sync(alice.peerId)
  })
  const one = await spreading(hers, [his])
  const few = await catchUp(hers, his, alice, bob, 10)
  const many = await catchUp(hers, his, alice, bob, 1_010)
  const more: HanseNode[] = []
  for (let i = 0; i < LISTENERS; i++) more.push(await start(`listener ${i}`))
  const theirs = more.map((node) => node.join(hers.invite({ role: 'writer' })))
  await until(() => theirs.every((space) => equal(hers, space, hers.hosted.store.count())), 'all have joined')
  await pause(2_000)
  const toMany = await spreading(hers, [his, ...theirs])
  for (const node of [...more, bob, alice]) await node.stop()
  const runPerOperation = (many - few) / 1_000
  return {
    cpuUs: {
      connection: connections.cpuUs,
      handshake: Math.max(0, reopened.cpuUs - quiet.cpuUs),
      quietRun: quiet.cpuUs,
      // The signature is checked once in this process.
      gossipMessage: Math.max(0, (toMany.cpuUs - one.cpuUs) / LISTENERS - parts.decode - parts.admitAlone),
    },
    bytes: {
      connection: connections.bytes,
      handshake: reopened.bytes - quiet.bytes,
      quietRun: quiet.bytes,
      run: Math.max(0, few - 10 * runPerOperation - connections.bytes - (reopened.bytes - quiet.bytes)),
      runPerOperation,
      gossipMessage: one.bytes - operationBytes,
      idlePerSecond: one.idleBytesPerSecond,
    },
  }
}

/** What an operation costs that goes round by itself, from the write to the last listener, without what idling costs. */
async function spreading(hers: Space, listeners: readonly Space[]) {
  const live = await both(REPEATS, async () => {
    const next = hers.hosted.store.count()
    const signal = AbortSignal.timeout(10_000)
    const arrived = Promise.all(
      listeners.map(async (space) => void (await once(space, 'change', { signal }))),
    )
    put(hers, 10_000 + next)
    await arrived
    await pause(SPACED_MS)
  })
  await pause(5_000)
  const idle = await both(1, async () => await pause(IDLE_MS))
  const part = SPACED_MS / IDLE_MS
  return {
    cpuUs: live.cpuUs - part * idle.cpuUs,
    bytes: live.bytes - part * idle.bytes,
    idleBytesPerSecond: idle.bytes / (IDLE_MS / 1_000),
  }
}

/** Bytes of reconnecting after so many operations were written on one side, all together. */
async function catchUp(
  hers: Space,
  his: Space,
  alice: HanseNode,
  bob: HanseNode,
  count: number,
): Promise<number> {
  await bob.network?.libp2p.hangUp(peerOf(bob))
  await until(() => alice.network?.connectedPeers().length === 0, 'both have hung up')
  const from = 100_000 + hers.hosted.store.count()
  for (let i = 0; i < count; i++) put(hers, from + i)
  const before = wire()
  await bob.network?.reach(addressOf(alice), AbortSignal.timeout(10_000))
  await until(() => equal(hers, his, hers.hosted.store.count()), 'bob has caught up')
  await pause(300)
  return wire() - before
}

async function measureIntroducer() {
  const introducer = orThrow(
    await createBootstrapNode({
      privateKey: await generateKeyPair('Ed25519'),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      announce: [],
      maxConnections: 16,
      registrationTtlSeconds: 7_200,
      relayReservations: 16,
      relayDurationSeconds: 3_600,
      relayDataBytes: 1024 * 1024,
    }),
  )
  const node = await start('introduced')
  const other = await start('other')
  const [address] = introducer.addresses()
  const target = multiaddr(address)
  const topic = new Uint8Array(32).fill(7)
  const signal = AbortSignal.timeout(60_000)
  const { introductions } = node.network?.libp2p.services ?? {}
  await other.network?.libp2p.services.introductions.register(target, [topic], signal)
  await introductions?.register(target, [topic], signal)
  await pause(500)
  const registration = await both(
    40,
    async () => void (await introductions?.register(target, [topic], signal)),
  )
  await pause(15_000)
  const query = await both(40, async () => void (await introductions?.query(target, topic, { signal })))
  await node.stop()
  await other.stop()
  await introducer.stop()
  return { registration: registration.bytes, query: query.bytes }
}

async function admitting(
  name: string,
  genesis: Operation,
  operations: readonly Operation[],
  at: number,
): Promise<number> {
  const identity = { spaceId: genesis.id, spaceKey: genesis.header.author }
  const store = orThrow(
    openSqliteSpaceStore({ file: join(folder, `${name}.sqlite`), ...identity, create: true }),
  )
  const { replica } = new HostedSpace(store, BELIEVING, () => Date.now())
  await replica.receive([genesis], 'measure')
  const batches = Array.from({ length: Math.ceil(operations.length / at) }, (_, i) =>
    operations.slice(i * at, (i + 1) * at),
  )
  const each = await cpuEach(batches, async (batch) => await replica.receive(batch, 'measure'))
  if (store.count() !== operations.length + 1) throw new Error('not everything was admitted')
  store.close()
  return (each * batches.length) / operations.length
}

async function start(name: string): Promise<HanseNode> {
  return await createNode({
    dataDirectory: join(folder, name),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    dht: false,
    relay: false,
    antiEntropyIntervalMs: 3_600_000,
  })
}

function pathOf(i: number): string {
  return `notes/${i}`
}

function put(space: Space, i: number): void {
  space.put(pathOf(i), { text: `a note of some fifty characters, number ${i}`, done: false })
}

function operationsOf({ hosted }: Space): readonly Operation[] {
  return Array.from({ length: hosted.store.count() }, (_, ordinal) => hosted.operation(ordinal))
}

function addressOf(node: HanseNode) {
  return multiaddr(node.addresses[0] ?? '')
}

/** The other node of the only connection. */
function peerOf(node: HanseNode) {
  const [peer] = node.network?.libp2p.getPeers() ?? []
  if (peer === undefined) throw new Error('not connected')
  return peer
}

function equal(a: Space, b: Space, count: number): boolean {
  return a.hosted.store.count() >= count && a.status().clockRoot === b.status().clockRoot
}

async function cpuEach<T>(items: readonly T[], work: (item: T, index: number) => unknown): Promise<number> {
  const before = process.cpuUsage()
  for (const [index, item] of items.entries()) await work(item, index)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / items.length
}

/** CPU and bytes of each of so many repetitions, both nodes together. */
async function both(count: number, work: (index: number) => Promise<void>) {
  // Once through the compiler; what is measured are the times after.
  for (let i = 0; i < Math.floor(count / 2); i++) await work(-1 - i)
  const before = { bytes: wire(), cpu: process.cpuUsage() }
  for (let i = 0; i < count; i++) await work(i)
  const { user, system } = process.cpuUsage(before.cpu)
  return { bytes: (wire() - before.bytes) / count, cpuUs: (user + system) / count }
}

function rounded<T extends Record<string, number>>(values: T): T {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, Number(value.toPrecision(3))]),
  ) as T
}
