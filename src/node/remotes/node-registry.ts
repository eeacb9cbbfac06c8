import { NODE_ENDPOINTS_MAX, NODE_FRESH_MS, NODES_REGISTERED_MAX } from '../../core/limits.ts'
import { FaultError, orThrow } from '../fault-error.ts'
import { parseRemoteUrl } from './remote-url.ts'

/** What a node is for its people: a machine they sit at, a server that is always there, or one that keeps little. */
export const NODE_KINDS = ['desktop', 'server', 'light'] as const
export type NodeKind = (typeof NODE_KINDS)[number]

/** What a node says of itself when it registers. */
export interface NodeRegistration {
  /** Its peer id, or another name that is its own. */
  readonly id: string
  readonly kind: NodeKind
  /** Where it can be reached: https://…, multiaddrs. */
  readonly endpoints: readonly string[]
  /** Such as `full_node`, `api_server`, `mcp_server`. */
  readonly capabilities: readonly string[]
}

/** A node as the registry knows it. */
export interface RegisteredNode extends NodeRegistration {
  /** Milliseconds since 1970. */
  readonly registeredMs: number
  readonly seenMs: number
  /** Round trip of the last look, in ms; null where nobody looked. */
  readonly latencyMs: number | null
  /** It was heard of within NODE_FRESH_MS, and answered when it was last looked at. */
  readonly healthy: boolean
}

interface Kept extends NodeRegistration {
  /** Who registered it; `operator` for the owner of this node. */
  readonly by: string
  readonly registeredMs: number
  readonly seenMs: number
  readonly latencyMs: number | null
  readonly failed: boolean
}

interface RegistryStorage {
  putNote(key: string, value: Uint8Array): void
  note(key: string): Uint8Array | undefined
}

const NOTE = '/hanse/nodes'
const ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/
/** Nodes that one agent may register. */
const NODES_PER_AGENT_MAX = 16

/**
 * The nodes that have made themselves known to this one. It introduces, and is trusted with nothing: what a node says of itself is
 * passed on as it is, and no token is ever sent to an address from here.
 */
export class NodeRegistry {
  readonly #storage: RegistryStorage
  readonly #now: () => number
  #nodes: readonly Kept[]

  constructor(storage: RegistryStorage, now: () => number) {
    this.#storage = storage
    this.#now = now
    this.#nodes = read(storage.note(NOTE))
  }

  /** Registers a node, or hears of it again. `by`: an agent's name. Throws `BAD_NAME`, `BAD_URL`, `TAKEN`, `LIMIT`. Gives the others, the nearest healthy first. */
  register(registration: NodeRegistration, by: string): readonly RegisteredNode[] {
    const { id, endpoints } = registration
    if (!ID.test(id)) throw new FaultError({ code: 'BAD_NAME', detail: 'the id of a node is its peer id' })
    if (endpoints.length > NODE_ENDPOINTS_MAX)
      throw new FaultError({ code: 'LIMIT', detail: `a node has at most ${NODE_ENDPOINTS_MAX} endpoints` })
    for (const endpoint of endpoints)
      if (orThrow(parseRemoteUrl(endpoint)).form === 'file')
        throw new FaultError({ code: 'BAD_URL', detail: 'a folder is no endpoint that others could reach' })
    const known = this.#nodes.find((node) => node.id === id)
    if (known !== undefined && known.by !== by && by !== OPERATOR)
      throw new FaultError({ code: 'TAKEN', detail: `the node ${id} was registered by another token` })
    const own = this.#nodes.filter((node) => node.by === by && node.id !== id)
    if (
      known === undefined &&
      (this.#nodes.length >= NODES_REGISTERED_MAX || (by !== OPERATOR && own.length >= NODES_PER_AGENT_MAX))
    )
      throw new FaultError({ code: 'LIMIT', detail: 'there is no room for another node in the registry' })
    const nowMs = this.#now()
    const kept: Kept = {
      ...registration,
      by: known?.by ?? by,
      registeredMs: known?.registeredMs ?? nowMs,
      seenMs: nowMs,
      latencyMs: known?.latencyMs ?? null,
      failed: false,
    }
    this.#keep([...this.#nodes.filter((node) => node !== known), kept])
    return this.list().filter((node) => node.id !== id)
  }

  /** All of them, the nearest healthy first. */
  list(): readonly RegisteredNode[] {
    const nodes = this.#nodes.map((node) => this.#describe(node))
    return nodes.toSorted(
      (a, b) => Number(b.healthy) - Number(a.healthy) || far(a) - far(b) || b.seenMs - a.seenMs,
    )
  }

  /** Throws `NOT_FOUND`. */
  remove(id: string): void {
    if (!this.#nodes.some((node) => node.id === id))
      throw new FaultError({ code: 'NOT_FOUND', detail: `no node ${JSON.stringify(id)} is registered` })
    this.#keep(this.#nodes.filter((node) => node.id !== id))
  }

  /** Those that this node may look at by itself: what agents register could make it knock at any door of its own network. */
  looked(): readonly NodeRegistration[] {
    return this.#nodes.filter(({ by }) => by === OPERATOR)
  }

  /** What a look came to. */
  noteLook(id: string, latencyMs: number | null): void {
    const nowMs = this.#now()
    this.#nodes = this.#nodes.map((node) =>
      node.id !== id
        ? node
        : latencyMs === null
          ? { ...node, failed: true }
          : { ...node, latencyMs, seenMs: nowMs, failed: false },
    )
  }

  #describe(kept: Kept): RegisteredNode {
    const { id, kind, endpoints, capabilities, registeredMs, seenMs, latencyMs, failed } = kept
    const healthy = !failed && this.#now() - seenMs < NODE_FRESH_MS
    return { id, kind, endpoints, capabilities, registeredMs, seenMs, latencyMs, healthy }
  }

  #keep(nodes: readonly Kept[]): void {
    this.#nodes = nodes
    this.#storage.putNote(NOTE, Buffer.from(JSON.stringify(nodes)))
  }
}

/** Under this name the owner of the node registers. */
export const OPERATOR = 'operator'

const far = ({ latencyMs }: RegisteredNode): number => latencyMs ?? Number.MAX_SAFE_INTEGER

function read(note: Uint8Array | undefined): readonly Kept[] {
  if (note === undefined) return []
  try {
    const json = JSON.parse(Buffer.from(note).toString()) as unknown
    return Array.isArray(json) ? (json as readonly Kept[]) : []
  } catch {
    return []
  }
}
