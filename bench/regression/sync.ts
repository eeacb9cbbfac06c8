import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Cost, ROUNDS_BUDGET_MS, ROUNDS_LEAST } from './cost.ts'

/** Operations that a node lacks after it was away. */
export const DIFFERENCE = 100
/** Bound of one answer of a process, in ms. */
const ANSWER_TIMEOUT_MS = 90_000

/** What one receiver took until it was equal to the source. */
interface Received extends Cost {
  readonly operations: number
  readonly bytes: number
  /** Bytes of one comparison more, when nothing differs. */
  readonly bytesAgain: number
  readonly idleMb: number
  readonly peakMb: number
}

/** One round: the floor, and an empty node that takes everything. */
export interface SyncRound {
  readonly floor: Cost
  readonly cold: Received
  /** Bytes of the receiver's folder after it stopped. */
  readonly storedBytes: number
}

export interface SyncFigures {
  readonly rounds: readonly SyncRound[]
  /** A node that comes back: nothing has happened; {@link DIFFERENCE} operations have. */
  readonly back: Received
  readonly backAfterMore: Received
}

/** Cold sync of two processes over loopback, several times, each beside the same number of signatures; then what coming back takes. */
export async function measureSync(operations: number, rounds: number): Promise<SyncFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'hanse-regression-'))
  const source = new Peer(['source', join(folder, 'source'), String(operations)])
  try {
    const held = await source.answer<number>()
    const measured: SyncRound[] = []
    let kept = ''
    const enough = performance.now() + ROUNDS_BUDGET_MS
    // One round to warm the source up.
    for (let round = 0; round <= rounds && (round <= ROUNDS_LEAST || performance.now() < enough); round++) {
      const floor = await source.ask<Cost>('verify')
      kept = join(folder, `receiver-${round}`)
      const cold = await receive([kept, await source.ask<string>('invite')])
      // Whoever joins publishes its right to: one operation each.
      if (cold.operations < held) throw new Error(`${cold.operations} operations arrived of ${held}`)
      if (round > 0) measured.push({ floor, cold, storedBytes: bytesOf(kept) })
    }
    const back = await receive([kept])
    await source.ask(DIFFERENCE)
    const backAfterMore = await receive([kept])
    if (backAfterMore.operations !== back.operations + DIFFERENCE)
      throw new Error('coming back did not bring everything')
    return { rounds: measured, back, backAfterMore }
  } finally {
    await source.end()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function receive(args: readonly string[]): Promise<Received> {
  const receiver = new Peer(['receiver', ...args])
  try {
    return await receiver.answer<Received>()
  } finally {
    await receiver.end()
  }
}

/** A process of peer-main.ts. Every answer is bounded. */
class Peer {
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>

  constructor(args: readonly string[]) {
    this.#child = fork(fileURLToPath(new URL('peer-main.ts', import.meta.url)), args, {
      execArgv: ['--no-warnings'],
    })
    this.#ended = once(this.#child, 'exit')
  }

  async ask<T>(message: string | number): Promise<T> {
    this.#child.send(message)
    return await this.answer<T>()
  }

  async answer<T>(): Promise<T> {
    const gone = this.#ended.then(() => {
      throw new Error('a process of the check ended before it answered')
    })
    const said = once(this.#child, 'message', { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })
    const [answer] = (await Promise.race([said, gone])) as [T]
    return answer
  }

  async end(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }
}

function bytesOf(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return files.reduce((bytes, file) => bytes + statSync(join(folder, file)).size, 0)
}
