import type { GossipSub } from '@libp2p/gossipsub'

/** Connected peers, as text, that have said that they listen to a topic. */
export function topicListeners(pubsub: GossipSub, topic: string): ReadonlySet<string> {
  return new Set(pubsub.getSubscribers(topic).map(String))
}
