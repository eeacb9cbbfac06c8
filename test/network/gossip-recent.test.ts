import { type GossipSub, TopicValidatorResult as Verdict } from '@libp2p/gossipsub'
import type { PeerId } from '@libp2p/interface'
import { expect, it } from 'vitest'
import { GOSSIP_RECENT_OPERATIONS_MAX } from '../../src/core/limits.ts'
import { encodeOperation, type Operation } from '../../src/core/operation/operation.ts'
import { SpaceGossip } from '../../src/node/network/gossip.ts'
import { bob, createHome, forge } from '../cast.ts'

type Validator = (peer: PeerId, message: { readonly data: Uint8Array }) => Promise<Verdict>

it('passes on what is known already while it is among the newest, and does not help to replay what is older', async () => {
  const first = forge({ author: bob })
  const log: Operation[] = [first]
  while (log.length < GOSSIP_RECENT_OPERATIONS_MAX)
    log.push(forge({ author: bob, prev: log.at(-1) as Operation }))
  const home = await createHome(log)
  const topicValidators = new Map<string, Validator>()
  const pubsub = { topicValidators, subscribe: () => {} } as unknown as GossipSub
  const blamed: string[] = []
  new SpaceGossip(pubsub, home.hosted, {
    reader: () => bob.publicKey,
    isWelcome: () => true,
    onRefused: (_peer, code) => blamed.push(code),
    onMissing: () => {},
  }).start()
  const [validate] = [...topicValidators.values()] as [Validator]
  const mallory = { toString: () => 'mallory' } as PeerId
  const replay = async () => await validate(mallory, { data: encodeOperation(first) })
  expect(await replay()).toBe(Verdict.Accept)
  await home.hosted.replica.receive([forge({ author: bob, prev: log.at(-1) as Operation })], 'bob')
  expect(await replay()).toBe(Verdict.Ignore)
  expect(blamed).toEqual([])
})
