import { describe, expect, it } from 'vitest'
import { editMap } from '../../src/core/types/map/change.ts'
import { addToCounter, clearCounter } from '../../src/core/types/counter/change.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { editSet } from '../../src/core/types/set/change.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { bob, carol, createHome, forge, type Home } from '../cast.ts'

const FIELDS = 2_000

/** How often bodies were read out of the store while an operation was received. */
async function bodiesRead({ hosted }: Home, operation: Operation): Promise<number> {
  const { store, replica } = hosted
  let reads = 0
  const read = store.operation.bind(store)
  store.operation = (ordinal) => {
    reads++
    return read(ordinal)
  }
  await replica.receive([operation], 'a peer')
  store.operation = read
  return reads
}

describe('a body that comes late', () => {
  it('is read a few times, however many cells it writes', async () => {
    const fields = Object.fromEntries(Array.from({ length: FIELDS }, (_, i) => [`field ${i}`, i]))
    const first = forge({ author: bob, body: [editMap('a', { set: fields })] })
    const late = forge({
      author: carol,
      body: [editMap('a', { set: fields }), editSet('a', { add: Object.keys(fields) })],
    })
    const home = await createHome([{ ...late, body: null }, first])
    expect(await bodiesRead(home, late)).toBeLessThan(10)
    expect(home.hosted.store.cellsAt('a')).toHaveLength(2 * FIELDS)
  })

  it('with thousands of edits of one cell folds that cell once', async () => {
    const late = forge({ author: bob, body: Array.from({ length: FIELDS }, (_, i) => setRegister('a', i)) })
    const home = await createHome([{ ...late, body: null }, forge({ author: carol })])
    let cleared = 0
    const { store } = home.hosted
    const transaction = store.transaction.bind(store)
    store.transaction = (durability, work) =>
      transaction(durability, (writer) => {
        const clear = writer.clearCell.bind(writer)
        writer.clearCell = (key) => {
          cleared++
          clear(key)
        }
        return work(writer)
      })
    await home.hosted.replica.receive([late], 'a peer')
    expect(cleared).toBe(1)
    expect(store.cell({ path: 'a', type: 'register', field: '' })?.index).toBe(FIELDS - 1)
  })
})

describe('a counter that one operation clears and adds to', () => {
  it('has what it added, once, in whatever order of its changes', async () => {
    const base = forge({ author: bob, body: [addToCounter('a', 100)] })
    for (const body of [
      [clearCounter('a'), addToCounter('a', 5), addToCounter('a', 2)],
      [addToCounter('a', 5), clearCounter('a'), addToCounter('a', 2)],
      [addToCounter('a', 5), addToCounter('a', 2), clearCounter('a'), clearCounter('a')],
    ]) {
      const operation = forge({ author: bob, prev: base, body })
      const { store } = (await createHome([base, operation])).hosted
      expect(store.cell({ path: 'a', type: 'counter', field: '' })?.value).toEqual(Uint8Array.of(7))
    }
  })
})
