import { generateKeyPair } from '@libp2p/crypto/keys'
import type { GossipSub, TopicValidatorResult } from '@libp2p/gossipsub'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { decodeGossip, encodeGossip, type GossipMessage } from '../../src/core/gossip-message.ts'
import { encodeOperation, type Operation } from '../../src/core/operation/operation.ts'
import { type GossipHost, SpaceGossip } from '../../src/node/network/gossip.ts'
import { tagOf } from '../../src/node/network/gossip-outbox.ts'
import { bob, type Home } from '../cast.ts'

type Validator = (peer: PeerId, message: { readonly data: Uint8Array }) => Promise<TopicValidatorResult>

/** Peer ids of nobody in particular. */
export const strangers = async (count: number): Promise<readonly PeerId[]> =>
  await Promise.all(
    Array.from({ length: count }, async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))),
  )

export const [self, mallory, carol, dave] = (await strangers(4)) as [PeerId, PeerId, PeerId, PeerId]

/** Gossip of one space over as much of gossipsub as it touches. */
export function createGossip(home: Home, overrides: Partial<GossipHost> = {}) {
  const told: string[] = []
  const sent: { readonly to: readonly string[]; readonly data: Uint8Array }[] = []
  const topicValidators = new Map<string, Validator>()
  const scene = {
    /** Who listens; all of them are in the mesh unless `mesh` says less. */
    listeners: [mallory, carol] as readonly PeerId[],
    mesh: null as readonly PeerId[] | null,
    /** Of the event loop, 0 to 1. */
    load: 0,
    /** Bytes that wait for a peer. */
    backlog: new Map<string, number>(),
  }
  const pubsub = {
    topicValidators,
    subscribe: () => {},
    unsubscribe: () => {},
    getSubscribers: () => scene.listeners,
    getMeshPeers: () => (scene.mesh ?? scene.listeners).map(String),
    streamsOutbound: {
      get: (peer: string) => ({ rawStream: { writeBufferLength: scene.backlog.get(peer) ?? 0 } }),
    },
    sendRpcInBatch: (
      to: Set<string>,
      { messages }: { readonly messages: readonly { readonly data: Uint8Array }[] },
    ) => {
      for (const { data } of messages) sent.push({ to: [...to].toSorted(), data })
    },
  }
  const gossip = new SpaceGossip(pubsub as unknown as GossipSub, home.hosted, {
    self,
    reader: () => bob.publicKey,
    isWelcome: () => true,
    isWithinRate: () => true,
    mayPublish: () => true,
    onRefused: (_peer, code) => told.push(code),
    onMissing: (_space, peer) => told.push(`missing: ${nameOf(peer)}`),
    onUnheard: () => told.push('unheard'),
    load: () => scene.load,
    ...overrides,
  })
  gossip.start()
  const [validate] = [...topicValidators.values()] as [Validator]
  return {
    gossip,
    told,
    sent,
    scene,
    /** Takes a message of mallory's, or of somebody else. */
    take: async (message: Operation | Uint8Array, from = mallory) =>
      await validate(from, { data: message instanceof Uint8Array ? message : encodeOperation(message) }),
    /** What was sent so far: whom to, and ids of what. */
    sentMessages: () => sent.map(({ to, data }) => ({ to, message: messageOf(data) })),
  }
}

/** Several operations as they travel together, said to have reached these. */
export const together = (operations: readonly Operation[], reached: readonly PeerId[]): Uint8Array =>
  encodeGossip(reached.map(tagOf), operations.map(encodeOperation))

export function messageOf(data: Uint8Array): GossipMessage {
  const message = decodeGossip(data)
  if (!message.ok) throw new Error(message.fault.detail)
  return message.value
}

/** Ids, in order, of what a message carries. */
export const idsIn = (data: Uint8Array): readonly Uint8Array[] => {
  const message = messageOf(data)
  return message.kind === 'offer' ? message.ids : message.operations.map(({ operation }) => operation.id)
}

const nameOf = (peer: PeerId): string =>
  new Map([
    [self.toString(), 'self'],
    [mallory.toString(), 'mallory'],
    [carol.toString(), 'carol'],
    [dave.toString(), 'dave'],
  ]).get(peer.toString()) ?? 'somebody'
