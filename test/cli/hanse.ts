import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'

const main = new URL('../../src/cli/main.ts', import.meta.url).pathname

/** How a command ended, and what it printed. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** An event of `hanse up --json`. */
export type UpEvent = Readonly<Record<string, unknown>> & { readonly event: string }

export interface RunningNode {
  readonly child: ChildProcess
  readonly data: string
  /** Its first event. */
  readonly listening: {
    readonly peerId: string
    readonly did: string
    readonly addresses: readonly string[]
    readonly socket: string
  }
  /** The next event that fits, from the beginning on. */
  event(fits: (event: UpEvent) => boolean): Promise<UpEvent>
  /** Ends it as a service manager would. */
  stop(signal?: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<Ended>
}

/** Longest wait for an event of a node, in ms. */
const EVENT_TIMEOUT_MS = 20_000

/** A user's machine: data directories that are gone afterwards, and processes that end with the test. */
export class Machine {
  readonly folder = mkdtempSync(join(tmpdir(), 'hanse-cli-'))
  readonly #children = new Set<ChildProcess>()

  /** Runs `hanse` to its end, as a user would. */
  async hanse(
    data: string,
    args: readonly string[],
    options: { readonly input?: string | Uint8Array; readonly env?: NodeJS.ProcessEnv } = {},
  ): Promise<Ended> {
    const child = this.#start(data, args, options.env)
    child.stdin?.on('error', () => {})
    child.stdin?.end(options.input ?? '')
    return await endOf(child)
  }

  /** Runs `hanse … --json` and gives what it printed; fails where it did not succeed. */
  async json<T = unknown>(data: string, ...args: readonly string[]): Promise<T> {
    const { code, stdout, stderr } = await this.hanse(data, [...args, '--json'])
    if (code !== 0) throw new Error(`hanse ${args.join(' ')} ended with ${code}: ${stderr}`)
    return JSON.parse(stdout) as T
  }

  /** A new data directory, with the given name. */
  async init(name: string): Promise<string> {
    const data = join(this.folder, name)
    await this.json(data, 'init')
    return data
  }

  /** Starts `hanse up`, on loopback and without mDNS, and waits until it listens. */
  async up(data: string, ...args: readonly string[]): Promise<RunningNode> {
    const flags = [
      'up',
      '--json',
      '--listen',
      '/ip4/127.0.0.1/tcp/0',
      '--no-mdns',
      '--anti-entropy-interval-ms',
      '500',
      ...args,
    ]
    const child = this.#start(data, flags)
    const ended = endOf(child)
    const events = new EventLog(child)
    const listening = await events.next(({ event }) => event === 'listening')
    return {
      child,
      data,
      listening: listening as unknown as RunningNode['listening'],
      event: (fits) => events.next(fits),
      stop: async (signal = 'SIGTERM') => {
        child.kill(signal)
        return await ended
      },
    }
  }

  /** Starts `hanse` and leaves it running. */
  start(data: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): ChildProcess {
    return this.#start(data, args, environment)
  }

  async remove(): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    rmSync(this.folder, { recursive: true, force: true })
  }

  #start(data: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): ChildProcess {
    // What the tests were started with must not configure the nodes.
    const inherited = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !name.startsWith('HANSE_')),
    )
    const env = { ...inherited, NO_COLOR: '1', HANSE_DATA: data, ...environment }
    const child = spawn(process.execPath, [main, ...args], { env, stdio: ['pipe', 'pipe', 'pipe'] })
    this.#children.add(child)
    return child
  }
}

/** How a child ends, with all it printed. */
export async function endOf(child: ChildProcess): Promise<Ended> {
  const { stdout, stderr } = child
  if (stdout === null || stderr === null) throw new Error('no output')
  const [output, errors] = await Promise.all([text(stdout), text(stderr), once(child, 'close')])
  return { code: child.exitCode, stdout: output, stderr: errors }
}

/** The events of a node in their order, also those that came before anybody asked. */
class EventLog {
  readonly #events: UpEvent[] = []
  #wake: () => void = () => {}
  #isOver = false

  constructor(child: ChildProcess) {
    if (child.stdout === null) throw new Error('no output')
    const lines = createInterface({ input: child.stdout })
    lines.on('line', (line) => {
      this.#events.push(JSON.parse(line) as UpEvent)
      this.#wake()
    })
    lines.on('close', () => {
      this.#isOver = true
      this.#wake()
    })
  }

  async next(fits: (event: UpEvent) => boolean): Promise<UpEvent> {
    const timeout = AbortSignal.timeout(EVENT_TIMEOUT_MS)
    for (;;) {
      const found = this.#events.find(fits)
      if (found !== undefined) return found
      if (this.#isOver || timeout.aborted)
        throw new Error(`no such event among ${JSON.stringify(this.#events)}`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        timeout.addEventListener('abort', () => resolve(), { once: true })
      })
    }
  }
}
