/** Several nodes in this process that share one thing, each connected to others as the subject says. */
export interface LiveCluster {
  /**
   * One of the nodes writes entries: one operation (transaction, commit, append) with a change for each number, entryValue(n) at
   * entryPath(n) where there are paths. Resolves when the writer is done with it, however soon others see it.
   */
  write(node: number, numbers: readonly number[]): void | Promise<void>
  stop(): Promise<void>
}

/** What a cluster is made of. */
export interface LiveInit {
  /** Empty, and gone when the run is over. */
  readonly folder: string
  readonly nodes: number
  /** Others that each node is connected to, at least; all of them where it is not below their number. */
  readonly degree: number
  /** To be called when an entry can be read on a node, which may be the one that wrote it, and as often as is convenient. */
  readonly onVisible: (node: number, n: number) => void
}

/** Starts a cluster; resolves when all nodes have met. */
export type StartLiveCluster = (init: LiveInit) => Promise<LiveCluster>

/** Pairs of nodes that are connected: each with the one before it, so that all hang together, and with others that are always the same. */
export function liveEdges({
  nodes,
  degree,
}: Pick<LiveInit, 'nodes' | 'degree'>): readonly (readonly [number, number])[] {
  const edges: (readonly [number, number])[] = []
  for (let i = 1; i < nodes; i++) {
    const wanted = degree >= nodes - 1 ? i : Math.min(i, Math.ceil(degree / 2))
    const earlier = new Set([i - 1])
    for (let k = 1; earlier.size < wanted; k++) earlier.add((k * 104_729) % i)
    for (const j of earlier) edges.push([i, j])
  }
  return edges
}
