import { expect, test } from 'vitest'
import { Texts } from '../../src/node/replica/texts.ts'
import { bob, createHome } from '../cast.ts'

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
