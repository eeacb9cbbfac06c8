import { StrictNoSign, type GossipsubOpts } from '@libp2p/gossipsub'
import { createPeerScoreParams, createTopicScoreParams } from '@libp2p/gossipsub/score'
import { toHex } from '../../core/bytes.ts'
import { sha256 } from '../../core/hash.ts'
import {
  FRAME_BYTES_MAX,
  GOSSIP_QUEUE_BYTES_MAX,
  GOSSIP_RPC_ENTRIES_MAX,
  GOSSIP_TOPIC_BYTES_PER_PEER_MAX,
} from '../../core/limits.ts'

/** What gossip asks about a peer. */
export interface GossipTrust {
  /** True for a peer that has proved, on a connection that lasts, that it may read a space of ours. */
  isProven(peer: string): boolean
}

/** Score of a peer that has proved nothing: below the gossip and publish thresholds, above graylisting, so it may still speak. */
const UNPROVEN_SCORE = -20

/**
 * How gossipsub is set up, and why:
 * - StrictNoSign: operations carry their own signatures; an id is the hash of the bytes;
 * - app score: a peer below zero is in no mesh and is sent nothing, so bodies only reach peers past a handshake;
 * - topic score: without these numbers a thousand rejected messages cost a peer nothing (default quantum 1 ms earns +3600);
 * - no IP colocation factor: ten agents behind one address are the common case here, not an attack.
 */
export function gossipOptions(trust: GossipTrust): Partial<GossipsubOpts> {
  return {
    globalSignaturePolicy: StrictNoSign,
    msgIdFn: (message) => sha256(message.data),
    msgIdToStrFn: toHex,
    emitSelf: false,
    // Nothing is forwarded by its id (gossip-wire.ts), so there is nothing to say no thanks to.
    idontwantMinDataSize: Number.MAX_SAFE_INTEGER,
    fallbackToFloodsub: false,
    floodPublish: true,
    // A peer met before its handshake is through is pruned; it may be grafted again soon after, not only in a minute.
    pruneBackoff: 2_000,
    doPX: false,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    runOnLimitedConnection: true,
    maxInboundDataLength: FRAME_BYTES_MAX,
    maxOutboundBufferSize: GOSSIP_QUEUE_BYTES_MAX,
    maxTopicBytesPerPeer: GOSSIP_TOPIC_BYTES_PER_PEER_MAX,
    // A newer stream takes the place of the one before it.
    maxInboundStreams: 4,
    decodeRpcLimits: {
      maxSubscriptions: GOSSIP_RPC_ENTRIES_MAX,
      maxMessages: GOSSIP_RPC_ENTRIES_MAX,
      maxControlMessages: GOSSIP_RPC_ENTRIES_MAX,
      // Ids in one entry: gossipsub 17's own bounds.
      maxIhaveMessageIDs: 5_000,
      maxIwantMessageIDs: 5_000,
      maxIdontwantMessageIDs: 512,
      maxPeerInfos: 16,
    },
    scoreParams: createPeerScoreParams({
      appSpecificScore: (peer) => (trust.isProven(peer) ? 0 : UNPROVEN_SCORE),
      appSpecificWeight: 1,
      IPColocationFactorWeight: 0,
      topics: {},
    }),
    scoreThresholds: {
      gossipThreshold: -10,
      publishThreshold: -15,
      graylistThreshold: -80,
      acceptPXThreshold: 10,
      opportunisticGraftThreshold: 1,
    },
  }
}

/** Score of one space's topic: only invalid messages count, three of them at once, and a peer is not heard any more (−20·n² against −80). */
export const topicScore = createTopicScoreParams({
  topicWeight: 1,
  timeInMeshWeight: 0.0027,
  timeInMeshQuantum: 1_000,
  timeInMeshCap: 3_600,
  firstMessageDeliveriesWeight: 0,
  meshMessageDeliveriesWeight: 0,
  meshFailurePenaltyWeight: 0,
  invalidMessageDeliveriesWeight: -20,
  invalidMessageDeliveriesDecay: 0.9,
})
