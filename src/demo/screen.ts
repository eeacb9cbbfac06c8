import { cursorTo, moveCursor, clearScreenDown } from 'node:readline'
import type { DemoResult } from './report.ts'

/** What one node says of itself ten times a second. */
export interface Tick {
  readonly arrived: number
  readonly operations: number
  readonly peers: number
  readonly refused: Readonly<Record<string, number>>
  readonly forks: number
}

/** Where the demo shows what happens. */
export interface Screen {
  /** One line that stays. */
  say(line: string): void
  /** News of one node, shown in the live part. */
  tick(node: string, tick: Tick): void
  /** Leaves the live part as it is. */
  end(): void
}

export interface ScreenInit {
  readonly commits: number
  readonly people: number
  readonly nodes: number
}

const BAR_WIDTH = 24
/** Pause between two redraws, in ms; without a terminal, between two lines of progress. */
const REDRAW_MS = 100
const LINE_MS = 2_000
/** Over how long operations per second are counted, in ms. */
const RATE_OVER_MS = 1_000

/** A live view on a terminal; a line every two seconds elsewhere. */
export function createScreen(output: NodeJS.WriteStream, init: ScreenInit): Screen {
  const startedMs = performance.now()
  const ticks = new Map<string, Tick>()
  let drawnLines = 0
  let drawnMs = 0
  let rate = 0
  let counted = { atMs: startedMs, operations: 0 }
  const elapsed = () => `${((performance.now() - startedMs) / 1000).toFixed(1).padStart(6)} s`
  const isTerminal = output.isTTY

  const lines = (): readonly string[] => {
    const arrived = [...ticks.values()].map((tick) => tick.arrived)
    const done = arrived.length === 0 ? 0 : Math.max(...arrived)
    const operations = Math.max(0, ...[...ticks.values()].map((tick) => tick.operations))
    const passedMs = performance.now() - counted.atMs
    if (passedMs >= RATE_OVER_MS) {
      rate = Math.round(((operations - counted.operations) * 1000) / passedMs)
      counted = { atMs: performance.now(), operations }
    }
    return [
      `${elapsed()}  ${bar(done / init.commits)} ${done} of ${init.commits} commits by ${init.people} people, ${operations} operations, ${rate}/s`,
      ...[...ticks].map(([name, tick]) => {
        const refused = Object.entries(tick.refused).map(([code, count]) => `${code} ${count}`)
        const forks = tick.forks > 0 ? `, forks proved ${tick.forks}` : ''
        return `          ${name.padEnd(8)} ${bar(tick.operations / init.commits)} ${String(tick.peers).padStart(2)} peers${forks}${refused.length > 0 ? `; refused ${refused.join(', ')}` : ''}`
      }),
    ]
  }

  const erase = () => {
    if (drawnLines === 0) return
    moveCursor(output, 0, -drawnLines)
    cursorTo(output, 0)
    clearScreenDown(output)
    drawnLines = 0
  }

  const draw = () => {
    erase()
    const width = output.columns || 120
    for (const line of lines()) output.write(`${line.slice(0, width - 1)}\n`)
    drawnLines = ticks.size + 1
  }

  return {
    say(line) {
      if (isTerminal) erase()
      output.write(`${elapsed()}  ${line}\n`)
      if (isTerminal) draw()
    },
    tick(node, tick) {
      ticks.set(node, tick)
      const nowMs = performance.now()
      if (nowMs - drawnMs < (isTerminal ? REDRAW_MS : LINE_MS)) return
      drawnMs = nowMs
      if (isTerminal) draw()
      else output.write(`${lines()[0]}\n`)
    },
    end() {
      if (isTerminal) draw()
    },
  }
}

function bar(share: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * BAR_WIDTH)
  return `${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)}`
}

/** The result as a table for people. */
export function printResult(result: DemoResult, output: NodeJS.WritableStream): void {
  const counts = (of: Readonly<Record<string, number>>) =>
    Object.entries(of)
      .map(([code, count]) => `${code} ${count}`)
      .join(', ') || 'none'
  const yes = (holds: boolean) => (holds ? 'yes' : 'NO')
  const rows: readonly (readonly [string, string])[] = [
    ['equal roots on every node', yes(result.converged)],
    ['files equal the recorded end state', yes(result.matchesExpected)],
    ["mallory's values outside mallory/", String(result.malloryEffectiveOutside)],
    ['nodes that prove her fork', `${result.forksDetected} of ${result.perNode.length}`],
    ['lost by the killed node', String(result.killedNodeLost)],
    ['refused', counts(result.refused)],
    ['held', counts(result.held)],
    [
      'replay',
      `${result.commits} commits by ${result.authors} people over ${result.nodes} nodes in ${result.seconds} s`,
    ],
    ['', `${result.operations} operations, ${result.operationsPerSecond} per second, each on every node`],
    [
      'latecomer',
      `${result.coldSync.operations} operations in ${result.coldSync.seconds} s, ${result.coldSync.bytes} bytes`,
    ],
    ['largest node', `${result.peakRssMb} MB`],
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  output.write('\n')
  for (const { name, clockRoot, stateRoot, operations } of result.perNode) {
    output.write(
      `  ${name}  clock ${clockRoot.slice(0, 16)}…  state ${stateRoot.slice(0, 16)}…  ${operations} operations\n`,
    )
  }
  output.write('\n')
  for (const [name, value] of rows) output.write(`  ${name.padEnd(width)}  ${value}\n`)
  output.write(`\n  ${result.ok ? 'All of it holds.' : 'NOT all of it holds.'}\n`)
}
