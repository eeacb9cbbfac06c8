import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ancestorAtSeq, isInPast, PastReader } from '../../src/core/ancestry.ts'
import { compareBytes, concatBytes, equalBytes, toHex, utf8 } from '../../src/core/bytes.ts'
import { decodeCanonical, encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { clockLeaf } from '../../src/core/clock.ts'
import { STATE_FIELD_TAG, STATE_ITEM_TAG, STATE_NODE_TAG } from '../../src/core/domain-tags.ts'
import { sha256 } from '../../src/core/hash.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { itemHashes, nodeHash } from '../../src/core/state/state-hashes.ts'
import { StateTree } from '../../src/core/state/state-tree.ts'
import { foldNaively } from '../../simulation/oracle/naive-text.ts'
import { beginning, bob, carol, createHome, forge, type Home } from '../cast.ts'
import {
  closure,
  type Event,
  makeHistory,
  type MeantEdit,
  plans,
  textNodes,
  topologicalOrder,
  typingPlans,
} from '../random-history.ts'
import { naiveTrieRoot } from './naive-trie.ts'

const RUNS = { numRuns: 120 }
const choices = fc.array(fc.nat(1_000), { minLength: 1, maxLength: 20 })

/** Everything that two replicas with one set of operations must agree on. */
function facts({ hosted }: Home) {
  const { store, replica } = hosted
  return {
    count: store.count(),
    clockRoot: toHex(replica.clockRoot()),
    stateRoot: toHex(replica.stateRoot()),
    heads: [...store.authors()]
      .map(({ author, heads }) =>
        [toHex(author), heads.map(({ id, seq }) => `${seq} ${toHex(id)}`).join()].join(' '),
      )
      .toSorted(),
    frontier: store
      .frontier()
      .map(({ id }) => toHex(id))
      .toSorted(),
    forks: store.forks().map(({ author, seq, ids }) => [toHex(author), seq, ...ids.map(toHex)]),
    cells: store
      .cells({ prefix: '', limit: 1_000 })
      .map(({ key, cell }) => [key.path, key.type, key.field, toHex(cell.id), cell.index, toHex(cell.value)]),
  }
}

const operationsOf = (events: readonly Event[]): readonly Operation[] =>
  events.map(({ operation }) => operation)

describe('two replicas with one set of operations', () => {
  test('agree on everything, whatever order the operations came in, in whatever batches', async () => {
    await fc.assert(
      fc.asyncProperty(plans(30), choices, fc.integer({ min: 1, max: 9 }), async (planned, order, batch) => {
        const events = makeHistory(planned)
        const one = await createHome(operationsOf(events))
        const other = await createHome()
        other.hosted.replica.stateRoot()
        const shuffled = operationsOf(topologicalOrder(events, order))
        for (let i = 0; i < shuffled.length; i += batch)
          await other.hosted.replica.receive(shuffled.slice(i, i + batch), 'bob’s peer')
        expect(facts(other)).toEqual(facts(one))
        expect(one.hosted.store.count()).toBe(events.length + beginning.length)
      }),
      RUNS,
    )
  })

  test('agree when operations came children first, through the hold lane', async () => {
    await fc.assert(
      fc.asyncProperty(plans(25), choices, async (planned, order) => {
        const events = makeHistory(planned)
        const one = await createHome(operationsOf(events))
        const other = await createHome()
        const open = [...events]
        for (let i = 0; open.length > 0; i++) {
          const [next] = open.splice((order[i % order.length] as number) % open.length, 1) as [Event]
          await other.hosted.replica.receive([next.operation], 'bob’s peer')
        }
        expect(other.hosted.replica.held.size).toBe(0)
        expect(facts(other)).toEqual(facts(one))
      }),
      RUNS,
    )
  })

  test('agree when bodies came late, in another order', async () => {
    await fc.assert(
      fc.asyncProperty(plans(20), choices, async (planned, order) => {
        const events = makeHistory(planned)
        const one = await createHome(operationsOf(events))
        const other = await createHome()
        const bare = operationsOf(events).map((operation) => ({ ...operation, body: null }))
        await other.hosted.replica.receive(bare, 'bob’s peer')
        other.hosted.replica.stateRoot()
        for (const { operation } of topologicalOrder(events, order).toReversed())
          await other.hosted.replica.receive([operation], 'bob’s peer')
        expect(facts(other)).toEqual(facts(one))
      }),
      RUNS,
    )
  })
})

describe('the state', () => {
  test('equals what recomputing everything from the set gives, by an independent and stupid definition', async () => {
    await fc.assert(
      fc.asyncProperty(plans(30), async (planned) => {
        const events = makeHistory(planned)
        const { hosted } = await createHome(operationsOf(events))
        const expected = naiveState(events)
        const shown = new Map(
          hosted.store
            .cells({ prefix: '', limit: 10_000 })
            .map(({ key, cell }) => [`${key.path}|${key.type}|${key.field}`, decode(cell.value)]),
        )
        expect(shown).toEqual(expected)
        expect(toHex(hosted.replica.stateRoot())).toBe(toHex(naiveStateRoot(expected)))
      }),
      RUNS,
    )
  })
})

describe('texts that every operation edits', () => {
  test('are what the stupid fold says, whatever order operations came in, and whichever bodies came late', async () => {
    await fc.assert(
      fc.asyncProperty(typingPlans(14), choices, async (planned, order) => {
        const events = makeHistory(planned)
        const one = await createHome(operationsOf(events))
        const other = await createHome()
        const isLate = (index: number) => (order[index % order.length] as number) % 3 === 0
        const first = topologicalOrder(events, order).map(({ operation }, index) =>
          isLate(index) ? { ...operation, body: null } : operation,
        )
        await other.hosted.replica.receive(first, 'bob’s peer')
        other.hosted.replica.stateRoot()
        for (const { operation } of topologicalOrder(events, order).toReversed())
          await other.hosted.replica.receive([operation], 'bob’s peer')
        expect(facts(other)).toEqual(facts(one))
        expect(toHex(one.hosted.replica.stateRoot())).toBe(toHex(naiveStateRoot(naiveState(events))))
      }),
      RUNS,
    )
  })
})

describe('the state tree', () => {
  test('has a root that depends on what shows alone, whatever came and went, with hundreds of siblings', () => {
    const names = fc.integer({ min: 0, max: 400 }).map((i) => `row ${i}`)
    const folders = fc.constantFrom('people', 'people/deep', '')
    const fields = fc.oneof(
      fc.constant(['register', ''] as const),
      fc.nat(40).map((i) => ['map', `field ${i}`] as const),
    )
    const steps = fc.array(fc.tuple(folders, names, fields, fc.option(fc.nat(3))), { maxLength: 300 })
    fc.assert(
      fc.property(steps, fc.nat(9), (edits, crowding) => {
        const tree = new StateTree()
        const shown = new Map<string, unknown>()
        for (const [folder, name, [type, field], value] of edits) {
          // Few names, so that items have several fields, and lose them again.
          const last = type === 'map' ? `item ${name.length % (crowding + 1)}` : name
          const path = folder === '' ? last : `${folder}/${last}`
          tree.set({ path, type, field }, value === null ? null : encodeCanonical(value))
          if (value === null) shown.delete(`${path}|${type}|${field}`)
          else shown.set(`${path}|${type}|${field}`, value)
          if (value === 3) tree.root()
        }
        expect(toHex(tree.root())).toBe(toHex(naiveStateRoot(shown)))
        for (const cell of [...shown.keys()].slice(0, 5)) {
          const [path, type, field] = cell.split('|') as [string, string, string]
          tree.set({ path, type, field }, null)
          shown.delete(cell)
          expect(toHex(tree.root())).toBe(toHex(naiveStateRoot(shown)))
        }
      }),
      { numRuns: 40 },
    )
  })
})

describe('the state tree, where items lie below items and of several types at one path,', () => {
  test('has the root of an independent definition for every subtree, after any writes and removals between roots', () => {
    const segment = fc.constantFrom('a', 'b', 'c', 'd')
    const paths = fc.array(segment, { maxLength: 3 }).map((segments) => segments.join('/'))
    const cells = fc.tuple(
      paths,
      fc.constantFrom('register', 'map', 'set', 'text'),
      fc.constantFrom('', 'x', 'y'),
    )
    const what = fc.constantFrom('write', 'write', 'remove', 'root', 'root below')
    fc.assert(
      fc.property(fc.array(fc.tuple(cells, what, fc.nat(9)), { maxLength: 120 }), (steps) => {
        const tree = new StateTree()
        const shown = new Map<string, unknown>()
        for (const [[path, type, field], kind, value] of steps) {
          const cell = `${path}|${type}|${field}`
          if (kind === 'root') tree.root()
          else if (kind === 'root below') tree.rootAt(path)
          else if (kind === 'write') {
            tree.set({ path, type, field }, encodeCanonical(value))
            shown.set(cell, value)
          } else {
            // Something that is there, as often as not.
            const gone = [...shown.keys()][value] ?? cell
            const [at, of, in_] = gone.split('|') as [string, string, string]
            tree.set({ path: at, type: of, field: in_ }, null)
            shown.delete(gone)
          }
          expect(tree.size).toBe(shown.size)
        }
        for (const path of ['a', 'b', 'a/b', 'c/d', 'a/b/c']) {
          const below = [...shown].filter(([cell]) => `${cell.split('|')[0]}/`.startsWith(`${path}/`))
          const moved = new Map(
            below.map(([cell, value]) => [cell.slice(path.length).replace(/^\//, ''), value]),
          )
          const expected = below.length === 0 ? null : toHex(naiveStateRoot(moved))
          const found = tree.rootAt(path)
          expect(found === null ? null : toHex(found)).toBe(expected)
        }
        expect(toHex(tree.root())).toBe(toHex(naiveStateRoot(shown)))
        for (const [[path]] of steps.slice(0, 3)) {
          const { passed, node } = tree.walk(path)
          const root = tree.rootAt(path)
          expect(node === null).toBe(root === null)
          if (node !== null) expect(nodeHash(itemHashes(node.items), node.children)).toEqual(root)
          expect(passed.length).toBeLessThanOrEqual(path === '' ? 0 : path.split('/').length)
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('the clock', () => {
  test('is the ends of every log, under the root of an independent definition', async () => {
    await fc.assert(
      fc.asyncProperty(plans(25), async (planned) => {
        const events = makeHistory(planned)
        const { hosted } = await createHome(operationsOf(events))
        const leaves = naiveHeads([...beginning, ...operationsOf(events)]).map(
          ([author, heads]) => [author, clockLeaf(heads)] as const,
        )
        expect(toHex(hosted.replica.clockRoot())).toBe(toHex(naiveTrieRoot(leaves)))
      }),
      RUNS,
    )
  })

  test('joins as a semilattice: union of sets is commutative, associative and idempotent, and the clock follows the set', async () => {
    const tips = fc.array(fc.nat(100), { maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(plans(20), tips, tips, tips, async (planned, a, b, c) => {
        const events = makeHistory(planned)
        const [x, y, z] = [closure(events, a), closure(events, b), closure(events, c)]
        const rootOf = async (...sets: readonly (readonly Event[])[]) => {
          const home = await createHome()
          for (const set of sets) await home.hosted.replica.receive(operationsOf(set), 'bob’s peer')
          return toHex(home.hosted.replica.clockRoot())
        }
        expect(await rootOf(x, y)).toBe(await rootOf(y, x))
        expect(await rootOf(x, y, z)).toBe(await rootOf(z, x, y))
        expect(await rootOf(x, x)).toBe(await rootOf(x))
        const isSame = x.length === y.length && x.every((event) => y.includes(event))
        expect((await rootOf(x)) === (await rootOf(y))).toBe(isSame)
      }),
      { numRuns: 60 },
    )
  })
})

describe('ancestry', () => {
  test('finds the ancestor at a seq, and what is in the past, as a naive search does', async () => {
    await fc.assert(
      fc.asyncProperty(plans(30), async (planned) => {
        const events = makeHistory(planned)
        const { store } = (await createHome(operationsOf(events))).hosted
        for (const later of events) {
          const entry = store.find(later.operation.id)
          if (entry === undefined) throw new Error('not admitted')
          for (const earlier of [...events.map(({ operation }) => operation), ...beginning]) {
            const target = store.find(earlier.id)
            if (target === undefined) throw new Error('not admitted')
            const expected = target === entry || later.past.has(toHex(earlier.id))
            expect(isInPast(store, target, [entry])).toBe(expected)
          }
          let at: Operation | undefined = later.operation
          for (let seq = later.operation.header.seq; at !== undefined; seq--) {
            expect(toHex(ancestorAtSeq(store, entry, seq).id)).toBe(toHex(at.id))
            const prev: Uint8Array | null = at.header.prev
            at =
              prev === null
                ? undefined
                : [...beginning, ...operationsOf(events)].find(({ id }) => equalBytes(id, prev))
          }
        }
      }),
      { numRuns: 40 },
    )
  })

  test('answers many questions about one past as a naive search does, in whatever order they are asked', async () => {
    await fc.assert(
      fc.asyncProperty(
        plans(30),
        fc.array(fc.nat(100), { minLength: 1, maxLength: 60 }),
        fc.array(fc.nat(100), { minLength: 1, maxLength: 4 }),
        async (planned, asked, tips) => {
          const events = makeHistory(planned)
          fc.pre(events.length > 0)
          const { store } = (await createHome(operationsOf(events))).hosted
          const from = tips.map((tip) => events[tip % events.length] as Event)
          const inPast = new Set(from.flatMap((event) => [toHex(event.operation.id), ...event.past]))
          const entryOf = (event: Event) => store.find(event.operation.id) ?? store.at(-1)
          const past = new PastReader(store, from.map(entryOf))
          for (const number of asked) {
            const target = events[number % events.length] as Event
            expect(past.has(entryOf(target))).toBe(inPast.has(toHex(target.operation.id)))
          }
        },
      ),
      RUNS,
    )
  })

  test('looks up thousands of operations for the price of one search', async () => {
    const log: Operation[] = []
    for (let seq = 0; seq < 500; seq++) log.push(forge({ author: bob, prev: log.at(-1) ?? null }))
    const aside: Operation[] = []
    for (let seq = 0; seq < 200; seq++) aside.push(forge({ author: carol, prev: aside.at(-1) ?? null }))
    const { store } = (await createHome([...aside, ...log])).hosted
    let reads = 0
    const at = store.at.bind(store)
    const [from, ...targets] = [log.at(-1) as Operation, ...aside].map(({ id }) => store.find(id) ?? at(-1))
    store.at = (ordinal) => {
      reads++
      return at(ordinal)
    }
    const past = new PastReader(store, from === undefined ? [] : [from])
    for (let round = 0; round < 20; round++)
      for (const target of targets) expect(past.has(target)).toBe(false)
    expect(reads).toBe(500)
  })

  test('takes logarithmically many steps back in a long log', async () => {
    const log: Operation[] = []
    for (let seq = 0; seq < 1_000; seq++) log.push(forge({ author: bob, prev: log.at(-1) ?? null }))
    const { store } = (await createHome(log)).hosted
    let reads = 0
    const counting = {
      ...store,
      spaceKey: store.spaceKey,
      find: store.find.bind(store),
      heads: store.heads.bind(store),
      token: store.token.bind(store),
      at: (ordinal: number) => {
        reads++
        return store.at(ordinal)
      },
    }
    const last = store.find((log.at(-1) as Operation).id)
    if (last === undefined) throw new Error('not admitted')
    let most = 0
    for (let seq = 0; seq < 1_000; seq++) {
      reads = 0
      expect(ancestorAtSeq(counting, last, seq).seq).toBe(seq)
      most = Math.max(most, reads)
    }
    expect(most).toBeLessThanOrEqual(60)
  })
})

/**
 * The laws of every type over all edits at once. Where the last writer wins: all writes sorted by (time, lamport, id, index), the last one
 * shows unless some valid removal names it. A member of a set shows while some addition is named by no removal; of a claim the first that
 * none names; a tally is what no clearing has in its past. A text is what the stupid fold makes of it.
 */
function naiveState(events: readonly Event[]): ReadonlyMap<string, unknown> {
  interface Done {
    readonly event: Event
    readonly index: number
    readonly edit: MeantEdit
  }
  const cells = new Map<string, Done[]>()
  for (const event of events) {
    for (const [index, edits] of event.edits.entries()) {
      for (const edit of edits ?? []) {
        const cell = `${edit.path}|${edit.type}|${edit.type === 'log' ? entryPlace(event, index) : edit.field}`
        cells.set(cell, [...(cells.get(cell) ?? []), { event, index, edit }])
      }
    }
  }
  const shown = new Map<string, unknown>()
  for (const [cell, done] of cells) {
    const removed = done.flatMap(({ edit }) =>
      edit.kind === 'remove' ? edit.observed.map(({ id, index }) => `${toHex(id)}/${index}`) : [],
    )
    const isKept = ({ event, index }: Done) => !removed.includes(`${toHex(event.operation.id)}/${index}`)
    const writes = done
      .filter(({ edit }) => edit.kind === 'set')
      .toSorted(
        ({ event: { operation: a }, index: i }, { event: { operation: b }, index: j }) =>
          a.header.time - b.header.time ||
          a.header.lamport - b.header.lamport ||
          compareBytes(a.id, b.id) ||
          i - j,
      )
    const [path, type] = cell.split('|') as [string, string]
    if (type === 'text') {
      const { text, exists } = foldNaively(textNodes(events, path)).show(() => true)
      if (exists) shown.set(cell, text)
      continue
    }
    if (type === 'counter') {
      const clearings = done.filter(({ edit }) => edit.kind === 'clear')
      const counted = done.flatMap(({ edit, event }) =>
        edit.kind === 'add' && !clearings.some((one) => one.event.past.has(toHex(event.operation.id)))
          ? [BigInt(edit.by)]
          : [],
      )
      const sum = counted.reduce((a, b) => a + b, 0n)
      if (counted.length > 0) shown.set(cell, sum > -(2n ** 53n) && sum < 2n ** 53n ? Number(sum) : `${sum}`)
      continue
    }
    const winner = type === 'set' || type === 'claim' ? writes.find(isKept) : writes.slice(-1).find(isKept)
    if (winner?.edit.kind === 'set') shown.set(cell, winner.edit.value)
  }
  return shown
}

/** Where an entry stands in its log, as docs/protocol.md §3 says it. */
function entryPlace({ operation: { id, header } }: Event, index: number): string {
  const digits = (number: number, width: number) => `${'0'.repeat(width)}${number.toString(16)}`.slice(-width)
  return digits(header.time, 14) + digits(header.lamport, 14) + toHex(id) + digits(index, 4)
}

/** Ascending. */
const TYPES = ['blob', 'claim', 'counter', 'edge', 'log', 'map', 'register', 'set', 'text']

/** The state root by recursion over the visible items. */
function naiveStateRoot(state: ReadonlyMap<string, unknown>): Uint8Array {
  const items = new Map<string, Map<string, unknown>>()
  for (const [cell, value] of state) {
    const [path, type, field] = cell.split('|') as [string, string, string]
    const fields = items.get(`${path}|${type}`) ?? new Map<string, unknown>()
    items.set(`${path}|${type}`, fields.set(field, value))
  }
  const node = (prefix: readonly string[]): Uint8Array => {
    const here = prefix.join('/')
    const hashes = TYPES.flatMap((type) => {
      const fields = items.get(`${here}|${type}`)
      if (fields === undefined) return []
      const leaves = [...fields].map(
        ([field, value]) =>
          [
            sha256(utf8(field)),
            sha256(STATE_FIELD_TAG, encodeCanonical([field, encodeCanonical(value)])),
          ] as const,
      )
      return [sha256(STATE_ITEM_TAG, encodeCanonical([type, naiveTrieRoot(leaves)]))]
    })
    const depth = prefix.length
    const paths = [...items.keys()].map((key) => (key.split('|')[0] as string).split('/'))
    const below = paths.filter(
      (path) => path[0] !== '' && path.length > depth && prefix.every((segment, i) => path[i] === segment),
    )
    const segments = [...new Set(below.map((path) => path[depth] as string))]
    const trie = naiveTrieRoot(
      segments.map((segment) => [sha256(utf8(segment)), node([...prefix, segment])] as const),
    )
    return sha256(STATE_NODE_TAG, Uint8Array.of(hashes.length), concatBytes(...hashes), trie)
  }
  return node([])
}

function naiveHeads(operations: readonly Operation[]) {
  const byAuthor = Map.groupBy(operations, ({ header }) => toHex(header.author))
  return [...byAuthor.values()].map((own) => {
    const heads = own.filter(
      ({ id }) => !own.some(({ header }) => header.prev !== null && equalBytes(header.prev, id)),
    )
    const sorted = heads
      .map(({ id, header }) => ({ id, seq: header.seq }))
      .toSorted((a, b) => a.seq - b.seq || compareBytes(a.id, b.id))
    return [(own[0] as Operation).header.author, sorted] as const
  })
}

function decode(bytes: Uint8Array): unknown {
  const decoded = decodeCanonical(bytes)
  return decoded.ok ? decoded.value : decoded.fault
}
