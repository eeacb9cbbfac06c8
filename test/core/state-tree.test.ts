import { expect, test, vi } from 'vitest'
import { encodeCanonical } from '../../src/core/canonical-cbor.ts'
import type * as Hash from '../../src/core/hash.ts'
import { StateTree } from '../../src/core/state/state-tree.ts'

const counted = vi.hoisted(() => ({ hashes: 0 }))
vi.mock(import('../../src/core/hash.ts'), async (importOriginal) => {
  const original: typeof Hash = await importOriginal()
  return {
    ...original,
    sha256: (...parts: readonly Uint8Array[]) => {
      counted.hashes++
      return original.sha256(...parts)
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

test('a register among thousands costs what its path is deep and its siblings are many in the logarithm', () => {
  const tree = new StateTree()
  for (let i = 0; i < 5_000; i++)
    tree.set({ path: `rows/${i}`, type: 'register', field: '' }, encodeCanonical(i))
  const set = (value: Uint8Array | null) => tree.set({ path: 'rows/77', type: 'register', field: '' }, value)
  expect(costOf(tree, () => set(encodeCanonical('new')))).toBeLessThan(30)
  expect(costOf(tree, () => set(null))).toBeLessThan(30)
  expect(costOf(tree, () => set(null))).toBe(0)
})
