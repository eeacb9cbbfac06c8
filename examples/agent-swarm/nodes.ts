import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** The command that people type. */
export const HANSE = fileURLToPath(new URL('../../bin/hanse.mjs', import.meta.url))

/** How long one command, or the start of a node, may take, in ms. */
const COMMAND_MS_MAX = 60_000
/** How long a node may take to stop, in ms. */
const STOP_MS_MAX = 10_000

const run = promisify(execFile)

/** A Hanse node in a process and a folder of its own, on this machine. */
export interface RunningNode {
  readonly data: string
  /** Runs `hanse` on it, and gives what it prints. */
  hanse(...args: readonly string[]): Promise<Readonly<Record<string, unknown>>>
}

/** Nodes that are gone afterwards, with all they have kept. */
export class Nodes {
  readonly #folder = mkdtempSync(join(tmpdir(), 'hanse-swarm-'))
  readonly #children: ChildProcess[] = []

  /** Makes a data directory; nothing runs on it yet. */
  async init(name: string): Promise<RunningNode> {
    const data = join(this.#folder, name)
    const hanse = async (...args: readonly string[]) => {
      const { stdout } = await run(process.execPath, [HANSE, '--data', data, '--json', ...args], {
        env: environment(),
        timeout: COMMAND_MS_MAX,
      })
      return JSON.parse(stdout) as Readonly<Record<string, unknown>>
    }
    await hanse('init')
    return { data, hanse }
  }

  /** Runs `hanse up`, and gives where others can dial it. */
  async up({ data }: RunningNode, ...args: readonly string[]): Promise<string> {
    const flags = [
      'up',
      '--json',
      '--no-mdns',
      '--no-dht',
      '--listen',
      '/ip4/127.0.0.1/tcp/0',
      '--http',
      '127.0.0.1:0',
    ]
    const child = spawn(process.execPath, [HANSE, '--data', data, ...flags, ...args], {
      env: environment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#children.push(child)
    const lines = createInterface({ input: child.stdout })
    const first = once(lines, 'line', { signal: AbortSignal.timeout(COMMAND_MS_MAX) })
    const ended = once(child, 'exit').then(() => Promise.reject(new Error('hanse up ended at once')))
    const [line] = (await Promise.race([first, ended])) as [string]
    ended.catch(() => {})
    const { addresses } = JSON.parse(line) as { readonly addresses: readonly string[] }
    return addresses[0] ?? ''
  }

  /** Stops them, and removes their folders. */
  async remove(): Promise<void> {
    const running = this.#children.filter(
      ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
    )
    await Promise.all(
      running.map(async (child) => {
        const exited = once(child, 'exit')
        child.kill('SIGTERM')
        const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
        await exited
        clearTimeout(timer)
      }),
    )
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** What this was started with must not configure the nodes. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('HANSE_')))
}
