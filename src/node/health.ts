import { toHex } from '../core/bytes.ts'
import { encodeCanonical } from '../core/canonical-cbor.ts'
import { HEALTH_PROBE_MS } from '../core/limits.ts'
import type { Fault } from '../core/result.ts'
import { faultOf } from './fault-of.ts'
import type { Space } from './space/space.ts'

/** Why a node is not ready. */
export interface Ailment {
  /**
   * - `STORE_IO`, `STORE_CORRUPT` and the like: a file cannot be written, or a space's could not be opened;
   * - `DIVERGED`: more peers have shown another state of the same operations than have proved this node's.
   */
  readonly code: string
  /** How many files, or spaces. */
  readonly count: number
}

/** Whether a node can do what it is for. Says nothing of what it holds: whoever asks need not be known. */
export interface Health {
  readonly ready: boolean
  readonly ailments: readonly Ailment[]
}

/** What is looked at. */
interface HealthOwner {
  readonly unreadableSpaces: readonly Fault[]
  spaces(): readonly Pick<Space, 'hosted' | 'peers'>[]
  now(): number
}

/** The file of the node itself. */
interface HealthStorage {
  putNote(key: string, value: Uint8Array): void
}

/** What is written to see whether anything can be. */
const PROBE_NOTE = '/hanse/probe'

/**
 * Looks after a node, at most every HEALTH_PROBE_MS however often it is asked. Ready: every file can be written, every space could be
 * opened, and none has diverged.
 */
export class HealthCheck {
  readonly #storage: HealthStorage
  readonly #node: HealthOwner
  #looked: { readonly health: Health; readonly atMs: number } | null = null

  constructor(storage: HealthStorage, node: HealthOwner) {
    this.#storage = storage
    this.#node = node
  }

  look(): Health {
    const nowMs = performance.now()
    if (this.#looked !== null && nowMs - this.#looked.atMs < HEALTH_PROBE_MS) return this.#looked.health
    const codes = [
      ...this.#node.unreadableSpaces.map(({ code }) => code),
      ...this.#unwritable(),
      ...this.#node.spaces().flatMap((space) => (hasDiverged(space) ? ['DIVERGED'] : [])),
    ]
    const ailments = [...new Set(codes)].map((code) => ({
      code,
      count: codes.filter((one) => one === code).length,
    }))
    const health = { ready: ailments.length === 0, ailments }
    this.#looked = { health, atMs: nowMs }
    return health
  }

  /** Writes a little into every file; the codes of those that could not be written. */
  #unwritable(): readonly string[] {
    const note = encodeCanonical(this.#node.now())
    const stores = this.#node.spaces().map(({ hosted }) => hosted.store)
    return [
      () => this.#storage.putNote(PROBE_NOTE, note),
      ...stores.map(
        (store) => () => store.transaction('process', (writer) => writer.putNote(PROBE_NOTE, note)),
      ),
    ].flatMap((write) => {
      try {
        write()
        return []
      } catch (error) {
        return [faultOf(error).code]
      }
    })
  }
}

/**
 * True where more peers show another state of exactly these operations than have proved this one: the state follows from the operations, so
 * somebody is wrong. One peer that lies outweighs nobody who has proved the truth.
 */
export function hasDiverged({ hosted, peers }: Pick<Space, 'hosted' | 'peers'>): boolean {
  const known = peers.all()
  if (known.every(({ disagreement }) => disagreement === null)) return false
  const clockRoot = toHex(hosted.replica.clockRoot())
  const disagreeing = known.filter(({ disagreement }) => disagreement?.clockRoot === clockRoot)
  const agreeing = known.filter(({ lastProof }) => lastProof?.clockRoot === clockRoot)
  return disagreeing.length > agreeing.length
}
