/**
 * The scenario `scale`: how Hanse grows past what one machine can run.
 *
 *     npm run simulate -- --scenario scale [--seeds 1] [--nodes 100..5000] [--json]
 *
 * It is another kind of simulation than the rest of this folder. The others run the real core code over a virtual network, to find what is
 * wrong; this one runs none of it. It is a discrete-event model of thousands of nodes that knows what each step costs (costs.json, measured by
 * `node simulation/scale/measure-costs.ts`) and in which order nodes take them, to find what is too much. model.ts follows src/node/network;
 * background.ts adds up what goes on while nobody writes; validate.ts runs the same small space with real nodes and says how far the model is
 * off (`node simulation/scale/validate-main.ts`, and test/simulation/scale.test.ts). docs/scaling.md says what follows.
 *
 * The same seed and costs give the same numbers. Nodes up to 5,000 take a minute or two.
 */
import { readCosts } from './costs.ts'
import { backgrounds, type BackgroundRow, runSweeps, type SweepRow } from './sweeps.ts'

/** Fewest nodes that the largest run may have. */
export const SCALE_NODES_MIN = 50
/** Most nodes of one run: some 10 KB of memory each, and a minute for each ten thousand. */
export const SCALE_NODES_MAX = 20_000
/** Nodes of the largest run where none are asked for. */
export const SCALE_NODES = 5_000

export interface ScaleRequest {
  readonly seed: number
  readonly nodes: number
  readonly isJson: boolean
}

/** Runs the growth curves and prints them. Exit code. */
export function simulateScale({ seed, nodes, isJson }: ScaleRequest): number {
  const costs = readCosts()
  const rows: SweepRow[] = []
  for (const row of runSweeps(seed, nodes, costs)) {
    if (!isJson) printRow(row, rows.at(-1)?.sweep !== row.sweep)
    rows.push(row)
  }
  const background = backgrounds(costs)
  if (isJson) console.log(JSON.stringify({ scenario: 'scale', seed, costs, rows, background }))
  else printBackground(background)
  return rows.every(({ result }) => result.delivered === 1) ? 0 : 1
}

const COLUMNS = [
  'step',
  'by gossip',
  'median ms',
  '99 % ms',
  'msgs/op',
  'gossip B/op',
  'sync B/s',
  'core %',
  'most %',
  'degree',
  'join s',
]

function printRow({ sweep, step, result }: SweepRow, isFirst: boolean): void {
  if (isFirst) console.log(`\n${sweep}\n${COLUMNS.map((name) => name.padStart(12)).join('')}`)
  const values = [
    step,
    `${(result.byGossip * 100).toFixed(1)} %`,
    result.medianMs.toFixed(0),
    result.p99Ms.toFixed(0),
    result.messagesPerOperation.toFixed(2),
    result.gossipBytesPerOperation.toFixed(0),
    result.syncBytesPerSecond.toFixed(0),
    (result.cpu * 100).toFixed(2),
    (result.cpuMost * 100).toFixed(2),
    `${result.degreeMean.toFixed(1)}/${result.degreeMost}`,
    result.joinMostSeconds === 0 ? '' : result.joinMostSeconds.toFixed(1),
  ]
  console.log(values.map((value) => value.padStart(12)).join(''))
}

function printBackground(rows: readonly BackgroundRow[]): void {
  console.log(
    '\nwhile nobody writes (a sum): of a node, MB a day and % of a core; of each introduction node; in the DHT',
  )
  const head = [
    'nodes',
    'spaces',
    'compare',
    'keep open',
    'introduce',
    'core %',
    'asked/s',
    'listed',
    'provides/s',
    'records',
  ]
  console.log(head.map((name) => name.padStart(12)).join(''))
  for (const { nodes, spaces, background } of rows) {
    const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1)
    const values = [
      String(nodes),
      String(spaces),
      megabytes(background.comparisonBytesPerDay),
      megabytes(background.connectionBytesPerDay),
      megabytes(background.introductionBytesPerDay),
      (background.comparisonCpu * 100).toFixed(2),
      background.introducerRequestsPerSecond.toFixed(0),
      String(background.introducerRegistrations),
      background.dhtProvidesPerSecond.toFixed(1),
      String(background.dhtRecords),
    ]
    console.log(values.map((value) => value.padStart(12)).join(''))
  }
}
