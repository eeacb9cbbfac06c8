import { expect, test, vi } from 'vitest'
import { TEXT_CHANGES_MAX, TEXT_OPEN_BYTES } from '../../src/core/limits.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { editText } from '../../src/core/types/text/change.ts'
import { SpanTree } from '../../src/core/types/text/span-tree.ts'
import { Texts } from '../../src/node/replica/texts.ts'
import { bob, carol, createHome, dave, forge } from '../cast.ts'

test('texts are kept open as long as there is room for them, and say the same when they are opened again', async () => {
  const { hosted } = await createHome()
  const write = (path: string, inserted: string) =>
    hosted.write([{ kind: 'text', path, splices: [[0, 0, inserted]] }], { author: bob, timeMs: 0 })
  for (const path of ['a', 'b', 'c']) write(path, `${path} says so`)
  const weight = hosted.replica.texts.open('a').weightBytes

  const roomy = new Texts(hosted.store, 3 * weight)
  const open = ['a', 'b', 'c'].map((path) => roomy.open(path))
  expect(['a', 'b', 'c'].map((path) => roomy.open(path))).toEqual(open)
  expect(roomy.open('a')).toBe(open[0])

  const tight = new Texts(hosted.store, 3 * weight - 1)
  const first = tight.open('a')
  tight.open('b')
  expect(tight.open('a')).toBe(first)
  tight.open('c')
  expect(tight.open('a')).toBe(first)
  tight.open('b')
  tight.open('c')
  const again = tight.open('a')
  expect(again).not.toBe(first)
  expect(again.document.toString()).toBe('a says so')
})

test('a text larger than all the room is open while it is used', async () => {
  const { hosted } = await createHome()
  hosted.write([{ kind: 'text', path: 'a', splices: [[0, 0, 'long']] }], { author: bob, timeMs: 0 })
  const texts = new Texts(hosted.store, 1)
  const text = texts.open('a')
  expect(texts.open('a')).toBe(text)
  texts.open('b')
  expect(texts.open('a')).not.toBe(text)
})

test('very many tiny texts are not all kept open: each takes memory, whatever it holds', async () => {
  const paths = Array.from({ length: 40 }, (_, i) => `a/${i}`)
  const { hosted } = await createHome([
    forge({ author: bob, body: paths.map((path) => editText(path, [[0, 0, '']])) }),
  ])
  const texts = new Texts(hosted.store, 20 * TEXT_OPEN_BYTES)
  const open = paths.map((path) => texts.open(path))
  const kept = paths.toReversed().filter((path) => open.includes(texts.open(path)))
  expect(kept.length).toBeLessThan(20)
  expect(kept.length).toBeGreaterThan(10)
})

test('two who wrote at the same time, and arrived by turns, do not make a text slow to open', async () => {
  const costs: number[] = []
  for (const count of [100, 200, 400]) {
    const root = forge({ author: dave, body: [editText('a', [[0, 0, '>']])] })
    const branch = (author: typeof bob, text: string) => {
      const made: Operation[] = []
      while (made.length < count) {
        const prev = made.at(-1)
        const seen = prev === undefined ? { deps: [root] } : { prev }
        made.push(forge({ author, ...seen, body: [editText('a', [[1, 0, text]])] }))
      }
      return made
    }
    const carols = branch(carol, 'c')
    const { hosted } = await createHome([
      root,
      ...branch(bob, 'b').flatMap((one, i) => [one, carols[i] as Operation]),
    ])
    const text = hosted.replica.texts.open('a').document.toString()
    const moved = vi.spyOn(SpanTree.prototype, 'setPrepared')
    expect(new Texts(hosted.store).open('a').document.toString()).toBe(text)
    costs.push(moved.mock.calls.length)
    moved.mockRestore()
  }
  expect(costs[2]).toBeLessThan(6 * (costs[0] as number))
})

test('one operation makes as many changes of a text as the limit says, and those after are void, of that text alone', async () => {
  const letters = Array.from({ length: TEXT_CHANGES_MAX + 2 }, (_, i) => editText('a', [[i, 0, 'x']]))
  const operation = forge({ author: bob, body: [...letters, editText('b', [[0, 0, 'whole']])] })
  const { hosted } = await createHome([operation])
  const { replica, store } = hosted
  expect(replica.texts.open('a').document.toString()).toBe('x'.repeat(TEXT_CHANGES_MAX))
  expect(replica.texts.open('b').document.toString()).toBe('whole')
  const entry = store.find(operation.id)
  const made = entry === undefined ? [] : replica.evaluationOf(entry)
  expect(made.map(({ ok }) => ok)).toEqual([...letters.map((_, i) => i < TEXT_CHANGES_MAX), true])
})
