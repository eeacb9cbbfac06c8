import fc from 'fast-check'
import { toHex } from '../../src/core/bytes.ts'
import { putDelegations } from '../../src/core/changes/control.ts'
import type { ElementRef } from '../../src/core/changes/change.ts'
import { sha256 } from '../../src/core/hash.ts'
import { OBSERVED_MAX } from '../../src/core/limits.ts'
import { deleteBlob, setBlob } from '../../src/core/types/blob/change.ts'
import { makeClaim, releaseClaim } from '../../src/core/types/claim/change.ts'
import { addToCounter, clearCounter } from '../../src/core/types/counter/change.ts'
import { removeEdge, setEdge } from '../../src/core/types/edge/change.ts'
import { appendEntry } from '../../src/core/types/log/change.ts'
import { editMap } from '../../src/core/types/map/change.ts'
import { deleteRegister, setRegister } from '../../src/core/types/register/change.ts'
import { editSet } from '../../src/core/types/set/change.ts'
import { deleteText, editText } from '../../src/core/types/text/change.ts'
import { endorseOperations, revokeDelegation } from '../../src/core/changes/verdict.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import type { Signer } from '../../src/core/signature.ts'
import type { VerifiedDelegation } from '../../src/core/ucan/delegation.ts'
import { pathPolicy } from '../../src/core/ucan/policy.ts'
import {
  alice,
  bob,
  carol,
  createEmptyHome,
  dave,
  delegate,
  forge,
  GENESIS_MS,
  genesis,
  type Home,
  mallory,
  ownerToken,
  spaceKey,
} from '../cast.ts'

/*
 * A space with depth: the space key made alice owner, alice made bob and carol admins, bob gave dave and mallory the right to write
 * (mallory below `mallory` only), dave passed it on to mallory, and carol gave it to dave too.
 */
const aliceToBob = delegate(alice, bob, { command: '/' })
const aliceToCarol = delegate(alice, carol, { command: '/' })
const bobToDave = delegate(bob, dave)
const carolToDave = delegate(carol, dave)
const bobToMallory = delegate(bob, mallory, { policy: pathPolicy('mallory') })
const daveToMallory = delegate(dave, mallory)
export const TOKENS: readonly VerifiedDelegation[] = [
  ownerToken,
  aliceToBob,
  aliceToCarol,
  bobToDave,
  carolToDave,
  bobToMallory,
  daveToMallory,
]

interface Holder {
  readonly author: Signer
  readonly chain: readonly VerifiedDelegation[]
}

/** Every key with every chain that reaches it. */
export const HOLDERS = {
  space: { author: spaceKey, chain: [] },
  alice: { author: alice, chain: [ownerToken] },
  bob: { author: bob, chain: [ownerToken, aliceToBob] },
  carol: { author: carol, chain: [ownerToken, aliceToCarol] },
  dave: { author: dave, chain: [ownerToken, aliceToBob, bobToDave] },
  daveByCarol: { author: dave, chain: [ownerToken, aliceToCarol, carolToDave] },
  mallory: { author: mallory, chain: [ownerToken, aliceToBob, bobToMallory] },
  malloryByDave: { author: mallory, chain: [ownerToken, aliceToBob, bobToDave, daveToMallory] },
  malloryByDaveByCarol: { author: mallory, chain: [ownerToken, aliceToCarol, carolToDave, daveToMallory] },
} as const satisfies Record<string, Holder>
const HOLDER_LIST: readonly Holder[] = Object.values(HOLDERS)

/** Alice publishes every token. */
export const publication: Operation = forge({
  author: alice,
  deps: [genesis],
  body: [putDelegations(TOKENS.slice(1).map(({ bytes }) => bytes))],
  header: { command: '/cap/grant' },
})
export const realm: readonly Operation[] = [genesis, publication]

/** A home that has heard of the realm and of these operations, in this order, and must not have lost any to waiting. */
export async function createRealmHome(operations: readonly Operation[] = [], batch = 1_000): Promise<Home> {
  const home = createEmptyHome()
  const all = [...realm, ...operations]
  for (let i = 0; i < all.length; i += batch) {
    await home.hosted.replica.receive(all.slice(i, i + batch), 'the test')
  }
  return home
}

/** What one step of a random history wants to do; whether it is admitted is for the replica to say. */
export type Step = Readonly<{
  do: 'write' | 'erase' | 'revoke' | 'endorse'
  holder: number
  /** How far back in its own log the author goes on from; more than 0 may fork. */
  back: number
  deps: readonly number[]
  pick: number
  picks: readonly number[]
  timeStep: number
}>

export const steps = (most: number): fc.Arbitrary<readonly Step[]> =>
  fc.array(
    fc.record({
      do: fc.oneof(
        { weight: 6, arbitrary: fc.constant('write' as const) },
        { weight: 1, arbitrary: fc.constant('erase' as const) },
        { weight: 3, arbitrary: fc.constant('revoke' as const) },
        { weight: 1, arbitrary: fc.constant('endorse' as const) },
      ),
      holder: fc.nat(HOLDER_LIST.length - 1),
      back: fc.oneof(
        { weight: 5, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.integer({ min: 1, max: 4 }) },
      ),
      deps: fc.array(fc.nat(10), { maxLength: 3 }),
      pick: fc.nat(100),
      picks: fc.array(fc.nat(20), { maxLength: 3 }),
      timeStep: fc.nat(2),
    }),
    { minLength: 1, maxLength: most, size: 'max' },
  )

/** Makes an operation for each step, in order of time; some of them are not to be admitted. Equal ones come once. */
export function makeOperations(planned: readonly Step[]): readonly Operation[] {
  const made: Operation[] = [...realm]
  for (const step of planned) {
    const operation = makeOperation(step, made)
    if (!made.some(({ id }) => toHex(id) === toHex(operation.id))) made.push(operation)
  }
  return made.slice(realm.length)
}

function makeOperation(step: Step, made: readonly Operation[]): Operation {
  const { author, chain } = HOLDER_LIST[step.holder] as Holder
  const own = made.filter(({ header }) => toHex(header.author) === toHex(author.publicKey))
  const prev = own.at(-1 - Math.min(step.back, Math.max(0, own.length - 1))) ?? null
  const deps = new Map(
    step.deps
      .map((back) => made[Math.max(1, made.length - 1 - back)] as Operation)
      .filter((operation) => operation !== prev)
      .map((operation) => [toHex(operation.id), operation]),
  )
  if (prev === null && deps.size === 0) deps.set('', publication)
  const parents = prev === null ? [...deps.values()] : [prev, ...deps.values()]
  const past = pastOf(parents, made)
  const some = <T>(list: readonly T[]): readonly T[] => [
    ...new Set(step.picks.flatMap((pick) => (list.length === 0 ? [] : [list[pick % list.length] as T]))),
  ]
  const time = Math.max(
    GENESIS_MS + step.timeStep,
    ...parents.map(({ header }) => header.time + step.timeStep),
  )
  const header = { caps: chain.map(({ digest }) => digest), time }
  const path = step.pick % 2 === 0 ? 'mallory/a' : 'b'
  switch (step.do) {
    case 'write':
      return forge({
        author,
        prev,
        deps: [...deps.values()],
        body: [step.pick, ...step.picks].map((pick) => writeSomething(path, pick)),
        header: { ...header, path },
      })
    case 'erase': {
      const observed = some(past.filter(({ header: { command } }) => command === '/op/write')).flatMap(
        ({ id, body }) => (body ?? []).map((_change, index) => ({ id, index })),
      )
      const body = eraseSomething(path, step.pick, observed)
      return forge({ author, prev, deps: [...deps.values()], body, header: { ...header, path } })
    }
    case 'revoke': {
      const targetAt = (n: number) => (TOKENS[n % TOKENS.length] as VerifiedDelegation).digest
      const body = [revokeDelegation({ target: targetAt(step.pick), cut: some(past).map(({ id }) => id) })]
      // Every third revokes two at once, each with a cut of its own.
      if (step.pick % 3 === 0) {
        const cut = past.slice(0, step.pick % 2).map(({ id }) => id)
        body.push(revokeDelegation({ target: targetAt(step.pick >> 2), cut }))
      }
      const command = '/cap/revoke'
      return forge({ author, prev, deps: [...deps.values()], body, header: { ...header, command, path: '' } })
    }
    case 'endorse': {
      const named = some(past)
      const body = [endorseOperations((named.length === 0 ? parents : named).map(({ id }) => id))]
      const command = '/cap/endorse'
      return forge({ author, prev, deps: [...deps.values()], body, header: { ...header, command, path: '' } })
    }
  }
}

/** A change of one of the types, by a number. */
function writeSomething(path: string, number: number): Uint8Array {
  const end = { label: 'to', to: number % 3 === 0 ? 'b' : 'c' }
  switch (number % 17) {
    case 0:
      return editMap(path, { set: { x: number } })
    case 1:
      return setEdge(path, end, number)
    case 2:
      return appendEntry(path, number)
    case 3:
      return editSet(path, { add: number % 2 === 0 ? ['x', 'y'] : ['x'] })
    case 4:
    case 5:
      return addToCounter(path, number)
    case 6:
      return makeClaim(path, number)
    case 7:
      return setBlob(path, { hash: sha256(Uint8Array.of(number)), size: number })
    case 8:
      return clearCounter(path)
    // Where there is a text long enough; void elsewhere.
    case 9:
      return editText(path, [[number % 2, number % 3, `${number}`]])
    case 10:
      return editText(path, [[number % 7, number % 2, 'ä']])
    case 11:
    case 12:
    case 13:
      return editText(path, [
        [0, 0, `<${number}>`],
        [2, 1, 'two'],
      ])
    case 14:
      return number % 2 === 0 ? deleteText(path) : editText(path, [[0, 0, '']])
    default:
      return setRegister(path, number)
  }
}

/** Changes that erase what they name, whatever that is. */
function eraseSomething(
  path: string,
  number: number,
  observed: readonly ElementRef[],
): readonly Uint8Array[] {
  const refs = observed.slice(0, OBSERVED_MAX)
  const erasures = [
    deleteRegister(path, refs),
    editMap(path, { remove: { x: refs } }),
    editSet(path, { remove: { x: refs, y: refs } }),
    releaseClaim(path, refs),
    removeEdge(path, { label: 'to', to: 'b' }, refs),
    deleteBlob(path, refs),
    clearCounter(path),
  ]
  const first = number % erasures.length
  return [...erasures.slice(first), ...erasures.slice(0, first)].slice(0, 3)
}

function pastOf(from: readonly Operation[], all: readonly Operation[]): readonly Operation[] {
  const ids = new Set<string>()
  const open = from.map(({ id }) => toHex(id))
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (ids.has(id)) continue
    ids.add(id)
    const header = all.find((operation) => toHex(operation.id) === id)?.header
    if (header === undefined) continue
    open.push(...header.deps.map(toHex), ...(header.prev === null ? [] : [toHex(header.prev)]))
  }
  return all.filter(({ id }) => ids.has(toHex(id)))
}
