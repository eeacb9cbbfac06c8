import { CONNECTIONS_INBOUND_MAX, CONNECTIONS_OUTBOUND_MAX } from '../../src/core/limits.ts'
import type { Random } from '../random.ts'

/** Gossipsub's mesh: how many it wants, and from how many on it prunes (17.1, GossipsubD, GossipsubDhi). */
const MESH_TARGET = 6
const MESH_MAX = 12
/** Tries to find a peer that has a place. */
const TRIES_MAX = 32

/** Who is connected to whom, and who hands gossip on to whom. Nodes by number. */
export interface Topology {
  readonly peers: readonly Set<number>[]
  readonly mesh: readonly Set<number>[]
}

/** Each node dials others by chance until it has as many peers as it wants; both ends have bounds on connections. */
export class Connections implements Topology {
  readonly peers: Set<number>[] = []
  readonly mesh: Set<number>[] = []
  readonly #inbound: number[] = []
  readonly #outbound: number[] = []
  readonly #degree: number
  readonly #random: Random
  #dialled = 0

  constructor(degree: number, random: Random) {
    this.#degree = degree
    this.#random = random
  }

  /** Connections made so far. */
  get dialled(): number {
    return this.#dialled
  }

  /** Another node, without connections. */
  add(): number {
    this.peers.push(new Set())
    this.mesh.push(new Set())
    this.#inbound.push(0)
    this.#outbound.push(0)
    return this.peers.length - 1
  }

  /** Dials until the node has the peers it wants. Gives those that are new. */
  fill(node: number, isThere: (other: number) => boolean): readonly number[] {
    const own = this.peers[node] as Set<number>
    const fresh: number[] = []
    for (let tries = 0; own.size < this.#degree && tries < TRIES_MAX; tries++) {
      const other = this.#random.below(this.peers.length)
      if (other === node || own.has(other) || !isThere(other)) continue
      if ((this.#inbound[other] as number) >= CONNECTIONS_INBOUND_MAX) continue
      if ((this.#outbound[node] as number) >= CONNECTIONS_OUTBOUND_MAX) break
      own.add(other)
      ;(this.peers[other] as Set<number>).add(node)
      this.#outbound[node] = (this.#outbound[node] as number) + 1
      this.#inbound[other] = (this.#inbound[other] as number) + 1
      this.#dialled++
      fresh.push(other)
    }
    return fresh
  }

  /** Grafts until the mesh has its size; who has too many prunes some. */
  graft(node: number): void {
    const own = this.mesh[node] as Set<number>
    for (const other of this.#random.shuffle([...(this.peers[node] as Set<number>)])) {
      if (own.size >= MESH_TARGET) break
      const theirs = this.mesh[other] as Set<number>
      if (theirs.size >= MESH_MAX) continue
      own.add(other)
      theirs.add(node)
    }
  }

  /** The node goes: its connections close. Gives who was connected to it. */
  leave(node: number): readonly number[] {
    const left = [...(this.peers[node] as Set<number>)]
    for (const other of left) {
      this.peers[other]?.delete(node)
      this.mesh[other]?.delete(node)
    }
    this.peers[node] = new Set()
    this.mesh[node] = new Set()
    this.#outbound[node] = 0
    this.#inbound[node] = 0
    return left
  }
}
