import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toHex } from '../../src/core/bytes.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { authorizes } from '../../src/core/ucan/chain.ts'
import { readHistory } from '../../simulation/oracle/history.ts'
import { naiveState } from '../../simulation/oracle/state.ts'
import type { Home } from '../cast.ts'
import { topologicalShuffle } from './shuffle.ts'
import { isClosedInPast, naiveEffect } from './naive-effect.ts'
import { createRealmHome, makeOperations, realm, steps, TOKENS } from './realm.ts'

const RUNS = { numRuns: 60 }

function admittedBy({ hosted }: Home): readonly Operation[] {
  return Array.from({ length: hosted.store.count() }, (_, ordinal) => hosted.operation(ordinal))
}

/** What the tokens of a chain allow, by the library that reads policies; how chains are walked is the oracle's own. */
function allows(caps: readonly string[], { header }: Operation): boolean {
  const tokens = caps.map((digest) => TOKENS.find((token) => toHex(token.digest) === digest))
  const { command, path, time, bodySize } = header
  return tokens.every((token) => token !== undefined) && authorizes(tokens, { command, path, time, bodySize })
}

function facts({ hosted }: Home) {
  const { store, replica } = hosted
  return {
    admitted: admittedBy({ hosted } as Home)
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
    masks: [...store.masked()]
      .map((ordinal) => `${toHex(store.at(ordinal).id)} ${String(store.mask(ordinal)?.isSevered)}`)
      .toSorted(),
  }
}

describe('the effective set', () => {
  test('is what the definition says, after every operation', async () => {
    let masked = 0
    let revived = 0
    await fc.assert(
      fc.asyncProperty(steps(40), async (planned) => {
        const home = await createRealmHome()
        const { replica, store } = home.hosted
        for (const operation of makeOperations(planned)) {
          const [outcome] = await replica.receive([operation], 'the test')
          const all = admittedBy(home)
          if (outcome?.kind === 'refused' && outcome.fault.code === 'CAP_REVOKED')
            expect(isClosedInPast(operation, all)).toBe(true)
          if (outcome?.kind !== 'admitted') continue
          expect(isClosedInPast(operation, all.slice(0, -1))).toBe(false)
          const naive = naiveEffect(all, allows)
          for (const [ordinal, { id }] of all.entries()) {
            expect(store.mask(ordinal) === undefined).toBe(naive.effective.has(toHex(id)))
            expect(store.mask(ordinal)?.isSevered ?? false).toBe(naive.severed.has(toHex(id)))
          }
          masked += all.length - naive.effective.size
          revived += [...naive.effective].filter(
            (id) => replica.verdicts.endorsing(store.find(Buffer.from(id, 'hex')) as never).length > 0,
          ).length
        }
      }),
      RUNS,
    )
    // The histories do what they are for.
    expect(masked).toBeGreaterThan(200)
    expect(revived).toBeGreaterThan(0)
  })

  test('is the same in whatever order, in whatever batches the operations came', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps(40),
        fc.array(fc.nat(1_000), { minLength: 1, maxLength: 9 }),
        fc.integer({ min: 1, max: 7 }),
        async (planned, order, batch) => {
          const operations = makeOperations(planned)
          const one = await createRealmHome(operations, 1)
          const other = await createRealmHome()
          other.hosted.replica.stateRoot()
          other.hosted.replica.frontier()
          const shuffled = topologicalShuffle(operations, realm, order)
          for (let i = 0; i < shuffled.length; i += batch)
            await other.hosted.replica.receive(shuffled.slice(i, i + batch), 'the test')
          expect(facts(other)).toEqual(facts(one))
        },
      ),
      RUNS,
    )
  })

  test('leaves the same roots without the severed operations as with them', async () => {
    let severed = 0
    await fc.assert(
      fc.asyncProperty(steps(40), async (planned) => {
        const operations = makeOperations(planned)
        const whole = await createRealmHome(operations)
        const { store } = whole.hosted
        const isSevered = ({ id }: Operation) => {
          const entry = store.find(id)
          return entry !== undefined && store.mask(entry.ordinal)?.isSevered === true
        }
        severed += operations.filter(isSevered).length
        const lean = await createRealmHome(operations.filter((operation) => !isSevered(operation)))
        // Not the frontier: a fork may be proved by what is severed, and then the whole replica does not build on that author.
        const { clockRoot, stateRoot, cells } = facts(lean)
        expect(facts(whole)).toMatchObject({ clockRoot, stateRoot, cells })
      }),
      RUNS,
    )
    expect(severed).toBeGreaterThan(15)
  })

  test('has every cell of every type as if masked operations had never had an effect', async () => {
    const types = new Set<string>()
    let changed = 0
    await fc.assert(
      fc.asyncProperty(steps(40), async (planned) => {
        const home = await createRealmHome(makeOperations(planned))
        const { store } = home.hosted
        const all = admittedBy(home)
        const { effective } = naiveEffect(all, allows)
        const masked = new Set(all.map(({ id }) => toHex(id)).filter((id) => !effective.has(id)))
        const history = readHistory(all)
        if (history === null) throw new Error('a parent is missing')
        const shown = store
          .cells({ prefix: '', limit: 10_000 })
          .map(({ key, cell }) => [`${key.path}|${key.type}|${key.field}`, toHex(cell.value)] as const)
        const naive = naiveState({ history, masked })
        expect(new Map(shown)).toEqual(naive)
        for (const cell of naive.keys()) types.add(cell.split('|')[1] as string)
        if (masked.size > 0 && !isDeepStrictEqual(naive, naiveState({ history, masked: new Set() })))
          changed++
      }),
      RUNS,
    )
    expect([...types].toSorted()).toEqual([
      'blob',
      'claim',
      'counter',
      'edge',
      'log',
      'map',
      'register',
      'set',
      'text',
    ])
    expect(changed).toBeGreaterThan(10)
  })
})
