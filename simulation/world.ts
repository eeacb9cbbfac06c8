import { createHash } from 'node:crypto'
import { toHex } from '../src/core/bytes.ts'
import { FRAME_BYTES_MAX } from '../src/core/limits.ts'
import { introduceAll } from './acquaintances.ts'
import { createActor, type ActorKind } from './actors/index.ts'
import { createStage, MALLORYS, type Actor, type Grant } from './actors/stage.ts'
import { Checker } from './checker.ts'
import { type DiskFlaws, SimulatedDisk } from './disk.ts'
import { breakSomething } from './faults.ts'
import { checkOnTheWay, lackedBodies } from './final-checks.ts'
import { directionOf, Network, type Weather } from './network.ts'
import type { NodeHooks, SimulatedNode } from './node.ts'
import {
  createOrigin,
  peerNamed,
  roleToken,
  signerNamed,
  spaceKey,
  START_MS,
  type SpaceOrigin,
} from './people.ts'
import type { Plan } from './plan.ts'
import { createRandom } from './random.ts'
import { ruleSomething } from './rulings.ts'
import { Seat, type SeatInit } from './seat.ts'
import { StormPlay } from './storm.ts'
import { WINDOW_BYTES } from './stream.ts'
import { Timeline, type Owner } from './timeline.ts'
import { createSimulatedVerifier } from './verifier.ts'
import { installVirtualGlobals } from './virtual-globals.ts'
import { agentOf, AGENTS, AGENTS_PATH, writeSomething } from './writes.ts'

/** What a test breaks on purpose, to see that the run says so. */
export interface Sabotage {
  /** Hooks of the honest node at that place; made anew for each run. */
  readonly hooks?: (place: number) => NodeHooks
  /** What is wrong with the disk of the honest node at that place. */
  readonly flaws?: (place: number) => DiskFlaws
}

/** How long honest nodes may take to agree once everything is mended, in virtual ms. */
const SETTLE_MS_MAX = 20 * 60_000
/** How often the oracle looks at nodes that do not agree yet. */
const LOOKS = 3
/** Length and packing in front of a frame. */
const FRAME_HEAD_BYTES = 8
/** How often it is looked whether they do. */
const LOOK_MS = 5_000

/** One run of a plan: everybody who takes part, and the time they live in. */
export class World {
  readonly plan: Plan
  readonly timeline: Timeline
  readonly network: Network
  readonly checker: Checker
  readonly honest: readonly Seat[]
  readonly faults = new Map<string, number>()
  readonly byzantine = new Map<string, number>()
  readonly #origin: SpaceOrigin
  readonly #actors: {
    readonly actor: Actor
    readonly seat: Seat
    readonly kind: ActorKind
    readonly atMs: number
  }[]
  readonly #outside: Owner = { name: 'outside', isAlive: true }
  readonly #hash = createHash('sha256')
  readonly #mends = new Set<() => void>()
  readonly #weather: { -readonly [K in keyof Weather]: Weather[K] }
  readonly #storm: StormPlay | null
  #isHealed = false

  constructor(plan: Plan, sabotage: Sabotage | null) {
    this.plan = plan
    this.timeline = new Timeline(START_MS, this.#outside)
    this.#weather = { ...plan.weather }
    const random = createRandom(`${plan.seed} network`)
    this.network = new Network(this.timeline, random, this.#weather, this.#outside, (fault) =>
      this.#count(fault),
    )
    const names = Array.from({ length: plan.nodes }, (_, place) => `node ${place}`)
    this.checker = new Checker({
      honestAuthors: new Set(names.flatMap(authorsOf)),
      honestPeers: new Set(names.map((name) => peerNamed(name).toString())),
      elapsedMs: () => this.timeline.nowMs - START_MS,
      trace: (line) => this.#trace(line),
    })
    this.#origin = createOrigin(signerNamed('node 0'), plan.openReading)
    this.honest = names.map((name, place) => this.#seat(name, place, sabotage))
    this.#actors = plan.actors.map(({ label, kind, draw, atMs }) => {
      const actor = createActor(kind, createRandom(`${plan.seed} actor ${draw}`))
      return { actor, seat: this.#mallory(`mallory ${label}`, actor.grant, actor.hooks), kind, atMs }
    })
    this.#storm =
      plan.storm === null ? null : new StormPlay(plan.storm, this.#mallory('mallory storm', MALLORYS, {}))
  }

  /** Hash of everything that happened, hexadecimal; the run is over. */
  digest(): string {
    return this.#hash.digest('hex')
  }

  /** What the run came to in the scenario's own terms. */
  figures(): Readonly<Record<string, number>> {
    const latecomer = this.honest.at(-1)
    if (this.#storm === null || latecomer === undefined) return {}
    const bytes = this.honest.reduce(
      (sum, { peerId }) => sum + (this.network.traffic.get(directionOf(peerId, latecomer.peerId)) ?? 0),
      0,
    )
    const operations = latecomer.node?.hosted.store.count() ?? 0
    return { operations, bytes, admissionMs: this.#storm.admissionMs }
  }

  /** Lets the plan happen, mends everything, and waits until honest nodes agree, within bounds. */
  async play(): Promise<void> {
    const restore = installVirtualGlobals(this.timeline, createRandom(`${this.plan.seed} nonces`))
    try {
      this.#begin()
      for (let part = 1; part <= LOOKS; part++) {
        await this.#run(START_MS + (this.plan.activeMs * part) / LOOKS)
        if (this.checker.failures.length === 0) checkOnTheWay(this.honest, this.checker, part)
      }
      this.#checkInFlight()
      this.#heal()
      const endMs = this.timeline.nowMs + SETTLE_MS_MAX
      do await this.#run(this.timeline.nowMs + LOOK_MS)
      while (this.timeline.nowMs < endMs && !this.#isSettled() && this.checker.failures.length === 0)
    } finally {
      restore()
    }
  }

  /** Stops what the run has left. */
  end(): void {
    for (const seat of [...this.honest, ...this.#actors.map(({ seat }) => seat)]) seat.end()
    this.#storm?.seat.end()
  }

  async #run(untilMs: number): Promise<void> {
    await this.timeline.run(
      untilMs,
      (owner, what) => {
        this.#trace(`${owner.name} ${what}`)
        const seat = this.honest.find(({ node }) => node === owner)
        if (seat?.node != null && (what === 'promote' || what === 'gossip')) this.checker.checkHeld(seat.node)
      },
      () => this.checker.failures.length > 0,
    )
  }

  #begin(): void {
    const { plan, timeline } = this
    introduceAll({
      timeline,
      network: this.network,
      outside: this.#outside,
      random: createRandom(`${plan.seed} acquaintances`),
      honest: this.honest,
      colluders: [
        ...this.#actors.map(({ seat }) => seat),
        ...(this.#storm === null ? [] : [this.#storm.seat]),
      ],
      eclipseMs: plan.eclipseMs,
      onEclipse: () => this.#play('eclipseBootstrap'),
    })
    const [owner] = this.honest
    for (const seat of this.honest) {
      const isLate = plan.lateMs !== null && seat === this.honest.at(-1)
      if (isLate) timeline.plan(plan.lateMs ?? 0, this.#outside, 'late start', () => seat.start())
      else seat.start()
    }
    for (const { seat } of this.#actors) seat.start()
    this.#storm?.seat.start()
    timeline.plan(0, this.#outside, 'genesis', () => {
      const outcome = owner?.node?.hosted.replica.admitOwn(this.#origin.genesis)
      if (outcome?.kind !== 'admitted') throw new Error(`bug: the genesis was ${outcome?.kind}`)
    })
    for (const { atMs, node, draw } of plan.writes) {
      const seat = this.honest[node % this.honest.length] as Seat
      this.#planFor(seat, atMs, 'write', () => {
        const life = seat.node
        if (life === null) return
        const written = life.attempt(() => writeSomething(life, createRandom(`write ${draw}`)))
        for (const operation of written ?? []) this.checker.onWritten(life, operation)
      })
    }
    for (const { atMs, node, draw } of plan.rulings) {
      // The owner, or the other administrator.
      const seat = this.honest[node % 2] as Seat
      this.#planFor(seat, atMs, 'rule', () => {
        const life = seat.node
        if (life === null) return
        const members = new Set(this.honest.map(({ author }) => toHex(author.publicKey)))
        const ruled = life.attempt(() =>
          ruleSomething(life, seat.chain, members, createRandom(`ruling ${draw}`)),
        )
        if (ruled !== null) this.checker.onWritten(life, ruled)
      })
    }
    const ground = {
      timeline,
      network: this.network,
      outside: this.#outside,
      seats: this.honest,
      random: createRandom(`${plan.seed} faults`),
      count: (fault: string) => this.#count(fault),
    }
    for (const planned of plan.faults) {
      timeline.plan(planned.atMs, this.#outside, `fault ${planned.fault.kind}`, () => {
        const mend = breakSomething(planned, ground)
        this.#mends.add(mend)
        timeline.plan(planned.lastsMs, this.#outside, `mend ${planned.fault.kind}`, () => this.#mend(mend))
      })
    }
    this.#storm?.play(this.honest, (seat, atMs, what, action) => this.#planFor(seat, atMs, what, action))
    for (const { actor, seat, kind, atMs } of this.#actors) {
      this.#planFor(seat, atMs, `play ${kind}`, () => actor.begin(this.#stage(seat, kind)))
    }
  }

  /** Plans something in the name of whichever life a participant has by then. */
  #planFor(seat: Seat, atMs: number, what: string, action: () => void): void {
    this.timeline.plan(atMs, this.#outside, `${what} is due`, () => {
      if (seat.node !== null) this.timeline.plan(0, seat.node, what, action)
    })
  }

  #stage(seat: Seat, kind: ActorKind) {
    return createStage({
      seat,
      timeline: this.timeline,
      network: this.network,
      victims: this.honest.map(({ peerId }) => peerId),
      authors: this.honest.map(({ author }) => toHex(author.publicKey)),
      random: createRandom(`${this.plan.seed} play of ${seat.name}`),
      isOver: () => this.#isHealed,
      count: () => this.#play(kind),
    })
  }

  #mend(mend: () => void): void {
    if (this.#mends.delete(mend)) mend()
  }

  /** From now on nothing breaks, clocks are right, and whoever is down starts again. */
  #heal(): void {
    this.#isHealed = true
    this.#trace('healed')
    for (const mend of [...this.#mends]) this.#mend(mend)
    Object.assign(this.#weather, { loss: 0, duplication: 0 })
    for (const seat of this.honest) {
      seat.skewMs = 0
      seat.disk.disarm()
      seat.start()
    }
  }

  /** A node waits where a peer does not read: what it has sent is never more than the window and one frame. */
  #checkInFlight(): void {
    for (const { name, peerId } of this.honest) {
      const bytes = this.network.mostInFlight.get(peerId.toString()) ?? 0
      const isBounded = bytes <= WINDOW_BYTES + FRAME_BYTES_MAX + FRAME_HEAD_BYTES
      this.checker.expect(isBounded, 'what a peer does not read is bounded', () => `${name}: ${bytes} bytes`)
    }
  }

  #isSettled(): boolean {
    const nodes = this.honest.flatMap(({ node }) => node ?? [])
    const whole = nodes.filter(({ isPartial }) => !isPartial)
    const areEqual = (of: readonly SimulatedNode[], rootOf: (node: SimulatedNode) => Uint8Array) =>
      new Set(of.map((node) => toHex(rootOf(node)))).size === 1
    return (
      nodes.length === this.honest.length &&
      areEqual(nodes, ({ hosted }) => hosted.replica.clockRoot()) &&
      areEqual(whole, ({ hosted }) => hosted.replica.stateRoot()) &&
      nodes.every((node) => whole.every((other) => lackedBodies(node, other).length === 0))
    )
  }

  #seat(name: string, place: number, sabotage: Sabotage | null): Seat {
    const author = signerNamed(name)
    const { owner, ownerToken } = this.#origin
    const { openReading, isPartial, nodes } = this.plan
    const readsPart = isPartial && place === nodes - 1
    const role = readsPart ? 'reader' : place === 1 ? 'admin' : 'writer'
    const token = roleToken(owner, author, role, readsPart ? AGENTS_PATH : '', { openReading })
    const chain = place === 0 ? [ownerToken] : [ownerToken, token]
    return this.#createSeat({
      name,
      author,
      chain,
      hooks: sabotage?.hooks?.(place) ?? {},
      flaws: sabotage?.flaws?.(place) ?? {},
      isPartial: readsPart,
    })
  }

  #mallory(name: string, { role, path, expiresSeconds }: Grant, hooks: NodeHooks): Seat {
    const author = signerNamed(name)
    const { owner, ownerToken } = this.#origin
    const { openReading } = this.plan
    const token = roleToken(owner, author, role, path, { openReading, expiresSeconds })
    return this.#createSeat({ name, author, chain: [ownerToken, token], hooks, flaws: {}, isPartial: false })
  }

  #createSeat({
    flaws,
    ...who
  }: Pick<SeatInit, 'name' | 'author' | 'chain' | 'hooks' | 'isPartial'> & {
    readonly flaws: DiskFlaws
  }): Seat {
    const { timeline, network, checker } = this
    const spaceId = this.#origin.genesis.id
    return new Seat({
      ...who,
      timeline,
      network,
      observer: checker,
      verifier: createSimulatedVerifier(timeline, createRandom(`${this.plan.seed} checks of ${who.name}`)),
      disk: new SimulatedDisk({ spaceId, spaceKey: spaceKey.publicKey }, flaws),
      onStart: (node) => checker.onStart(node),
    })
  }

  /** Counts what a Byzantine actor does. */
  #play(kind: string): void {
    this.byzantine.set(kind, (this.byzantine.get(kind) ?? 0) + 1)
  }

  #count(fault: string): void {
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1)
  }

  #trace(line: string): void {
    this.#hash.update(`${this.timeline.nowMs - START_MS} ${line}\n`)
  }
}

/** Keys of a node's author and of its agents, hexadecimal. */
function authorsOf(name: string): readonly string[] {
  const agents = Array.from({ length: AGENTS }, (_, place) => agentOf(name, place))
  return [signerNamed(name), ...agents].map(({ publicKey }) => toHex(publicKey))
}
