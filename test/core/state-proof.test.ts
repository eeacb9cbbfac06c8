import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concatBytes, equalBytes, toHex } from '../../src/core/bytes.ts'
import { encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { STATE_PROOF_BYTES_MAX, STATE_PROOF_FIELDS_MAX } from '../../src/core/limits.ts'
import { decodeProof, encodeProof } from '../../src/core/state/proof-codec.ts'
import {
  checkProof,
  type Proof,
  type ProofEnd,
  proveState,
  type Question,
  type Shown,
  type ShownField,
} from '../../src/core/state/proof.ts'
import { itemHash } from '../../src/core/state/state-hashes.ts'
import { StateTree } from '../../src/core/state/state-tree.ts'
import { branchHash, leafHash } from '../../src/core/trie-hashes.ts'
import { nibbleAt, type TrieStep, type TrieWalk } from '../../src/core/trie.ts'

/** What shows, by `path|type`. */
type Model = ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>

interface State {
  readonly tree: StateTree
  readonly model: Model
}

type Row = readonly [path: string, type: string, field: string, value: number]

function makeState(rows: readonly Row[]): State {
  const tree = new StateTree()
  const model = new Map<string, Map<string, Uint8Array>>()
  for (const [path, type, field, number] of rows) {
    const value = encodeCanonical(number)
    tree.set({ path, type, field }, value)
    const fields = model.get(`${path}|${type}`) ?? new Map<string, Uint8Array>()
    model.set(`${path}|${type}`, fields.set(field, value))
  }
  return { tree, model }
}

const fieldsOf =
  (model: Model, path: string) =>
  (type: string, field: string | undefined): readonly ShownField[] =>
    [...(model.get(`${path}|${type}`) ?? [])].filter(([name]) => field === undefined || name === field)

function prove({ tree, model }: State, question: Question): Proof {
  return proveState(tree, question, fieldsOf(model, question.path))
}

function encoded(proof: Proof): Uint8Array {
  const bytes = encodeProof(proof)
  if (!bytes.ok) throw new Error(bytes.fault.detail)
  return bytes.value
}

const isAtOrBelow = (path: string, prefix: string): boolean =>
  prefix === '' || path === prefix || path.startsWith(`${prefix}/`)

/** Whether what a proof shows is so, by looking at everything. */
function isTrue(shown: Shown, { tree, model }: State): boolean {
  const pathOf = (item: string) => item.split('|')[0] as string
  switch (shown.kind) {
    case 'item': {
      const fields = model.get(`${shown.path}|${shown.type}`)
      const isSame = ([field, value]: ShownField) => equalBytes(fields?.get(field) ?? new Uint8Array(), value)
      return fields?.size === shown.fields.length && shown.fields.every(isSame)
    }
    case 'field': {
      const value = model.get(`${shown.path}|${shown.type}`)?.get(shown.field)
      return value !== undefined && equalBytes(value, shown.value)
    }
    case 'no-field':
      return model.get(`${shown.path}|${shown.type}`)?.has(shown.field) === false
    case 'no-item':
      return shown.type === null
        ? [...model.keys()].every((item) => pathOf(item) !== shown.path)
        : !model.has(`${shown.path}|${shown.type}`)
    case 'nothing':
      return (
        [...model.keys()].every((item) => !isAtOrBelow(pathOf(item), shown.missing)) &&
        isAtOrBelow(shown.path, shown.missing)
      )
    case 'subtree':
      return toHex(tree.rootAt(shown.path) ?? new Uint8Array()) === toHex(shown.root)
  }
}

const segment = fc.constantFrom('a', 'b', 'c', 'row', 'ä')
const path = fc.array(segment, { maxLength: 3 }).map((segments) => segments.join('/'))
const type = fc.constantFrom('register', 'map', 'log')
const field = fc.oneof(
  fc.constant(''),
  fc.nat(12).map((i) => `field ${i}`),
)
const row = fc.tuple(path, type, field, fc.nat(3))
const wideRow = fc
  .tuple(fc.nat(60), fc.nat(3))
  .map(([i, value]) => [`wide/${i}`, 'register', '', value] as const)
/** One item with many fields. */
const crowd = fc.tuple(fc.constant('a'), fc.constant('map'), field, fc.nat(3))
const rows = fc.array(fc.oneof(row, row, crowd, wideRow), { maxLength: 80 })
const state = rows.map(makeState)
const anyPath = fc.oneof(
  path,
  fc.nat(90).map((i) => `wide/${i}`),
)
const question: fc.Arbitrary<Question> = fc.oneof(
  anyPath.map((path) => ({ path, subtree: true as const })),
  fc
    .tuple(fc.oneof(anyPath, fc.constant('a')), type, fc.option(field, { nil: undefined }))
    .map(([path, type, field]) => (field === undefined ? { path, type } : { path, type, field })),
)
const RUNS = { numRuns: 400 }

describe('a proof', () => {
  test('answers any question about any state with what is so, and is read back as it was', () => {
    const kinds = new Map<string, number>()
    fc.assert(
      fc.property(state, question, (state, question) => {
        const proof = prove(state, question)
        const decoded = decodeProof(encoded(proof))
        expect(decoded).toEqual({ ok: true, value: proof })
        const checked = checkProof(proof, state.tree.root())
        if (!checked.ok) throw new Error(checked.fault.detail)
        expect(isTrue(checked.value, state)).toBe(true)
        expect(checked.value.path).toBe(question.path)
        kinds.set(checked.value.kind, (kinds.get(checked.value.kind) ?? 0) + 1)
      }),
      RUNS,
    )
    expect([...kinds.keys()].toSorted()).toEqual([
      'field',
      'item',
      'no-field',
      'no-item',
      'nothing',
      'subtree',
    ])
  })

  test('of any type says that nothing is at a path with things below it, and is not made where there is an item', () => {
    const state = makeState([['a/b', 'map', 'x', 1]])
    const proof = prove(state, { path: 'a', type: null })
    expect(checkProof(proof, state.tree.root())).toEqual({
      ok: true,
      value: { kind: 'no-item', path: 'a', type: null },
    })
    expect(() => prove(state, { path: 'a/b', type: null })).toThrow('bug')
  })

  test('is of one root alone: not of another state, nor of a state before', () => {
    fc.assert(
      fc.property(state, question, row, (state, question, [path, type, field, value]) => {
        const proof = prove(state, question)
        const before = state.tree.root()
        state.tree.set({ path, type, field }, encodeCanonical(value + 10))
        expect(checkProof(proof, before).ok).toBe(true)
        expect(checkProof(proof, state.tree.root())).toMatchObject({
          ok: false,
          fault: { code: 'NOT_PROVEN' },
        })
      }),
      RUNS,
    )
  })

  test('with any bit changed is refused, or shows something else that is so, and never another value', () => {
    fc.assert(
      fc.property(
        state,
        question,
        fc.array(fc.nat(), { minLength: 40, maxLength: 40 }),
        (state, question, bits) => {
          const bytes = encoded(prove(state, question))
          for (const bit of bits) {
            const changed = bytes.slice()
            const at = (bit >> 3) % bytes.length
            changed[at] = (changed[at] as number) ^ (1 << (bit & 7))
            const decoded = decodeProof(changed)
            if (!decoded.ok) continue
            const checked = checkProof(decoded.value, state.tree.root())
            if (!checked.ok) continue
            expect(['no-field', 'no-item', 'nothing']).toContain(checked.value.kind)
            expect(isTrue(checked.value, state)).toBe(true)
          }
        },
      ),
      RUNS,
    )
  })

  test('put together from parts of other proofs of the state shows nothing that is not so', () => {
    fc.assert(
      fc.property(
        state,
        fc.array(question, { minLength: 3, maxLength: 3 }),
        fc.nat(3),
        (state, asked, cut) => {
          const [one, other, third] = asked.map((question) => prove(state, question)) as [Proof, Proof, Proof]
          const forged: readonly Proof[] = [
            { ...one, end: other.end },
            { ...one, passed: other.passed },
            { ...one, path: other.path },
            { ...one, passed: one.passed.slice(0, cut) },
            { path: one.path, passed: [...one.passed.slice(0, cut), ...other.passed], end: third.end },
            ...renamed(one, other),
          ]
          for (const proof of forged) {
            const checked = checkProof(proof, state.tree.root())
            if (checked.ok) expect(isTrue(checked.value, state)).toBe(true)
          }
        },
      ),
      RUNS,
    )
  })
})

/** The end of one proof under the names of another. */
function renamed(one: Proof, { end: other }: Proof): readonly Proof[] {
  const { end } = one
  const type = 'type' in other ? (other.type ?? 'map') : 'map'
  const field = 'field' in other ? other.field : ''
  if (!('type' in end)) return []
  const ends: ProofEnd[] = [{ ...end, type }]
  if ('field' in end) ends.push({ ...end, field })
  return ends.map((end) => ({ ...one, end }))
}

describe('absence of what is there', () => {
  const dense = rows.filter(({ length }) => length > 0).map((rows) => ({ state: makeState(rows), rows }))

  test('cannot be shown by ways cut short, grown or gone astray, by siblings left out, or by types hidden or doubled', () => {
    let tried = 0
    fc.assert(
      fc.property(dense, fc.nat(), ({ state, rows }, choice) => {
        const [path, type, field] = rows[choice % rows.length] as Row
        const root = state.tree.root()
        const honest = prove(state, { path, type, field })
        expect(checkProof(honest, root)).toMatchObject({ ok: true, value: { kind: 'field' } })
        for (const proof of forgeries(state, honest)) {
          tried++
          const checked = checkProof(proof, root)
          if (checked.ok) throw new Error(`forged: ${JSON.stringify(checked.value)}`)
        }
      }),
      RUNS,
    )
    expect(tried).toBeGreaterThan(RUNS.numRuns * 10)
  })

  test('cannot be shown of one field among many, nor can one be left out of the whole item', () => {
    const state = makeState(Array.from({ length: 40 }, (_, i) => ['chat', 'log', `${i}`, i] as const))
    const whole = prove(state, { path: 'chat', type: 'log' })
    if (whole.end.kind !== 'item') throw new Error('the item is there')
    const { fields } = whole.end
    expect(fields).toHaveLength(40)
    for (const [i] of fields.entries()) {
      const changed = [
        fields.toSpliced(i, 1),
        fields.toSpliced(i, 0, fields[i] as ShownField),
        fields.toSpliced(i, 1, ['other', (fields[i] as ShownField)[1]]),
      ]
      for (const fields of changed)
        expect(checkProof({ ...whole, end: { ...whole.end, fields } }, state.tree.root()).ok).toBe(false)
    }
    expect(
      checkProof({ ...whole, end: { ...whole.end, fields: fields.toReversed() } }, state.tree.root()).ok,
    ).toBe(false)
  })
})

/** Everything a liar may try, to show with parts of the truth that a field, its item or its path is not there. */
function* forgeries({ tree, model }: State, honest: Proof): Generator<Proof> {
  const { path, passed, end } = honest
  if (end.kind !== 'field') throw new Error('a proof of presence')
  const { type, field, items, children } = end
  const root = tree.rootAt(path) as Uint8Array
  const item = model.get(`${path}|${type}`) as ReadonlyMap<string, Uint8Array>
  const seen = tree.walk(path).node?.items ?? []
  // The field: at any depth an empty place, another key, its own.
  const fieldLeaf = tree.walkToField({ path, type, field })?.end ?? null
  const neighbours = [...item.keys()].flatMap(
    (name) => tree.walkToField({ path, type, field: name })?.end ?? [],
  )
  for (const walk of liesAbout({ steps: end.steps, end: fieldLeaf }, neighbours))
    yield { path, passed, end: { kind: 'no-field', type, field, items, children, walk } }
  yield { path, passed, end: { kind: 'no-field', type: 'other', field, items, children, walk: emptyWalk } }
  // The type: hidden, doubled under another name, in another order, with the items' hashes passed off as others'.
  const others = seen.filter((one) => one.type !== type)
  const own = seen.filter((one) => one.type === type)
  const hidden = [others, [...others, ...own.map((one) => ({ ...one, type: 'z' }))], [...seen, ...own], []]
  for (const list of hidden)
    for (const denied of [type, null])
      yield { path, passed, end: { kind: 'no-item', type: denied, items: list, children } }
  yield { path, passed, end: { kind: 'no-item', type, items: seen, children } }
  // The path: at every level, by every way.
  for (const [depth, { items: above }] of passed.entries()) {
    const prefix = path.split('/').slice(0, depth).join('/')
    const level = tree.walk(path).passed[depth] as { readonly walk: TrieWalk }
    const siblings = ['a', 'b', 'c', 'row', 'ä', 'wide'].flatMap((name) => {
      const { passed } = tree.walk(prefix === '' ? name : `${prefix}/${name}`)
      return passed[depth]?.walk.end ?? []
    })
    for (const walk of liesAbout(level.walk, siblings))
      yield { path, passed: passed.slice(0, depth), end: { kind: 'nothing', items: above, walk } }
  }
  yield { path, passed, end: { kind: 'nothing', items, walk: emptyWalk } }
  yield { path, passed, end: { kind: 'subtree', root: itemHash(type, root) } }
}

const emptyWalk: TrieWalk = { steps: [{ bitmap: 0, siblings: new Uint8Array() }], end: null }

/** Ways that a liar may give for one that leads to a key. */
function* liesAbout(
  walk: TrieWalk,
  neighbours: readonly NonNullable<TrieWalk['end']>[],
): Generator<TrieWalk> {
  const { steps, end } = walk
  yield emptyWalk
  yield { steps: [], end: null }
  yield { steps, end: null }
  yield walk
  for (const other of neighbours) {
    yield { steps, end: other }
    for (let length = 0; length < steps.length; length++) yield { steps: steps.slice(0, length), end: other }
  }
  for (const [depth, { bitmap, siblings }] of steps.entries()) {
    const before = steps.slice(0, depth)
    yield { steps: before, end: null }
    yield { steps: before, end }
    // The truth about this node, and that nothing follows.
    yield { steps: [...before, { bitmap, siblings: childrenOf(walk, depth) }], end: null }
    // The bit of the key taken out, with its hash or without, or a sibling in its place.
    for (let bit = 0; bit < 16; bit++) {
      const without = bitmap & ~(1 << bit)
      const changed: readonly TrieStep[] = [
        { bitmap: without, siblings },
        { bitmap: without, siblings: siblings.subarray(32) },
        { bitmap: without, siblings: concatBytes(siblings, new Uint8Array(32)) },
        { bitmap: bitmap | (1 << bit), siblings },
      ]
      for (const step of changed) {
        yield { steps: [...before, step], end: null }
        if (step.bitmap !== bitmap) yield { steps: steps.toSpliced(depth, 1, step), end: null }
      }
    }
  }
  const last = steps.at(-1)
  if (last !== undefined) yield { steps: [...steps, last], end: null }
}

/** The hashes of all children of a node that a way passes, with the one it goes on to. */
function childrenOf({ steps, end }: TrieWalk, depth: number): Uint8Array {
  if (end === null) throw new Error('a way to a key')
  let below = leafHash(end.key, end.value)
  for (let at = steps.length - 1; ; at--) {
    const { bitmap, siblings } = steps[at] as TrieStep
    const nibble = nibbleAt(end.key, at)
    const before = Array.from({ length: nibble }, (_, bit) => (bitmap >> bit) & 1).reduce((a, b) => a + b, 0)
    const children = concatBytes(siblings.subarray(0, before * 32), below, siblings.subarray(before * 32))
    if (at === depth) return children
    below = branchHash(bitmap, children)
  }
}

describe('the size of a proof', () => {
  test('grows with the logarithm of the fields and of the siblings', () => {
    const sizeAmong = (count: number) => {
      const tree = new StateTree()
      for (let i = 0; i < count; i++) {
        tree.set({ path: 'chat', type: 'log', field: `${i}` }, encodeCanonical(i))
        tree.set({ path: `rows/${i}`, type: 'register', field: '' }, encodeCanonical(i))
      }
      const entry = proveState(tree, { path: 'chat', type: 'log', field: '7' }, () => [
        ['7', encodeCanonical(7)],
      ])
      const row = proveState(tree, { path: 'rows/7', type: 'register' }, () => [['', encodeCanonical(7)]])
      expect(checkProof(entry, tree.root()).ok && checkProof(row, tree.root()).ok).toBe(true)
      return [encoded(entry).length, encoded(row).length] as const
    }
    const few = sizeAmong(100)
    const many = sizeAmong(10_000)
    for (const i of [0, 1] as const) expect(many[i] - few[i]).toBeLessThan(3 * 16 * 34)
    expect(Math.max(...many)).toBeLessThan(4_096)
  })

  test('has a bound, and one past it none is made and none is read', () => {
    const whole = (count: number): Proof => {
      const fields = Array.from(
        { length: count },
        (_, i) => [String(i).padStart(6, '0'), encodeCanonical(1)] as const,
      )
      const parts = { items: new Uint8Array(32), children: new Uint8Array(32), type: 'map' }
      return { path: '', passed: [], end: { kind: 'item', ...parts, fields } }
    }
    expect(decodeProof(encoded(whole(STATE_PROOF_FIELDS_MAX))).ok).toBe(true)
    expect(encodeProof(whole(STATE_PROOF_FIELDS_MAX + 1))).toMatchObject({
      ok: false,
      fault: { code: 'LIMIT' },
    })
    const [format] = ['hanse/state/proof/1']
    const { end } = whole(STATE_PROOF_FIELDS_MAX + 1)
    if (end.kind !== 'item') throw new Error('an item')
    const bytes = encodeCanonical([format, '', [], ['item', end.items, end.children, end.type, end.fields]])
    expect(decodeProof(bytes)).toMatchObject({ ok: false, fault: { code: 'BAD_FIELD' } })

    const large = (size: number): Proof => ({
      path: '',
      passed: [],
      end: {
        kind: 'field',
        items: new Uint8Array(),
        children: new Uint8Array(32),
        type: 'register',
        field: '',
        value: encodeCanonical(new Uint8Array(size)),
        steps: [],
      },
    })
    const overhead = encoded(large(70_000)).length - 70_000
    expect(decodeProof(encoded(large(STATE_PROOF_BYTES_MAX - overhead))).ok).toBe(true)
    expect(encodeProof(large(STATE_PROOF_BYTES_MAX - overhead + 1))).toMatchObject({
      fault: { code: 'LIMIT' },
    })
    expect(decodeProof(new Uint8Array(STATE_PROOF_BYTES_MAX + 1))).toMatchObject({ fault: { code: 'LIMIT' } })
  })
})

describe('bytes that are no proof', () => {
  const hash = new Uint8Array(32)
  const FORMAT = 'hanse/state/proof/1'
  test.each<[string, unknown, string]>([
    ['not a list', 'a text', 'VERSION'],
    ['a list of something else', ['hanse/state/proof/2', '', [], ['subtree', hash]], 'VERSION'],
    ['one part more', [FORMAT, '', [], ['subtree', hash], null], 'VERSION'],
    ['a path that is none', [FORMAT, 'a//b', [], ['subtree', hash]], 'BAD_PATH'],
    ['a path that is no text', [FORMAT, 1, [], ['subtree', hash]], 'BAD_FIELD'],
    ['an end of no kind', [FORMAT, '', [], ['everything', hash]], 'BAD_FIELD'],
    ['an end that is no list', [FORMAT, '', [], null], 'BAD_FIELD'],
    ['a short root', [FORMAT, '', [], ['subtree', hash.subarray(1)]], 'BAD_FIELD'],
    ['an end with more', [FORMAT, '', [], ['subtree', hash, hash]], 'BAD_FIELD'],
    ['a node without steps', [FORMAT, 'a', [[hash]], ['subtree', hash]], 'BAD_FIELD'],
    ['half a hash', [FORMAT, 'a', [[hash.subarray(1), []]], ['subtree', hash]], 'BAD_FIELD'],
    ['256 items', [FORMAT, 'a', [[new Uint8Array(256 * 32), []]], ['subtree', hash]], 'BAD_FIELD'],
    ['a wide bitmap', [FORMAT, 'a', [[hash, [[65_536, hash]]]], ['subtree', hash]], 'BAD_FIELD'],
    ['a negative bitmap', [FORMAT, 'a', [[hash, [[-1, hash]]]], ['subtree', hash]], 'BAD_FIELD'],
    [
      'a way of 65 steps',
      [FORMAT, 'a', [[hash, Array.from({ length: 65 }, () => [1, hash])]], ['subtree', hash]],
      'BAD_FIELD',
    ],
    [
      'a value that is no canonical CBOR',
      [FORMAT, '', [], ['field', hash, hash, 'map', 'x', Uint8Array.of(0x18, 1), []]],
      'BAD_FIELD',
    ],
  ])('%s', (_what, value, code) => {
    expect(decodeProof(encodeCanonical(value))).toMatchObject({ ok: false, fault: { code } })
  })

  test('and a proof whose parts do not fit proves nothing, whatever the root', () => {
    for (const passed of [
      [],
      [
        { items: hash, steps: [] },
        { items: hash, steps: [] },
      ],
    ]) {
      const proof: Proof = { path: 'a', passed, end: { kind: 'subtree', root: hash } }
      expect(checkProof(proof, hash)).toMatchObject({ ok: false, fault: { code: 'NOT_PROVEN' } })
    }
  })
})
