import { expect, test } from 'vitest'
import { PeerBook } from '../../src/node/peer-book.ts'

test('who does not know the space is no peer of it, as all those near by with other spaces are not', () => {
  const book = new PeerBook()
  book.setProven('a stranger', false)
  book.onFault('a stranger', 'UNKNOWN_SPACE')
  expect(book.all()).toEqual([])
})

test('who was of the space stays, and so does whoever had something refused or failed otherwise', () => {
  const book = new PeerBook()
  book.restore([['a member', 'root', 1, 0, 0]])
  book.onRefused('a liar', 'BAD_SIGNATURE')
  for (const peer of ['a member', 'a liar']) book.onFault(peer, 'UNKNOWN_SPACE')
  book.onFault('another', 'TIMEOUT')
  const last = book.all().map(({ peer, lastFault }) => [peer, lastFault])
  expect(last).toEqual([
    ['a member', 'UNKNOWN_SPACE'],
    ['a liar', 'UNKNOWN_SPACE'],
    ['another', 'TIMEOUT'],
  ])
})
