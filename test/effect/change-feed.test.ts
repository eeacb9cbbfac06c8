import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toHex } from '../../src/core/bytes.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import type { Replica } from '../../src/node/replica/replica.ts'
import { ChangeFeed, type ChangesOptions } from '../../src/node/feed/change-feed.ts'
import type { ChangeRecord } from '../../src/node/feed/change-record.ts'
import { formatCursor, parseCursor } from '../../src/node/feed/cursor.ts'
import { FEED_CURSOR_HEADS_MAX } from '../../src/core/limits.ts'
import { createRealmHome, HOLDERS, makeOperations, publication, steps } from './realm.ts'
import { endorseOperations, revokeDelegation } from '../../src/core/changes/verdict.ts'
import { editMap } from '../../src/core/types/map/change.ts'
import { addToCounter } from '../../src/core/types/counter/change.ts'
import { appendEntry } from '../../src/core/types/log/change.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { alice, bob, bobToken, createHome, forge, grants, mallory } from '../cast.ts'

const SEEN = Array.from({ length: 4 }, (_, i) => i)

/** What is told until nothing more is there. */
async function told(replica: Replica, options: ChangesOptions = {}): Promise<ChangeRecord[]> {
  const records: ChangeRecord[] = []
  for await (const record of new ChangeFeed(replica).changes({ ...options, live: false }))
    records.push(record)
  return records
}

/** A follower that keeps which operation has done what to which item, as it is told. */
class Follower {
  readonly #standing = new Map<string, ChangeRecord>()
  cursor: string | undefined

  take(records: readonly ChangeRecord[]): void {
    for (const record of records) {
      const name = `${record.operation} ${record.type} ${record.path}`
      if (record.cause === 'revoked') this.#standing.delete(name)
      else this.#standing.set(name, record)
      this.cursor = record.cursor
    }
  }

  standing(): readonly string[] {
    return [...this.#standing.keys()].sort()
  }
}

/** What every follower must have in the end: each effective operation, with each item that its body changes. */
function expected({ store, evaluationOf }: Replica, replica: Replica): readonly string[] {
  const names = new Set<string>()
  for (let ordinal = 0; ordinal < store.count(); ordinal++) {
    if (store.mask(ordinal) !== undefined) continue
    const entry = store.at(ordinal)
    for (const change of evaluationOf.call(replica, entry)) {
      if (!change.ok || change.value.kind !== 'cells') continue
      for (const { path, type } of change.value.edits) names.add(`${toHex(entry.id)} ${type} ${path}`)
    }
  }
  return [...names].sort()
}

/**
 * The operations that a cursor has behind it on the node that gave it. Those after its last record are not among them: where nothing was to
 * be told of them, no record carries a cursor past them.
 */
function takenBefore(cursor: string | undefined, { store }: Replica): ReadonlySet<string> {
  const read = cursor === undefined ? null : parseCursor(cursor)
  const count = read?.ok ? read.value.ordinal : 0
  return new Set(Array.from({ length: count }, (_, ordinal) => toHex(store.at(ordinal).id)))
}

const withoutBody = (operation: Operation): Operation => ({ ...operation, body: null })

describe('a follower of changes', () => {
  test('has what has an effect, whatever was revoked and came late while it looked away, and after any restart', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps(25),
        fc.array(fc.nat(5), { minLength: 1, maxLength: 12 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 9 }),
        async (planned, batches, choices) => {
          const operations = makeOperations(planned)
          const home = await createRealmHome()
          const { replica } = home.hosted
          const follower = new Follower()
          const late: Operation[] = []
          for (let at = 0, i = 0; at < operations.length; i++) {
            const size = 1 + (batches[i % batches.length] as number)
            const batch = operations.slice(at, at + size).map((operation, n) => {
              const isLate = operation.header.command === '/op/write' && (at + n) % 3 === 0
              if (!isLate || !choices[i % choices.length]) return operation
              late.push(operation)
              return withoutBody(operation)
            })
            await replica.receive(batch, 'the test')
            at += size
            // A new feed each time, as after a restart.
            if (choices[(i + 1) % choices.length])
              follower.take(
                await told(replica, follower.cursor === undefined ? {} : { since: follower.cursor }),
              )
          }
          await replica.receive(late, 'the test')
          follower.take(await told(replica, follower.cursor === undefined ? {} : { since: follower.cursor }))
          expect(follower.standing()).toEqual(expected(replica, replica))
        },
      ),
      { numRuns: 80 },
    )
  })

  test('goes on from a cursor of another node, leaving out what it has seen, and hears of what lost its effect meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(steps(25), fc.nat(25), async (planned, seen) => {
        const operations = makeOperations(planned)
        const there = await createRealmHome(operations.slice(0, seen))
        const follower = new Follower()
        follower.take(await told(there.hosted.replica))
        const taken = takenBefore(follower.cursor, there.hosted.replica)
        const here = await createRealmHome(operations, 3)
        const records = await told(
          here.hosted.replica,
          follower.cursor === undefined ? {} : { since: follower.cursor },
        )
        follower.take(records)
        expect(follower.standing()).toEqual(expected(here.hosted.replica, here.hosted.replica))
        const twice = records.filter(({ cause, operation }) => cause === 'written' && taken.has(operation))
        expect(twice).toEqual([])
      }),
      { numRuns: 60 },
    )
  })

  test('is told of causes first', async () => {
    await fc.assert(
      fc.asyncProperty(steps(25), async (planned) => {
        const { replica } = (await createRealmHome(makeOperations(planned))).hosted
        const written = (await told(replica)).filter(({ cause }) => cause === 'written')
        const order = written.map(({ operation }) => operation)
        for (const [i, id] of order.entries()) {
          const entry = replica.store.find(Buffer.from(id, 'hex'))
          for (const ordinal of entry?.parents ?? []) {
            const parent = toHex(replica.store.at(ordinal).id)
            expect(order.slice(i + 1).filter((later) => later === parent && parent !== id)).toEqual([])
          }
        }
      }),
      { numRuns: 40 },
    )
  })
})

const write = (path: string, body: readonly Uint8Array[], prev: Operation | null = null) =>
  forge({
    author: bob,
    prev,
    deps: prev === null ? [publication] : [],
    body,
    header: { caps: HOLDERS.bob.chain.map(({ digest }) => digest), path },
  })

describe('the changes of a space', () => {
  test('tell what an operation did to each item, in its own words', async () => {
    const operation = write('b', [
      editMap('b/ada', { set: { name: 'Ada', born: 1815 } }),
      addToCounter('b/hits', 3),
      appendEntry('b/log', { did: 'begin' }),
      editMap('b/ada', { set: { name: 'Ada L.' } }),
    ])
    const { replica } = (await createRealmHome([operation])).hosted
    const records = await told(replica)
    expect(records.map(({ path, type, cause, changes }) => ({ path, type, cause, changes }))).toMatchObject([
      {
        path: 'b/ada',
        type: 'map',
        cause: 'written',
        changes: [
          { field: 'born', action: 'set', value: 1815 },
          { field: 'name', action: 'set', value: 'Ada' },
          { field: 'name', action: 'set', value: 'Ada L.' },
        ],
      },
      { path: 'b/hits', type: 'counter', changes: [{ field: '', action: 'add', value: 3 }] },
      { path: 'b/log', type: 'log', changes: [{ action: 'set', value: { did: 'begin' } }] },
    ])
    // All but the last record of an operation lead back to its beginning.
    const [first, , last] = records as [ChangeRecord, ChangeRecord, ChangeRecord]
    expect(await told(replica, { since: first.cursor })).toHaveLength(3)
    expect(await told(replica, { since: last.cursor })).toEqual([])
  })

  test('can be limited to a path and to types', async () => {
    const operation = write('b', [addToCounter('b/hits', 3), editMap('b/ada', { set: { name: 'Ada' } })])
    const { replica } = (await createRealmHome([operation])).hosted
    const paths = async (options: ChangesOptions) => (await told(replica, options)).map(({ path }) => path)
    expect(await paths({ path: 'b/ada' })).toEqual(['b/ada'])
    expect(await paths({ path: 'mallory' })).toEqual([])
    expect(await paths({ types: ['counter'] })).toEqual(['b/hits'])
  })

  test('let others take their turn where very many operations lose their effect of which nothing is to be told', async () => {
    const written: Operation[] = []
    while (written.length < 1_500) {
      const prev = written.at(-1)
      written.push(
        forge({ author: bob, ...(prev === undefined ? {} : { prev }), body: [setRegister('b', 1)] }),
      )
    }
    const { replica } = (await createHome(written)).hosted
    const since = new ChangeFeed(replica).now()
    const revocation = forge({
      author: alice,
      prev: grants,
      body: [revokeDelegation({ target: bobToken.digest, cut: [] })],
      header: { command: '/cap/revoke' },
    })
    await replica.receive([revocation], 'a peer')
    expect(replica.store.turns(0, 10_000)).toHaveLength(1_500)
    let turns = 0
    const passing = (async () => {
      while (turns >= 0) {
        await new Promise(setImmediate)
        turns++
      }
    })()
    expect(await told(replica, { since, path: 'elsewhere' })).toEqual([])
    const taken = turns
    turns = -Infinity
    await passing
    expect(taken).toBeGreaterThanOrEqual(4)
  })

  test('say when a revocation takes an effect, and when an endorsement gives it back', async () => {
    const evil = forge({
      author: mallory,
      deps: [publication],
      body: [addToCounter('mallory/hits', 1)],
      header: { caps: HOLDERS.mallory.chain.map(({ digest }) => digest), path: 'mallory' },
    })
    const verdict = (command: string, body: readonly Uint8Array[], prev: Operation | null) =>
      forge({
        author: bob,
        prev,
        deps: [evil],
        body,
        header: { caps: HOLDERS.bob.chain.map(({ digest }) => digest), command, path: '' },
      })
    const target = HOLDERS.mallory.chain[2].digest
    const revocation = verdict('/cap/revoke', [revokeDelegation({ target, cut: [] })], null)
    const endorsement = verdict('/cap/endorse', [endorseOperations([evil.id])], revocation)
    const { replica } = (await createRealmHome([evil])).hosted
    const heard: string[] = []
    const abort = new AbortController()
    const listening = (async () => {
      for await (const { cause } of new ChangeFeed(replica).changes({ signal: abort.signal })) {
        heard.push(cause)
        if (heard.length === 3) return
      }
    })()
    await expect.poll(() => heard).toEqual(['written'])
    await replica.receive([revocation], 'the test')
    await expect.poll(() => heard).toEqual(['written', 'revoked'])
    await replica.receive([endorsement], 'the test')
    await listening
    expect(heard).toEqual(['written', 'revoked', 'restored'])
    abort.abort()
  })

  test('end when the signal says so, also while nothing happens', async () => {
    const { replica } = (await createRealmHome()).hosted
    const abort = new AbortController()
    const next = new ChangeFeed(replica).changes({ signal: abort.signal }).next()
    abort.abort()
    expect(await next).toMatchObject({ done: true })
  })
})

describe('a cursor', () => {
  const cursor = {
    feed: new Uint8Array(8),
    ordinal: 5,
    turn: 2,
    heads: SEEN.map((i) => new Uint8Array(32).fill(i)),
    skip: [],
    skipUntil: 0,
  }

  test('is a text that can be read again', () => {
    const text = formatCursor(cursor)
    expect(text).toMatch(/^[\w-]+$/)
    expect(parseCursor(text)).toEqual({ ok: true, value: cursor })
  })

  test('is refused where it is none of ours, with what to do', () => {
    const tooMany = Array.from({ length: FEED_CURSOR_HEADS_MAX + 1 }, (_, i) => new Uint8Array(32).fill(i))
    const whole = { ...cursor, heads: tooMany.slice(1) }
    expect(parseCursor(formatCursor(whole)).ok).toBe(true)
    for (const text of ['', 'abc', 'ä', formatCursor({ ...cursor, heads: tooMany }), 'x'.repeat(1_000_000)])
      expect(parseCursor(text)).toMatchObject({ ok: false, fault: { code: 'BAD_CURSOR' } })
  })
})
