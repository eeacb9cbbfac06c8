import { parseArgs } from 'node:util'
import { SCENARIOS, type ScenarioName } from './plan.ts'
import type { NodeRange } from './scenarios.ts'
import { SCALE_NODES, SCALE_NODES_MAX, SCALE_NODES_MIN, type ScaleRequest } from './scale/scale.ts'

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

/** The scenario that runs none of the real code, and is asked for by itself: "all" does not mean it. */
const SCALE = 'scale'

/** True where the scenario `scale` is asked for; its own part reads the rest (simulation/scale/scale.ts). */
export function isScale(values: readonly string[]): boolean {
  return values.some(
    (value, i) => value === `--scenario=${SCALE}` || (value === '--scenario' && values[i + 1] === SCALE),
  )
}

/** Reads the command line of the scenario `scale`: its seed, and the nodes of its largest run; a text says what is wrong with it. */
export function readScaleRequest(values: readonly string[]): ScaleRequest | string {
  let options
  try {
    options = parseArgs({
      args: [...values],
      options: {
        seeds: { type: 'string', default: '1' },
        nodes: { type: 'string', default: String(SCALE_NODES) },
        scenario: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  const seeds = readRange(options.seeds)
  if (seeds === null || seeds.min !== seeds.max)
    return `--seeds ${options.seeds}: the scenario scale takes one seed`
  const nodes = readRange(options.nodes)
  if (nodes === null || nodes.min !== nodes.max || nodes.min < SCALE_NODES_MIN || nodes.max > SCALE_NODES_MAX)
    return `--nodes ${options.nodes}: the scenario scale takes ${SCALE_NODES_MIN} to ${SCALE_NODES_MAX} nodes, of its largest run`
  return { seed: seeds.min, nodes: nodes.max, isJson: options.json }
}

export const USAGE = `usage: npm run simulate -- --seeds 1..200 [--nodes 3..12] [--scenario ${SCENARIOS.join('|')}|all] [--json]
  --seeds A..B   one run for each seed; a single number is one run
  --nodes A..B   how many honest nodes a run has, 3 to 12
  --scenario S   what a run is about (mixed: everything; all: each in turn)
  --only A,B,…   keep only these pieces of the plan, as a shrunk failure names them; "none" keeps none
  --json         one line of JSON at the end, and nothing else on stdout
or:    npm run simulate -- --scenario scale [--seeds 1] [--nodes 5000] [--json]
  growth curves of a model of thousands of nodes with measured costs, up to so many nodes; none of the real code runs (docs/scaling.md)`

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
