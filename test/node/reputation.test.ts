import { beforeEach, describe, expect, it } from 'vitest'
import {
  BAD_SIGNATURES_PER_PEER_MAX,
  BAN_MS,
  POINTS_MAX,
  BANNED_PEERS_PER_NETWORK_MAX,
  BANS_MAX,
  EVIDENCE_KEPT_MS,
  EVIDENCE_PER_PEER_MAX,
  OFFENDERS_MAX,
  POINT_FORGIVEN_MS,
} from '../../src/core/limits.ts'
import { NetworkBans } from '../../src/node/network/network-bans.ts'
import { Reputation } from '../../src/node/reputation.ts'

let nowMs: number
let reputation: Reputation

beforeEach(() => {
  nowMs = 1_800_000_000_000
  reputation = new Reputation(() => nowMs)
})

const ban = (peer: string) => {
  for (let i = 0; i < POINTS_MAX && !reputation.isBanned(peer); i++) reputation.blame(peer, 'BAD_SIGNATURE')
}

describe('what is held against a peer', () => {
  it('bans it at the points the limit says, one offence before not', () => {
    for (let points = 1; points < POINTS_MAX; points++)
      expect(reputation.blame('mallory', 'CAP_MISSING')).toBe(false)
    expect(reputation.standingOf('mallory')).toMatchObject({ points: POINTS_MAX - 1, bannedUntilMs: null })
    expect(reputation.blame('mallory', 'CAP_MISSING')).toBe(true)
    expect(reputation.standingOf('mallory')).toMatchObject({ points: 0, bannedUntilMs: nowMs + BAN_MS })
  })

  it('bans it for as many forged signatures as are looked at, also where time passes between them', () => {
    for (let i = 1; i < BAD_SIGNATURES_PER_PEER_MAX; i++) {
      expect(reputation.blame('mallory', 'BAD_SIGNATURE')).toBe(false)
      nowMs += 1
    }
    expect(reputation.blame('mallory', 'BAD_SIGNATURE')).toBe(true)
  })

  it('ends with the ban, to the millisecond', () => {
    ban('mallory')
    nowMs += BAN_MS - 1
    expect(reputation.isBanned('mallory')).toBe(true)
    nowMs += 1
    expect(reputation.isBanned('mallory')).toBe(false)
  })

  it('is forgiven with time, so that who errs once in a while is never banned', () => {
    for (let i = 0; i < 10 * POINTS_MAX; i++) {
      expect(reputation.blame('alice', 'CAP_MISSING')).toBe(false)
      nowMs += POINT_FORGIVEN_MS
    }
    expect(reputation.standingOf('alice').points).toBe(0)
  })

  it('weighs silence lightly and forged signatures heavily', () => {
    for (let i = 0; i < 4; i++) reputation.blame('alice', 'TIMEOUT')
    expect(reputation.standingOf('alice').points).toBeLessThan(POINTS_MAX / 10)
    for (let i = 0; i < 4; i++) reputation.blame('mallory', 'BAD_SIGNATURE')
    expect(reputation.isBanned('mallory')).toBe(true)
  })

  it('is shown by code: what, how often, how much, since when, and what was found last', () => {
    const begunMs = nowMs
    reputation.blame('mallory', 'BAD_SIGNATURE', 'the first')
    nowMs += 1_000
    reputation.blame('mallory', 'TIMEOUT', 'silent for 20 s')
    reputation.blame('mallory', 'BAD_SIGNATURE', 'the second')
    expect(reputation.standingOf('mallory').evidence).toEqual([
      {
        code: 'BAD_SIGNATURE',
        count: 2,
        points: 50,
        firstAtMs: begunMs,
        lastAtMs: nowMs,
        detail: 'the second',
      },
      { code: 'TIMEOUT', count: 1, points: 2, firstAtMs: nowMs, lastAtMs: nowMs, detail: 'silent for 20 s' },
    ])
  })

  it('keeps evidence of as many codes as the limit says, drops the one seen longest ago, and forgets the old', () => {
    for (let i = 0; i <= EVIDENCE_PER_PEER_MAX; i++) reputation.blame('mallory', `CODE_${i}`)
    const { evidence } = reputation.standingOf('mallory')
    expect(evidence).toHaveLength(EVIDENCE_PER_PEER_MAX)
    expect(evidence.map(({ code }) => code)).not.toContain('CODE_0')
    nowMs += EVIDENCE_KEPT_MS
    expect(reputation.standingOf('mallory').evidence).toHaveLength(EVIDENCE_PER_PEER_MAX)
    nowMs += 1
    expect(reputation.standingOf('mallory').evidence).toEqual([])
    reputation.blame('mallory', 'CODE_3')
    expect(reputation.standingOf('mallory').evidence).toMatchObject([{ code: 'CODE_3', count: 1 }])
  })

  it('is forgotten for the peer quiet longest, one past those remembered; a ban is not', () => {
    ban('mallory')
    reputation.blame('bob', 'TIMEOUT')
    for (let i = 0; i < OFFENDERS_MAX; i++) reputation.blame(`peer ${i}`, 'TIMEOUT')
    expect(reputation.standingOf('bob').points).toBe(0)
    expect(reputation.standingOf('peer 0').points).toBeGreaterThan(0)
    expect(reputation.isBanned('mallory')).toBe(true)
  })

  it('keeps as many bans as the limit says, and lifts the one that ends first for one more', () => {
    for (let i = 0; i <= BANS_MAX; i++) ban(`mallory ${i}`)
    expect(reputation.isBanned('mallory 0')).toBe(false)
    expect(reputation.isBanned('mallory 1')).toBe(true)
    expect(reputation.isBanned(`mallory ${BANS_MAX}`)).toBe(true)
  })
})

describe('a network', () => {
  it('is banned while as many of its peers are as the limit says, one before not', () => {
    const networks = new NetworkBans((peer) => reputation.isBanned(peer))
    for (let i = 1; i < BANNED_PEERS_PER_NETWORK_MAX; i++) {
      ban(`mallory ${i}`)
      networks.note(`mallory ${i}`, ['4:203.0.113'])
      networks.note(`mallory ${i}`, ['4:203.0.113'])
    }
    expect(networks.isBanned('4:203.0.113')).toBe(false)
    nowMs += 1_000
    ban('mallory')
    networks.note('mallory', ['4:198.51.100', '4:203.0.113'])
    expect(networks.isBanned('4:203.0.113')).toBe(true)
    expect(networks.isBanned('4:198.51.100')).toBe(false)
    nowMs += BAN_MS - 1_000
    expect(networks.isBanned('4:203.0.113')).toBe(false)
  })
})
