import { afterEach, expect, it } from 'vitest'
import { BAN_MS } from '../../src/core/limits.ts'
import { peersAction } from '../../src/cli/commands/peers.ts'
import type { HanseNode } from '../../src/node/node.ts'
import { createFederation, until } from '../node/federation.ts'
import { frameOf, startRawPeer } from '../sync/raw-peer.ts'

const NOW_MS = 1_800_000_000_000
const federation = createFederation()
const stops: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
  await federation.stopAll()
})

/** What `hanse peers` says of a peer. */
async function shown(node: HanseNode, peer: string) {
  const { connections } = await peersAction.run({ node, isRunning: true } as never, {})
  return connections.find((one) => one.peer === peer)
}

it('shows what is held against a peer: codes, how often, how much, when, and how long it is banned', async () => {
  const alice = await federation.start('alice', { now: () => NOW_MS })
  const space = alice.createSpace({ name: 'the square' })
  const liar = await startRawPeer('mallory')
  stops.push(liar.stop)
  const link = await liar.open(alice)
  link.sayBytes(frameOf(Uint8Array.of(0xff)))
  await link.rest()
  await until(space, () => alice.network?.standingOf(liar.id).points !== 0, 'she is blamed')
  expect(await shown(alice, liar.id)).toMatchObject({
    points: 10,
    banned: false,
    bannedUntilMs: null,
    evidence: [{ code: 'NON_CANONICAL', count: 1, points: 10, firstAtMs: NOW_MS, lastAtMs: NOW_MS }],
  })
  for (let i = 0; i < 9; i++) {
    const next = await liar.open(alice)
    next.sayBytes(frameOf(Uint8Array.of(0xff)))
    await next.rest()
  }
  expect(alice.network?.standingOf(liar.id)).toMatchObject({
    bannedUntilMs: NOW_MS + BAN_MS,
    evidence: [{ code: 'NON_CANONICAL', count: 10 }],
  })
})

it('marks a peer slightly that stalls in a run, and never for a link that only ended', async () => {
  const alice = await federation.start('alice', { now: () => NOW_MS })
  alice.createSpace({ name: 'the square' })
  const liar = await startRawPeer('mallory')
  stops.push(liar.stop)
  await liar.open(alice)
  const { sync } = alice.network?.libp2p.services ?? {}
  const ended = (code: string) =>
    sync?.safeDispatchEvent('close', {
      detail: { peer: liar.libp2p.peerId, space: null, fault: { code, detail: 'as it was told' } },
    })
  ended('LINK_CLOSED')
  expect(alice.network?.standingOf(liar.id)).toMatchObject({ points: 0, evidence: [] })
  ended('TIMEOUT')
  expect(alice.network?.standingOf(liar.id)).toMatchObject({
    points: 2,
    evidence: [{ code: 'TIMEOUT', count: 1, points: 2 }],
  })
})
