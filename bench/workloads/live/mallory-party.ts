import { randomBytes } from 'node:crypto'
import { setImmediate, setTimeout as pause } from 'node:timers/promises'
import { peerIdFromString } from '@libp2p/peer-id'
import { SYNC_PROTOCOL } from '../../../protocols/sync/index.ts'
import { gossipTopic } from '../../../src/node/network/gossip.ts'
import { createNode } from '../../../src/node/node.ts'
import type { Commands } from '../../party.ts'

/**
 * Mallory: a member, whose messages are heard, with a new peer id whenever the last one has been thrown out. Garbage over gossip and over
 * sync, as much as the sockets take.
 */
interface Flood {
  readonly link: string
  /** The one node that she floods, and knows. */
  readonly victim: string
}

const GARBAGE_BYTES = 300
const MESSAGES_AT_ONCE = 64
/** Bound of one identity's being let in, in ms. */
const PATIENCE_MS = 5_000
const sent = { messages: 0, streams: 0, identities: 0 }
const end = new AbortController()
let flooding: Promise<void> = Promise.resolve()

/** Floods under one identity until it is disconnected; resolves `heard` when it has been let in. */
async function floodOnce({ link, victim }: Flood, heard: () => void): Promise<void> {
  const node = await createNode({ listen: [], dht: false, relay: false, peers: [victim] })
  try {
    const space = node.join(link)
    const libp2p = node.network?.libp2p
    if (libp2p === undefined) throw new Error('bug: she is offline')
    const peer = peerIdFromString(victim.replace(/^.*\/p2p\//, ''))
    const giveUpMs = performance.now() + PATIENCE_MS
    while (!space.peers.all().some(({ isProven }) => isProven)) {
      if (end.signal.aborted || performance.now() > giveUpMs) return
      await pause(10)
    }
    sent.identities++
    heard()
    const topic = gossipTopic(space.hosted)
    while (!end.signal.aborted && libp2p.getConnections(peer).length > 0) {
      const messages = Array.from({ length: MESSAGES_AT_ONCE }, async () => {
        await libp2p.services.pubsub.publish(topic, new Uint8Array(randomBytes(GARBAGE_BYTES)))
      })
      sent.messages += messages.length
      const stream = await libp2p.dialProtocol(peer, SYNC_PROTOCOL, {
        signal: AbortSignal.timeout(PATIENCE_MS),
      })
      // A length that fits, and then what is no message.
      for (let frame = 0; frame < MESSAGES_AT_ONCE && stream.status === 'open'; frame++)
        stream.send(Uint8Array.of(GARBAGE_BYTES & 0x7f, ...randomBytes(GARBAGE_BYTES & 0x7f)))
      sent.streams++
      await Promise.allSettled(messages)
      await setImmediate()
    }
  } catch {
    // She was thrown out.
  } finally {
    await node.stop()
  }
}

export const commands: Commands = {
  /** Resolves when she floods. */
  flood: async (flood: Flood) => {
    const heard = Promise.withResolvers<void>()
    const again = async () => {
      while (!end.signal.aborted) await floodOnce(flood, heard.resolve)
    }
    flooding = again()
    await heard.promise
  },
  sent: () => sent,
  stop: async () => {
    end.abort()
    await flooding
  },
}
