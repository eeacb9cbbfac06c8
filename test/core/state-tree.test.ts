import { expect, test, vi } from 'vitest'
import { toHex, utf8 } from '../../src/core/bytes.ts'
import { encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { sha256 } from '../../src/core/hash.ts'
import type * as Hash from '../../src/core/hash.ts'
import { STATE_FIELD_TAG } from '../../src/core/domain-tags.ts'
import { fieldValue } from '../../src/core/state/state-hashes.ts'
import { StateTree } from '../../src/core/state/state-tree.ts'
import { MerkleTrie } from '../../src/core/trie.ts'

const counted = vi.hoisted(() => ({ hashes: 0 }))
vi.mock(import('../../src/core/hash.ts'), async (importOriginal) => {
  const original: typeof Hash = await importOriginal()
  return {
    ...original,
    sha256: (...parts: readonly Uint8Array[]) => {
      counted.hashes++
      return original.sha256(...parts)
    },
    sha256Into: (...to: Parameters<typeof original.sha256Into>) => {
      counted.hashes++
      original.sha256Into(...to)
    },
  }
})

/** How many hashes it takes to do something and to know the root. */
function costOf(tree: StateTree, change: () => void): number {
  tree.root()
  counted.hashes = 0
  change()
  tree.root()
  return counted.hashes
}

test.each([0, 1, 23, 24, 255, 256, 4_000, 4_096, 65_535, 65_536, 262_144])(
  'the value of a field commits to its canonical form, with %i bytes shown',
  (length) => {
    for (const field of ['', 'name', 'é', 'long '.repeat(60)]) {
      const value = new Uint8Array(length).fill(7)
      expect(fieldValue(field, value)).toEqual(sha256(STATE_FIELD_TAG, encodeCanonical([field, value])))
    }
  },
)

test('one more entry of a long log, one changed and one taken away cost a few hashes, whatever the length', () => {
  const tree = new StateTree()
  const set = (i: number, value: Uint8Array | null) => {
    tree.set({ path: 'chat/room', type: 'log', field: String(i) }, value)
  }
  for (let i = 0; i < 20_000; i++) set(i, encodeCanonical(i))
  const one = encodeCanonical('one more')
  expect(costOf(tree, () => set(20_000, one))).toBeLessThan(30)
  expect(costOf(tree, () => set(5, one))).toBeLessThan(30)
  expect(costOf(tree, () => set(6, null))).toBeLessThan(30)
  expect(costOf(tree, () => undefined)).toBe(0)
})

/**
 * What a key shares its way with in a trie of uniform keys: the inner nodes from the root of the trie to its leaf, and the other leaves that hang
 * directly from one of these. Of 5,000 keys it is 3.8 inner nodes and 6.5 leaves on the mean: n · 16^-d · 15/16 others leave the way at depth d, and
 * each is a leaf there where none of the n is in its place of 16^(d+1), so the sum over d of n · 16^-d · 15/16 · (1 - 16^-(d+1))^n.
 */
function wayTo(
  key: string,
  counts: ReadonlyMap<string, number>,
): { readonly inner: number; readonly leaves: number } {
  let [inner, leaves] = [0, 0]
  for (let depth = 0; (counts.get(key.slice(0, depth)) ?? 0) > 1; depth++) {
    inner++
    for (const nibble of '0123456789abcdef')
      if (nibble !== key[depth] && counts.get(key.slice(0, depth) + nibble) === 1) leaves++
  }
  return { inner, leaves }
}

test('a register among thousands costs four hashes, as many for each leaf beside its way, and one for each node above', () => {
  const tree = new StateTree()
  const counts = new Map<string, number>()
  const keyOf = (i: number) => toHex(sha256(utf8(String(i))))
  const rows = 5_000
  for (let i = 0; i < rows; i++) {
    tree.set({ path: `rows/${i}`, type: 'register', field: '' }, encodeCanonical(i))
    const key = keyOf(i)
    for (let depth = 0; depth <= 16; depth++)
      counts.set(key.slice(0, depth), (counts.get(key.slice(0, depth)) ?? 0) + 1)
  }
  const set = (i: number, value: Uint8Array | null) =>
    tree.set({ path: `rows/${i}`, type: 'register', field: '' }, value)
  const [one, changes] = [encodeCanonical('new'), 500]
  let sum = 0
  for (let i = 0; i < changes; i++) {
    const { inner, leaves } = wayTo(keyOf(7 * i), counts)
    const cost = costOf(tree, () => set(7 * i, one))
    // Of a register nothing is kept but the hash of its value, 91 bytes in all: its fields, item, node and leaf are hashed again whenever a leaf
    // beside it changes. Keeping the last of these would be 32 bytes more. Besides: the keys of two segments, the value, node and leaf of `rows`
    // and the node of the root.
    expect(cost).toBe(4 * (1 + leaves) + inner + 6)
    sum += cost
  }
  // As derived: 4 · 7.5 + 3.8 + 6.
  expect(sum / changes).toBeLessThan(42)
  const { inner, leaves } = wayTo(keyOf(77), counts)
  expect(costOf(tree, () => set(77, null))).toBeLessThanOrEqual(4 * leaves + inner + 5)
  // It is gone: what is left are the keys of its two segments.
  expect(costOf(tree, () => set(77, null))).toBe(2)
})

test('the first root costs what the definition needs: six hashes a register, four a field with its segment, and the nodes above', () => {
  const registers = new StateTree()
  const fields = new StateTree()
  for (const tree of [registers, fields]) tree.root()
  counted.hashes = 0
  for (let i = 0; i < 20_000; i++)
    registers.set({ path: `rows/${i}`, type: 'register', field: '' }, encodeCanonical(i))
  registers.root()
  expect(counted.hashes).toBeLessThan(20_000 * 6.6)
  counted.hashes = 0
  for (let i = 0; i < 20_000; i++)
    fields.set({ path: `people/${i % 10}`, type: 'map', field: `field ${i}` }, encodeCanonical(i))
  fields.root()
  expect(counted.hashes).toBeLessThan(20_000 * 4.6)
})

test('a register, a field and an author are kept in less than 100 bytes, whatever their texts are long', () => {
  const registers = new StateTree()
  const folders = new StateTree()
  const fields = new StateTree()
  const trie = new MerkleTrie()
  const count = 50_000
  for (let i = 0; i < count; i++) {
    const name = `a rather long name of a thing that is the number ${i}`
    const value = encodeCanonical(name.repeat(10))
    registers.set({ path: `rows/${name}`, type: 'register', field: '' }, value)
    folders.set({ path: `many/${i >> 4}/${name}`, type: 'register', field: '' }, value)
    fields.set({ path: `people/${i % 50}`, type: 'map', field: name }, value)
    trie.set(sha256(encodeCanonical(i)), sha256(value))
  }
  for (const kept of [registers, folders, fields]) {
    kept.root()
    expect(kept.size).toBe(count)
    expect(kept.byteLength).toBeLessThan(100 * count)
  }
  trie.digest()
  expect(trie.byteLength).toBeLessThan(100 * count)
})

test('a state that shows nothing takes a kilobyte at most, and what was taken away leaves room for what comes', () => {
  const tree = new StateTree()
  tree.root()
  expect(tree.byteLength).toBeLessThanOrEqual(1024)
  const fill = (round: number, value: Uint8Array | null) => {
    for (let i = 0; i < 2_000; i++)
      tree.set(
        { path: `round ${round}/${i % 700}`, type: i % 3 === 0 ? 'map' : 'register', field: '' },
        value,
      )
    tree.root()
  }
  fill(0, encodeCanonical(1))
  const full = tree.byteLength
  const empty = new StateTree().root()
  for (let round = 0; round < 20; round++) {
    fill(round, null)
    expect(tree.root()).toEqual(empty)
    fill(round + 1, encodeCanonical(round))
  }
  expect(tree.byteLength).toBeLessThanOrEqual(2 * full)
})

test.each([
  ['that grows', 300, 300, 240],
  ['of more than one block', 1, 4_000, 12_000],
])(
  'a tree %s, and shrinks at times, has the root of one that never held anything else',
  (_, trees, paths, steps) => {
    for (let seed = 1; seed <= trees; seed++) {
      let random = Math.imul(seed, 2_654_435_761)
      const below = (count: number) => {
        random = Math.imul(random, 1_664_525) + 1_013_904_223
        return (random >>> 8) % count
      }
      const tree = new StateTree()
      const shown = new Map<string, Uint8Array>()
      for (let step = 1; step <= steps; step++) {
        // Now and then both a value and a folder.
        const path = `folder ${below(3)}/${below(paths)}${below(300) === 0 ? '/below' : ''}`
        const value = below(5) < 2 ? null : encodeCanonical(below(200))
        tree.set({ path, type: 'register', field: '' }, value)
        if (value === null) shown.delete(path)
        else shown.set(path, value)
        if (step % (steps / 4) !== 0) continue
        const fresh = new StateTree()
        for (const [at, what] of shown) fresh.set({ path: at, type: 'register', field: '' }, what)
        expect(tree.root(), `seed ${seed}, step ${step}`).toEqual(fresh.root())
        expect(tree.size).toBe(shown.size)
      }
    }
  },
)
