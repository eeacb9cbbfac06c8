import { type GossipSub, TopicValidatorResult as Verdict } from '@libp2p/gossipsub'
import type { PeerId } from '@libp2p/interface'
import { beforeEach, expect, test } from 'vitest'
import { setRegister } from '../../src/core/types/register/change.ts'
import { encodeOperation, type Operation } from '../../src/core/operation/operation.ts'
import { SpaceGossip } from '../../src/node/network/gossip.ts'
import { bob, createHome, forge, type Home, mallory } from '../cast.ts'

type Validator = (peer: PeerId, message: { readonly data: Uint8Array }) => Promise<Verdict>

const peer = { toString: () => 'mallory' } as PeerId
const first = forge({ author: bob, body: [setRegister('docs/a', 1)] })
const second = forge({ author: bob, prev: first, body: [setRegister('docs/a', 2)] })

let home: Home
let isWelcome: boolean
let told: string[]
let validate: (operation: Operation | Uint8Array) => Promise<Verdict>

beforeEach(async () => {
  home = await createHome()
  isWelcome = true
  told = []
  const topicValidators = new Map<string, Validator>()
  const pubsub = { topicValidators, subscribe: () => {}, unsubscribe: () => {} } as unknown as GossipSub
  const gossip = new SpaceGossip(pubsub, home.hosted, {
    reader: () => bob.publicKey,
    isWelcome: () => isWelcome,
    onRefused: (_peer, code) => told.push(code),
    onMissing: () => told.push('missing'),
  })
  gossip.start()
  const [validator] = [...topicValidators.values()]
  validate = async (operation) =>
    (validator as Validator)(peer, {
      data: operation instanceof Uint8Array ? operation : encodeOperation(operation),
    })
})

test('gossip forwards what this node has admitted, and what went round already', async () => {
  expect(await validate(first)).toBe(Verdict.Accept)
  expect(home.hosted.store.find(first.id)).toBeDefined()
  expect(await validate(first)).toBe(Verdict.Accept)
  expect(told).toEqual([])
})

test('gossip does not forward what waits for its parents: it has them fetched', async () => {
  expect(await validate(second)).toBe(Verdict.Ignore)
  expect(told).toEqual(['missing'])
})

test('gossip rejects what this node refuses, and holds it against the sender', async () => {
  expect(await validate(forge({ author: mallory, header: { lamport: 99 } }))).toBe(Verdict.Reject)
  expect(await validate({ ...first, signature: new Uint8Array(64) })).toBe(Verdict.Reject)
  expect(await validate(new Uint8Array(200).fill(0xee))).toBe(Verdict.Reject)
  expect(told).toEqual(['LAMPORT', 'BAD_SIGNATURE', 'NON_CANONICAL'])
})

test('gossip of a peer that is not welcome is not even looked at', async () => {
  isWelcome = false
  expect(await validate(first)).toBe(Verdict.Ignore)
  expect(await validate(new Uint8Array(200).fill(0xee))).toBe(Verdict.Ignore)
  expect(told).toEqual([])
  expect(home.hosted.store.find(first.id)).toBeUndefined()
})

test('gossip leaves a forked author’s further operations to reconciliation, but forwards the one that proves the fork', async () => {
  const root = forge({ author: mallory })
  const left = forge({ author: mallory, prev: root, body: [setRegister('mallory/x', 1)] })
  const right = forge({ author: mallory, prev: root, body: [setRegister('mallory/x', 2)] })
  for (const operation of [root, left, right]) expect(await validate(operation)).toBe(Verdict.Accept)
  expect(await validate(forge({ author: mallory, prev: left }))).toBe(Verdict.Ignore)
})
