import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { compareBytes, concatBytes, toHex } from '../core/bytes.ts'
import { setRegister } from '../core/types/register/change.ts'
import type { Entry } from '../core/graph.ts'
import { createSigner } from '../core/native-signature.ts'
import type { Header } from '../core/operation/header.ts'
import { encodeOperation, signOperation, type VerifiedOperation } from '../core/operation/operation.ts'
import type { Signer } from '../core/signature.ts'
import { knowledgeOfSpace } from '../core/sync/handshake.ts'
import { SYNC_PROTOCOL } from '../../protocols/sync/index.ts'
import { encodeMessage } from '../../protocols/sync/message-codec.ts'
import { gossipTopic } from '../node/network/gossip.ts'
import { orThrow } from '../node/fault-error.ts'
import { createNode, type HanseNode } from '../node/node.ts'
import type { HostedSpace } from '../node/space/hosted-space.ts'
import { formatInvite, parseInvite } from '../node/space/invite.ts'
import type { Space } from '../node/space/space.ts'
import { MALLORY_PATH } from './report.ts'
import { serve } from './rpc.ts'

/**
 * Mallory: one key on two nodes of her own, each connected to other honest nodes, so that she can show them different branches. Her
 * nodes run Hanse with the checks taken out: what no honest node would admit is put straight into her store, and from
 * there her sync offers it to everybody. What sync could not even say (bytes that are not canonical, a huge frame) she sends raw.
 */

interface Lair {
  readonly node: HanseNode
  readonly space: Space
}

const DAY_MS = 24 * 60 * 60 * 1000
/** Bound of each thing mallory waits for, in ms. */
const PATIENCE_MS = 20_000
const key = new Uint8Array(randomBytes(32))
const lairs: Lair[] = []

serve({
  /** Joins with her one key at one more place, which knows only those peers. Returns the ids of her last operations. */
  async settle({
    link,
    peers,
  }: {
    readonly link: string
    readonly peers: readonly string[]
  }): Promise<readonly string[]> {
    const settled = await settle(link, peers)
    lairs.push(settled)
    return headsOf(settled)
  },

  /** What she may do: she writes below her own path. */
  async behave(): Promise<void> {
    await eventually(isSettled)
    lair(0).space.put(`${MALLORY_PATH}/hello`, 'I have a token for this')
  },

  /** Six operations that no honest node may admit, offered by sync. Resolves once each neighbour has been offered them. */
  async forge(): Promise<void> {
    const { space, node } = lair(0)
    const { hosted } = space
    const forged = [
      withBadSignature(draft(hosted, node.author, `${MALLORY_PATH}/forged`)),
      signed(hosted, createSigner(new Uint8Array(randomBytes(32))), `${MALLORY_PATH}/nobody`, { caps: [] }),
      signed(hosted, node.author, 'README.md'),
      signed(hosted, node.author, `${MALLORY_PATH}/jump`, { lampAhead: 1_000 }),
      signed(hosted, node.author, `${MALLORY_PATH}/future`, { timeMs: Date.now() + DAY_MS }),
    ]
    for (const operation of forged) force(hosted, operation)
    // A neighbour may end the link in the middle of that: she offers again what it has not looked at.
    const isOffered = async () => {
      try {
        await space.sync(undefined, AbortSignal.timeout(PATIENCE_MS))
        return true
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'LINK_CLOSED') return false
        throw error
      }
    }
    await eventually(isOffered)
  },

  /** Bytes that are no operation, by gossip. */
  async babble(): Promise<void> {
    const { node, space } = lair(1)
    const pubsub = node.network?.libp2p.services.pubsub
    if (pubsub === undefined) throw new Error('mallory is offline')
    // The same value with its length written the long way: readable, but not the one encoding.
    const padded = (attempt: number) => {
      const sound = encodeOperation(draft(space.hosted, node.author, `${MALLORY_PATH}/padded-${attempt}`))
      return concatBytes(Uint8Array.of(0x98, (sound[0] ?? 0) & 0x1f), sound.subarray(1))
    }
    for (const babble of [padded, () => new Uint8Array(randomBytes(200))]) {
      // Other bytes at each attempt: what gossipsub has once sent to nobody it never sends again.
      let attempt = 0
      const isHeard = async () =>
        (await pubsub.publish(gossipTopic(space.hosted), babble(attempt++))).recipients.length > 0
      await eventually(isHeard)
    }
  },

  /** A frame that says it is 1 GiB long, after an honest greeting. */
  async shout(): Promise<void> {
    const { node, space } = lair(1)
    const network = node.network
    if (network === null) throw new Error('mallory is offline')
    for (const { peer, isProven } of space.peers.all()) {
      if (isProven) await shoutAt(network.libp2p, peerIdFromString(peer), space.hosted)
    }
  },

  /** Two operations with one number, each shown to other peers. Nothing runs between the two. */
  async fork(): Promise<readonly string[]> {
    await eventually(isSettled)
    return lairs.map(({ space }, branch) => space.put(`${MALLORY_PATH}/fork`, `branch ${branch}`))
  },

  async stop(): Promise<void> {
    for (const { node } of lairs) await node.stop()
    setImmediate(() => process.exit(0))
  },
})

function lair(place: number): Lair {
  const found = lairs[place]
  if (found === undefined) throw new Error(`mallory has no place ${place}`)
  return found
}

function headsOf({ space, node }: Lair): readonly string[] {
  return space.hosted.store.heads(node.author.publicKey).map(({ id }) => toHex(id))
}

async function settle(link: string, peers: readonly string[]): Promise<Lair> {
  const node = await createNode({
    seeds: { author: key },
    listen: [],
    peers,
    dht: false,
    relay: false,
    antiEntropyIntervalMs: 1_000,
  })
  // An honest program would notice that its key is written with elsewhere, and stop.
  node.identity.refusal = () => null
  // Without the introduction nodes, so that each of her places knows other peers.
  const invite = orThrow(parseInvite(link))
  const space = node.join(formatInvite({ ...invite, bootstrap: [] }))
  const isPublished = () =>
    space.hosted.pendingTokens().every(({ digest }) => space.hosted.store.token(digest) !== undefined)
  await eventually(isPublished)
  return { node, space }
}

/** True when both lairs hold the same operations of hers, so that each writes the same number next. */
function isSettled(): boolean {
  const [a, b] = lairs.map(headsOf)
  return a?.length === 1 && b?.length === 1 && a[0] === b[0]
}

interface Wish {
  readonly caps?: readonly Uint8Array[]
  readonly lampAhead?: number
  readonly timeMs?: number
}

/** An operation that breaks no rule but those she wishes broken. */
function signed(hosted: HostedSpace, author: Signer, path: string, wish: Wish = {}): VerifiedOperation {
  const { store } = hosted
  const prev = store.heads(author.publicKey)[0] ?? null
  // Not the frontier: once she has forked, it stands on both of her branches, and SELF_FORK would hide every other fault.
  const genesis = store.find(hosted.id) as Entry
  const deps = prev === null ? [genesis] : []
  const parents = prev === null ? deps : [prev, ...deps]
  const chain = hosted.tokens.find({
    invoker: author.publicKey,
    command: '/cap/grant',
    path: '',
    timeMs: Date.now(),
    bodySize: 0,
    anyCommand: true,
  })
  const header: Omit<Header, 'bodyHash' | 'bodySize'> = {
    space: hosted.id,
    author: author.publicKey,
    seq: prev === null ? 0 : prev.seq + 1,
    prev: prev === null ? null : prev.id,
    deps: deps.map(({ id }) => id).toSorted(compareBytes),
    lamport: 1 + parents.reduce((most, { lamport }) => Math.max(most, lamport), 0) + (wish.lampAhead ?? 0),
    time: Math.max(wish.timeMs ?? Date.now(), ...parents.map(({ time }) => time)),
    epoch: 0,
    caps: wish.caps ?? (chain.ok ? chain.value.map(({ digest }) => digest) : []),
    command: '/op/write',
    path,
  }
  return signOperation(header, [setRegister(path, 'mallory was here')], author.sign)
}

const draft = (hosted: HostedSpace, author: Signer, path: string) => signed(hosted, author, path)

function withBadSignature(operation: VerifiedOperation): VerifiedOperation {
  const signature = new Uint8Array(operation.signature)
  signature[10] = (signature[10] as number) ^ 1
  return { ...operation, signature }
}

/** Puts an operation into mallory's own store without asking anybody, and into the clock that her sync shows. */
function force({ store, replica }: HostedSpace, operation: VerifiedOperation): void {
  const { id, header } = operation
  const { author, seq, lamport, time, epoch, caps, command, path } = header
  const prev = header.prev === null ? null : (store.find(header.prev) ?? null)
  const ids = header.prev === null ? header.deps : [header.prev, ...header.deps]
  const ordinal = store.count()
  const entry: Entry = {
    ordinal,
    id,
    author,
    seq,
    prev: prev === null ? null : prev.ordinal,
    jump: prev === null ? ordinal : prev.ordinal,
    parents: ids.flatMap((parent) => store.find(parent)?.ordinal ?? []),
    lamport,
    time,
    epoch,
    caps,
    command,
    path,
  }
  store.transaction('process', (writer) => writer.append(operation, entry))
  replica.clock.set(author, store.heads(author))
}

async function shoutAt(
  libp2p: NonNullable<HanseNode['network']>['libp2p'],
  peer: PeerId,
  hosted: HostedSpace,
): Promise<void> {
  const stream = await libp2p.dialProtocol(peer, SYNC_PROTOCOL, { signal: AbortSignal.timeout(PATIENCE_MS) })
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  stream.addEventListener('close', () => resolve())
  stream.addEventListener('remoteCloseWrite', () => resolve())
  // An honest hello as one plain frame, and then a length of 2^30.
  const nonce = new Uint8Array(randomBytes(32))
  const binding = {
    spaceId: hosted.id,
    signerPeer: libp2p.peerId.toMultihash().bytes,
    otherPeer: peer.toMultihash().bytes,
    signerNonce: nonce,
  }
  const message = encodeMessage({
    kind: 'hello',
    topic: hosted.topic,
    nonce,
    knowledge: knowledgeOfSpace(binding),
  })
  const hello = concatBytes(Uint8Array.of(0), message)
  stream.send(concatBytes(Uint8Array.of(hello.length), hello))
  stream.send(Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x04))
  const timer = setTimeout(resolve, PATIENCE_MS)
  await closed
  clearTimeout(timer)
  stream.abort(new Error('done'))
}

/** Tries until it works, for a bounded time. */
async function eventually(attempt: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  while (!(await attempt())) {
    if (Date.now() > deadline) throw new Error('mallory has lost patience')
    await pause(20)
  }
}
