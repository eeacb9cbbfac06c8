import { fork, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Remote } from './rpc.ts'

/** Bound of a process's start, in ms. */
const START_TIMEOUT_MS = 30_000
/** Bound of an orderly end before a process is killed, in ms. */
const STOP_TIMEOUT_MS = 10_000

/** The processes of one demo. Ends every one it has started, and no other. */
export class Processes {
  readonly #children = new Set<ChildProcess>()

  /** Starts one of the demo's own programs, `file` beside this one. */
  async start(file: string, name: string, onEvent: (name: string, value: never) => void): Promise<Remote> {
    const child = fork(fileURLToPath(new URL(file, import.meta.url)), {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#track(child)
    const remote = new Remote(child, name, onEvent)
    await bounded(remote.ready, START_TIMEOUT_MS, `${name} did not start`)
    return remote
  }

  /** Starts the introduction node; resolves to its addresses. */
  async startIntroducer(dataDirectory: string): Promise<readonly string[]> {
    const program = fileURLToPath(new URL('../../bootstrap/main.ts', import.meta.url))
    const child = spawn(
      process.execPath,
      [
        program,
        'run',
        '--data',
        dataDirectory,
        '--listen',
        '/ip4/127.0.0.1/tcp/0',
        '--json',
        '--health-interval-seconds',
        '0',
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    this.#track(child)
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>()
    child.once('exit', (code) => reject(new Error(`the introduction node ended with code ${code}`)))
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = JSON.parse(line) as { readonly event: string; readonly addresses?: readonly string[] }
      if (event.event === 'listening') resolve(event.addresses ?? [])
    })
    return await bounded(promise, START_TIMEOUT_MS, 'the introduction node did not start')
  }

  /** Ends everything that still runs. */
  async stopAll(): Promise<void> {
    await Promise.all(
      [...this.#children].map(async (child) => {
        const ended = once(child, 'exit')
        child.kill('SIGTERM')
        const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
        await ended
        clearTimeout(timer)
      }),
    )
  }

  #track(child: ChildProcess): void {
    this.#children.add(child)
    child.once('exit', () => this.#children.delete(child))
  }
}

/** Rejects with `message` when a promise takes longer than that. */
async function bounded<T>(promise: Promise<T>, timeoutMs: number, message: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`${message} within ${timeoutMs} ms`)), timeoutMs)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
