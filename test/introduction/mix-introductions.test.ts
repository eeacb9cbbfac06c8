import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { beforeAll, describe, expect, it } from 'vitest'
import { mixIntroductions } from '../../protocols/introduction/mix-introductions.ts'
import type { IntroducedPeer } from '../../protocols/introduction/record.ts'

const peerIds: PeerId[] = []

beforeAll(async () => {
  for (let n = 0; n < 40; n++) peerIds.push(peerIdFromPrivateKey(await generateKeyPair('Ed25519')))
})

function peer(n: number, seq = 1n): IntroducedPeer {
  const multiaddrs = [multiaddr(`/ip4/192.0.2.${n}/tcp/1`)]
  return { peerId: peerIds[n] as PeerId, multiaddrs, seq, envelope: new Uint8Array() }
}

function peers(from: number, to: number): IntroducedPeer[] {
  return Array.from({ length: to - from }, (_, n) => peer(from + n))
}

function countOf(chosen: readonly IntroducedPeer[], from: readonly IntroducedPeer[]): number {
  return chosen.filter((one) => from.some((other) => other.peerId.equals(one.peerId))).length
}

describe('mixing introductions', () => {
  it('takes everything from the only introducer there is', () => {
    expect(mixIntroductions(new Map([['a', peers(0, 9)]]), { limit: 6 })).toEqual(peers(0, 6))
  })

  it('takes half from each of two, and more where the other has no more', () => {
    const even = mixIntroductions(
      new Map([
        ['a', peers(0, 9)],
        ['b', peers(10, 19)],
      ]),
      { limit: 6 },
    )
    expect([countOf(even, peers(0, 9)), countOf(even, peers(10, 19))]).toEqual([3, 3])
    const uneven = mixIntroductions(
      new Map([
        ['a', peers(0, 9)],
        ['b', peers(10, 11)],
      ]),
      { limit: 6 },
    )
    expect([countOf(uneven, peers(0, 9)), countOf(uneven, peers(10, 11))]).toEqual([5, 1])
  })

  it('takes at most a third from each of three, even when the others name nobody', () => {
    const mallory = peers(0, 30)
    const flooded = new Map([
      ['mallory', mallory],
      ['bob', peers(30, 32)],
      ['carol', []],
    ])
    const chosen = mixIntroductions(flooded, { limit: 12 })
    expect([countOf(chosen, mallory), countOf(chosen, peers(30, 32)), chosen.length]).toEqual([4, 2, 6])
  })

  it('fills up from three that have peers, in turn', () => {
    const answers = new Map([
      ['a', peers(0, 9)],
      ['b', peers(10, 19)],
      ['c', peers(20, 29)],
    ])
    const chosen = mixIntroductions(answers, { limit: 9 })
    expect([
      countOf(chosen, peers(0, 9)),
      countOf(chosen, peers(10, 19)),
      countOf(chosen, peers(20, 29)),
    ]).toEqual([3, 3, 3])
  })

  it('takes one from each of three when the limit is below three', () => {
    const answers = new Map([
      ['a', peers(0, 3)],
      ['b', peers(3, 6)],
      ['c', peers(6, 9)],
    ])
    expect(mixIntroductions(answers, { limit: 2 })).toEqual([peer(0), peer(3)])
    expect(mixIntroductions(answers, { limit: 0 })).toEqual([])
  })

  it('chooses a peer named by several once, with its newest record', () => {
    const answers = new Map([
      ['a', [peer(0, 1n), peer(1)]],
      ['b', [peer(0, 7n), peer(2)]],
    ])
    expect(mixIntroductions(answers, { limit: 10 })).toEqual([peer(0, 7n), peer(2), peer(1)])
  })

  it('chooses nobody where nobody answered', () => {
    expect(mixIntroductions(new Map(), { limit: 10 })).toEqual([])
  })
})
