import { describe, expect, test } from 'vitest'
import { putDelegations } from '../../src/core/changes/control.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import type { VerifiedDelegation } from '../../src/core/ucan/delegation.ts'
import type { Signer } from '../../src/core/signature.ts'
import { describeDelegations } from '../../src/node/space/delegation-status.ts'
import { SpaceAuthority } from '../../src/node/space/authority.ts'
import {
  alice,
  bob,
  delegate,
  forge,
  type Home,
  mallory,
  malloryToken,
  NOW_MS,
  ownerToken,
  signerNamed,
  createHome,
  grants,
  carol,
} from '../cast.ts'
import { formatDid } from '../../src/core/principal.ts'

const JUNK = 300

/** Operations by mallory that publish those delegations. */
function published(tokens: readonly VerifiedDelegation[]): readonly Operation[] {
  const made: Operation[] = []
  for (let i = 0; i < tokens.length; i += 100) {
    const body = [putDelegations(tokens.slice(i, i + 100).map(({ bytes }) => bytes))]
    made.push(
      forge({
        author: mallory,
        prev: made.at(-1) ?? null,
        body,
        header: { command: '/cap/grant', path: '' },
      }),
    )
  }
  return made
}

const authorityOf = ({ hosted }: Home, author: Signer) =>
  new SpaceAuthority(hosted, { author, bootstrap: [], addresses: [], now: () => NOW_MS })

const numbers = Array.from({ length: JUNK }, (_, i) => i)
const write = ({ hosted }: Home, author: Signer) =>
  hosted.write([{ kind: 'put', path: 'docs/x', value: 1 }], { author, timeMs: NOW_MS })

describe('delegations that mallory publishes by the hundred', () => {
  test.each([
    ['from her own key', (i: number) => delegate(mallory, bob, { nonce: String(i) })],
    ['from keys that hold nothing', (i: number) => delegate(signerNamed(`nobody ${i}`), bob)],
  ] as const)('to bob, %s, do not keep him from writing', async (_, junk) => {
    const home = await createHome(published(numbers.map(junk)))
    expect(() => write(home, bob)).not.toThrow()
  })

  test('to carol do not keep whom she gave a right from writing', async () => {
    const friend = signerNamed('a friend of carol')
    const token = delegate(carol, friend)
    const giving = forge({
      author: carol,
      body: [putDelegations([token.bytes])],
      header: { command: '/cap/grant', path: '' },
    })
    const home = await createHome([
      ...published(numbers.map((i) => delegate(mallory, carol, { nonce: String(i) }))),
      giving,
    ])
    expect(() => write(home, friend)).not.toThrow()
  })

  test('by a thousand keys higher up than they do not keep those from writing who have written before', async () => {
    const chain = [ownerToken, delegate(alice, carol)]
    const people = ['erin', 'frank', 'grace'].map(signerNamed)
    for (const [i, person] of people.entries()) chain.push(delegate(people[i - 1] ?? carol, person))
    const grace = people.at(-1) as Signer
    const giving = forge({
      author: alice,
      prev: grants,
      body: [putDelegations(chain.slice(1).map(({ bytes }) => bytes))],
      header: { command: '/cap/grant', path: '' },
    })
    const caps = chain.map(({ digest }) => digest)
    const before = forge({ author: grace, deps: [giving], header: { caps } })
    const sybils = Array.from({ length: 1_100 }, (_, i) => signerNamed(`sybil ${i}`))
    const junk = sybils.flatMap((sybil) => [delegate(mallory, sybil), delegate(sybil, grace)])
    const home = await createHome([...published(junk), giving, before])
    expect(() => write(home, grace)).not.toThrow()
    expect(home.hosted.operation(home.hosted.store.count() - 1).header.caps).toEqual(caps)
    // Nor alice from revoking what they have.
    const target = Buffer.from((chain.at(-1) as VerifiedDelegation).digest).toString('hex')
    expect(authorityOf(home, alice).revoke({ target }).revocations).toHaveLength(1)
  })

  test('to herself do not keep alice from revoking her', async () => {
    const home = await createHome(
      published(numbers.map((i) => delegate(signerNamed(`nobody ${i}`), mallory))),
    )
    const [digest] = [Buffer.from(malloryToken.digest).toString('hex')]
    expect(authorityOf(home, alice).revoke({ target: digest }).revocations).toHaveLength(1)
  })

  test('to herself do not keep alice from revoking her by name', async () => {
    const home = await createHome(
      published(numbers.map((i) => delegate(signerNamed(`nobody ${i}`), mallory))),
    )
    expect(
      authorityOf(home, alice).revoke({ target: formatDid(mallory.publicKey) }).revocations,
    ).toHaveLength(1)
  })

  test('do not hide the delegations that count', async () => {
    const home = await createHome(published(numbers.map((i) => delegate(signerNamed(`nobody ${i}`), bob))))
    const states = describeDelegations(home.hosted, NOW_MS).filter(
      ({ issuer }) => issuer === formatDid(alice.publicKey),
    )
    expect(new Set(states.map(({ state }) => state))).toEqual(new Set(['active']))
  })
})
