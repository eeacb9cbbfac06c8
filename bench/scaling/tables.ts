import { readFileSync } from 'node:fs'

type Row = Readonly<Record<string, number>>

interface SpacesRun {
  readonly spaces: number
  readonly alone: Row
  /** Empty where only the first node was measured. */
  readonly shared: Row
}

interface Results {
  readonly curves: { readonly operations: readonly Row[]; readonly authors: readonly Row[] }
  readonly spaces: readonly SpacesRun[]
  readonly model: {
    readonly rows: readonly { readonly sweep: string; readonly step: string; readonly result: Row }[]
    readonly background: readonly {
      readonly nodes: number
      readonly spaces: number
      readonly background: Row
    }[]
  }
  readonly validation: readonly (Readonly<Record<string, Readonly<Record<string, number>>>> & {
    readonly nodes: never
  })[]
  readonly costs: {
    readonly measured: Readonly<Record<string, string>>
    readonly cpuUs: Row
    readonly bytes: Row
  }
}

/** The committed results: what the commands that docs/scaling.md names have printed. */
export function readResults(): Results {
  const read = (path: string) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as never
  return {
    curves: read('./results/curves.json'),
    spaces: read('./results/spaces.json'),
    model: read('./results/model.json'),
    validation: read('./results/validation.json'),
    costs: read('../../simulation/scale/costs.json'),
  }
}

/** The page with the tables between its marks written anew from the results. */
export function withTables(page: string, results: Results): string {
  const tables = new Map([
    ['operations', points(results.curves.operations, 'operations')],
    ['authors', points(results.curves.authors, 'authors')],
    ['spaces', spacesTable(results)],
    ['model', modelTable(results)],
    ['background', backgroundTable(results)],
    ['validation', validationTable(results)],
    ['costs', costsTable(results)],
  ])
  return page.replaceAll(
    /<!-- table (\w+) -->\n[\s\S]*?<!-- end -->/gu,
    (_, name: string) => `<!-- table ${name} -->\n${tables.get(name) ?? ''}<!-- end -->`,
  )
}

function points(rows: readonly Row[], by: string): string {
  const columns = [
    by,
    'bytes on disk per operation',
    'open, ms',
    'clock root, ms',
    'state root, ms',
    'memory, MiB',
  ]
  const keys = [by, 'diskBytesPerOperation', 'openMs', 'clockRootMs', 'stateRootMs', 'memoryMiB']
  return table(
    columns,
    rows.map((row) => keys.map((key) => short(row[key]))),
  )
}

function spacesTable({ spaces: runs }: Results): string {
  const figures = ({ alone, shared }: SpacesRun) =>
    new Map([
      ...Object.entries(alone),
      ...Object.entries(shared).map(([name, value]) => [`two nodes: ${name}`, value] as const),
    ])
  const names = new Set(runs.flatMap((run) => [...figures(run).keys()]))
  const value = (run: SpacesRun, name: string) =>
    figures(run).has(name) ? short(figures(run).get(name)) : ''
  const rows = [...names].map((name) => [name, ...runs.map((run) => value(run, name))])
  return table(['figure', ...runs.map(({ spaces }) => `${short(spaces)} spaces`)], rows)
}

function modelTable({ model }: Results): string {
  const columns = [
    '',
    'by gossip',
    'median ms',
    '99 % ms',
    'messages/op',
    'gossip B/op',
    'sync B/s',
    'core %',
    'degree',
    'join s',
  ]
  const rows = model.rows.map(({ sweep, step, result }) => [
    `${sweep}: ${step}`,
    `${((result['byGossip'] ?? 0) * 100).toFixed(1)} %`,
    short(result['medianMs']),
    short(result['p99Ms']),
    short(result['messagesPerOperation']),
    short(result['gossipBytesPerOperation']),
    short(result['syncBytesPerSecond']),
    short((result['cpu'] ?? 0) * 100),
    short(result['degreeMean']),
    short(result['joinMostSeconds']),
  ])
  return table(columns, rows)
}

function backgroundTable({ model }: Results): string {
  const keys = [
    'comparisonBytesPerDay',
    'introductionBytesPerDay',
    'comparisonCpu',
    'introducerRequestsPerSecond',
    'introducerRegistrations',
    'dhtProvidesPerSecond',
    'dhtRecords',
  ]
  const rows = model.background.map(({ nodes, spaces, background }) => [
    short(nodes),
    short(spaces),
    ...keys.map((key) => short(background[key])),
  ])
  return table(['nodes', 'spaces each', ...keys], rows)
}

function validationTable({ validation }: Results): string {
  const rows = validation.flatMap((run) =>
    Object.entries(run).flatMap(([name, value]) =>
      typeof value === 'number'
        ? []
        : [
            [
              short(run.nodes),
              name,
              short(value['real']),
              short(value['model']),
              `${((value['error'] ?? 0) * 100).toFixed(0)} %`,
            ],
          ],
    ),
  )
  return table(['nodes', 'figure', 'real nodes', 'model', 'error'], rows)
}

function costsTable({ costs }: Results): string {
  const part = (unit: string, values: Row) =>
    Object.entries(values).map(([name, value]) => [name, short(value), unit])
  return table(['step', 'cost', ''], [...part('µs of CPU', costs.cpuUs), ...part('bytes', costs.bytes)])
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`
  return line(columns) + line(columns.map((_, i) => (i === 0 ? '---' : '---:'))) + rows.map(line).join('')
}

/** Three digits are as many as a busy machine gives. */
function short(value: number | undefined): string {
  return Number((value ?? 0).toPrecision(3)).toLocaleString('en')
}
