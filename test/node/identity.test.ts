import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SyncSpace } from '../../protocols/sync/index.ts'
import { fromHex } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/hash.ts'
import { FUTURE_TOLERANCE_MS, OWN_HEAD_CLAIM_MS, OWN_HEAD_CLAIM_PAUSE_MS } from '../../src/core/limits.ts'
import { parseDid } from '../../src/core/principal.ts'
import { initDataDirectory, type NodeStorage, openDataDirectory } from '../../src/node/data-directory.ts'
import { decodeIdentityRecord, encodeIdentityRecord } from '../../src/node/identity-record.ts'
import { createNode, HanseNode } from '../../src/node/node.ts'
import type { NodeOptions } from '../../src/node/node-options.ts'
import { onOwnScope } from '../../src/node/network/sync-space.ts'
import type { Space } from '../../src/node/space/space.ts'
import { NOW_MS, seedNamed } from '../cast.ts'
import { withCode } from '../cli/matchers.ts'
import { createFederation, until, untilEqual } from './federation.ts'

const federation = createFederation()
const nodes: HanseNode[] = []
let folder: string
let nowMs = NOW_MS

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hanse-identity-'))
  nowMs = NOW_MS
})
afterEach(async () => {
  await Promise.all(nodes.splice(0).map(async (node) => await node.stop()))
  await federation.stopAll()
  rmSync(folder, { recursive: true, force: true })
})

/** A node on a data directory of that name, without a network. */
async function offline(name: string, options: NodeOptions = {}): Promise<HanseNode> {
  const node = await createNode({
    dataDirectory: join(folder, name),
    online: false,
    now,
    ...options,
  })
  nodes.push(node)
  return node
}

/** A copy of a data directory, as `cp -r` makes it. */
function copy(from: string, to: string): void {
  cpSync(join(folder, from), join(folder, to), { recursive: true })
}

const now = () => nowMs++

/** Gives `to` everything that `from` has. */
async function carry(from: Space, to: Space): Promise<void> {
  const all = Array.from({ length: from.hosted.store.count() }, (_, ordinal) =>
    from.hosted.operation(ordinal),
  )
  await to.hosted.replica.receive(all, 'by hand')
}

const marksOf = (name: string): readonly string[] =>
  readdirSync(join(folder, name)).filter((file) => file.startsWith('place-'))
const onlySpace = (node: HanseNode): Space => node.spaces()[0] as Space
const stateOf = (node: HanseNode) => node.identity.status().state

/** Alice owns a space that bob writes in; both are on disk, and stopped. */
async function aliceAndBob(): Promise<void> {
  const [alice, bob] = [await offline('alice'), await offline('bob')]
  const space = alice.createSpace({ name: 'harbour' })
  space.put('notes/a', 1)
  const bobs = bob.join(space.invite({ role: 'writer' }))
  await carry(space, bobs)
  bobs.publishPendingTokens()
  await carry(bobs, space)
  await alice.stop()
  await bob.stop()
}

const POWER_FAILURE = new Error('the power is gone')
const fail = () => {
  throw POWER_FAILURE
}

/** Where a rotation may be interrupted, and what of the storage fails then. `keys`: the folder of the keys. */
const INTERRUPTIONS: readonly (readonly [
  string,
  (storage: NodeStorage, keys: string) => Partial<NodeStorage>,
])[] = [
  ['once the next key is there', (storage) => ({ acceptPlace: failingAt(1, storage) })],
  ['before the next key takes its place', ({ keys }) => ({ keys: wrap(keys, { promoteNext: fail }) })],
  [
    'once the former key is kept',
    ({ keys }, files) => ({
      keys: wrap(keys, {
        promoteNext: () => {
          cpSync(join(files, 'author.key'), join(files, 'author-1.key'))
          fail()
        },
      }),
    }),
  ],
  ['once it has taken its place', (storage) => ({ acceptPlace: failingAt(2, storage) })],
  ['before that is noted', () => ({ putNote: fail })],
]

/** Accepts the place, and fails instead at the given call. */
function failingAt(call: number, storage: NodeStorage): () => void {
  let calls = 0
  return () => {
    if (++calls === call) fail()
    storage.acceptPlace()
  }
}

describe('a copied data directory', () => {
  beforeEach(aliceAndBob)

  it('reads and takes what others wrote, and writes nothing until the user has decided', async () => {
    copy('alice', 'copy')
    const original = await offline('alice')
    onlySpace(original).put('notes/b', 'after the copy')
    for (const name of ['copy', 'copy']) {
      const node = await offline(name)
      const space = onlySpace(node)
      expect(stateOf(node)).toBe('restored')
      expect(() => space.put('notes/b', 'forked')).toThrow(withCode('RESTORED', 'hanse identity recover'))
      expect(() => space.invite({ role: 'writer' })).not.toThrow()
      expect(() => space.revoke({ target: original.did })).toThrow()
      expect(space.get('notes/a')?.value).toBe(1)
      await node.stop()
    }
    expect(stateOf(original)).toBe('sound')
    // A space that it makes now cannot have been written in elsewhere.
    const node = await offline('copy')
    expect(() => node.createSpace({ name: 'new' }).put('x', 1)).not.toThrow()
    expect(() => node.spaces().map((space) => space.put('y', 1))).toThrow(withCode('RESTORED'))
  })

  it('is recognised however it was made, and a renamed one is none', async () => {
    renameSync(join(folder, 'alice'), join(folder, 'renamed'))
    const renamed = await offline('renamed')
    expect(stateOf(renamed)).toBe('sound')
    await renamed.stop()
    // The keys alone; then an older state of one space; then another's file among one's own.
    mkdirSync(join(folder, 'keys only', 'spaces'), { recursive: true })
    cpSync(join(folder, 'renamed', 'keys'), join(folder, 'keys only', 'keys'), { recursive: true })
    expect(stateOf(await offline('keys only'))).toBe('restored')
    const [file] = readdirSync(join(folder, 'renamed', 'spaces')).filter((name) => name.endsWith('.sqlite'))
    const kept = join(folder, 'renamed', 'spaces', file as string)
    cpSync(kept, `${kept}.old`)
    renameSync(`${kept}.old`, kept)
    expect(stateOf(await offline('renamed'))).toBe('restored')
    const moved = join(folder, 'bob', 'spaces')
    cpSync(moved, `${moved}.old`, { recursive: true })
    rmSync(moved, { recursive: true })
    renameSync(`${moved}.old`, moved)
    expect(stateOf(await offline('bob'))).toBe('restored')
  })

  it.each([
    ['made while the node was stopped', false, false],
    ['made while the node ran', true, false],
    ['without what it did not hold', false, true],
  ])('is recognised where a backup was copied over what is there: %s', async (_what, isHot, isMirror) => {
    const [alice, backup] = [join(folder, 'alice'), join(folder, 'backup')]
    if (!isHot) copy('alice', 'backup')
    const node = await offline('alice')
    if (isHot) copy('alice', 'backup')
    onlySpace(node).put('notes/later', 1)
    await node.stop()
    const files = readdirSync(alice, { recursive: true, encoding: 'utf8' })
    const before = new Map(files.map((file) => [file, statSync(join(alice, file)).ino]))
    // As `cp` does: into the files that are there.
    for (const file of readdirSync(backup, { recursive: true, encoding: 'utf8' })) {
      if (!statSync(join(backup, file)).isFile()) continue
      writeFileSync(join(alice, file), readFileSync(join(backup, file)))
    }
    if (isMirror) for (const file of files) if (!existsSync(join(backup, file))) rmSync(join(alice, file))
    for (const file of ['.', 'node.sqlite', join('keys', 'author.key')])
      expect(statSync(join(alice, file)).ino).toBe(file === '.' ? statSync(alice).ino : before.get(file))
    const restored = await offline('alice')
    expect(stateOf(restored)).toBe('restored')
    expect(() => onlySpace(restored).put('notes/forked', 1)).toThrow(withCode('RESTORED'))
  })

  it('is none where the same node begins and ends, however often, and one mark is left of it', async () => {
    for (let i = 0; i < 3; i++) {
      const node = await offline('alice')
      expect(stateOf(node)).toBe('sound')
      onlySpace(node).put('notes/again', i)
      await node.stop()
    }
    expect(marksOf('alice')).toHaveLength(1)
  })

  it('is written in again where the user vouches that it was only moved', async () => {
    copy('alice', 'copy')
    rmSync(join(folder, 'alice'), { recursive: true })
    const node = await offline('copy')
    expect(node.identity.recover(node.spaces(), false)).toMatchObject([{ state: 'restored', isSound: false }])
    expect(node.identity.recover(node.spaces(), true)).toMatchObject([{ state: 'restored', isSound: true }])
    onlySpace(node).put('notes/b', 1)
    await node.stop()
    expect(stateOf(await offline('copy'))).toBe('sound')
  })

  it('finds its own head at a peer, and goes on from there without a fork', async () => {
    copy('alice', 'copy')
    const bob = await federation.start('bob', { dataDirectory: join(folder, 'bob'), now })
    const original = await offline('alice')
    onlySpace(original).put('notes/b', 'after the copy')
    await carry(onlySpace(original), onlySpace(bob))
    await original.stop()
    const node = await federation.start('copy', {
      dataDirectory: join(folder, 'copy'),
      peers: bob.addresses,
      now,
    })
    const space = onlySpace(node)
    await untilEqual(onlySpace(bob), space)
    await space.sync()
    // Two reasons by now: the place, and operations of its own that it did not make.
    expect(() => space.put('notes/c', 1)).toThrow(withCode('OWN_HEAD_BEHIND'))
    expect(node.identity.recover([space], false)).toMatchObject([{ state: 'behind', isSound: true }])
    space.put('notes/c', 'by the copy')
    await untilEqual(space, onlySpace(bob))
    expect(onlySpace(bob).status().forkedAuthors).toEqual([])
    expect(onlySpace(bob).get('notes/c')?.value).toBe('by the copy')
    await node.stop()
    expect(stateOf(await offline('copy'))).toBe('sound')
  })
})

describe('proofs that are older than a copy', () => {
  it('do not recover it', async () => {
    const alice = await federation.start('alice', { dataDirectory: join(folder, 'alice') })
    const space = alice.createSpace({ name: 'harbour' })
    const bob = await federation.start('bob', { peers: alice.addresses })
    const bobs = bob.join(space.invite({ role: 'writer' }))
    await until(space, () => space.status().authors === 2, 'what bob joined with has arrived')
    await untilEqual(space, bobs)
    await space.sync()
    expect(space.status().peers).toMatchObject([{ inSync: true }])
    await alice.stop()
    copy('alice', 'copy')
    const node = await offline('copy', { now: () => Date.now() + 1 })
    expect(onlySpace(node).status().peers).toMatchObject([{ inSync: true }])
    expect(node.identity.recover(node.spaces(), false)).toMatchObject([{ state: 'restored', isSound: false }])
  })
})

describe('operations of our own that others bring', () => {
  beforeEach(aliceAndBob)

  it('stop writing, also after a restart, where two nodes run with one key', async () => {
    copy('alice', 'copy')
    const twin = await offline('copy')
    twin.identity.recover(twin.spaces(), true)
    onlySpace(twin).put('notes/b', 'by the twin')
    const seeing = await offline('alice')
    await carry(onlySpace(twin), onlySpace(seeing))
    const expectToBeBehind = (node: HanseNode) => {
      expect(onlySpace(node).status().writing).toBe('OWN_HEAD_BEHIND')
      expect(() => onlySpace(node).put('notes/c', 1)).toThrow(withCode('OWN_HEAD_BEHIND', 'identity rotate'))
      // To vouch for the copy does not help against what has been seen, and nobody is in sync.
      expect(node.identity.recover(node.spaces(), true)).toMatchObject([{ isSound: false }])
    }
    await seeing.stop()
    const reopened = await offline('alice')
    expectToBeBehind(reopened)
    await reopened.stop()
    const node = await offline('alice')
    expectToBeBehind(node)
    expect(onlySpace(node).status().forkedAuthors).toEqual([])
    // The other one goes on with the key; this one takes another.
    node.identity.rotate()
    onlySpace(node).put('notes/c', 'by the new key')
    await carry(onlySpace(node), onlySpace(twin))
    expect(onlySpace(twin).get('notes/c')?.value).toBe('by the new key')
    onlySpace(twin).put('notes/d', 1)
    expect(onlySpace(twin).status().forkedAuthors).toEqual([])
  })

  it('count also where they waited here for others', async () => {
    copy('alice', 'copy')
    const twin = await offline('copy')
    twin.identity.recover(twin.spaces(), true)
    const from = onlySpace(twin)
    from.put('notes/b', 1)
    from.put('notes/c', 1)
    const node = await offline('alice')
    const last = from.hosted.store.count() - 1
    const { replica } = onlySpace(node).hosted
    await replica.receive([from.hosted.operation(last)], 'a peer')
    expect(stateOf(node)).toBe('sound')
    await replica.receive([from.hosted.operation(last - 1)], 'a peer')
    expect(stateOf(node)).toBe('behind')
  })

  it('count also where they waited here for their time', async () => {
    copy('alice', 'copy')
    const twin = await offline('copy', { now: () => nowMs + 2 * FUTURE_TOLERANCE_MS })
    twin.identity.recover(twin.spaces(), true)
    onlySpace(twin).put('notes/b', 1)
    const node = await offline('alice')
    await carry(onlySpace(twin), onlySpace(node))
    expect(onlySpace(node).status().held).toEqual({ FUTURE: 1 })
    expect(stateOf(node)).toBe('sound')
    nowMs += 2 * FUTURE_TOLERANCE_MS
    onlySpace(node).hosted.replica.promoteDue()
    expect(stateOf(node)).toBe('behind')
  })

  it('lies of peers about our own log stop writing for half a minute in ten', async () => {
    const node = await offline('alice')
    const space = onlySpace(node)
    const view = space.hosted.view()
    const lie = (text: string) => view.claim(sha256(new TextEncoder().encode(text)), node.author.publicKey)
    lie('one')
    expect(() => space.put('x', 1)).toThrow(withCode('OWN_HEAD_BEHIND', 'try again'))
    nowMs += OWN_HEAD_CLAIM_MS
    space.put('x', 1)
    lie('two')
    space.put('x', 2)
    nowMs += OWN_HEAD_CLAIM_PAUSE_MS
    lie('three')
    expect(() => space.put('x', 3)).toThrow(withCode('OWN_HEAD_BEHIND'))
    // Of others they may say what they like.
    nowMs += OWN_HEAD_CLAIM_PAUSE_MS
    view.claim(sha256(new Uint8Array(1)), seedNamed('somebody'))
    space.put('x', 4)
  })

  it('a damaged record of it counts for a restored backup', () => {
    const record = { sinceMs: 1, untilMs: { ab: 2 }, restored: null, behind: {} }
    expect(decodeIdentityRecord(encodeIdentityRecord(record))).toEqual(record)
    const restored = { author: 'ab', sinceMs: 1, mended: ['cd'] }
    const full = { ...record, restored }
    expect(decodeIdentityRecord(encodeIdentityRecord(full))).toEqual(full)
    for (const damage of [
      { ...record, behind: { xyz: 1 } },
      { ...record, untilMs: 1 },
      { ...record, restored: { ...restored, mended: [1] } },
      { ...record, restored: 'yes' },
      { ...record, sinceMs: null },
    ]) {
      expect(decodeIdentityRecord(encodeIdentityRecord(damage as never))).toBeNull()
    }
    expect(decodeIdentityRecord(new Uint8Array(3))).toBeNull()
  })
})

describe('a rotation', () => {
  beforeEach(aliceAndBob)

  it('gives all that the key holds to the next one, says so, and keeps the former key', async () => {
    const node = await offline('alice')
    const before = node.did
    const report = node.identity.rotate()
    expect(report).toMatchObject({
      previous: before,
      spaces: [{ outcome: { step: 'announced', lostChains: 0 } }],
    })
    expect(node.did).toBe(report.did)
    onlySpace(node).put('notes/b', 'by the new key')
    expect(node.identity.status()).toMatchObject({
      did: report.did,
      state: 'sound',
      previous: [{ did: before }],
      next: null,
      spaces: [{ state: 'sound', operations: 1, holds: ['/'] }],
    })
    const bob = await offline('bob')
    await carry(onlySpace(node), onlySpace(bob))
    expect(onlySpace(bob).get('notes/b')?.value).toBe('by the new key')
    expect(onlySpace(bob).delegations()).toContainEqual(
      expect.objectContaining({ issuer: before, audience: report.did, state: 'active', rotation: true }),
    )
    const [first] = onlySpace(bob).log('notes/a')
    expect(onlySpace(bob).explain(first?.id ?? '')).toMatchObject({ author: before, nextKeys: [report.did] })
    // The new owner grants, as the old one did.
    onlySpace(node).grant({ to: bob.did, role: 'admin' })
    const keys = join(folder, 'alice', 'keys')
    expect(readdirSync(keys).toSorted()).toEqual(['author-1.key', 'author.key', 'peer.key'])
    expect(statSync(join(keys, 'author-1.key')).mode & 0o777).toBe(0o600)
    expect(statSync(join(keys, 'author.key')).mode & 0o777).toBe(0o600)
    await node.stop()
    const again = await offline('alice')
    expect(again.did).toBe(report.did)
    expect(stateOf(again)).toBe('sound')
    const { did } = again.identity.rotate()
    expect(again.identity.status().previous.map((key) => key.did)).toEqual([before, report.did])
    onlySpace(again).put('notes/c', did)
  })

  it.each(INTERRUPTIONS)('is finished at the next start, with the same key: %s', async (_what, interrupt) => {
    const opened = openDataDirectory(join(folder, 'alice'))
    if (!opened.ok) throw new Error(opened.fault.detail)
    const storage = wrap(opened.value, interrupt(opened.value, join(folder, 'alice', 'keys')))
    const node = new HanseNode({ online: false, now }, storage)
    node.openSpaces()
    const before = node.did
    expect(() => node.identity.rotate()).toThrow(POWER_FAILURE)
    await node.stop()
    const again = await offline('alice')
    expect(again.did).not.toBe(before)
    expect(again.identity.status()).toMatchObject({
      state: 'sound',
      next: null,
      previous: [{ did: before }],
      spaces: [{ holds: ['/'] }],
    })
    onlySpace(again).put('notes/b', 1)
    // Given once, and to that key alone.
    const given = onlySpace(again)
      .delegations()
      .filter(({ issuer }) => issuer === before)
    expect(given.filter(({ rotation }) => rotation).map(({ audience }) => audience)).toEqual([again.did])
    expect(onlySpace(again).status().forkedAuthors).toEqual([])
  })

  it('is not finished in a copy, whose original may have done so', async () => {
    const opened = openDataDirectory(join(folder, 'alice'))
    if (!opened.ok) throw new Error(opened.fault.detail)
    opened.value.keys.prepareNext()
    opened.value.close()
    copy('alice', 'copy')
    const original = await offline('alice')
    const node = await offline('copy')
    expect(node.did).not.toBe(original.did)
    expect(node.identity.status()).toMatchObject({ state: 'restored', next: null, previous: [] })
    expect(existsSync(join(folder, 'copy', 'keys', 'author-unused-1.key'))).toBe(true)
    node.identity.rotate()
    expect(node.did).not.toBe(original.did)
  })

  it('of a key whose log may be longer elsewhere does not go on with it', async () => {
    copy('alice', 'copy')
    const original = await offline('alice')
    onlySpace(original).put('notes/b', 'after the copy')
    const node = await offline('copy')
    const before = fromDid(node.did)
    const logBefore = onlySpace(node).hosted.store.heads(before)
    const report = node.identity.rotate()
    expect(report.spaces).toMatchObject([{ outcome: { step: 'delegated' } }])
    expect(onlySpace(node).hosted.store.heads(before)).toEqual(logBefore)
    onlySpace(node).put('notes/c', 'by the new key')
    expect(stateOf(node)).toBe('sound')
    const bob = await offline('bob')
    await carry(onlySpace(node), onlySpace(bob))
    await carry(onlySpace(original), onlySpace(bob))
    expect(onlySpace(bob).status().forkedAuthors).toEqual([])
    expect(onlySpace(bob).get('notes/b')?.value).toBe('after the copy')
    expect(onlySpace(bob).get('notes/c')?.value).toBe('by the new key')
  })

  it('goes on where the key has forked, and what was forked stays as it is', async () => {
    copy('bob', 'copy')
    const twin = await offline('copy')
    // A user who vouched for what was not so.
    twin.identity.recover(twin.spaces(), true)
    onlySpace(twin).put('notes/twin', 1)
    const node = await offline('bob')
    onlySpace(node).put('notes/own', 1)
    await carry(onlySpace(twin), onlySpace(node))
    expect(node.identity.status()).toMatchObject({ state: 'forked' })
    expect(() => onlySpace(node).put('notes/c', 1)).toThrow(withCode('OWN_FORK', 'hanse identity rotate'))
    node.identity.recover(node.spaces(), true)
    expect(stateOf(node)).toBe('forked')
    expect(node.identity.rotate().spaces).toMatchObject([{ outcome: { step: 'delegated' } }])
    onlySpace(node).put('notes/c', 'by the new key')
    const alice = await offline('alice')
    await carry(onlySpace(node), onlySpace(alice))
    expect(onlySpace(alice).get('notes/c')?.value).toBe('by the new key')
    expect(onlySpace(alice).get('notes/own')?.value).toBe(1)
  })

  it('says in which spaces the next key gets nothing, and goes on in the others', async () => {
    const [alice, bob] = [await offline('alice'), await offline('bob')]
    const second = alice.createSpace({ name: 'strict' })
    const bobs = bob.join(second.invite({ role: 'writer', depth: 0 }))
    await carry(second, bobs)
    bobs.publishPendingTokens()
    const report = bob.identity.rotate()
    const strict = report.spaces.find(({ name }) => name === 'strict')
    expect(strict).toMatchObject({ outcome: null, fault: { code: 'CAP_CHAIN' } })
    expect(strict?.fault?.detail).toContain(`hanse grant ${report.did}`)
    expect(report.spaces.find(({ name }) => name === 'harbour')).toMatchObject({ fault: null })
    expect(() => bobs.put('x', 1)).toThrow(withCode('CAP_MISSING'))
    // Which an admin mends.
    await carry(bobs, second)
    second.grant({ to: report.did, role: 'writer' })
    await carry(second, bobs)
    bobs.put('x', 1)
    // Chains of at most eight: each rotation makes them one longer.
    const steps: (string | undefined)[] = []
    for (let i = 0; i < 8; i++)
      steps.push(alice.identity.rotate().spaces.find(({ name }) => name === 'harbour')?.outcome?.step)
    expect(steps.indexOf(undefined)).toBe(7)
  })

  it('of a guest who has published nothing yet is published with what it joined with', async () => {
    const alice = await offline('alice')
    const carol = await offline('carol')
    const carols = carol.join(onlySpace(alice).invite({ role: 'writer' }))
    await carry(onlySpace(alice), carols)
    expect(carol.identity.rotate().spaces).toMatchObject([{ outcome: { step: 'delegated' } }])
    carols.put('notes/carol', 1)
    await carry(carols, onlySpace(alice))
    expect(onlySpace(alice).get('notes/carol')?.value).toBe(1)
  })

  it('of a guest who has seen nothing yet goes along with what it joined with', async () => {
    const alice = await offline('alice')
    const carol = await offline('carol')
    const carols = carol.join(onlySpace(alice).invite({ role: 'writer' }))
    expect(carol.identity.rotate().spaces).toMatchObject([{ outcome: { step: 'pending' } }])
    await carry(onlySpace(alice), carols)
    carols.publishPendingTokens()
    carols.put('notes/carol', 1)
    await carry(carols, onlySpace(alice))
    expect(onlySpace(alice).get('notes/carol')?.value).toBe(1)
  })

  it('is followed by reading: links are proved anew by the next key', async () => {
    const alice = await federation.start('alice')
    const space = alice.createSpace({ name: 'closed', openReading: false })
    const bob = await federation.start('bob', { peers: alice.addresses })
    const bobs = bob.join(space.invite({ role: 'writer' }))
    await until(space, () => space.status().authors === 2, 'what bob joined with has arrived')
    await untilEqual(space, bobs)
    bobs.put('notes/before', 1)
    await untilEqual(bobs, space)
    const { did } = bob.identity.rotate()
    await until(space, () => space.status().peers[0]?.receipt?.reader === did, 'a receipt by the next key')
    expect(space.status().peers).toMatchObject([{ refused: {}, lastFault: null }])
    bobs.put('notes/after', 'by the new key')
    await untilEqual(bobs, space)
    expect(space.get('notes/after')?.value).toBe('by the new key')
    space.put('notes/for-bob', 'a body that he may read')
    await untilEqual(space, bobs)
    await bobs.sync()
    expect(bobs.get('notes/for-bob')?.value).toBe('a body that he may read')
    expect(bobs.status().peers).toMatchObject([{ inSync: true, refused: {} }])
    // What he was given before is no more than the next key needs: the receipt is by that key.
    await until(space, () => space.status().peers[0]?.inSync === true, 'in sync on the other side')
    expect(space.status().peers).toMatchObject([{ inSync: true, receipt: { reader: did }, lastFault: null }])
  })
})

describe('whoever shows what this node may read', () => {
  beforeEach(aliceAndBob)

  it('is told that another key reads now, once it does', async () => {
    const node = await offline('alice')
    const { hosted } = onlySpace(node)
    const readers: string[] = []
    const ownScope = () => hosted.reading.scopeOf(node.author.publicKey, nowMs)
    const onChange = () => readers.push(node.did)
    onOwnScope(hosted, { ownScope } as SyncSpace, () => nowMs, onChange)
    const { did } = node.identity.rotate()
    expect(readers).toEqual([did])
  })
})

describe('a new data directory', () => {
  it('is sound from its first moment, however often it is made', async () => {
    const made = initDataDirectory(join(folder, 'new'))
    expect([made, initDataDirectory(join(folder, 'new'))]).toEqual([true, false])
    const node = await offline('new')
    expect(stateOf(node)).toBe('sound')
    node.createSpace({ name: 'first' }).put('x', 1)
    await node.stop()
    expect(stateOf(await offline('new'))).toBe('sound')
  })
})

function fromDid(did: string): Uint8Array {
  const parsed = parseDid(did)
  return parsed.ok ? parsed.value : (fromHex('') as Uint8Array)
}

/** An object with some of its members replaced; the others are called on the object itself. */
function wrap<T extends object>(whole: T, parts: Partial<T>): T {
  return new Proxy(whole, {
    get: (target, name) => {
      if (Object.hasOwn(parts, name)) return parts[name as keyof T]
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
