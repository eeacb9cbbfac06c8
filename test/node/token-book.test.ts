import { expect, test } from 'vitest'
import { TokenBook } from '../../src/node/space/token-book.ts'
import { bob, bobToken, delegate, NOW_MS, ownerToken, spaceKey } from '../cast.ts'

const purpose = {
  invoker: bob.publicKey,
  command: '/op/write',
  path: 'notes/a',
  timeMs: NOW_MS,
  bodySize: 10,
}

test('a shorter chain that comes later is found, whatever was found before', () => {
  const book = new TokenBook(spaceKey.publicKey)
  for (const token of [ownerToken, bobToken]) book.add(token)
  expect(book.find(purpose)).toEqual({ ok: true, value: [ownerToken, bobToken] })
  const direct = delegate(spaceKey, bob, { command: '/op' })
  book.add(direct)
  expect(book.find(purpose)).toEqual({ ok: true, value: [direct] })
})

test('where the shortest chain does not do, a longer one is found', () => {
  const book = new TokenBook(spaceKey.publicKey)
  const readOnly = delegate(spaceKey, bob, { command: '/op/read' })
  for (const token of [ownerToken, bobToken, readOnly]) book.add(token)
  expect(book.find(purpose)).toEqual({ ok: true, value: [ownerToken, bobToken] })
  expect(book.find({ ...purpose, command: '/op/read' })).toEqual({ ok: true, value: [readOnly] })
})

test('what was found before is not given once it is revoked', () => {
  let revocation: string | null = null
  const book = new TokenBook(spaceKey.publicKey, () => revocation)
  for (const token of [ownerToken, bobToken]) book.add(token)
  expect(book.find(purpose).ok).toBe(true)
  revocation = 'a revocation'
  expect(book.find(purpose)).toMatchObject({ ok: false, fault: { code: 'CAP_REVOKED' } })
})
