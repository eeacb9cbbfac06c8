import {
  type Figures,
  type Sizes,
  type SubjectSummary,
  summarise,
  type Summary,
  type Workload,
} from './measure.ts'

/** One figure of the best of Hanse's subjects over that of the best peer, or of a floor, and which they were: each figure may have another. */
export interface Compared {
  readonly figure: string
  readonly ratio: number
  readonly hanse: string
  readonly peer: string
}

/** What became of a target. */
export interface JudgedTarget {
  readonly subject: string
  readonly figure: string
  readonly is: 'at least' | 'at most'
  /** In the figure's unit; null where the subject that it is a multiple of was not measured. */
  readonly bound: number | null
  /** How the bound came about, where it is a multiple: `2.5 × Hypercore`. */
  readonly of: string | null
  /** Median; null where it was not measured. */
  readonly measured: number | null
  readonly verdict: 'met' | 'not met' | 'not measured'
}

/** Every figure that any run gave, over the runs that gave it. */
export function summariseAll(all: readonly Figures[]): Readonly<Record<string, Summary>> {
  const names = new Set(all.flatMap((figures) => Object.keys(figures)))
  const values = (name: string) => all.flatMap((figures) => figures[name] ?? [])
  return Object.fromEntries([...names].map((name) => [name, summarise(values(name))]))
}

/** Hanse's best median over the peers' best, where both have the figure. Floors take no part. */
export function compare(
  { compared }: Pick<Workload, 'compared'>,
  summaries: readonly SubjectSummary[],
): readonly Compared[] {
  return compareWith(compared, summaries, ({ name, isFloor }) => isFloor !== true && !isHanseName(name))
}

/** The same with the peers that keep on disk what they are given, as Hanse does. */
export function compareOnDisk(
  { compared }: Pick<Workload, 'compared'>,
  summaries: readonly SubjectSummary[],
): readonly Compared[] {
  return compare(
    { compared },
    summaries.filter(({ without }) => !IN_MEMORY.test(without)),
  )
}

/** What is said of peers that keep nothing on disk, or only at the end. */
const IN_MEMORY = /keep on disk|write to disk before the end/

/** Hanse's best median over each floor's, where both have the figure: how near it comes to what could be done. */
export function compareWithFloors(
  { compared }: Pick<Workload, 'compared'>,
  summaries: readonly SubjectSummary[],
): readonly Compared[] {
  const floors = summaries.filter(({ isFloor }) => isFloor === true)
  return floors.flatMap((floor) => compareWith(compared, summaries, (one) => one === floor))
}

function compareWith(
  compared: Workload['compared'],
  summaries: readonly SubjectSummary[],
  isOther: (subject: SubjectSummary) => boolean,
): readonly Compared[] {
  const isHanse = ({ name, isFloor }: SubjectSummary) => isFloor !== true && isHanseName(name)
  return Object.entries(compared).flatMap(([figure, better]) => {
    const best = (isMeant: (subject: SubjectSummary) => boolean) =>
      summaries
        .flatMap((subject) => {
          const median = isMeant(subject) ? subject.figures[figure]?.median : undefined
          return median === undefined ? [] : [{ name: subject.name, median }]
        })
        .toSorted((a, b) => (better === 'more' ? b.median - a.median : a.median - b.median))[0]
    const [hanse, other] = [best(isHanse), best(isOther)]
    if (hanse === undefined || other === undefined) return []
    const ratio = hanse.median / other.median
    return Number.isFinite(ratio) ? [{ figure, ratio, hanse: hanse.name, peer: other.name }] : []
  })
}

/** Judges the targets that hold at these sizes; those for others are left out. */
export function judge(
  { targets = [] }: Pick<Workload, 'targets'>,
  sizes: Sizes,
  summaries: readonly SubjectSummary[],
): readonly JudgedTarget[] {
  const medianOf = (subject: string, figure: string) =>
    summaries.find(({ name }) => name === subject)?.figures[figure]?.median ?? null
  const isFor = ({ at = {} }: { readonly at?: Sizes }) =>
    Object.entries(at).every(([name, size]) => sizes[name] === size)
  return targets.filter(isFor).map(({ subject, figure, is, bound: given, times }) => {
    const measured = medianOf(subject, figure)
    const reference = times === undefined ? 1 : medianOf(times, figure)
    const bound = reference === null ? null : given * reference
    const isMet =
      measured !== null && bound !== null && (is === 'at least' ? measured >= bound : measured <= bound)
    const verdict = measured === null || bound === null ? 'not measured' : isMet ? 'met' : 'not met'
    return {
      subject,
      figure,
      is,
      bound,
      of: times === undefined ? null : `${Number(given.toPrecision(3))} × ${times}`,
      measured,
      verdict,
    }
  })
}

export function isHanseName(name: string): boolean {
  return name.startsWith('Hanse')
}

/** Workloads that are asked for: by name, or by the beginning of one with `*`. Null where a name fits none. */
export function chooseWorkloads(
  workloads: readonly Workload[],
  names: readonly string[] | undefined,
): readonly Workload[] | null {
  if (names === undefined) return workloads
  const fits = (asked: string) => (name: string) =>
    asked.endsWith('*') ? name.startsWith(asked.slice(0, -1)) : name === asked
  if (names.some((asked) => !workloads.some(({ name }) => fits(asked)(name)))) return null
  return workloads.filter(({ name }) => names.some((asked) => fits(asked)(name)))
}
