import { describe, expect, test } from 'vitest'
import { CAPS_MAX } from '../../src/core/limits.ts'
import { createSigner } from '../../src/core/native-signature.ts'
import type { Signer } from '../../src/core/signature.ts'
import { type ChainRequest, verifyChain } from '../../src/core/ucan/chain.ts'
import {
  type DelegationRequest,
  issueDelegation,
  type VerifiedDelegation,
} from '../../src/core/ucan/delegation.ts'
import { pathPolicy } from '../../src/core/ucan/policy.ts'

const SPACE = principal(1)
const ALICE = principal(2)
const BOB = principal(3)
const CAROL = principal(4)
const MALLORY = principal(66)

const NOW_SECONDS = 1_700_000_000

describe('a chain', () => {
  test('gives what every token in it allows', () => {
    const tokens = [
      token(SPACE, ALICE, { command: '/' }),
      token(ALICE, BOB, { policy: pathPolicy('notes') }),
      token(BOB, CAROL),
    ]
    expect(verdict({ tokens, invoker: CAROL.publicKey, path: 'notes/monday' })).toBe('allowed')
  })

  test('of no tokens is enough for the space key, and for nobody else', () => {
    expect(verdict({ tokens: [], invoker: SPACE.publicKey })).toBe('allowed')
    expect(verdict({ tokens: [], invoker: MALLORY.publicKey })).toBe('CAP_CHAIN')
  })

  test('has at most 8 tokens', () => {
    const people = [SPACE, ...Array.from({ length: CAPS_MAX + 1 }, (_, i) => principal(100 + i))]
    const tokens = people.slice(1).map((audience, i) => token(people[i] as Signer, audience))
    const upTo = (count: number): string =>
      verdict({ tokens: tokens.slice(0, count), invoker: people[count]?.publicKey as Uint8Array })
    expect(upTo(CAPS_MAX)).toBe('allowed')
    expect(upTo(CAPS_MAX + 1)).toBe('CAP_CHAIN')
  })

  test('begins at the space, and not with a token mallory issued to herself', () => {
    expect(verdict({ tokens: [token(MALLORY, ALICE)] })).toBe('CAP_CHAIN')
    expect(verdict({ tokens: [token(ALICE, BOB)], invoker: BOB.publicKey })).toBe('CAP_CHAIN')
  })

  test('ends at who acts', () => {
    expect(verdict({ tokens: [token(SPACE, ALICE)], invoker: MALLORY.publicKey })).toBe('CAP_CHAIN')
  })

  test('has no gap, and no other order', () => {
    const root = token(SPACE, ALICE)
    const middle = token(ALICE, BOB)
    const last = token(BOB, CAROL)
    expect(verdict({ tokens: [root, middle, last], invoker: CAROL.publicKey })).toBe('allowed')
    expect(verdict({ tokens: [root, last], invoker: CAROL.publicKey })).toBe('CAP_CHAIN')
    expect(verdict({ tokens: [last, middle, root], invoker: CAROL.publicKey })).toBe('CAP_CHAIN')
  })

  test('is passed on no more often than a token says', () => {
    const chainOf = (depth: unknown, length: number) => {
      const people = [SPACE, ALICE, BOB, CAROL].slice(0, length + 1)
      const tokens = people.slice(1).map((audience, i) => {
        const meta = i === 0 ? { 'hanse.depth': depth, note: 'anything' } : null
        return token(people[i] as Signer, audience, { meta })
      })
      return verdict({ tokens, invoker: (people.at(-1) as Signer).publicKey })
    }
    expect([1, 2, 3].map((length) => chainOf(0, length))).toEqual(['allowed', 'CAP_CHAIN', 'CAP_CHAIN'])
    expect([1, 2, 3].map((length) => chainOf(1, length))).toEqual(['allowed', 'allowed', 'CAP_CHAIN'])
    expect([1, 2, 3].map((length) => chainOf(2, length))).toEqual(['allowed', 'allowed', 'allowed'])
    // What is no number of times allows none.
    for (const depth of [-1, 1.5, '1', null, [2]]) {
      expect([1, 2].map((length) => chainOf(depth, length))).toEqual(['allowed', 'CAP_CHAIN'])
    }
  })

  test('names a principal once: no loops, no token to oneself, none back to the space', () => {
    const loop = [token(SPACE, ALICE), token(ALICE, BOB), token(BOB, ALICE)]
    expect(verdict({ tokens: loop })).toBe('CAP_CHAIN')
    expect(verdict({ tokens: [token(SPACE, ALICE), token(ALICE, ALICE)] })).toBe('CAP_CHAIN')
    expect(verdict({ tokens: [token(SPACE, SPACE)], invoker: SPACE.publicKey })).toBe('CAP_CHAIN')
    expect(verdict({ tokens: [token(SPACE, ALICE), token(ALICE, SPACE)], invoker: SPACE.publicKey })).toBe(
      'CAP_CHAIN',
    )
  })

  test('is about the space in every token', () => {
    expect(verdict({ tokens: [token(SPACE, ALICE, { subject: ALICE.publicKey })] })).toBe('CAP_SUBJECT')
    expect(verdict({ tokens: [token(SPACE, ALICE, { subject: null })] })).toBe('CAP_SUBJECT')
    const powerline = [token(SPACE, ALICE), token(ALICE, BOB, { subject: null })]
    expect(verdict({ tokens: powerline, invoker: BOB.publicKey })).toBe('CAP_SUBJECT')
  })

  test('gives no command that one of its tokens does not cover, by segment', () => {
    const asked = (root: string, leaf: string, command: string): string =>
      verdict({
        tokens: [token(SPACE, ALICE, { command: root }), token(ALICE, BOB, { command: leaf })],
        invoker: BOB.publicKey,
        command,
      })
    expect(asked('/op', '/op/write', '/op/write')).toBe('allowed')
    expect(asked('/op', '/op/write', '/op/read')).toBe('CAP_COMMAND')
    // Alice widens what she was given: her token may say so, the chain does not give it.
    expect(asked('/op/read', '/', '/op/write')).toBe('CAP_COMMAND')
    expect(asked('/op', '/operator', '/operator')).toBe('CAP_COMMAND')
    expect(asked('/op', '/op', '/operator/run')).toBe('CAP_COMMAND')
  })

  test('gives no path that one of its policies excludes', () => {
    const asked = (root: string, leaf: string, path: string): string =>
      verdict({
        tokens: [
          token(SPACE, ALICE, { policy: pathPolicy(root) }),
          token(ALICE, BOB, { policy: pathPolicy(leaf) }),
        ],
        invoker: BOB.publicKey,
        path,
      })
    expect(asked('notes', 'notes/private', 'notes/private/a')).toBe('allowed')
    expect(asked('notes', 'notes/private', 'notes/public')).toBe('CAP_POLICY')
    expect(asked('notes', '', 'elsewhere')).toBe('CAP_POLICY')
    expect(asked('notes', 'notesx', 'notesx')).toBe('CAP_POLICY')
  })

  test('with a policy that asks for more than we evaluate gives nothing', () => {
    const tokens = [token(SPACE, ALICE, { policy: [['not', ['>', '.bodySize', 100]]] })]
    expect(verdict({ tokens })).toBe('CAP_POLICY')
  })

  test('is valid from the first to the last millisecond of its bounds', () => {
    const at = (timeMs: number): string =>
      verdict({ tokens: [token(SPACE, ALICE, { notBeforeSeconds: 1000, expiresSeconds: 2000 })], timeMs })
    expect(at(999_999)).toBe('CAP_TIME')
    expect(at(1_000_000)).toBe('allowed')
    expect(at(2_000_000)).toBe('allowed')
    expect(at(2_000_001)).toBe('CAP_TIME')
  })

  test('is not valid when any one of its tokens is not', () => {
    const tokens = [token(SPACE, ALICE, { expiresSeconds: NOW_SECONDS - 1 }), token(ALICE, BOB)]
    expect(verdict({ tokens, invoker: BOB.publicKey })).toBe('CAP_TIME')
    const later = [token(SPACE, ALICE), token(ALICE, BOB, { notBeforeSeconds: NOW_SECONDS + 1 })]
    expect(verdict({ tokens: later, invoker: BOB.publicKey })).toBe('CAP_TIME')
  })

  test('copes with bounds and times at the ends of the number range', () => {
    const tokens = [token(SPACE, ALICE, { notBeforeSeconds: -(2 ** 53 - 1), expiresSeconds: 2 ** 53 - 1 })]
    expect(verdict({ tokens, timeMs: 2 ** 53 - 1 })).toBe('allowed')
    expect(verdict({ tokens: [token(SPACE, ALICE, { expiresSeconds: 0 })], timeMs: 2 ** 53 - 1 })).toBe(
      'CAP_TIME',
    )
  })

  test('for publishing tokens needs no command or policy, but all the rest', () => {
    const publish = { checkCommandAndPolicy: false, command: '/cap/put', path: 'elsewhere' }
    const tokens = [token(SPACE, ALICE, { command: '/op/read', policy: pathPolicy('notes') })]
    expect(verdict({ ...publish, tokens })).toBe('allowed')
    expect(verdict({ ...publish, tokens, invoker: MALLORY.publicKey })).toBe('CAP_CHAIN')
    expect(verdict({ ...publish, tokens: [token(SPACE, ALICE, { subject: null })] })).toBe('CAP_SUBJECT')
    expect(verdict({ ...publish, tokens, timeMs: 2 ** 52 })).toBe('CAP_TIME')
  })
})

/** Alice writes `notes` now, unless told otherwise. */
function verdict(change: Partial<ChainRequest> & Pick<ChainRequest, 'tokens'>): string {
  const result = verifyChain({
    subject: SPACE.publicKey,
    invoker: ALICE.publicKey,
    command: '/op/write',
    path: 'notes',
    timeMs: NOW_SECONDS * 1000,
    bodySize: 0,
    checkCommandAndPolicy: true,
    ...change,
  })
  return result.ok ? 'allowed' : result.fault.code
}

function token(
  signer: Signer,
  audience: Signer,
  change: Partial<DelegationRequest> = {},
): VerifiedDelegation {
  const issued = issueDelegation({
    signer,
    audience: audience.publicKey,
    subject: SPACE.publicKey,
    command: '/op',
    policy: [],
    nonce: new Uint8Array(12),
    expiresSeconds: NOW_SECONDS + 1000,
    ...change,
  })
  if (!issued.ok) throw new Error(issued.fault.detail)
  return issued.value
}

function principal(number: number): Signer {
  return createSigner(new Uint8Array(32).fill(number))
}
