import { describe, expect, test } from 'vitest'
import { setRegister } from '../../src/core/types/register/change.ts'
import {
  FUTURE_TOLERANCE_MS,
  HELD_AGE_MS_MAX,
  HELD_BYTES_MAX,
  HELD_BYTES_PER_PEER_MAX,
  HELD_OPERATIONS_MAX,
  HELD_OPERATIONS_PER_PEER_MAX,
} from '../../src/core/limits.ts'
import { decodeBatch, encodeBatch } from '../../src/core/sync/batch.ts'
import type { Operation, VerifiedOperation } from '../../src/core/operation/operation.ts'
import { type Held, HoldLane } from '../../src/node/replica/hold-lane.ts'
import { bob, carol, createHome, forge, mallory, NOW_MS, spaceId } from '../cast.ts'

const missing = (fill: number) => new Uint8Array(32).fill(fill)
const small = forge({ author: bob })

/** A held operation with an id of its own; the lane looks at nothing else of it but its size. */
function held(number: number, change: Partial<Held> = {}, bodyBytes = 0): Held {
  const id = new Uint8Array(32)
  new DataView(id.buffer).setUint32(0, number)
  const operation = {
    ...small,
    id,
    headerBytes: new Uint8Array(100),
    header: { ...small.header, bodySize: bodyBytes },
    body: [],
  }
  return {
    operation: operation as unknown as VerifiedOperation,
    code: 'MISSING_PARENT',
    detail: '',
    peer: 'bob',
    sinceMs: 0,
    waitsFor: [missing(1)],
    dueMs: null,
    ...change,
  }
}

/** Every byte string in a value. */
function bytesIn(value: unknown): readonly Uint8Array[] {
  if (value instanceof Uint8Array) return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(bytesIn) : []
}

const sizesOf = (value: unknown) => bytesIn(value).map(({ byteLength }) => byteLength)
const sizesOfBuffers = (value: unknown) => bytesIn(value).map(({ buffer }) => buffer.byteLength)

describe('the hold lane', () => {
  test('keeps as many operations of one peer as its share, and drops that peer’s oldest for one more', () => {
    const lane = new HoldLane()
    const others = held(900_000, { peer: 'carol' })
    lane.hold(others)
    for (let i = 0; i < HELD_OPERATIONS_PER_PEER_MAX; i++) lane.hold(held(i))
    expect(lane.size).toBe(HELD_OPERATIONS_PER_PEER_MAX + 1)
    lane.hold(held(HELD_OPERATIONS_PER_PEER_MAX))
    expect(lane.size).toBe(HELD_OPERATIONS_PER_PEER_MAX + 1)
    expect(lane.get(held(0).operation.id)).toBeUndefined()
    expect(lane.get(held(1).operation.id)).toBeDefined()
    expect(lane.get(others.operation.id)).toBeDefined()
  })

  test('keeps as many bytes of one peer as its share, so that mallory’s large ones push out nobody else’s', () => {
    const lane = new HoldLane()
    const others = held(900_000, { peer: 'carol' })
    lane.hold(others)
    const size = 256 * 1024
    const fitting = Math.floor(HELD_BYTES_PER_PEER_MAX / (size + 100))
    for (let i = 0; i < fitting; i++) lane.hold(held(i, {}, size))
    expect(lane.size).toBe(fitting + 1)
    for (let i = fitting; i < 500; i++) lane.hold(held(i, {}, size))
    expect(lane.size).toBe(fitting + 1)
    expect(lane.get(others.operation.id)).toBeDefined()
  })

  test('keeps as many operations and bytes in all as its bounds, and drops the oldest of all for one more', () => {
    const many = new HoldLane()
    for (let i = 0; i <= HELD_OPERATIONS_MAX; i++) many.hold(held(i, { peer: `peer ${i % 100}` }))
    expect(many.size).toBe(HELD_OPERATIONS_MAX)
    expect(many.get(held(0).operation.id)).toBeUndefined()
    const large = new HoldLane()
    const size = 256 * 1024 - 100
    const fitting = HELD_BYTES_MAX / (256 * 1024)
    for (let i = 0; i < fitting; i++) large.hold(held(i, { peer: `peer ${i % 10}` }, size))
    expect(large.size).toBe(fitting)
    large.hold(held(fitting, { peer: 'peer 99' }, 1))
    expect(large.size).toBe(fitting)
    expect(large.get(held(0).operation.id)).toBeUndefined()
  })

  test('holds an operation once, whoever sends it how often, on the last sender’s account', () => {
    const lane = new HoldLane()
    for (const peer of ['bob', 'carol', 'bob', 'carol']) lane.hold(held(1, { peer }))
    expect(lane.all().map(({ peer }) => peer)).toEqual(['carol'])
    expect(lane.takeWaitingFor(missing(1))).toHaveLength(1)
    expect(lane.size).toBe(0)
    expect(lane.takeWaitingFor(missing(1))).toEqual([])
  })

  test('gives out what waits for an id once, though it waits for several', () => {
    const lane = new HoldLane()
    lane.hold(held(1, { waitsFor: [missing(1), missing(2)] }))
    expect(lane.takeWaitingFor(missing(2))).toHaveLength(1)
    expect(lane.takeWaitingFor(missing(1))).toEqual([])
  })

  test('gives out what is due at the very millisecond, and drops what is older than its bound', () => {
    const lane = new HoldLane()
    lane.hold(held(1, { code: 'FUTURE', waitsFor: [], dueMs: 1_000 }))
    expect(lane.takeDue(999)).toEqual([])
    expect(lane.takeDue(1_000)).toHaveLength(1)
    lane.hold(held(2))
    lane.dropExpired(HELD_AGE_MS_MAX)
    expect(lane.size).toBe(1)
    lane.dropExpired(HELD_AGE_MS_MAX + 1)
    expect(lane.size).toBe(0)
    expect(lane.takeWaitingFor(missing(1))).toEqual([])
  })
})

describe('a replica that holds', () => {
  test('admits a long log that came last operation first', async () => {
    const log: Operation[] = []
    for (let i = 0; i < 300; i++)
      log.push(forge({ author: bob, prev: log.at(-1) ?? null, body: [setRegister('x', i)] }))
    const home = await createHome()
    for (const operation of log.toReversed()) await home.hosted.replica.receive([operation], 'bob’s peer')
    expect(home.hosted.store.count()).toBe(302)
    expect(home.hosted.replica.held.size).toBe(0)
  })

  test('keeps of a batch nothing but the one that waits, and what follows from the others nothing of it either', async () => {
    const unknown = forge({ author: carol, body: [setRegister('y', 'never sent')] })
    const waiting = forge({ author: carol, prev: unknown, body: [setRegister('y', 'x'.repeat(100))] })
    const log: Operation[] = []
    for (let i = 0; i < 100; i++)
      log.push(forge({ author: bob, prev: log.at(-1) ?? null, body: [setRegister('x', `${i}`.repeat(50))] }))
    const batch = decodeBatch(encodeBatch([...log, waiting]), spaceId)
    const { hosted } = await createHome()
    const sent = (batch.ok ? batch.value : []).flatMap((item) => (item.ok ? [item.value] : []))
    const outcomes = await hosted.replica.receive(sent, 'bob’s peer')
    expect(outcomes.filter(({ kind }) => kind === 'admitted')).toHaveLength(100)
    const [held] = hosted.replica.held.all()
    if (held === undefined) throw new Error('nothing waits')
    const { waitsFor, operation } = held
    expect(operation).toEqual(waiting)
    expect(waitsFor).toEqual([unknown.id])
    expect(sizesOfBuffers([operation, waitsFor])).toEqual(sizesOf([operation, waitsFor]))
    const entries = outcomes.flatMap((outcome) => (outcome.kind === 'admitted' ? [outcome.entry] : []))
    // Ids share little blocks, and nothing else is shared.
    expect(Math.max(...sizesOfBuffers(entries))).toBe(2 * 1024)
    expect(sizesOfBuffers(entries.map((entry) => ({ ...entry, id: null })))).toEqual(
      sizesOf(entries.map((entry) => ({ ...entry, id: null }))),
    )
  })

  test('tells in one event what is admitted now that waited before, and of it what nobody has forwarded', async () => {
    const first = forge({ author: bob })
    const second = forge({ author: bob, prev: first })
    const home = await createHome()
    const admissions: { readonly entries: number; readonly promoted: readonly number[] }[] = []
    const waiting: string[] = []
    home.hosted.replica.addEventListener('waiting', ({ detail }) => waiting.push(detail.code))
    home.hosted.replica.addEventListener('admitted', ({ detail }) =>
      admissions.push({ entries: detail.entries.length, promoted: detail.promoted }),
    )
    await home.hosted.replica.receive([second], 'bob’s peer')
    await home.hosted.replica.receive([first], 'bob’s peer')
    expect(waiting).toEqual(['MISSING_PARENT'])
    expect(admissions).toEqual([{ entries: 2, promoted: [3] }])
  })

  test('says that nothing waits when a batch brought children before their parents', async () => {
    const first = forge({ author: bob })
    const second = forge({ author: bob, prev: first })
    const home = await createHome()
    let waited = 0
    home.hosted.replica.addEventListener('waiting', () => waited++)
    const outcomes = await home.hosted.replica.receive([second, first], 'bob’s peer')
    expect(outcomes.map(({ kind }) => kind)).toEqual(['admitted', 'admitted'])
    expect(waited).toBe(0)
  })

  test('forgets nothing of how long an operation waits when one of its two parents comes', async () => {
    const [left, right] = [forge({ author: bob }), forge({ author: carol })]
    const merge = forge({ author: mallory, deps: [left, right] })
    const home = await createHome()
    await home.hosted.replica.receive([merge], 'mallory’s peer')
    home.nowMs += 1_000
    await home.hosted.replica.receive([left], 'bob’s peer')
    expect(home.hosted.replica.held.get(merge.id)).toMatchObject({ sinceMs: NOW_MS, peer: 'mallory’s peer' })
    await home.hosted.replica.receive([right], 'bob’s peer')
    expect(home.hosted.replica.held.size).toBe(0)
    expect(home.hosted.store.find(merge.id)).toBeDefined()
  })

  test('drops a future operation that is not due within the bound, and takes it again from a peer later', async () => {
    const far = forge({ author: bob, header: { time: NOW_MS + FUTURE_TOLERANCE_MS + 2 * HELD_AGE_MS_MAX } })
    const home = await createHome()
    await home.hosted.replica.receive([far], 'bob’s peer')
    home.nowMs += HELD_AGE_MS_MAX + 1
    home.hosted.replica.promoteDue()
    expect(home.hosted.replica.held.size).toBe(0)
    expect((await home.hosted.replica.receive([far], 'bob’s peer')).map(({ kind }) => kind)).toEqual([
      'waiting',
    ])
  })
})
