import type { PeerId } from '@libp2p/interface'
import type { Signer } from '../src/core/signature.ts'
import type { VerifiedDelegation } from '../src/core/ucan/delegation.ts'
import type { SimulatedDisk } from './disk.ts'
import { SimulatedNode, type NodeHooks, type NodeInit } from './node.ts'
import { peerNamed } from './people.ts'

export interface SeatInit extends Pick<NodeInit, 'timeline' | 'network' | 'verifier' | 'observer'> {
  readonly name: string
  readonly author: Signer
  /** What this participant joined with, root first; none for who made the space. */
  readonly chain: readonly VerifiedDelegation[]
  readonly disk: SimulatedDisk
  readonly hooks: NodeHooks
  /** True for an honest node that may read a part only. */
  readonly isPartial: boolean
  /** Called when a node begins a life, before it starts. */
  readonly onStart: (node: SimulatedNode) => void
}

/** One participant over the whole run: its keys, its disk, its clock, and the life its node has now, if any. */
export class Seat {
  readonly name: string
  readonly peerId: PeerId
  readonly author: Signer
  readonly chain: readonly VerifiedDelegation[]
  readonly disk: SimulatedDisk
  readonly isPartial: boolean
  /** How far this participant's clock is ahead, in ms. */
  skewMs = 0
  readonly #init: SeatInit
  #node: SimulatedNode | null = null

  constructor(init: SeatInit) {
    this.#init = init
    this.name = init.name
    this.peerId = peerNamed(init.name)
    this.author = init.author
    this.chain = init.chain
    this.disk = init.disk
    this.isPartial = init.isPartial
  }

  /** The node that runs now; null between a crash and the start after it. */
  get node(): SimulatedNode | null {
    return this.#node?.isAlive === true ? this.#node : null
  }

  /** Plans the beginning of a life, now; nothing happens where one lasts. */
  start(): void {
    if (this.node !== null) return
    const { timeline, network, verifier, observer, hooks, onStart, chain, isPartial } = this.#init
    const node = new SimulatedNode({
      name: this.name,
      peerId: this.peerId,
      author: this.author,
      disk: this.disk,
      timeline,
      network,
      verifier,
      observer,
      hooks,
      isPartial,
      skewMs: () => this.skewMs,
      tokens: chain.length > 1 ? chain.map(({ bytes }) => bytes) : [],
    })
    this.#node = node
    timeline.plan(0, node, 'start', () => {
      onStart(node)
      node.attempt(() => node.start())
    })
  }

  /** Ends the life of the node, if one lasts. */
  end(): void {
    this.node?.end()
    this.#node = null
  }
}
