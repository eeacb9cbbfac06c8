import {
  BUSY_INTERVALS_MAX,
  BUSY_OPERATIONS_PER_SECOND,
  GOSSIP_FANOUT_MAX,
  GOSSIP_GATHER_IDLE_MS,
  GOSSIP_OFFER_MS,
  GOSSIP_OFFER_PEERS_MAX,
  GOSSIP_REACHED_MAX,
} from '../../src/core/limits.ts'
import { createRandom, type Random } from '../random.ts'
import type { Costs } from './costs.ts'
import { EventQueue } from './event-queue.ts'
import { countOf, has, missing, take } from './held.ts'
import { Latencies, type NodeLoad } from './load.ts'
import { createModelNode, type Group, type ModelNode } from './model-node.ts'
import type { ScaleConfig, ScaleResult } from './scale-config.ts'
import { Connections, type Topology } from './topology.ts'

/** How long after the last write the model goes on, at the least two comparisons with everybody; and from a wish to its run (sync-scheduler.ts), ms. */
const SETTLE_MS = 5_000
const WISH_MS = 20

/** Runs the model once. The same config and costs give the same result. `topology`: who is connected, where that is known. */
export function runModel(config: ScaleConfig, costs: Costs, topology?: Topology): ScaleResult {
  return new Model(config, costs, topology).run()
}

/**
 * Thousands of nodes as events: each is a queue for its event loop and one for its line, and what it does costs what was measured. It follows
 * src/node/network: what is written goes to up to GOSSIP_FANOUT_MAX listeners, what is passed on to the mesh without those said to have it,
 * gathered while it is busy (gossip-outbox.ts); ids are offered to a few (gossip-offers.ts); everybody is compared with at an interval
 * (sync-scheduler.ts). It knows nothing of what operations mean.
 */
class Model {
  readonly #config: ScaleConfig
  readonly #costs: Costs
  readonly #random: Random
  readonly #queue = new EventQueue()
  readonly #nodes: ModelNode[] = []
  readonly #connections: Connections
  readonly #topology: Topology
  readonly #writtenAtMs: number[] = []
  readonly #latencies = new Latencies()
  readonly #joins = new Latencies()
  readonly #words: number
  #byGossip = 0
  #events = 0

  constructor(config: ScaleConfig, costs: Costs, topology: Topology | undefined) {
    this.#config = config
    this.#costs = costs
    this.#random = createRandom(`scale ${config.seed}`)
    this.#words = Math.ceil((config.perSecond * config.seconds + 1) / 32)
    this.#connections = new Connections(config.degree, this.#random.fork('connections'))
    this.#topology = topology ?? this.#connections
    for (let i = 0; i < config.nodes; i++) this.#addNode(i)
    if (topology !== undefined) return
    for (let i = 0; i < config.nodes; i++) this.#connections.fill(i, () => true)
    for (let i = 0; i < config.nodes; i++) this.#connections.graft(i)
  }

  run(): ScaleResult {
    const { nodes, perSecond, seconds, antiEntropySeconds, joiners } = this.#config
    const activeMs = seconds * 1_000
    const count = Math.round(perSecond * seconds)
    const honest = this.#nodes.flatMap(({ lie }, i) => (lie === 'none' ? [i] : []))
    const writers = this.#random.shuffle(honest).slice(0, this.#config.writers)
    for (let i = 0; i < count; i++)
      this.#queue.plan((i / perSecond) * 1_000, (atMs) =>
        this.#write(writers[i % writers.length] as number, atMs),
      )
    for (let i = 0; i < nodes; i++) this.#planComparisons(i, this.#random.next() * antiEntropySeconds * 1_000)
    this.#planChurn(activeMs)
    for (let i = 0; i < joiners; i++) this.#queue.plan(activeMs / 2, (atMs) => this.#join(atMs))
    const endMs = activeMs + 2 * antiEntropySeconds * 1_000 + SETTLE_MS
    while (this.#queue.next(endMs)) this.#events++
    return this.#result(endMs)
  }

  #addNode(index: number): void {
    const { liars } = this.#config
    const random = this.#random.fork(`node ${index}`)
    const lie = random.chance(liars) ? (random.chance(0.5) ? 'silent' : 'tags') : 'none'
    this.#nodes.push(createModelNode(lie, this.#words, random.below(1_000)))
    this.#connections.add()
  }

  #write(writer: number, atMs: number): void {
    const node = this.#node(writer)
    if (!node.isThere) return
    const operation = this.#writtenAtMs.push(atMs) - 1
    take(node.held, operation)
    const doneMs = this.#work(node, atMs, this.#costs.cpuUs.write)
    this.#note(writer, [operation], doneMs)
    this.#send(writer, { operations: [operation], source: null, reached: new Set() }, doneMs)
  }

  /** Puts operations into the outbox, from when they are stored on. */
  #send(index: number, group: Group, atMs: number): void {
    const node = this.#node(index)
    // Where all that are near have it already, nothing is said.
    if (node.lie === 'silent' || this.#targets(index, group).length === 0) return
    const own = group.source === null ? node.waiting.find(({ source }) => source === null) : undefined
    if (own === undefined) node.waiting.push(group)
    else own.operations.push(...group.operations)
    if (node.isFlushPlanned) return
    node.isFlushPlanned = true
    this.#queue.plan(Math.max(atMs, node.pauseEndMs), (nowMs) => this.#flush(index, nowMs))
  }

  #flush(index: number, atMs: number): void {
    const node = this.#node(index)
    const { waiting } = node
    node.waiting = []
    node.isFlushPlanned = false
    // None of these nodes is busy (gossip-outbox.ts): the most that one has to do is a sixth of its core.
    node.pauseEndMs = atMs + GOSSIP_GATHER_IDLE_MS
    if (!node.isThere) return
    for (const group of waiting) this.#sendTo(index, group, this.#targets(index, group), atMs)
  }

  #targets(index: number, { source, reached }: Group): readonly number[] {
    const peers = this.#topology.peers[index] as Set<number>
    const mesh = this.#topology.mesh[index] as Set<number>
    if (source !== null) return [...mesh].filter((peer) => peer !== source && !reached.has(peer))
    if (peers.size <= GOSSIP_FANOUT_MAX) return [...peers]
    return [...mesh, ...[...peers].filter((peer) => !mesh.has(peer))].slice(0, GOSSIP_FANOUT_MAX)
  }

  #sendTo(index: number, group: Group, targets: readonly number[], atMs: number): void {
    if (targets.length === 0) return
    const { cpuUs, bytes } = this.#costs
    const reached = this.#reached(index, group, targets)
    const size = bytes.gossipMessage + group.operations.length * bytes.operation + 8 * reached.size
    for (const target of targets) {
      const message: Group = { operations: group.operations, source: index, reached }
      this.#transmit(index, target, size, 'gossipBytes', cpuUs.gossipMessage / 2, atMs, (nowMs) =>
        this.#receive(target, message, nowMs),
      )
    }
  }

  #reached(index: number, group: Group, targets: readonly number[]): ReadonlySet<number> {
    // Who lies with tags says that all whom its peers would tell have it already.
    const lies =
      this.#node(index).lie === 'tags'
        ? targets.flatMap((peer) => [...(this.#topology.mesh[peer] ?? [])])
        : []
    const near = [...targets, index, ...(group.source === null ? [] : [group.source])]
    return new Set([...near, ...lies, ...group.reached].slice(0, GOSSIP_REACHED_MAX))
  }

  #receive(index: number, message: Group, atMs: number): void {
    const node = this.#node(index)
    if (!node.isThere) return
    const { cpuUs } = this.#costs
    const fresh = message.operations.filter((operation) => take(node.held, operation))
    const admit = fresh.length > 1 ? cpuUs.admitInBatch : cpuUs.admitAlone
    node.load.gossipMessages++
    const doneMs = this.#work(
      node,
      atMs,
      cpuUs.gossipMessage / 2 +
        message.operations.length * cpuUs.decode +
        fresh.length * (cpuUs.verify + admit),
    )
    if (fresh.length === 0) return
    if (node.lie === 'none' && index < this.#config.nodes) this.#byGossip += fresh.length
    this.#arrived(node, fresh, doneMs)
    this.#note(index, fresh, doneMs)
    this.#send(index, { ...message, operations: fresh }, doneMs)
  }

  #arrived(node: ModelNode, operations: readonly number[], atMs: number): void {
    if (node.lie !== 'none') return
    for (const operation of operations) {
      const writtenMs = this.#writtenAtMs[operation] as number
      // Who was away then is not late.
      if (writtenMs >= node.sinceMs) this.#latencies.add(atMs - writtenMs)
    }
  }

  /** What went round is offered a while later. */
  #note(index: number, operations: readonly number[], atMs: number): void {
    const node = this.#node(index)
    if (node.lie !== 'none') return
    node.young.push(...operations)
    if (node.isOffering) return
    node.isOffering = true
    this.#queue.plan(atMs + GOSSIP_OFFER_MS, (nowMs) => this.#offer(index, nowMs))
  }

  #offer(index: number, atMs: number): void {
    const node = this.#node(index)
    const ids = node.old
    node.old = node.young
    node.young = []
    node.isOffering = ids.length > 0 || node.old.length > 0
    if (!node.isOffering) return
    this.#queue.plan(atMs + GOSSIP_OFFER_MS, (nowMs) => this.#offer(index, nowMs))
    const peers = [...(this.#topology.peers[index] as Set<number>)]
    if (ids.length === 0 || peers.length === 0 || !node.isThere) return
    const { cpuUs, bytes } = this.#costs
    const size = bytes.gossipMessage + 32 * ids.length
    for (let i = 0; i < Math.min(GOSSIP_OFFER_PEERS_MAX, peers.length); i++) {
      const peer = peers[node.turn++ % peers.length] as number
      this.#transmit(index, peer, size, 'gossipBytes', cpuUs.gossipMessage / 2, atMs, (nowMs) => {
        const other = this.#node(peer)
        this.#work(other, nowMs, cpuUs.gossipMessage / 2)
        if (other.isThere && ids.some((id) => !has(other.held, id)))
          this.#queue.plan(nowMs + WISH_MS, (wishedMs) => this.#compare(peer, index, wishedMs))
      })
    }
  }

  #planComparisons(index: number, atMs: number): void {
    this.#queue.plan(atMs, (nowMs) => {
      this.#planComparisons(index, nowMs + this.#config.antiEntropySeconds * 1_000)
      if (!this.#node(index).isThere) return
      for (const peer of this.#topology.peers[index] as Set<number>)
        if (this.#isDue(index, peer, nowMs)) this.#compare(index, peer, nowMs)
    })
  }

  #isDue(index: number, peer: number, nowMs: number): boolean {
    const { perSecond, seconds, antiEntropySeconds } = this.#config
    const isBusy = perSecond >= BUSY_OPERATIONS_PER_SECOND && nowMs < seconds * 1_000
    const sinceMs = nowMs - (this.#node(index).comparedAtMs.get(peer) ?? -Infinity)
    return sinceMs >= ((isBusy ? BUSY_INTERVALS_MAX : 1) - 0.5) * antiEntropySeconds * 1_000
  }

  /** One run: who lacks what the other has gets it, after as many ways as it takes. */
  #compare(index: number, peer: number, atMs: number): void {
    const [one, other] = [this.#node(index), this.#node(peer)]
    if (!one.isThere || !other.isThere) return
    one.comparedAtMs.set(peer, atMs)
    other.comparedAtMs.set(index, atMs)
    const { cpuUs, bytes } = this.#costs
    const [wanted, offered] = [missing(one.held, other.held), missing(other.held, one.held)]
    const count = wanted.length + offered.length
    const size = count === 0 ? bytes.quietRun : bytes.run + count * bytes.runPerOperation
    one.load.runs++
    this.#transmit(index, peer, size / 2, 'syncBytes', cpuUs.quietRun / 2, atMs, (thereMs) => {
      this.#work(other, thereMs, cpuUs.quietRun / 2)
      this.#transmit(peer, index, size / 2, 'syncBytes', 0, thereMs, (backMs) => {
        this.#bring(one, wanted, backMs)
        this.#bring(other, offered, backMs)
      })
    })
  }

  #bring(node: ModelNode, operations: readonly number[], atMs: number): void {
    const fresh = operations.filter((operation) => take(node.held, operation))
    if (fresh.length === 0) return
    const { decode, verify, admitInBatch } = this.#costs.cpuUs
    this.#arrived(node, fresh, this.#work(node, atMs, fresh.length * (decode + verify + admitInBatch)))
  }

  #planChurn(activeMs: number): void {
    const { churnPerHour, awaySeconds, nodes } = this.#config
    const leaves = Math.round((churnPerHour * nodes * activeMs) / 3_600_000)
    for (let i = 0; i < leaves; i++) {
      const index = this.#random.below(nodes)
      this.#queue.plan(this.#random.next() * activeMs, (atMs) => {
        const node = this.#node(index)
        if (!node.isThere) return
        node.isThere = false
        for (const lonely of this.#connections.leave(index)) this.#connect(lonely, atMs)
        this.#queue.plan(atMs + awaySeconds * 1_000, (backMs) => {
          node.isThere = true
          node.sinceMs = backMs
          this.#connect(index, backMs)
        })
      })
    }
  }

  /** Dials as many as are missing, and compares with each. */
  #connect(index: number, atMs: number): void {
    const { cpuUs, bytes } = this.#costs
    const size = bytes.connection + bytes.handshake
    for (const peer of this.#connections.fill(index, (other) => this.#node(other).isThere)) {
      this.#work(this.#node(peer), atMs, (cpuUs.connection + cpuUs.handshake) / 2)
      this.#transmit(
        index,
        peer,
        size,
        'connectionBytes',
        (cpuUs.connection + cpuUs.handshake) / 2,
        atMs,
        (nowMs) => this.#compare(index, peer, nowMs + WISH_MS),
      )
    }
    this.#connections.graft(index)
  }

  /** A newcomer gets everything from the first of its peers: the history in one piece, at the speed of its line and of both their cores. */
  #join(atMs: number): void {
    const index = this.#nodes.length
    this.#addNode(index)
    this.#node(index).sinceMs = atMs
    this.#connect(index, atMs)
    const [peer] = this.#topology.peers[index] as Set<number>
    if (peer === undefined) return
    const { cpuUs, bytes } = this.#costs
    const { history } = this.#config
    const each = cpuUs.decode + cpuUs.verify + cpuUs.admitInBatch
    this.#transmit(
      peer,
      index,
      bytes.run + history * bytes.runPerOperation,
      'syncBytes',
      history * cpuUs.encode,
      atMs,
      (nowMs) => {
        // Packets are admitted as they come: the slower of line and core decides, and what is left when the last has come is one window.
        const doneMs = this.#work(
          this.#node(index),
          nowMs - Math.min(nowMs - atMs, (history * each) / 1_000 / this.#config.cores),
          history * each,
        )
        this.#joins.add(Math.max(nowMs, doneMs) - atMs)
      },
    )
    this.#planComparisons(index, atMs + this.#config.antiEntropySeconds * 1_000)
  }

  /** Occupies a node's event loop; when it is done. */
  #work(node: ModelNode, atMs: number, us: number): number {
    node.load.cpuUs += us
    node.busyMs = Math.max(node.busyMs, atMs) + us / 1_000 / this.#config.cores
    return node.busyMs
  }

  #transmit(
    from: number,
    to: number,
    size: number,
    kind: 'gossipBytes' | 'syncBytes' | 'connectionBytes',
    us: number,
    atMs: number,
    then: (atMs: number) => void,
  ): void {
    const node = this.#node(from)
    const sentMs = this.#work(node, atMs, us)
    node.load[kind] += size
    node.lineMs = Math.max(node.lineMs, sentMs) + (size * 8_000) / this.#config.uplinkBits
    this.#queue.plan(node.lineMs + this.#latencyMs(from, to), then)
  }

  /** The way between two nodes: always the same. */
  #latencyMs(a: number, b: number): number {
    const [least, most] = this.#config.latencyMs
    const mixed = Math.imul(Math.min(a, b) + 1, 0x9e3779b1) ^ Math.imul(Math.max(a, b) + 1, 0x85ebca6b)
    const part = (Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) >>> 0) / 2 ** 32
    return least + (most - least) * part * part
  }

  #node(index: number): ModelNode {
    return this.#nodes[index] as ModelNode
  }

  #result(endMs: number): ScaleResult {
    const { nodes } = this.#config
    const honest = this.#nodes.filter(({ lie }) => lie === 'none')
    const operations = this.#writtenAtMs.length
    const first = honest.slice(0, nodes)
    const due = Math.max(1, operations * (first.length - 1))
    const held = first.reduce((sum, node) => sum + countOf(node.held), 0) - operations
    const loads = this.#nodes.map(({ load }) => load)
    const mean = (of: (load: NodeLoad) => number) =>
      loads.reduce((sum, load) => sum + of(load), 0) / loads.length
    const seconds = endMs / 1_000
    const degrees = this.#topology.peers.map(({ size }) => size)
    return {
      byGossip: this.#byGossip / due,
      delivered: held / due,
      medianMs: this.#latencies.quantile(0.5),
      p99Ms: this.#latencies.quantile(0.99),
      mostMs: this.#latencies.mostMs,
      messagesPerOperation: mean(({ gossipMessages }) => gossipMessages) / Math.max(1, operations),
      gossipBytesPerOperation: mean(({ gossipBytes }) => gossipBytes) / Math.max(1, operations),
      syncBytesPerSecond: mean(({ syncBytes }) => syncBytes) / seconds,
      connectionBytesPerSecond: mean(({ connectionBytes }) => connectionBytes) / seconds,
      cpu: mean(({ cpuUs }) => cpuUs) / 1e6 / seconds,
      cpuMost: loads.reduce((most, { cpuUs }) => Math.max(most, cpuUs), 0) / 1e6 / seconds,
      runsPerSecond: mean(({ runs }) => runs) / seconds,
      degreeMean: degrees.reduce((sum, degree) => sum + degree, 0) / degrees.length,
      degreeMost: degrees.reduce((most, degree) => Math.max(most, degree), 0),
      joinMedianSeconds: this.#joins.count === 0 ? 0 : this.#joins.quantile(0.5) / 1_000,
      joinMostSeconds: this.#joins.mostMs / 1_000,
      events: this.#events,
    }
  }
}
