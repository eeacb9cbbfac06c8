import { join } from 'node:path'
import { rmSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toHex } from '../../src/core/bytes.ts'
import { isControl } from '../../src/core/changes/evaluate.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { authorizes } from '../../src/core/ucan/chain.ts'
import { HostedSpace } from '../../src/node/space/hosted-space.ts'
import { createMemorySpaceStore } from '../../src/storage/memory-space-store.ts'
import type { SpaceStore, SpaceWriter } from '../../src/storage/space-store.ts'
import { NOW_MS, spaceId, spaceKey, verifier } from '../cast.ts'
import { makeFolder, openStore } from '../storage/sqlite-harness.ts'
import { naiveEffect } from './naive-effect.ts'
import { createRealmHome, makeOperations, realm, steps, TOKENS } from './realm.ts'

/** What happens to a replica next. */
type Event = Readonly<
  | { kind: 'receive'; picks: readonly number[]; bodiless: number }
  /** The same, in a transaction that fails after so many writes. */
  | { kind: 'fail'; picks: readonly number[]; writes: number }
  | { kind: 'reopen' }
  | { kind: 'look' }
>

const picks = fc.array(fc.nat(1_000), { minLength: 1, maxLength: 8 })
const events: fc.Arbitrary<readonly Event[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ kind: fc.constant('receive' as const), picks, bodiless: fc.nat(3) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('fail' as const), picks, writes: fc.nat(25) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('look' as const) }) },
  ),
  { maxLength: 25, size: 'max' },
)

/** A replica that can be opened again, and whose transactions can be made to fail. */
interface Upheaval {
  hosted: HostedSpace
  reopen(): void
  /** The next transaction throws before this write, or at its end where there are fewer. Null: it does not, where there was none. */
  failAfter(writes: number | null): void
  end(): void
}

class Upset extends Error {}

function upheaval(kind: 'memory' | 'SQLite'): Upheaval {
  const init = { spaceId, spaceKey: spaceKey.publicKey }
  const folder = kind === 'memory' ? null : makeFolder()
  const open = (): SpaceStore =>
    folder === null
      ? createMemorySpaceStore(init)
      : openStore({ ...init, file: join(folder, 'space.sqlite'), create: true })
  let left: number | null = null
  const upset = (store: SpaceStore): SpaceStore => {
    const transaction = store.transaction.bind(store)
    store.transaction = (durability, work) =>
      transaction(durability, (writer) => {
        if (left === null) return work(writer)
        const result = work(failing(writer))
        left = null
        throw new Upset(String(result))
      })
    return store
  }
  const failing = (writer: SpaceWriter): SpaceWriter =>
    new Proxy(writer, {
      get: (target, name) => {
        if (left !== null && left-- <= 0) {
          left = null
          throw new Upset('a write fails')
        }
        return Reflect.get(target, name) as unknown
      },
    })
  const host = (store: SpaceStore) => new HostedSpace(store, verifier, () => NOW_MS)
  const one: Upheaval = {
    hosted: host(upset(open())),
    reopen: () => {
      if (folder === null) {
        one.hosted = host(one.hosted.store)
        return
      }
      one.hosted.store.close()
      one.hosted = host(upset(open()))
    },
    failAfter: (writes) => {
      left = writes
    },
    end: () => {
      left = null
      one.hosted.store.close()
      if (folder !== null) rmSync(folder, { recursive: true, force: true })
    },
  }
  return one
}

const admittedBy = (hosted: HostedSpace): readonly Operation[] =>
  Array.from({ length: hosted.store.count() }, (_, ordinal) => hosted.operation(ordinal))

function allows(caps: readonly string[], { header }: Operation): boolean {
  const tokens = caps.map((digest) => TOKENS.find((token) => toHex(token.digest) === digest))
  const { command, path, time, bodySize } = header
  return tokens.every((token) => token !== undefined) && authorizes(tokens, { command, path, time, bodySize })
}

/** What does not depend on the order of arrival. */
function facts({ store, replica, absent }: HostedSpace) {
  const idAt = (ordinal: number) => toHex(store.at(ordinal).id)
  return {
    admitted: admittedBy({ store, operation: (o: number) => ({ id: store.at(o).id }) } as never)
      .map(({ id }) => toHex(id))
      .toSorted(),
    clockRoot: toHex(replica.clockRoot()),
    stateRoot: toHex(replica.stateRoot()),
    frontier: replica
      .frontier()
      .map(({ id }) => toHex(id))
      .toSorted(),
    cells: store
      .cells({ prefix: '', limit: 1_000 })
      .map(({ key, cell }) => [key.path, key.type, key.field, toHex(cell.id), toHex(cell.value)]),
    masks: [...store.masked()].map((o) => `${idAt(o)} ${String(store.mask(o)?.isSevered)}`).toSorted(),
    forks: store.forks().map(({ author, ids }) => [toHex(author), ...ids.map(toHex)]),
    absent: store.absentBodyCount(),
    absentIds: store
      .absentBodies(1_000)
      .map(({ id }) => toHex(id))
      .toSorted(),
    asked: absent.missingCount({ mayRead: () => true } as never, NOW_MS),
  }
}

function expectMasksOfOracle({ store }: HostedSpace, all: readonly Operation[]): void {
  const naive = naiveEffect(all, allows)
  const masks = all.map(({ id }) => {
    const mask = store.mask(store.find(id)?.ordinal as number)
    return [toHex(id), mask === undefined, mask?.isSevered ?? false]
  })
  expect(masks).toEqual(
    all.map(({ id }) => [toHex(id), naive.effective.has(toHex(id)), naive.severed.has(toHex(id))]),
  )
}

describe.each(['memory', 'SQLite'] as const)('upheaval of a replica in %s', (kind) => {
  test('leaves what the set of operations says, whatever came when, failed, or was opened again', async () => {
    let failed = 0
    let masked = 0
    await fc.assert(
      fc.asyncProperty(steps(35), events, async (planned, happenings) => {
        const operations = makeOperations(planned)
        const calm = await createRealmHome(operations, 1)
        const one = upheaval(kind)
        try {
          await one.hosted.replica.receive(realm, 'the test')
          for (const event of happenings) {
            switch (event.kind) {
              case 'receive':
              case 'fail': {
                const batch = event.picks.flatMap((pick) => {
                  const operation = operations[pick % operations.length]
                  if (operation === undefined) return []
                  const isBodiless =
                    event.kind === 'receive' &&
                    pick % 4 < event.bodiless &&
                    !isControl(operation.header.command)
                  return [isBodiless ? { ...operation, body: null } : operation]
                })
                if (event.kind === 'fail') one.failAfter(event.writes)
                try {
                  await one.hosted.replica.receive(batch, `peer ${event.picks.length}`)
                } catch (error) {
                  if (!(error instanceof Upset)) throw error
                  failed++
                }
                // A batch of nothing but duplicates has no transaction that could fail.
                one.failAfter(null)
                break
              }
              case 'reopen':
                one.reopen()
                break
              case 'look':
                facts(one.hosted)
                break
            }
            const afresh = new HostedSpace(one.hosted.store, verifier, () => NOW_MS)
            expect(facts(one.hosted)).toEqual(facts(afresh))
          }
          one.failAfter(0)
          try {
            await one.hosted.replica.receive(operations.slice(0, 3), 'the test')
          } catch {
            failed++
          }
          one.failAfter(null)
          for (const operation of operations.toReversed())
            await one.hosted.replica.receive([operation], 'the test')
          for (let i = 0; i < 2; i++) await one.hosted.replica.receive(operations, 'the test')
          expect(facts(one.hosted)).toEqual(facts(calm.hosted))
          const all = admittedBy(one.hosted)
          expectMasksOfOracle(one.hosted, all)
          masked += [...one.hosted.store.masked()].length
          one.reopen()
          expect(facts(one.hosted)).toEqual(facts(calm.hosted))
        } finally {
          one.end()
        }
      }),
      { numRuns: kind === 'memory' ? 150 : 50 },
    )
    expect(failed).toBeGreaterThan(20)
    expect(masked).toBeGreaterThan(30)
  })
})
