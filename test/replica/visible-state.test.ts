import { describe, expect, test } from 'vitest'
import { toHex } from '../../src/core/bytes.ts'
import { STATE_CELLS_PENDING_MAX } from '../../src/core/limits.ts'
import type { CellKey } from '../../src/core/types/cell.ts'
import { VisibleState } from '../../src/node/replica/visible-state.ts'
import { createMemorySpaceStore } from '../../src/storage/memory-space-store.ts'
import { alice, cellOf, idOf } from '../storage/fixtures.ts'

const id = idOf('an operation')
const rowKey = (i: number): CellKey => ({ path: `rows/${i}`, type: 'register', field: '' })

/** A state, and what it reads of its store. */
function createState() {
  const store = createMemorySpaceStore({ spaceId: idOf('space'), spaceKey: alice.publicKey })
  const state = new VisibleState(store)
  const reads = { looks: 0, pages: 0 }
  const { cell, cells } = store
  store.cell = (key) => {
    reads.looks++
    return cell.call(store, key)
  }
  store.cells = (range) => {
    reads.pages++
    return cells.call(store, range)
  }
  /** Writes rows, or removes them, in one transaction. */
  const write = (rows: readonly number[], value: number | null) => {
    const keys = rows.map(rowKey)
    store.transaction('process', (writer) => {
      for (const key of keys) writer.putCell(key, cellOf(id, value, { removed: value === null }))
    })
    state.refresh(keys)
  }
  const root = () => toHex(state.rootAt('') as Uint8Array)
  const rootReadAnew = () => toHex(new VisibleState(store).rootAt('') as Uint8Array)
  return { reads, write, root, rootReadAnew }
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

describe('the visible state', () => {
  test('looks at a cell that changed many times between two roots once, and at none before it is asked', () => {
    const { reads, write, root, rootReadAnew } = createState()
    write(range(0, 200), 1)
    root()
    Object.assign(reads, { looks: 0, pages: 0 })
    for (let i = 0; i < 50; i++) write([7, 8, 9], i)
    write([8], null)
    expect(reads).toEqual({ looks: 0, pages: 0 })
    const found = root()
    expect(reads).toEqual({ looks: 3, pages: 0 })
    expect(found).toBe(rootReadAnew())
  })

  test('of a space that fills up without anybody asking reads pages, and looks at no cell by itself', () => {
    const { reads, write, root, rootReadAnew } = createState()
    root()
    Object.assign(reads, { looks: 0, pages: 0 })
    for (let from = 0; from < 2 * STATE_CELLS_PENDING_MAX; from += 1_024)
      write(range(from, from + 1_024), from)
    expect(reads).toEqual({ looks: 0, pages: 0 })
    const found = root()
    expect(reads.looks).toBe(0)
    expect(found).toBe(rootReadAnew())
  })

  test('looks at cells before too many are remembered, where most of the space is as it was', () => {
    const { reads, write, root, rootReadAnew } = createState()
    write(range(0, 2 * STATE_CELLS_PENDING_MAX), 1)
    root()
    Object.assign(reads, { looks: 0, pages: 0 })
    write(range(0, STATE_CELLS_PENDING_MAX - 1), 2)
    expect(reads.looks).toBe(0)
    write([STATE_CELLS_PENDING_MAX], null)
    expect(reads).toEqual({ looks: STATE_CELLS_PENDING_MAX, pages: 0 })
    write(range(0, 100), 3)
    const found = root()
    expect(reads).toEqual({ looks: STATE_CELLS_PENDING_MAX + 100, pages: 0 })
    expect(found).toBe(rootReadAnew())
  })

  test('is right after any writes and removals between roots, whether it looks at cells or reads all again', () => {
    const { write, root, rootReadAnew } = createState()
    const most = STATE_CELLS_PENDING_MAX
    const floods = [10, most - 1, 1, most, 5, most + 1]
    for (const [round, size] of floods.entries()) {
      const from = (round * 7_919) % most
      write(range(from, from + size), round)
      write(range(from, from + Math.floor(size / 3)), null)
      if (round % 2 === 0) expect(root()).toBe(rootReadAnew())
    }
    expect(root()).toBe(rootReadAnew())
  })
})
