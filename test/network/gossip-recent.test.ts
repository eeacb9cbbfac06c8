import { expect, it } from 'vitest'
import { GOSSIP_RECENT_OPERATIONS_MAX } from '../../src/core/limits.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { bob, createHome, forge } from '../cast.ts'
import { createGossip } from './gossip-cast.ts'

it('passes on what is known already while it is among the newest, and does not help to replay what is older', async () => {
  const first = forge({ author: bob })
  const log: Operation[] = [first]
  while (log.length < GOSSIP_RECENT_OPERATIONS_MAX)
    log.push(forge({ author: bob, prev: log.at(-1) as Operation }))
  const home = await createHome(log)
  const before = createGossip(home)
  await before.take(first)
  expect(before.sent).toHaveLength(1)
  await home.hosted.replica.receive([forge({ author: bob, prev: log.at(-1) as Operation })], 'bob')
  const after = createGossip(home)
  await after.take(first)
  expect([after.sent, after.told]).toEqual([[], []])
})
