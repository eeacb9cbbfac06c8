import { describe, expect, test } from 'vitest'
import { decodeMessage, encodeMessage } from '../../protocols/sync/message-codec.ts'
import {
  HANDSHAKE_FRAME_BYTES_MAX,
  READ_PATHS_REMEMBERED_MAX,
  READ_TOKENS_MAX,
  TOKEN_BYTES_MAX,
} from '../../src/core/limits.ts'
import { handshakeBytes, verifyReadProof } from '../../src/core/sync/handshake.ts'
import { ReadScope, scopeNow, sharedPrefixes, WHOLE_SCOPE } from '../../src/core/sync/read-scope.ts'
import type { VerifiedDelegation } from '../../src/core/ucan/delegation.ts'
import { pathPolicy } from '../../src/core/ucan/policy.ts'
import {
  alice,
  bob,
  bobToken,
  carol,
  delegate,
  mallory,
  NOW_MS,
  ownerToken,
  spaceKey,
  stranger,
  verifier,
} from '../cast.ts'

const readsAt = (path: string, expiresSeconds: number | null = null) =>
  delegate(alice, bob, { command: '/op/read', policy: pathPolicy(path), expiresSeconds })
const chain = (token: VerifiedDelegation) => [ownerToken, token]
const SECOND = NOW_MS / 1_000
const rules = { closedBy: () => null, isOpenReading: () => false, watch: () => () => {} }

describe('what a reader may read', () => {
  test('is what the policies of one whole chain allow, at and below its path', () => {
    const scope = new ReadScope([chain(readsAt('public')), chain(readsAt('notes/a'))])
    const paths = ['public', 'public/x', 'notes/a/b', '', 'publicity', 'notes', 'private']
    expect(paths.filter((path) => scope.mayRead(path, NOW_MS))).toEqual(['public', 'public/x', 'notes/a/b'])
    expect(scope.prefixes(NOW_MS)).toEqual(['notes/a', 'public'])
  })

  test('is not put together from tokens of different chains', () => {
    const narrowed = delegate(bob, carol, { command: '/op/read', policy: pathPolicy('public/a') })
    const scope = new ReadScope([[ownerToken, readsAt('public'), narrowed]])
    expect(scope.mayRead('public/b', NOW_MS)).toBe(false)
    expect(scope.mayRead('public/a/b', NOW_MS)).toBe(true)
  })

  test('ends with each chain, to the millisecond, also for paths that were asked about before', () => {
    const scope = new ReadScope([chain(readsAt('public', SECOND)), chain(readsAt('notes', SECOND + 1))])
    expect([scope.mayRead('public', NOW_MS), scope.mayRead('public', NOW_MS + 1)]).toEqual([true, false])
    expect(scope.mayRead('notes', NOW_MS + 1_000)).toBe(true)
    expect(scope.mayRead('notes', NOW_MS + 1_001)).toBe(false)
    expect([scope.isInForce(NOW_MS + 1_000), scope.isInForce(NOW_MS + 1_001)]).toEqual([true, false])
    expect([scope.nextEndMs(NOW_MS), scope.nextEndMs(NOW_MS + 1)]).toEqual([NOW_MS, NOW_MS + 1_000])
  })

  test('is asked anew each time where a policy asks for the time', () => {
    const once = delegate(alice, bob, { command: '/op/read', policy: [['==', '.time', NOW_MS]] })
    const scope = new ReadScope([chain(once)])
    expect([NOW_MS, NOW_MS + 1, NOW_MS].map((at) => scope.mayRead('x', at))).toEqual([true, false, true])
    expect(scope.prefixes(NOW_MS)).toBeNull()
  })

  test('is answered rightly for more paths than are remembered', () => {
    const scope = new ReadScope([chain(readsAt('public'))])
    for (let i = 0; i <= READ_PATHS_REMEMBERED_MAX; i++) {
      expect(scope.mayRead(i % 2 === 0 ? `public/${i}` : `private/${i}`, NOW_MS)).toBe(i % 2 === 0)
    }
    expect([scope.mayRead('public/0', NOW_MS), scope.mayRead('private/1', NOW_MS)]).toEqual([true, false])
  })

  test('is nothing for a policy that nobody can decide, and the chain still counts as a member’s', () => {
    const odd = delegate(alice, bob, { command: '/op/read', policy: [['all', '.path', []]] })
    const scope = new ReadScope([chain(odd)])
    expect(['', 'public'].some((path) => scope.mayRead(path, NOW_MS))).toBe(false)
    expect(scopeNow(scope, rules, NOW_MS).ok).toBe(true)
  })

  test('is what is left after revocations, and ends with a code', () => {
    const [open, other] = [chain(readsAt('public')), chain(readsAt('notes', SECOND))]
    const scope = new ReadScope([open, other])
    const closed = (gone: readonly (readonly VerifiedDelegation[])[]) => ({
      ...rules,
      closedBy: (one: readonly VerifiedDelegation[]) => (gone.includes(one) ? 'revoked' : null),
    })
    const left = scopeNow(scope, closed([open]), NOW_MS)
    expect(left.ok && left.value.prefixes(NOW_MS)).toEqual(['notes'])
    const codes = [
      scopeNow(scope, closed([open, other]), NOW_MS),
      scopeNow(scope, closed([open]), NOW_MS + 1),
      scopeNow(new ReadScope([other]), rules, NOW_MS + 1),
      scopeNow(scope, { ...rules, isOpenReading: () => true }, NOW_MS),
    ].map((result) => (result.ok ? null : result.fault.code))
    expect(codes).toEqual(['CAP_REVOKED', 'CAP_REVOKED', 'CAP_TIME', 'CAP_POLICY'])
    expect(scopeNow(WHOLE_SCOPE, { ...rules, isOpenReading: () => true }, NOW_MS).ok).toBe(true)
  })

  test('is compared with another’s where both read', () => {
    const mine = new ReadScope([chain(readsAt('public')), chain(readsAt('notes/a'))])
    expect(sharedPrefixes(mine, WHOLE_SCOPE, NOW_MS)).toEqual(['notes/a', 'public'])
    expect(sharedPrefixes(mine, new ReadScope([chain(readsAt('notes'))]), NOW_MS)).toEqual(['notes/a'])
    expect(sharedPrefixes(WHOLE_SCOPE, WHOLE_SCOPE, NOW_MS)).toEqual([''])
    const odd = delegate(alice, bob, { command: '/op/read', policy: [['==', '.path', 'x']] })
    expect(sharedPrefixes(mine, new ReadScope([chain(odd)]), NOW_MS)).toEqual([])
  })
})

describe('a proof', () => {
  const bytes = new Uint8Array(32)
  const binding = {
    spaceId: bytes,
    signerPeer: bytes,
    otherPeer: bytes,
    signerNonce: bytes,
    otherNonce: bytes,
  }
  const check = (tokens: readonly VerifiedDelegation[], reader = bob) =>
    verifyReadProof(
      { tokens: tokens.map((token) => token.bytes), signature: reader.sign(handshakeBytes(binding)) },
      binding,
      spaceKey.publicKey,
      verifier.verifySync,
    )
  const codeOf = (tokens: readonly VerifiedDelegation[], reader = bob) => {
    const result = check(tokens, reader)
    return result.ok ? null : result.fault.code
  }

  test('may hold several chains of one reader, one after the other', () => {
    const proven = check([...chain(readsAt('public')), ...chain(readsAt('notes'))])
    expect(proven.ok && proven.value.scope.prefixes(NOW_MS)).toEqual(['notes', 'public'])
    expect(proven.ok && proven.value.reader).toEqual(bob.publicKey)
  })

  test('is refused when its chains end at different readers, have a gap, or do not read', () => {
    const carols = delegate(alice, carol, { command: '/op/read' })
    expect(codeOf([...chain(carols), ...chain(readsAt('public'))])).toBe('CAP_CHAIN')
    expect(codeOf([ownerToken, delegate(mallory, bob)])).toBe('CAP_CHAIN')
    expect(codeOf([...chain(bobToken), delegate(alice, bob)])).toBe('CAP_CHAIN')
    expect(codeOf([...chain(bobToken), ...chain(delegate(alice, bob, { command: '/op/write' }))])).toBe(
      'CAP_COMMAND',
    )
    expect(codeOf(chain(bobToken), stranger)).toBe('BAD_SIGNATURE')
  })

  test('has at most so many tokens, over all chains', () => {
    const chains = Array.from({ length: READ_TOKENS_MAX / 2 }, (_, i) => chain(readsAt(`p${i}`))).flat()
    expect(chains).toHaveLength(READ_TOKENS_MAX)
    expect(codeOf(chains)).toBeNull()
    expect(codeOf([...chains, ownerToken])).toBe('CAP_FORM')
    expect(codeOf([])).toBe('CAP_FORM')
  })

  test('fits into one frame of a handshake, however large its tokens', () => {
    const tokens = Array.from({ length: READ_TOKENS_MAX }, () => new Uint8Array(TOKEN_BYTES_MAX))
    const message = encodeMessage({ kind: 'proof', proof: { tokens, signature: new Uint8Array(64) } })
    expect(message.length).toBeLessThan(HANDSHAKE_FRAME_BYTES_MAX)
    expect(decodeMessage(message, null).ok).toBe(true)
    const more = { tokens: [...tokens, new Uint8Array(1)], signature: new Uint8Array(64) }
    const refused = decodeMessage(encodeMessage({ kind: 'proof', proof: more }), null)
    expect(refused.ok ? null : refused.fault.code).toBe('BAD_FIELD')
  })

  test('holds whatever its policy says of paths: that is asked for each body', () => {
    expect(codeOf(chain(readsAt('public')))).toBeNull()
    expect(codeOf(chain(readsAt('public', 1)))).toBeNull()
  })
})
