import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { toHex } from '../../src/core/bytes.ts'
import { WRITES_TOGETHER_MS } from '../../src/core/limits.ts'
import { createSignatureVerifier } from '../../src/core/native-signature.ts'
import { FaultError } from '../../src/node/fault-error.ts'
import { createNode, type HanseNode } from '../../src/node/node.ts'
import { Replica } from '../../src/node/replica/replica.ts'
import { Soon } from '../../src/node/space/soon.ts'
import type { Space } from '../../src/node/space/space.ts'
import type { SpaceStore } from '../../src/storage/space-store.ts'
import { StoreError } from '../../src/storage/store-error.ts'
import { createFederation, until } from './federation.ts'

let alice: HanseNode
let space: Space
/** Durability of each transaction of the space's store. */
let transactions: string[]
/** What was told of, in order: the paths of each admission. */
let told: string[][]

beforeEach(async () => {
  alice = await createNode({ online: false })
  space = alice.createSpace({ name: 'home' })
  transactions = []
  told = []
  const { store } = space.hosted
  const transaction = store.transaction.bind(store)
  vi.spyOn(store, 'transaction').mockImplementation((durability, work) => {
    transactions.push(durability)
    return transaction(durability, work)
  })
  space.addEventListener('change', ({ detail }) => told.push(detail.touched.map(({ path }) => path)))
})

afterEach(async () => {
  vi.restoreAllMocks()
  await alice.stop()
})

describe('writeTogether', () => {
  test('makes an operation of each write and one transaction of all, and tells of them when they are on disk', () => {
    const before = space.hosted.store.count()
    const last = space.writeTogether(() => {
      space.put('a', 1)
      space.append('log', 'first')
      space.increment('count', 2)
      expect(told).toEqual([])
      return space.increment('count', 3)
    })
    expect(transactions).toEqual(['power'])
    expect(space.hosted.store.count()).toBe(before + 4)
    expect(space.log('count').map(({ id }) => id)).toContain(last)
    expect(told).toEqual([['a', 'log', 'count', 'count']])
    expect(space.get('count')?.value).toBe(5)
  })

  test('lets what comes later build on what came before, of every kind', () => {
    space.writeTogether(() => {
      space.text('notes').insert(0, 'hello')
      space.text('notes').insert(5, ' world')
      space.tag('tags', ['x', 'y'])
      space.tag('tags', [], ['x'])
      space.put('a', 1)
      expect(space.get('a')?.value).toBe(1)
      space.delete('a')
    })
    expect(space.text('notes').toString()).toBe('hello world')
    expect(space.get('tags')?.value).toEqual(['y'])
    expect(space.get('a')).toBeUndefined()
  })

  test('keeps up in memory what a new start reads from the disk', () => {
    space.status()
    space.writeTogether(() => {
      space.put('a', 1)
      space.text('t').insert(0, 'abc')
      space.put('a', 2)
      space.edit('m', { x: 1 })
    })
    const { stateRoot, clockRoot } = space.status()
    const verifier = createSignatureVerifier()
    const again = new Replica({ store: space.hosted.store, verifier, now: () => alice.now() })
    expect([toHex(again.stateRoot()), toHex(again.clockRoot())]).toEqual([stateRoot, clockRoot])
    expect(again.frontier()).toEqual(space.hosted.replica.frontier())
  })

  test('throws what the work throws, and keeps what was written', () => {
    const failure = new Error('the caller changed its mind')
    const work = () => {
      space.put('a', 1)
      throw failure
    }
    expect(() => space.writeTogether(work)).toThrow(failure)
    expect(space.get('a')?.value).toBe(1)
    expect(told).toEqual([['a']])
  })

  test('goes on where one write cannot be made', () => {
    space.writeTogether(() => {
      space.put('a', 1)
      expect(() => space.put('not//a path', 1)).toThrow(FaultError)
      expect(() => space.put('big', 'x'.repeat(300_000))).toThrow(/at most/)
      space.put('b', 2)
    })
    expect(told).toEqual([['a', 'b']])
  })

  test('may be nested: the outermost syncs', () => {
    space.writeTogether(() => {
      space.writeTogether(() => space.put('a', 1))
      expect(told).toEqual([])
      space.put('b', 2)
    })
    expect(transactions).toEqual(['power'])
    expect(told).toEqual([['a', 'b']])
  })

  test('has written nothing where the disk fails in between, whoever catches it, and writes on afterwards', () => {
    space.put('before', 0)
    told = []
    const { status, count } = { status: space.status(), count: space.hosted.store.count() }
    const full = new StoreError({ code: 'STORE_IO', detail: 'the disk is full' })
    const work = () => {
      space.put('a', 1)
      failOnce(space, full)
      expect(() => space.put('b', 2)).toThrow(full)
      // Half of it may be there.
      expect(() => space.put('c', 3)).toThrow(full)
    }
    expect(() => space.writeTogether(work)).toThrow(full)
    expect(told).toEqual([])
    expect(space.hosted.store.count()).toBe(count)
    expect(['a', 'b', 'c'].map((path) => space.get(path))).toEqual([undefined, undefined, undefined])
    expect(space.status()).toEqual(status)
    space.put('a', 4)
    expect(space.get('a')?.value).toBe(4)
    expect(space.hosted.store.count()).toBe(count + 1)
  })

  test('has written nothing where the sync at the end fails', () => {
    const full = new StoreError({ code: 'STORE_IO', detail: 'the disk is full' })
    const status = space.status()
    failAtCommit(space, full)
    expect(() => space.writeTogether(() => space.put('a', 1))).toThrow(full)
    expect(told).toEqual([])
    expect(space.get('a')).toBeUndefined()
    expect(space.status()).toEqual(status)
    space.put('a', 2)
    expect(space.get('a')?.value).toBe(2)
  })

  test('does not go on to show what was asked for in between, where the disk fails', () => {
    const full = new StoreError({ code: 'STORE_IO', detail: 'the disk is full' })
    space.put('a', 1)
    failAtCommit(space, full)
    const work = () => {
      space.put('a', 2)
      space.status()
    }
    expect(() => space.writeTogether(work)).toThrow(full)
    const { stateRoot, clockRoot } = space.status()
    const verifier = createSignatureVerifier()
    const again = new Replica({ store: space.hosted.store, verifier, now: () => alice.now() })
    expect([toHex(again.stateRoot()), toHex(again.clockRoot())]).toEqual([stateRoot, clockRoot])
  })

  test('reaches others as ever', async () => {
    const federation = createFederation()
    try {
      const bob = await federation.start('bob')
      const shared = bob.createSpace({ name: 'shared' })
      const carol = await federation.start('carol', { peers: bob.addresses })
      const theirs = carol.join(shared.invite({ role: 'writer' }))
      await until(theirs, () => theirs.hosted.description() !== null, 'the genesis')
      // The guest's rights are the first operation of the same group.
      theirs.writeTogether(() => {
        for (let i = 0; i < 20; i++) theirs.put(`k/${i}`, i)
      })
      await until(shared, () => [...shared.list('k')].length === 20, 'twenty')
      expect(shared.status().stateRoot).toBe(theirs.status().stateRoot)
    } finally {
      await federation.stopAll()
    }
  })
})

describe('writeSoon', () => {
  // However slow the machine is.
  beforeEach(() => void vi.spyOn(performance, 'now').mockReturnValue(0))

  test('syncs once what was asked for in one turn, in order', async () => {
    const ids = Promise.all([1, 2, 3].map(async (n) => await space.writeSoon(() => space.put(`k/${n}`, n))))
    expect(transactions).toEqual([])
    expect(new Set(await ids).size).toBe(3)
    expect(transactions).toEqual(['power'])
    expect(told).toEqual([['k/1', 'k/2', 'k/3']])
  })

  test('gives each its own fault, and the others what they wrote', async () => {
    const settled = await Promise.allSettled([
      space.writeSoon(() => space.put('a', 1)),
      space.writeSoon(() => space.put('not//a path', 1)),
      space.writeSoon(() => space.put('b', 2)),
    ])
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(settled[1]).toMatchObject({ reason: { code: 'BAD_PATH' } })
    expect(transactions).toEqual(['power'])
  })

  test('rejects all where the disk fails, and takes those that come afterwards', async () => {
    const full = new StoreError({ code: 'STORE_IO', detail: 'the disk is full' })
    failAtCommit(space, full)
    const settled = await Promise.allSettled([
      space.writeSoon(() => space.put('a', 1)),
      space.writeSoon(() => 'nothing written'),
    ])
    expect(settled).toEqual([
      { status: 'rejected', reason: full },
      { status: 'rejected', reason: full },
    ])
    await space.writeSoon(() => space.put('b', 2))
    expect([space.get('a'), space.get('b')?.value]).toEqual([undefined, 2])
  })

  test('is done before the space is closed', async () => {
    const written = space.writeSoon(() => space.put('a', 1))
    space.close()
    await expect(written).resolves.toMatch(/^[0-9a-f]{64}$/)
  })

  test('lets the event loop have its turn after so many milliseconds', async () => {
    let nowMs = 0
    const groups: number[] = []
    let inGroup = 0
    const soon = new Soon(
      (work) => {
        inGroup = 0
        work()
        groups.push(inGroup)
      },
      () => nowMs,
    )
    const work = () => {
      inGroup++
      nowMs += WRITES_TOGETHER_MS / 2
    }
    await Promise.all(Array.from({ length: 5 }, async () => await soon.run(work)))
    expect(groups).toEqual([2, 2, 1])
  })
})

/** The next transaction fails at its end. */
function failAtCommit(of: Space, error: Error): void {
  const transaction = vi
    .mocked(of.hosted.store.transaction)
    .getMockImplementation() as SpaceStore['transaction']
  vi.mocked(of.hosted.store.transaction).mockImplementationOnce((durability, work) =>
    transaction(durability, (writer) => {
      work(writer)
      throw error
    }),
  )
}

/** The next operation that is appended fails. */
function failOnce(of: Space, error: Error): void {
  const { store } = of.hosted
  const { count } = store
  let isArmed = true
  // The ordinal of an operation is asked for in the midst of its admission.
  vi.spyOn(store, 'count').mockImplementation(() => {
    if (!isArmed) return count.call(store)
    isArmed = false
    throw error
  })
}
