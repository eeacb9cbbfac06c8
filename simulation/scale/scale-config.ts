/** What a run of the model is about. One space, in which some nodes write. */
export interface ScaleConfig {
  readonly seed: number
  readonly nodes: number
  /** Peers a node wants (discovery.ts). */
  readonly degree: number
  /** Nodes that write, and operations of all of them together, per second. */
  readonly writers: number
  readonly perSecond: number
  readonly seconds: number
  /** Part of the nodes that lie: half of them hand nothing on, half hand it on and say that everybody has it. They write nothing. */
  readonly liars: number
  /** Part of the nodes that leave and come back, per hour, each away for `awaySeconds`. */
  readonly churnPerHour: number
  readonly awaySeconds: number
  /** Nodes that join half-way with nothing, and operations that were there before. */
  readonly joiners: number
  readonly history: number
  readonly antiEntropySeconds: number
  /** Way from one node to another: least and most, ms; short ways are more frequent. */
  readonly latencyMs: readonly [number, number]
  /** What a node can send, bits per second. */
  readonly uplinkBits: number
  /** Cores of a node. */
  readonly cores: number
}

export interface ScaleResult {
  /** Part of what honest nodes should have that they have: at once, by gossip alone, and at the end. */
  readonly byGossip: number
  readonly delivered: number
  readonly medianMs: number
  readonly p99Ms: number
  readonly mostMs: number
  /** Gossip messages received for each operation, by node: 1 would be perfect. */
  readonly messagesPerOperation: number
  /** Of a mean node, both directions counted once. */
  readonly gossipBytesPerOperation: number
  readonly syncBytesPerSecond: number
  readonly connectionBytesPerSecond: number
  /** Part of a core, of a mean node and of the busiest. */
  readonly cpu: number
  readonly cpuMost: number
  readonly runsPerSecond: number
  readonly degreeMean: number
  readonly degreeMost: number
  /** Until a newcomer had everything; 0 without newcomers. */
  readonly joinMedianSeconds: number
  readonly joinMostSeconds: number
  readonly events: number
}
