import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  RegistrationTable,
  type RegistrationRequest,
} from '../../protocols/introduction/registration-table.ts'
import {
  INTRODUCTION_PEER_TOPICS_MAX,
  INTRODUCTION_TOPIC_REGISTRATIONS_MAX,
  INTRODUCTION_TTL_SECONDS_MAX,
} from '../../src/core/limits.ts'

const never = (): number => 0

function topicOf(n: number): Uint8Array {
  const topic = new Uint8Array(32)
  new DataView(topic.buffer).setUint32(28, n)
  return topic
}

const space = topicOf(1)

function registration(peer: string, changes: Partial<RegistrationRequest> = {}): RegistrationRequest {
  const record = new TextEncoder().encode(peer)
  return { peer, group: peer, topic: space, record, seq: 1n, ttlSeconds: 60, ...changes }
}

function listed(table: RegistrationTable, topic: Uint8Array, nowMs: number): string[] {
  return table
    .query(topic, 10_000, nowMs, never)
    .map((record) => new TextDecoder().decode(record))
    .sort()
}

function codeOf(result: ReturnType<RegistrationTable['register']>): string {
  return result.ok ? 'ok' : result.fault.code
}

describe('table of registrations', () => {
  it('lists a peer until its time is over and not a millisecond longer', () => {
    const table = new RegistrationTable()
    expect(table.register(registration('alice'), 1_000)).toEqual({ ok: true, value: 60 })
    expect(listed(table, space, 60_999)).toEqual(['alice'])
    expect(listed(table, space, 61_000)).toEqual([])
    expect(table.size()).toEqual({ topics: 0, peers: 0, registrations: 0, recordsBytes: 0 })
  })

  it('counts the time from the last renewal', () => {
    const table = new RegistrationTable()
    table.register(registration('alice'), 0)
    table.register(registration('alice'), 50_000)
    expect(listed(table, space, 100_000)).toEqual(['alice'])
    expect(table.size().registrations).toBe(1)
  })

  it('shortens a time that is too long', () => {
    const table = new RegistrationTable()
    const asked = registration('alice', { ttlSeconds: INTRODUCTION_TTL_SECONDS_MAX + 1 })
    expect(table.register(asked, 0)).toEqual({ ok: true, value: INTRODUCTION_TTL_SECONDS_MAX })
    expect(listed(table, space, INTRODUCTION_TTL_SECONDS_MAX * 1000)).toEqual([])
  })

  it('shows the newest record of a peer under each of its topics and refuses an older one', () => {
    const table = new RegistrationTable()
    const other = topicOf(2)
    const old = new TextEncoder().encode('old')
    const recent = new TextEncoder().encode('new')
    table.register(registration('alice', { record: old, seq: 5n }), 0)
    table.register(registration('alice', { record: recent, seq: 6n, topic: other }), 0)
    expect(listed(table, space, 1)).toEqual(['new'])
    expect(codeOf(table.register(registration('alice', { record: old, seq: 5n }), 1))).toBe('STALE_RECORD')
    expect(listed(table, other, 1)).toEqual(['new'])
    expect(table.size()).toEqual({ topics: 2, peers: 1, registrations: 2, recordsBytes: 3 })
  })

  it('takes an older record once the newer one has expired', () => {
    const table = new RegistrationTable()
    table.register(registration('alice', { seq: 9n }), 0)
    expect(codeOf(table.register(registration('alice', { seq: 1n }), 60_000))).toBe('ok')
  })

  it('refuses a peer one topic past its bound, and still lets it renew', () => {
    const table = new RegistrationTable()
    for (let n = 0; n < INTRODUCTION_PEER_TOPICS_MAX; n++) {
      expect(codeOf(table.register(registration('mallory', { topic: topicOf(n) }), 0))).toBe('ok')
    }
    const past = registration('mallory', { topic: topicOf(INTRODUCTION_PEER_TOPICS_MAX) })
    expect(codeOf(table.register(past, 0))).toBe('FULL')
    expect(codeOf(table.register(registration('mallory', { topic: topicOf(0) }), 0))).toBe('ok')
    expect(codeOf(table.register(past, 60_000))).toBe('ok')
  })

  it('lets the registration that expires first go when a topic is full', () => {
    const table = new RegistrationTable({ topicRegistrationsMax: 2 })
    table.register(registration('alice', { ttlSeconds: 30 }), 0)
    table.register(registration('bob', { ttlSeconds: 20 }), 0)
    table.register(registration('carol', { ttlSeconds: 10 }), 0)
    expect(listed(table, space, 1)).toEqual(['alice', 'carol'])
  })

  it('lets many identities from one network push out each other before anybody else', () => {
    const table = new RegistrationTable()
    const honest = Array.from({ length: 10 }, (_, n) => `honest-${n}`)
    for (const peer of honest) table.register(registration(peer, { ttlSeconds: 10 }), 0)
    for (let n = 0; n < 2 * INTRODUCTION_TOPIC_REGISTRATIONS_MAX; n++) {
      table.register(registration(`mallory-${n}`, { group: 'one network', ttlSeconds: 7_000 }), 1)
    }
    const names = listed(table, space, 2)
    expect(names.length).toBe(INTRODUCTION_TOPIC_REGISTRATIONS_MAX)
    expect(names).toEqual(expect.arrayContaining(honest))
  })

  it('keeps the bound on registrations in all, at the cost of the group that holds most', () => {
    const table = new RegistrationTable({ registrationsMax: 5 })
    for (let n = 0; n < 4; n++) table.register(registration('mallory', { topic: topicOf(n) }), 0)
    for (const peer of ['alice', 'bob', 'carol']) table.register(registration(peer, { topic: topicOf(9) }), 0)
    expect(table.size().registrations).toBe(5)
    expect(listed(table, topicOf(9), 1)).toEqual(['alice', 'bob', 'carol'])
  })

  it('keeps the bound on bytes', () => {
    const table = new RegistrationTable({ recordsBytesMax: 10 })
    const record = new Uint8Array(4)
    for (const [n, peer] of ['alice', 'bob', 'carol'].entries()) {
      table.register(registration(peer, { record, ttlSeconds: 10 + n, topic: topicOf(n) }), 0)
    }
    expect(table.size()).toEqual({ topics: 2, peers: 2, registrations: 2, recordsBytes: 8 })
    table.register(registration('bob', { record: new Uint8Array(7), seq: 2n, topic: topicOf(1) }), 0)
    expect(table.size().recordsBytes).toBeLessThanOrEqual(10)
    expect(table.query(topicOf(1), 1, 1, never)).toEqual([new Uint8Array(7)])
  })

  it('gives a random choice of the size asked for, without repeating anybody', () => {
    const table = new RegistrationTable()
    for (let n = 0; n < 20; n++) table.register(registration(`peer-${n}`), 0)
    let state = 1
    const random = (): number => {
      state = (state * 48_271) % 2_147_483_647
      return state / 2_147_483_647
    }
    const times = new Map<string, number>()
    for (let round = 0; round < 1_000; round++) {
      const names = table.query(space, 5, 1, random).map((record) => new TextDecoder().decode(record))
      expect(new Set(names).size).toBe(5)
      for (const name of names) times.set(name, (times.get(name) ?? 0) + 1)
    }
    expect(times.size).toBe(20)
    for (const count of times.values()) expect(count).toBeGreaterThan(170)
    for (const count of times.values()) expect(count).toBeLessThan(330)
  })

  it('forgets on a sweep what nobody asked about', () => {
    const table = new RegistrationTable()
    for (let n = 0; n < 10; n++)
      table.register(registration('alice', { topic: topicOf(n), ttlSeconds: n + 1 }), 0)
    table.sweep(5_000)
    expect(table.size().registrations).toBe(5)
    table.sweep(10_000)
    expect(table.size()).toEqual({ topics: 0, peers: 0, registrations: 0, recordsBytes: 0 })
  })

  it('keeps every bound and shows what a plain list would, whatever is registered', () => {
    const step = fc.record({
      peer: fc.integer({ min: 0, max: 6 }),
      topic: fc.integer({ min: 0, max: 4 }),
      seq: fc.bigInt({ min: 0n, max: 3n }),
      ttlSeconds: fc.integer({ min: 1, max: 20 }),
      bytes: fc.integer({ min: 1, max: 9 }),
      afterMs: fc.integer({ min: 0, max: 4_000 }),
    })
    const limits = { topicRegistrationsMax: 3, peerTopicsMax: 3, registrationsMax: 8, recordsBytesMax: 30 }
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const table = new RegistrationTable(limits)
        const accepted: { peer: string; topic: number; untilMs: number }[] = []
        let nowMs = 0
        for (const { peer, topic, seq, ttlSeconds, bytes, afterMs } of steps) {
          nowMs += afterMs
          const name = `peer-${peer}`
          const record = new Uint8Array(bytes).fill(peer)
          const request = {
            peer: name,
            group: `group-${peer % 3}`,
            topic: topicOf(topic),
            record,
            seq,
            ttlSeconds,
          }
          if (table.register(request, nowMs).ok)
            accepted.push({ peer: name, topic, untilMs: nowMs + ttlSeconds * 1000 })
          const size = table.size()
          expect(size.registrations).toBeLessThanOrEqual(limits.registrationsMax)
          expect(size.recordsBytes).toBeLessThanOrEqual(limits.recordsBytesMax)
        }
        let shown = 0
        for (let topic = 0; topic <= 4; topic++) {
          const records = table.query(topicOf(topic), 100, nowMs, never)
          shown += records.length
          expect(records.length).toBeLessThanOrEqual(limits.topicRegistrationsMax)
          for (const record of records) {
            const name = `peer-${record[0]}`
            const last = accepted.findLast((one) => one.peer === name && one.topic === topic)
            expect(last?.untilMs).toBeGreaterThan(nowMs)
          }
        }
        table.sweep(nowMs)
        expect(table.size().registrations).toBe(shown)
      }),
    )
  })
})
