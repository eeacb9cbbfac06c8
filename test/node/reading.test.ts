import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { HanseNode } from '../../src/node/node.ts'
import type { Space } from '../../src/node/space/space.ts'
import { createFederation, until, WAIT_MS } from './federation.ts'

const federation = createFederation()
afterEach(async () => await federation.stopAll())

const within = () => AbortSignal.timeout(WAIT_MS)
const statusOf = (space: Space, peer: HanseNode) =>
  space.status().peers.find((one) => one.peer === peer.peerId)

interface Members {
  readonly alice: HanseNode
  readonly bob: HanseNode
  readonly carol: HanseNode
  /** The space as each of them has it. */
  readonly hers: Space
  readonly his: Space
  readonly theirs: Space
}

/** Alice's space where reading is closed; bob may read `public`, carol read and write `notes`. */
async function createMembers(): Promise<Members> {
  const alice = await federation.start('alice')
  const hers = alice.createSpace({ name: 'the council', openReading: false })
  hers.put('public/a', 'for bob')
  hers.put('notes/a', 'for carol')
  hers.put('private/a', 'for alice alone')
  const bob = await federation.start('bob')
  const his = bob.join(hers.invite({ role: 'reader', path: 'public' }))
  const carol = await federation.start('carol')
  const theirs = carol.join(hers.invite({ role: 'writer', path: 'notes' }))
  const isIn = (node: HanseNode) => hers.hosted.store.heads(node.author.publicKey).length === 1
  await until(hers, () => isIn(bob) && isIn(carol), 'both have published what they joined with')
  await settle(hers, his, theirs)
  return { alice, bob, carol, hers, his, theirs }
}

/** Everybody has compared with everybody it is connected to, and all have the same headers. */
async function settle(hers: Space, ...others: readonly Space[]): Promise<void> {
  for (let i = 0; i < 3; i++) await hers.sync(undefined, within())
  for (const other of others)
    await until(other, () => other.status().clockRoot === hers.status().clockRoot, 'the same headers')
}

describe('where reading is closed', () => {
  test('each member holds every header, the bodies it may read and no other, and says so', async () => {
    const { alice, bob, carol, hers, his, theirs } = await createMembers()
    expect([...his.list()].map(({ path }) => path)).toEqual(['public/a'])
    expect([...theirs.list()].map(({ path }) => path)).toEqual(['notes/a'])
    expect(his.status()).toMatchObject({ selection: ['public'], absentBodies: 0, unreadable: 2 })
    expect(theirs.status()).toMatchObject({ selection: ['notes'], absentBodies: 0, unreadable: 2 })
    expect(hers.status()).toMatchObject({ selection: [''], absentBodies: 0, unreadable: 0 })
    expect(his.status().operations).toBe(hers.status().operations)
    expect(his.status().stateRoot).not.toBe(hers.status().stateRoot)
    await hers.sync(undefined, within())
    expect([statusOf(hers, bob)?.inSync, statusOf(hers, carol)?.inSync]).toEqual([true, true])
    expect([statusOf(his, alice)?.inSync, statusOf(theirs, alice)?.inSync]).toEqual([true, true])
  })

  test('what is written later reaches those who may read it, whoever wrote it, and nobody else', async () => {
    const { hers, his, theirs } = await createMembers()
    theirs.put('notes/c', 'by carol')
    await until(hers, () => hers.get('notes/c') !== undefined, 'alice reads what carol wrote')
    hers.put('public/b', 'news')
    hers.put('notes/b', 'more')
    await until(his, () => his.get('public/b') !== undefined, 'bob reads the news')
    await until(theirs, () => theirs.get('notes/b') !== undefined, 'carol reads more')
    await settle(hers, his, theirs)
    expect([...his.list()].map(({ path }) => path)).toEqual(['public/a', 'public/b'])
    expect([...theirs.list()].map(({ path }) => path)).toEqual(['notes/a', 'notes/b', 'notes/c'])
    expect(() => theirs.put('public/c', 'not hers to write')).toThrow('does not hold')
  })

  test('a wider grant brings the bodies that were withheld, and then the whole state', async () => {
    const { alice, bob, hers, his, theirs } = await createMembers()
    hers.grant({ to: bob.did, role: 'reader', path: 'notes' })
    await until(his, () => his.get('notes/a') !== undefined, 'bob reads the notes')
    expect(his.status()).toMatchObject({ selection: ['notes', 'public'], absentBodies: 0, unreadable: 1 })
    expect(his.get('private/a')).toBeUndefined()
    hers.grant({ to: bob.did, role: 'reader' })
    await until(his, () => his.get('private/a') !== undefined, 'bob reads all')
    await settle(hers, his, theirs)
    expect(his.status()).toMatchObject({
      selection: [''],
      absentBodies: 0,
      unreadable: 0,
      stateRoot: hers.status().stateRoot,
    })
    await until(his, () => statusOf(his, alice)?.inSync === true, 'bob is in sync with alice')
  })

  test('a partial replica hands on what it has to those who may read it, when nobody else is there', async () => {
    const { alice, bob, hers, his } = await createMembers()
    const dave = await federation.start('dave', { peers: bob.addresses })
    const link = hers.invite({ role: 'reader', addresses: false })
    await alice.stop()
    const daves = dave.join(link)
    await until(daves, () => daves.get('public/a') !== undefined, 'dave has what bob may read')
    expect(daves.get('notes/a')).toBeUndefined()
    await until(daves, () => daves.status().clockRoot === his.status().clockRoot, 'dave has all headers')
    expect(daves.status()).toMatchObject({ selection: [''], absentBodies: 2, unreadable: 0 })
    expect(statusOf(daves, bob)?.inSync).toBe(false)
  })
})

describe('where every member reads everything', () => {
  test('a reader cannot be limited to a path, and is told why', async () => {
    const alice = await federation.start('alice')
    const hers = alice.createSpace({ name: 'the square' })
    expect(() => hers.invite({ role: 'reader', path: 'public' })).toThrow(
      'every member of this space reads everything',
    )
  })
})

describe('receipts', () => {
  test('tell how many peers hold the last operation of this node, by their own signature', async () => {
    const { bob, carol, hers, his, theirs } = await createMembers()
    hers.put('public/b', 'news')
    expect(hers.status().acknowledged).toBe(0)
    await settle(hers, his, theirs)
    await until(hers, () => hers.status().acknowledged === 2, 'both have acknowledged')
    const { clockRoot, peers, localHead } = hers.status()
    expect(localHead).toBe(hers.log()[0]?.id)
    expect(peers.map(({ receipt }) => [receipt?.reader, receipt?.clockRoot])).toEqual(
      [bob, carol].map(({ did }) => [did, clockRoot]),
    )
    hers.put('public/c', 'newer')
    expect(hers.status().acknowledged).toBe(0)
  })

  test('are remembered across a restart', async () => {
    const dataDirectory = mkdtempSync(join(tmpdir(), 'hanse-receipts-'))
    try {
      const alice = await federation.start('alice', { dataDirectory })
      const hers = alice.createSpace({ name: 'the square' })
      const bob = await federation.start('bob')
      const his = bob.join(hers.invite({ role: 'writer' }))
      await until(his, () => his.name !== '', 'bob has the space')
      hers.put('public/a', 'news')
      await settle(hers, his)
      await until(hers, () => hers.status().acknowledged === 1, 'bob has acknowledged')
      const before = statusOf(hers, bob)?.receipt
      await alice.stop()
      const again = (await federation.start('alice', { dataDirectory, online: false })).space('the square')
      expect(statusOf(again, bob)).toMatchObject({ connected: false, receipt: before })
      expect(again.status().acknowledged).toBe(1)
      again.put('public/b', 'newer')
      expect(again.status().acknowledged).toBe(0)
    } finally {
      rmSync(dataDirectory, { recursive: true })
    }
  })
})
