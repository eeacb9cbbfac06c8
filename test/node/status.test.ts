import { expect, test } from 'vitest'
import { setRegister } from '../../src/core/types/register/change.ts'
import type { Signer } from '../../src/core/signature.ts'
import { PeerBook } from '../../src/node/peer-book.ts'
import { describeStatus } from '../../src/node/space/status.ts'
import { bob, carol, createHome, forge, NOW_MS, stranger } from '../cast.ts'

const HOUR_MS = 3_600_000

const ahead = (author: Signer, byMs: number) =>
  forge({ author, body: [setRegister('x', byMs)], header: { time: NOW_MS + byMs } })

test('a clock that several authors are ahead of is said to be behind, and one author’s clock is not believed', async () => {
  const home = await createHome()
  const status = () => describeStatus(home.hosted, new PeerBook(), stranger.publicKey, home.nowMs)
  await home.hosted.replica.receive([ahead(bob, 9 * HOUR_MS)], 'a peer')
  expect(status()).toMatchObject({ held: { FUTURE: 1 }, clockBehindMs: null })
  await home.hosted.replica.receive([ahead(carol, 2 * HOUR_MS)], 'a peer')
  expect(status()).toMatchObject({ held: { FUTURE: 2 }, clockBehindMs: 2 * HOUR_MS })
  home.nowMs += 3 * HOUR_MS
  home.hosted.replica.promoteDue()
  expect(status()).toMatchObject({ held: { FUTURE: 1 }, clockBehindMs: null, masked: 0 })
})
