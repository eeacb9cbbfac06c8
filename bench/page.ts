import { type Compared, compareOnDisk, type JudgedTarget } from './compare.ts'
import type { Sizes, SubjectSummary, Summary, Workload } from './measure.ts'
import type { KeptResult } from './results.ts'

/** What stands in the README between the marks, and only there. */
export const README_MARKS = ['<!-- benchmarks: begin -->', '<!-- benchmarks: end -->'] as const

const INTRODUCTION = `# Benchmarks

Made by \`npm run bench -- --keep\` from what it measured; nothing here is written by hand but the notes (bench/results/notes). A run of one workload
replaces that workload's part: \`npm run bench -- --only NAME --keep\`. \`npm run bench:page\` makes the page again from bench/results.

Every workload runs all its subjects in turn, each run in a process of its own, round after round, so that whatever else the machine does it does to all. A figure is
the median of the rounds, and in brackets the least and the most. Compare figures of one table, not of two: the machine was not equally busy. Where it is known, it says how much of the time that was wanted of
the cores the host gave to other machines: in such minutes everything is slower, floors included. Bytes are counted at the sockets, CPU seconds over all threads. A ratio is Hanse's best median over that of the best peer; floors are bounds of what could be done, and no peers. The units are the last words of the names.
\`npm run bench:regression\` holds ratios of one short run to bounds in CI.`

/** docs/benchmarks.md, of all that is kept: `order` is that of the workloads. */
export function makePage(
  results: ReadonlyMap<string, KeptResult>,
  notes: ReadonlyMap<string, string>,
  order: readonly string[],
): string {
  const kept = inOrder(results, order)
  const targets = kept.flatMap(({ targets }) => targets)
  const count = (verdict: JudgedTarget['verdict']) => targets.filter((one) => one.verdict === verdict).length
  const summary = `${targets.length} targets: ${count('met')} met, ${count('not met')} not met, ${count('not measured')} not measured.`
  const sections = kept.map((result) => section(result, notes.get(result.workload)))
  return `${[INTRODUCTION, summary, ...sections].join('\n\n')}\n`
}

/** The table of the README: how Hanse stands to the best peer, and to the best that keeps things on disk as it does, workload by workload. */
export function makeReadmeTable(
  results: ReadonlyMap<string, KeptResult>,
  workloads: readonly Pick<Workload, 'name' | 'compared'>[],
): string {
  const rows = workloads.flatMap(({ name, compared }) => {
    const result = results.get(name)
    const [first] = result?.compared ?? []
    if (result === undefined || first === undefined) return []
    const { hanse, peers } = result
    const { figure } = first
    const beside = ({ peer, ratio }: Compared) => [`${medianOf(peers[peer], figure)} (${peer})`, shown(ratio)]
    const onDisk = compareOnDisk({ compared }, [...Object.values(hanse), ...Object.values(peers)])
    const nearest = onDisk.find((one) => one.figure === figure)
    return [
      [
        name,
        figure,
        medianOf(hanse[first.hanse], figure),
        ...(nearest === undefined ? ['', ''] : beside(nearest)),
        ...beside(first),
        peers[first.peer]?.without ?? '',
      ],
    ]
  })
  const head = [
    'workload',
    'figure',
    'Hanse',
    'best peer on disk',
    'ratio',
    'best peer of all',
    'ratio',
    'which does not',
  ]
  return table(head, rows)
}

/** A text with what is between the marks replaced. Throws where the marks are missing. */
export function replaceMarked(text: string, replacement: string): string {
  const [begin, end] = README_MARKS
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from < 0 || to < from) throw new Error(`${begin} and ${end} are not there`)
  return `${text.slice(0, from + begin.length)}\n${replacement}\n${text.slice(to)}`
}

function inOrder(results: ReadonlyMap<string, KeptResult>, order: readonly string[]): readonly KeptResult[] {
  return order.flatMap((name) => results.get(name) ?? [])
}

function section(result: KeptResult, note: string | undefined): string {
  const subjects = [result.hanse, result.peers, result.floors].flatMap((one) => Object.values(one))
  return [
    `## ${result.workload}`,
    result.question,
    `${sizesText(result.sizes)}; ${result.rounds} ${result.rounds === 1 ? 'round' : 'rounds'}; ${result.machine}, Node ${result.node}, commit ${result.commit}, ${result.date}${stolenText(result)}.`,
    figuresTable(subjects),
    ...doesNot(subjects),
    ...ratios(result),
    ...targetsTable(result.targets),
    ...(note === undefined ? [] : [note]),
  ].join('\n\n')
}

/** A row for each figure, a column for each subject. */
function figuresTable(subjects: readonly SubjectSummary[]): string {
  const figures = [...new Set(subjects.flatMap(({ figures }) => Object.keys(figures)))]
  const rows = figures.map((figure) => [
    figure,
    ...subjects.map(({ figures }) => {
      const summary = figures[figure]
      return summary === undefined ? '' : summaryText(summary)
    }),
  ])
  return table(
    ['', ...subjects.map(({ name, isFloor }) => (isFloor === true ? `${name} (floor)` : name))],
    rows,
  )
}

function doesNot(subjects: readonly SubjectSummary[]): readonly string[] {
  const lines = subjects
    .filter(({ without }) => without !== '')
    .map(({ name, without }) => `- ${name} does not ${without}`)
  return lines.length === 0 ? [] : [lines.join('\n')]
}

function ratios({ compared, comparedWithFloors = [] }: KeptResult): readonly string[] {
  const line = (what: string, all: readonly Compared[]) => {
    const texts = all.map(
      ({ figure, ratio, hanse, peer }) => `${figure} ${shown(ratio)} (${hanse} / ${peer})`,
    )
    return texts.length === 0 ? [] : [`Hanse / ${what}: ${texts.join('; ')}.`]
  }
  return [...line('best peer', compared), ...line('floor', comparedWithFloors)]
}

function targetsTable(targets: readonly JudgedTarget[]): readonly string[] {
  if (targets.length === 0) return []
  const rows = targets.map(({ subject, figure, is, bound, of, measured, verdict }) => [
    `${subject}: ${figure}`,
    `${is} ${bound === null ? '?' : shown(bound)}${of === null ? '' : ` (${of})`}`,
    measured === null ? '' : shown(measured),
    verdict === 'not met' ? '**not met**' : verdict,
  ])
  return [table(['target', 'bound', 'measured', ''], rows)]
}

function medianOf(subject: SubjectSummary | undefined, figure: string): string {
  const median = subject?.figures[figure]?.median
  return median === undefined ? '' : shown(median)
}

/** A virtual machine is told how long it waited for a core, and then everything in it takes longer. */
function stolenText({ stolen = null }: KeptResult): string {
  return stolen === null ? '' : `; others had ${shown(100 * stolen)} % of the cores' time`
}

function sizesText(sizes: Sizes): string {
  const texts = Object.entries(sizes).map(
    ([name, size]) => `${name} ${typeof size === 'number' ? size.toLocaleString('en') : size}`,
  )
  return texts.join(', ')
}

function summaryText({ median, least, most }: Summary): string {
  return least === most ? shown(median) : `${shown(median)} (${shown(least)} to ${shown(most)})`
}

/** Three digits, or whole thousands with commas. */
function shown(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 1_000) return Math.round(value).toLocaleString('en')
  return String(Number(value.toPrecision(3)))
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
