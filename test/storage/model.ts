import fc from 'fast-check'
import { expect } from 'vitest'
import { encodeCanonical } from '../../src/core/canonical-cbor.ts'
import type { SpaceStore, SpaceWriter } from '../../src/storage/space-store.ts'
import { createMemorySpaceStore } from '../../src/storage/memory-space-store.ts'
import type { StoreHarness } from './conformance.ts'
import {
  alice,
  bob,
  carol,
  cellOf,
  delegationOf,
  field,
  idOf,
  makeOperation,
  mallory,
  register,
} from './fixtures.ts'
import { snapshotOf } from './snapshot.ts'

const PEOPLE = [alice, bob, carol, mallory]
const PATHS = ['docs', 'docs/a', 'docs/a/b', 'docs2', 'docs-x', '\uFB01', '\u{1F600}', '']
const KEYS = PATHS.flatMap((path) => [register(path), field(path, 'name'), field(path, 'ä')])
const IDS = ['1', '2', '3', '4'].map(idOf)
const NOTES = ['one', 'two']
const TOKENS = ['one', 'two', 'three'].map((label) => delegationOf(alice, bob.publicKey, label))
const QUESTIONS = {
  keys: KEYS,
  paths: PATHS,
  ids: IDS,
  notes: NOTES,
  authors: PEOPLE.map(({ publicKey }) => publicKey),
}

const at = <T>(list: readonly T[]) => fc.nat(list.length - 1).map((index) => list[index] as T)

/** One call of a writer; `pick` numbers choose among what is there by then. */
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      author: at(PEOPLE),
      pick: fc.nat(),
      deps: fc.array(fc.nat(), { maxLength: 3 }),
      isFork: fc.boolean(),
      isBodyAbsent: fc.boolean(),
      path: at(PATHS),
      caps: fc.subarray(IDS),
      command: fc.constantFrom('/op/write', '/op/write', '/cap/revoke', '/cap/endorse'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('mask' as const),
      pick: fc.nat(),
      mask: fc.constantFrom(null, { isSevered: true }, { isSevered: false }),
    }),
  },
  fc.record({ do: fc.constant('clear' as const), key: at(KEYS) }),
  fc.record({
    do: fc.constant('siblings' as const),
    key: at(KEYS),
    ordinals: fc.uniqueArray(fc.nat(9), { maxLength: 3 }),
  }),
  fc.record({
    do: fc.constant('turn' as const),
    ordinal: fc.nat(9),
    kind: fc.constantFrom('body' as const, 'masked' as const, 'unmasked' as const),
  }),
  fc.record({
    do: fc.constant('text' as const),
    path: at(PATHS),
    ordinal: fc.nat(9),
    index: fc.nat(2),
    isWaiting: fc.boolean(),
    parents: fc.subarray([0, 1, 2]),
  }),
  fc.record({ do: fc.constant('body' as const), pick: fc.nat() }),
  fc.record({ do: fc.constant('token' as const), token: at(TOKENS), publisher: fc.nat(9) }),
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('cell' as const),
      key: at(KEYS),
      id: at(IDS),
      value: fc.string(),
      removed: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('first' as const),
      key: at(KEYS),
      id: at(IDS),
      // No value may have this key, so none comes to a store.
      value: fc.jsonValue().filter((value) => !JSON.stringify(value).includes('"__proto__"')),
      ordinal: fc.nat(12),
    }),
  },
  fc.record({ do: fc.constant('removal' as const), key: at(KEYS), id: at(IDS) }),
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('history' as const),
      key: at(KEYS),
      ordinal: fc.nat(12),
      index: fc.nat(2),
      kind: fc.constantFrom('set' as const, 'remove' as const),
    }),
  },
  fc.record({ do: fc.constant('fork' as const), author: at(PEOPLE), seq: fc.nat(5), id: at(IDS) }),
  fc.record({ do: fc.constant('refusal' as const), id: at(IDS), code: fc.constantFrom('SEQ', 'LAMPORT') }),
  fc.record({ do: fc.constant('note' as const), name: at(NOTES), value: fc.uint8Array({ maxLength: 4 }) }),
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

const batch = fc.record({
  steps: fc.array(step, { maxLength: 12 }),
  durability: fc.constantFrom('power' as const, 'process' as const),
  isRolledBack: fc.boolean(),
  isReopened: fc.boolean(),
})

type Batch = typeof batch extends fc.Arbitrary<infer T> ? T : never

/** Random batches on the adapter and on the memory store: inside each transaction and after it, they answer the same. */
export function expectSameAsModel(createHarness: () => StoreHarness): void {
  fc.assert(
    fc.property(fc.array(batch, { maxLength: 8 }), (batches) => {
      const harness = createHarness()
      let store = harness.open()
      const model = createMemorySpaceStore({ spaceId: store.spaceId, spaceKey: store.spaceKey })
      try {
        for (const one of batches) {
          run(one, model, store)
          if (one.isReopened) store = harness.reopen(store)
          expect(snapshotOf(store, QUESTIONS)).toEqual(snapshotOf(model, QUESTIONS))
        }
      } finally {
        store.close()
        harness.dispose()
      }
    }),
    { numRuns: 60 },
  )
}

/** One batch in one transaction of each store. */
function run({ steps, durability, isRolledBack }: Batch, model: SpaceStore, store: SpaceStore): void {
  const change = new Error('rolled back')
  const work = () =>
    model.transaction(durability, (modelWriter) =>
      store.transaction(durability, (writer) => {
        for (const one of steps) apply(one, model, modelWriter, writer)
        expect(snapshotOf(store, QUESTIONS)).toEqual(snapshotOf(model, QUESTIONS))
        if (isRolledBack) throw change
      }),
    )
  if (isRolledBack) expect(work).toThrow(change)
  else work()
}

function apply(one: Step, model: SpaceStore, ...writers: readonly SpaceWriter[]): void {
  const count = model.count()
  switch (one.do) {
    case 'append': {
      const made = madeFrom(one, model)
      if (model.find(made.entry.id) !== undefined) return
      for (const writer of writers) writer.append(made.operation, made.entry)
      return
    }
    case 'body': {
      const absent = model.absentBodies(100)
      const entry = absent[one.pick % Math.max(1, absent.length)]
      if (entry !== undefined) for (const writer of writers) writer.putBody(entry.ordinal, [])
      return
    }
    case 'mask':
      if (count === 0) return
      for (const writer of writers) writer.putMask(one.pick % count, one.mask)
      return
    case 'clear':
      for (const writer of writers) writer.clearCell(one.key)
      return
    case 'siblings': {
      const siblings = one.ordinals
        .toSorted((a, b) => a - b)
        .map((ordinal) => ({ ordinal, index: ordinal % 2, value: encodeCanonical({ ordinal }) }))
      for (const writer of writers) writer.putSiblings(one.key, siblings)
      return
    }
    case 'text': {
      const { path, ordinal, index, isWaiting } = one
      const parents = one.parents.filter((parent) => parent < ordinal)
      const payload = encodeCanonical([[index, 0, path]])
      for (const writer of writers) writer.putTextEdit(path, { ordinal, index, parents, isWaiting, payload })
      return
    }
    case 'turn':
      for (const writer of writers) writer.putTurn(one.ordinal, one.kind)
      return
    case 'token':
      for (const writer of writers) writer.putToken(one.token, one.publisher)
      return
    case 'cell':
      for (const writer of writers)
        writer.putCell(one.key, cellOf(one.id, one.value, { removed: one.removed }))
      return
    case 'first': {
      if (one.ordinal >= count) return
      const { key, id, value, ordinal } = one
      const first = { key, cell: cellOf(id, value), kind: 'set' } as const
      const were = writers.map((writer) => writer.putFirst(ordinal, [first]))
      expect(were).toEqual(were.map(() => were[0]))
      return
    }
    case 'removal':
      for (const writer of writers) writer.putRemoval(one.key, { id: one.id, index: 0 })
      return
    case 'history': {
      if (one.ordinal >= count) return
      for (const writer of writers)
        writer.putHistory(one.key, { ordinal: one.ordinal, index: one.index, kind: one.kind })
      return
    }
    case 'fork':
      for (const writer of writers)
        writer.putFork({
          author: one.author.publicKey,
          seq: one.seq,
          prev: one.seq === 0 ? null : idOf(`before ${one.seq}`),
          ids: [one.id, idOf('~')],
        })
      return
    case 'refusal':
      for (const writer of writers)
        writer.putRefusal({ id: one.id, code: one.code, detail: 'd', peer: 'p', timeMs: count })
      return
    case 'note':
      for (const writer of writers) writer.putNote(one.name, one.value)
  }
}

function madeFrom(one: Step & { readonly do: 'append' }, model: SpaceStore) {
  const { author, isBodyAbsent, path, caps, command } = one
  const count = model.count()
  if (count === 0) return makeOperation(model, { author, isBodyAbsent })
  const heads = model.heads(author.publicKey)
  // A fork goes on from any earlier operation of the author's, or begins the log again.
  const head = heads[one.pick % Math.max(1, heads.length)]
  const prev = head === undefined ? null : one.isFork && head.prev !== null ? model.at(head.prev) : head
  const others = new Map(one.deps.map((pick) => [pick % count, model.at(pick % count)]))
  if (prev !== null) others.delete(prev.ordinal)
  if (prev === null && others.size === 0) others.set(0, model.at(0))
  const deps = [...others.values()]
  return makeOperation(model, { author, prev, deps, isBodyAbsent, path, caps, command })
}
