import type { PeerId } from '@libp2p/interface'
import { toHex } from '../../src/core/bytes.ts'
import { isControl } from '../../src/core/changes/evaluate.ts'
import type { Entry } from '../../src/core/graph.ts'
import { encodeOperation, type Body, type Operation } from '../../src/core/operation/operation.ts'
import type { Role } from '../../src/node/space/roles.ts'
import { forge, type ForgeRequest, type Parent } from '../forge.ts'
import type { Network } from '../network.ts'
import type { NodeHooks, SimulatedNode } from '../node.ts'
import type { Random } from '../random.ts'
import type { Seat } from '../seat.ts'
import type { Timeline } from '../timeline.ts'

/** What an actor was given when it joined. */
export interface Grant {
  readonly role: Role
  /** Limits a writer to this path and below. */
  readonly path: string
  readonly expiresSeconds: number | null
}

/** Where most actors may write. */
export const MALLORYS: Grant = { role: 'writer', path: 'mallory', expiresSeconds: null }

/** A Byzantine participant. Its node runs the production code as far as its hooks let it; the rest it does by hand. */
export interface Actor {
  readonly grant: Grant
  readonly hooks: NodeHooks
  /** Begins to play. Everything it plans must end when the stage says that the play is over. */
  begin(stage: Stage): void
}

/** What is said of an operation on a stage; the rest is filled in as an honest author would. */
export type StageRequest = Partial<Omit<ForgeRequest, 'spaceId'>> & { readonly body: Body }

/** What an actor can do once it plays. */
export interface Stage {
  readonly seat: Seat
  readonly random: Random
  readonly victims: readonly PeerId[]
  /** Virtual time, ms since 1970. */
  now(): number
  /** The actor's node; null while it has none. */
  node(): SimulatedNode | null
  /** Repeats an act until the play is over, and counts each. */
  act(everyMs: number, action: (node: SimulatedNode) => void): void
  /** Does something once, later, and counts it. */
  later(delayMs: number, action: (node: SimulatedNode) => void): void
  /** Digests of the actor's own chain, root first. */
  caps(): readonly Uint8Array[]
  /** The newest operation of the actor that its own node has admitted. */
  ownHead(): Entry | null
  /** What nobody has built on, as the actor's node sees it; at most so many. */
  frontier(limit?: number): readonly Entry[]
  /** An operation like an honest author's on top of everything, but for what is said. */
  forge(request: StageRequest): Operation
  /** Hands an operation to the actor's own node, which then serves it to everybody. */
  keep(...operations: readonly Operation[]): void
  /** Gossips to one peer, whatever the rules. */
  whisper(to: PeerId, operation: Operation): void
  /** Gossips to everybody. */
  shout(operation: Operation): void
  /** Gossips bytes that may be anything. */
  whisperBytes(to: PeerId, bytes: Uint8Array): void
  /** Key of the honest author at a place, hexadecimal; places wrap around. */
  authorAt(place: number): string
  /** Counts what a hook did. */
  note(): void
  /** True once the play is over: a hook does nothing more. */
  isOver(): boolean
}

export interface StageInit {
  readonly seat: Seat
  readonly timeline: Timeline
  readonly network: Network
  readonly victims: readonly PeerId[]
  /** Keys of honest authors, hexadecimal. */
  readonly authors: readonly string[]
  readonly random: Random
  readonly isOver: () => boolean
  /** Counts one act. */
  readonly count: () => void
}

export function createStage(init: StageInit): Stage {
  const { seat, timeline, network, victims, authors, random, isOver, count } = init
  const act = (delayMs: number, action: (node: SimulatedNode) => void, isRepeated: boolean) => {
    const { node } = seat
    if (node === null) return
    timeline.plan(delayMs, node, 'act', () => {
      if (isOver()) return
      if (node.hosted.store.find(node.hosted.id) !== undefined) {
        count()
        node.attempt(() => action(node))
      }
      if (isRepeated) act(delayMs, action, true)
    })
  }
  const stage: Stage = {
    seat,
    random,
    victims,
    now: () => timeline.nowMs,
    node: () => seat.node,
    act: (everyMs, action) => act(everyMs, action, true),
    later: (delayMs, action) => act(delayMs, action, false),
    caps: () => seat.chain.map(({ digest }) => digest),
    ownHead: () => seat.node?.hosted.store.heads(seat.author.publicKey)[0] ?? null,
    frontier: (limit = 8) => (seat.node?.hosted.store.frontier() ?? []).slice(-limit),
    forge(request) {
      const { node } = seat
      if (node === null) throw new Error('bug: an actor without a node')
      const prev: Parent | null = request.prev === undefined ? stage.ownHead() : request.prev
      const isOwn = ({ author }: Parent) => toHex(author) === toHex(seat.author.publicKey)
      return forge({
        spaceId: node.hosted.id,
        author: seat.author,
        caps: stage.caps(),
        deps: stage.frontier().filter((entry) => !isOwn(entry)),
        timeMs: timeline.nowMs,
        path: 'mallory',
        ...request,
        prev,
      })
    },
    keep(...operations) {
      const { node } = seat
      node?.hosted.replica.receive(operations, 'mallory herself').catch(() => {})
    },
    whisper(to, operation) {
      // A body where reading is closed would be refused for itself; at times it is sent all the same.
      const isOpen = seat.node?.hosted.description()?.openReading ?? true
      const isBare = !isOpen && !isControl(operation.header.command) && random.chance(0.95)
      network.gossip(seat.peerId, to, encodeOperation(isBare ? { ...operation, body: null } : operation))
    },
    shout(operation) {
      for (const peer of network.peersOf(seat.peerId)) stage.whisper(peer, operation)
    },
    whisperBytes: (to, bytes) => network.gossip(seat.peerId, to, bytes),
    authorAt: (place) => authors[place % authors.length] as string,
    note: count,
    isOver,
  }
  return stage
}
