import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { HanseNode } from '../node/node.ts'
import type { SpaceStatus } from '../node/space/status.ts'

/** Upper bounds of the buckets of how long requests take, in seconds. */
const BUCKETS = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10]

/** Figures of a space that are one number. */
const FIGURES: readonly (readonly [name: string, help: string, read: (status: SpaceStatus) => number])[] = [
  ['operations', 'Operations admitted.', ({ operations }) => operations],
  ['authors', 'Authors in the clock.', ({ authors }) => authors],
  ['absent_bodies', 'Operations whose body has not arrived.', ({ absentBodies }) => absentBodies],
  [
    'unreadable_bodies',
    'Operations whose body is not for this node to read.',
    ({ unreadable }) => unreadable,
  ],
  ['masked_operations', 'Operations that a revocation took the effect of.', ({ masked }) => masked],
  ['forked_authors', 'Authors whose fork is proved.', ({ forkedAuthors }) => forkedAuthors.length],
  ['outdated_kinds', 'Types of changes that this node does not know.', ({ outdated }) => outdated.length],
  ['waiting_texts', 'Texts of which edits wait.', ({ waitingTexts }) => waitingTexts.length],
  [
    'acknowledged_peers',
    'Peers who have signed that they hold the local head.',
    ({ acknowledged }) => acknowledged,
  ],
  ['peers_connected', 'Peers of the space connected now.', ({ peers }) => count(peers, 'connected')],
  [
    'peers_in_sync',
    'Peers that are proved to have the present state.',
    ({ peers }) => count(peers, 'inSync'),
  ],
  ['peers_known', 'Peers of the space that are known.', ({ peers }) => peers.length],
  [
    'writing_stopped',
    '1 where something keeps this node from writing.',
    ({ writing }) => Number(writing !== null),
  ],
  ['blobs_referenced', 'Blobs that the space refers to.', ({ blobs }) => blobs.referenced],
  ['blobs_missing', 'Of those, how many are not here.', ({ blobs }) => blobs.missing],
  ['blobs_wanted_bytes', 'Bytes of blobs that are fetched.', ({ blobs }) => blobs.wantedBytes],
]

/** The figures of a node in the text format of Prometheus (prom-client, its official client for Node). Those of spaces are read when asked for. */
export class Metrics {
  readonly #node: HanseNode
  readonly #registry = new Registry()
  readonly #spaces: readonly { readonly gauge: Gauge; readonly read: (status: SpaceStatus) => number }[]
  readonly #info: Gauge
  readonly #held: Gauge
  readonly #refused: Gauge
  readonly #connected: Gauge
  readonly #unreadable: Gauge
  readonly #requests: Counter
  readonly #seconds: Histogram

  constructor(node: HanseNode, version: string) {
    this.#node = node
    const registers = [this.#registry]
    const gauge = (name: string, help: string, labelNames: readonly string[] = []) =>
      new Gauge({ name: `hanse_${name}`, help, labelNames: [...labelNames], registers })
    collectDefaultMetrics({ register: this.#registry })
    gauge('build_info', 'Always 1; the version of the program.', ['version']).set({ version }, 1)
    this.#info = gauge('space_info', 'Always 1; what a space is called.', ['space', 'name'])
    this.#spaces = FIGURES.map(([name, help, read]) => ({
      gauge: gauge(`space_${name}`, help, ['space']),
      read,
    }))
    this.#held = gauge('space_held_operations', 'Operations that wait, by what for.', ['space', 'code'])
    this.#refused = gauge('space_refused_operations', 'Operations refused so far, by why.', ['space', 'code'])
    this.#connected = gauge('peers_connected', 'Peers connected now.')
    this.#unreadable = gauge('unreadable_spaces', 'Spaces whose file could not be opened.')
    this.#requests = new Counter({
      name: 'hanse_http_requests_total',
      help: 'Requests answered, by route and status.',
      labelNames: ['method', 'route', 'status'],
      registers,
    })
    this.#seconds = new Histogram({
      name: 'hanse_http_request_seconds',
      help: 'How long requests took; of streams, how long they lasted.',
      labelNames: ['method'],
      buckets: BUCKETS,
      registers,
    })
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** A request was answered. `route`: as it is declared, so that there are no more than there are routes. */
  observe(method: string, route: string, status: number, elapsedMs: number): void {
    this.#requests.inc({ method, route, status })
    this.#seconds.observe({ method }, elapsedMs / 1000)
  }

  async read(): Promise<string> {
    // What is gone since must not be told again.
    for (const gauge of [this.#info, this.#held, this.#refused, ...this.#spaces.map((one) => one.gauge)])
      gauge.reset()
    this.#connected.set(this.#node.network?.connectedPeers().length ?? 0)
    this.#unreadable.set(this.#node.unreadableSpaces.length)
    for (const status of this.#node.spaces().map((space) => space.status())) {
      const space = status.id
      this.#info.set({ space, name: status.name }, 1)
      for (const { gauge, read } of this.#spaces) gauge.set({ space }, read(status))
      for (const [code, held] of Object.entries(status.held)) this.#held.set({ space, code }, held)
      for (const [code, refused] of Object.entries(status.refused))
        this.#refused.set({ space, code }, refused)
    }
    return await this.#registry.metrics()
  }
}

const count = (peers: SpaceStatus['peers'], what: 'connected' | 'inSync'): number =>
  peers.filter((peer) => peer[what]).length
