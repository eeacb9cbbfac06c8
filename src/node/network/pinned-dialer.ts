import type { Multiaddr } from '@multiformats/multiaddr'
import type { Network } from './libp2p.ts'

/** Bound of dialling one peer, in ms. */
const DIAL_TIMEOUT_MS = 10_000
/** Pause between two looks at who is not connected, in ms, on average. */
const LOOK_EVERY_MS = 5_000
/** Looks from one dial of an invite's addresses to the next, once the first few have failed: these may be out of date for good. */
const LOOKS_PER_INVITE_DIAL = 6

export interface PinnedDialerInit {
  readonly network: Network
  /** Peers the user named and introduction nodes: dialled whenever they are not connected. */
  readonly pinned: () => readonly Multiaddr[]
  /** Addresses from invites to spaces in which nobody is connected: dialled now and then. */
  readonly invited: () => readonly Multiaddr[]
  readonly log: (message: string) => void
}

/** Dials again and again those that are known by address. */
export class PinnedDialer {
  readonly #init: PinnedDialerInit
  readonly #abort = new AbortController()
  #timer: NodeJS.Timeout | null = null
  #looks = 0

  constructor(init: PinnedDialerInit) {
    this.#init = init
  }

  start(): void {
    this.#look()
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#abort.abort(new Error('the node stops'))
  }

  /** Dials one address, and logs where it cannot be reached. */
  async dial(address: Multiaddr): Promise<void> {
    try {
      await this.reach(address, AbortSignal.timeout(DIAL_TIMEOUT_MS))
    } catch (error) {
      if (this.#abort.signal.aborted) return
      this.#init.log(
        `could not reach ${address.toString()}: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
  }

  /** Dials one address; rejects where it cannot be reached. Gives the peer's id. */
  async reach(address: Multiaddr, signal: AbortSignal): Promise<string> {
    const connection = await this.#init.network.dial(address, {
      signal: AbortSignal.any([this.#abort.signal, signal]),
    })
    return connection.remotePeer.toString()
  }

  #look(): void {
    const { network, pinned, invited } = this.#init
    if (this.#abort.signal.aborted) return
    const connected = new Set(network.getPeers().map(String))
    const isDue = this.#looks < LOOKS_PER_INVITE_DIAL || this.#looks % LOOKS_PER_INVITE_DIAL === 0
    const also = isDue ? invited() : []
    this.#looks++
    for (const address of [...pinned(), ...also]) {
      const target = address.getComponents().findLast(({ name }) => name === 'p2p')?.value
      if (target === undefined || !connected.has(target)) void this.dial(address)
    }
    // Spread by chance: many nodes that one introduction node turned away at once would come back at once.
    this.#timer = setTimeout(() => this.#look(), LOOK_EVERY_MS * (0.5 + Math.random()))
    this.#timer.unref()
  }
}
