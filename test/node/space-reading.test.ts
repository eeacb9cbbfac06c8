import { describe, expect, test } from 'vitest'
import { toHex } from '../../src/core/bytes.ts'
import { READ_TOKENS_MAX } from '../../src/core/limits.ts'
import type { ReadChain } from '../../src/core/sync/read-scope.ts'
import type { VerifiedDelegation } from '../../src/core/ucan/delegation.ts'
import { pathPolicy } from '../../src/core/ucan/policy.ts'
import { SpaceReading } from '../../src/node/space/space-reading.ts'
import { TokenBook } from '../../src/node/space/token-book.ts'
import { alice, bob, bobToken, delegate, NOW_MS, ownerToken, spaceKey, stranger } from '../cast.ts'

const readsAt = (path: string, terms: { expiresSeconds?: number; notBeforeSeconds?: number } = {}) =>
  delegate(alice, bob, { command: '/op/read', policy: pathPolicy(path), ...terms })

/** What bob's node may read by these tokens; `revoked` may change. */
function createReading(tokens: readonly VerifiedDelegation[]) {
  const book = new TokenBook(spaceKey.publicKey)
  for (const token of [ownerToken, ...tokens]) book.add(token)
  const revoked = new Set<string>()
  const closedBy = (chain: ReadChain) =>
    chain.some(({ digest }) => revoked.has(toHex(digest))) ? 'a revocation' : null
  const reading = new SpaceReading({
    spaceKey: spaceKey.publicKey,
    tokens: book,
    rules: { closedBy, isOpenReading: () => false },
  })
  const prefixes = (nowMs = NOW_MS) => reading.scopeOf(bob.publicKey, nowMs).prefixes(nowMs)
  return { book, reading, revoked, prefixes }
}

describe('what this node shows of its right to read', () => {
  test('is one chain that reads everything, where there is one', () => {
    const { reading } = createReading([readsAt('public'), bobToken, readsAt('notes')])
    expect(reading.scopeOf(bob.publicKey, NOW_MS).chains).toEqual([[ownerToken, bobToken]])
  })

  test('is otherwise every chain that adds something, widest first, as far as a proof holds', () => {
    const some = createReading([readsAt('public/a'), readsAt('public'), readsAt('notes/a/b')])
    expect(some.prefixes()).toEqual(['notes/a/b', 'public'])
    expect(some.reading.scopeOf(bob.publicKey, NOW_MS).chains).toHaveLength(2)
    const many = createReading([
      ...Array.from({ length: READ_TOKENS_MAX }, (_, i) => readsAt(`deep/${i}`)),
      readsAt('wide'),
    ])
    expect(many.prefixes()).toHaveLength(READ_TOKENS_MAX / 2)
    expect(many.prefixes()).toContain('wide')
  })

  test('is nothing for whom no chain reaches, and no proof is made', () => {
    const { reading } = createReading([])
    expect(reading.scopeOf(stranger.publicKey, NOW_MS).chains).toEqual([])
    const bytes = new Uint8Array(32)
    const binding = {
      spaceId: bytes,
      signerPeer: bytes,
      otherPeer: bytes,
      signerNonce: bytes,
      otherNonce: bytes,
    }
    expect(reading.prove(stranger, binding, NOW_MS)).toBeNull()
  })

  test('stays the same object while it stays the same, whatever else is granted', () => {
    const { reading, book } = createReading([readsAt('public')])
    const scope = reading.scopeOf(bob.publicKey, NOW_MS)
    book.add(delegate(alice, stranger))
    book.add(readsAt('public/below'))
    reading.changed()
    expect(reading.scopeOf(bob.publicKey, NOW_MS + 100_000)).toBe(scope)
  })

  test('follows grants, revocations, and revocations that are revoked', () => {
    const { reading, book, revoked, prefixes } = createReading([readsAt('public')])
    expect(prefixes()).toEqual(['public'])
    const notes = readsAt('notes')
    book.add(notes)
    expect(prefixes()).toEqual(['notes', 'public'])
    revoked.add(toHex(notes.digest))
    expect(prefixes()).toEqual(['public'])
    revoked.clear()
    reading.changed()
    expect(prefixes()).toEqual(['notes', 'public'])
  })

  test('follows the clock: what ends, at once; what begins, within a minute', () => {
    const second = NOW_MS / 1_000
    const tokens = [
      readsAt('ends', { expiresSeconds: second }),
      readsAt('begins', { notBeforeSeconds: second + 1 }),
    ]
    const { prefixes } = createReading([...tokens, readsAt('public')])
    expect(prefixes()).toEqual(['ends', 'public'])
    expect(prefixes(NOW_MS + 1)).toEqual(['public'])
    expect(prefixes(NOW_MS + 60_001)).toEqual(['begins', 'public'])
  })
})
