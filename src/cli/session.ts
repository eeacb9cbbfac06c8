import { setTimeout as wait } from 'node:timers/promises'
import { DATA_DIRECTORY_WAIT_MS } from '../core/limits.ts'
import type { NodeConfig } from '../node/config/config-keys.ts'
import { FaultError } from '../node/fault-error.ts'
import type { HanseNode } from '../node/node.ts'
import type { Action, ArgumentsOf, Shape } from './control/action.ts'
import { connectControl } from './control/control-client.ts'
import { socketPathOf } from './control/socket-path.ts'

/** How one command is to be run. */
export interface SessionInit {
  /** Data directory, absolute. */
  readonly data: string
  readonly config: NodeConfig
  /** Names of configuration flags on this command line: a running node has its own configuration. */
  readonly configFlags: readonly string[]
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal
  /** Tells whoever waits that something is still going on, from now until the first event or the end; the returned function ends it. */
  readonly showWaiting?: () => () => void
}

export interface ExecuteOptions<Event, Outcome = unknown> {
  readonly onEvent?: (event: Event) => void | Promise<void>
  /** True where a node of this process has to reach others. Default false. */
  readonly online?: boolean
  /** How long a running node may be silent, in ms. */
  readonly silenceMs?: number
  /** What to do where no node runs, in place of the action in a node of this process; null while another process has the directory. */
  readonly alone?: () => Promise<Outcome | null>
}

/** Pause between two looks at a data directory that another command has open, in ms. */
const LOOK_AGAIN_MS = 50
/** Notes of a node that are kept to explain a failure. */
const NOTES_MAX = 5

/**
 * Does what commands ask for: in the running node of the data directory where there is one, else in this process, which then has the
 * data directory to itself.
 */
export class Session {
  readonly #init: SessionInit
  readonly #notes = new Set<string>()

  constructor(init: SessionInit) {
    this.#init = init
  }

  get data(): string {
    return this.#init.data
  }

  get config(): NodeConfig {
    return this.#init.config
  }

  /** What a node of this process had to say, e.g. whom it could not reach; each once, the first NOTES_MAX. */
  get notes(): readonly string[] {
    return [...this.#notes]
  }

  get signal(): AbortSignal {
    return this.#init.signal
  }

  /** Runs an action to its end and gives the outcome. Another short command that has the directory open is waited for. */
  async execute<S extends Shape, Outcome, Event>(
    action: Action<S, Outcome, Event>,
    args: ArgumentsOf<S>,
    options: ExecuteOptions<Event, Outcome> = {},
  ): Promise<Outcome> {
    const stopWaiting = this.#init.showWaiting?.() ?? (() => {})
    try {
      return await this.#execute(action, args, {
        ...options,
        onEvent: async (event) => {
          // From here on the command shows itself how far it is.
          stopWaiting()
          await options.onEvent?.(event)
        },
      })
    } finally {
      stopWaiting()
    }
  }

  async #execute<S extends Shape, Outcome, Event>(
    action: Action<S, Outcome, Event>,
    args: ArgumentsOf<S>,
    options: ExecuteOptions<Event, Outcome>,
  ): Promise<Outcome> {
    const deadlineMs = Date.now() + DATA_DIRECTORY_WAIT_MS
    for (;;) {
      const client = await connectControl(socketPathOf(this.#init.data))
      if (client !== null) {
        const onEvent = (event: unknown) => options.onEvent?.(event as Event)
        const onAbort = () => client.close()
        this.signal.addEventListener('abort', onAbort, { once: true })
        try {
          this.#refuseConfigFlags()
          // A running node is of the same version, by the version in every request.
          return (await client.request(action.name, args, onEvent, options.silenceMs)) as Outcome
        } catch (error) {
          this.signal.throwIfAborted()
          throw error
        } finally {
          this.signal.removeEventListener('abort', onAbort)
          client.close()
        }
      }
      const outcome = await (options.alone?.() ?? this.#runHere(action, args, options))
      if (outcome !== null) return outcome
      if (Date.now() >= deadlineMs) {
        const detail = `${this.#init.data} is in use by another command: try again when it is done`
        throw new FaultError({ code: 'IN_USE', detail })
      }
      await wait(LOOK_AGAIN_MS, undefined, { signal: this.signal })
    }
  }

  /** True where a node runs on the data directory. */
  async isRunning(): Promise<boolean> {
    const client = await connectControl(socketPathOf(this.#init.data))
    client?.close()
    return client !== null
  }

  /** Null while another process has the directory. */
  async #runHere<S extends Shape, Outcome, Event>(
    action: Action<S, Outcome, Event>,
    args: ArgumentsOf<S>,
    { onEvent, online = false }: ExecuteOptions<Event, Outcome>,
  ): Promise<Outcome | null> {
    const node = await this.#open(online)
    if (node === null) return null
    const { signal } = this
    const emit = async (event: Event): Promise<void> => await onEvent?.(event)
    try {
      return await action.run({ node, isRunning: false, http: null, signal, emit }, args)
    } finally {
      await node.stop()
    }
  }

  /** A node in this process; null while another process has the directory. */
  async #open(isOnline: boolean): Promise<HanseNode | null> {
    // Loaded only where no node runs: libp2p takes most of a second, which a command on the socket does not need to wait for.
    const { openNode } = await import('./open-node.ts')
    const { config, configFlags, data } = this.#init
    const log = (message: string) => {
      if (this.#notes.size < NOTES_MAX) this.#notes.add(message)
    }
    // A command that goes online for a moment dials only, unless it was told to listen.
    const listen = configFlags.includes('--listen') ? config.listen : []
    try {
      return await openNode({ ...config, listen, dataDirectory: data, online: isOnline, log })
    } catch (error) {
      if (error instanceof FaultError && error.code === 'IN_USE') return null
      throw error
    }
  }

  #refuseConfigFlags(): void {
    const [flag] = this.#init.configFlags
    if (flag === undefined) return
    const detail = `${flag} has no effect on the node that is running: stop it first, or leave the flag out`
    throw new FaultError({ code: 'USAGE', detail })
  }
}
