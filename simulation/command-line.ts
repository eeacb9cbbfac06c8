import { parseArgs } from 'node:util'
import { SCENARIOS, type ScenarioName } from './plan.ts'
import type { NodeRange } from './scenarios.ts'

/** What was asked for on the command line. */
export interface Request {
  readonly seeds: readonly number[]
  readonly nodes: NodeRange
  /** Each seed runs each of them. */
  readonly scenarios: readonly ScenarioName[]
  readonly isJson: boolean
  /** Pieces of the plan to keep; all where it is null. */
  readonly only: ReadonlySet<string> | null
}

export const USAGE = `usage: npm run simulate -- --seeds 1..200 [--nodes 3..12] [--scenario ${SCENARIOS.join('|')}|all] [--json]
  --seeds A..B   one run for each seed; a single number is one run
  --nodes A..B   how many honest nodes a run has, 3 to 12
  --scenario S   what a run is about (mixed: everything; all: each in turn)
  --only A,B,…   keep only these pieces of the plan, as a shrunk failure names them; "none" keeps none
  --json         one line of JSON at the end, and nothing else on stdout`

/** Fewest and most honest nodes a run can have. */
const NODES: NodeRange = { min: 3, max: 12 }
/** Most seeds of one command. */
const SEEDS_MAX = 1_000_000

/** Reads the command line; a text says what is wrong with it. */
export function readRequest(values: readonly string[]): Request | string {
  let options
  try {
    options = parseArgs({
      args: [...values],
      options: {
        seeds: { type: 'string', default: '1..20' },
        nodes: { type: 'string', default: `${NODES.min}..${NODES.max}` },
        scenario: { type: 'string', default: 'mixed' },
        only: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  const seeds = readRange(options.seeds)
  if (seeds === null || seeds.max - seeds.min >= SEEDS_MAX)
    return `--seeds ${options.seeds} is no range of seeds`
  const nodes = readRange(options.nodes)
  if (nodes === null || nodes.min < NODES.min || nodes.max > NODES.max)
    return `--nodes ${options.nodes} is no range from ${NODES.min} to ${NODES.max}`
  const scenarios = SCENARIOS.filter((name) => name === options.scenario || options.scenario === 'all')
  if (scenarios.length === 0) return `there is no scenario ${options.scenario}: ${SCENARIOS.join(', ')}, all`
  return {
    seeds: Array.from({ length: seeds.max - seeds.min + 1 }, (_, i) => seeds.min + i),
    nodes,
    scenarios,
    isJson: options.json,
    only: options.only === undefined ? null : new Set(options.only.split(',')),
  }
}

/** `3..12` or `7`; null for anything else. */
function readRange(text: string): NodeRange | null {
  const match = /^(\d{1,9})(?:\.\.(\d{1,9}))?$/.exec(text)
  if (match === null) return null
  const min = Number(match[1])
  const max = match[2] === undefined ? min : Number(match[2])
  return min <= max ? { min, max } : null
}
