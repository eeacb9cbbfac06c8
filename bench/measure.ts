/** What one run of one subject gave: figures by name, their unit last in the name. */
export type Figures = Readonly<Record<string, number>>

/** How large a workload is to be, by name; what it means is the workload's to say. */
export type Sizes = Readonly<Record<string, number | string>>

/** One way of doing the work: Hanse (its name begins so), a peer, or a floor. */
export interface Subject {
  readonly name: string
  /** What it does not do, beside Hanse; empty for Hanse. */
  readonly without: string
  /** A bound of what could be done, or another reference: shown, and fit for targets, but not one of the peers that Hanse is compared with. */
  readonly isFloor?: true
  /**
   * Makes, once for all rounds and in a process of its own, what a run needs and is dear to make. The folder is empty, the subject's own,
   * and gone when the workload is done.
   */
  readonly prepare?: (sizes: Sizes, folder: string) => Promise<void>
  /** Does the work once, in a process of its own. `folder`: see `prepare`. What a run leaves there the next one finds. */
  readonly run: (sizes: Sizes, folder: string) => Promise<Figures>
}

/** One question, answered by several subjects in turn. */
export interface Workload {
  readonly name: string
  readonly question: string
  readonly sizes: Sizes
  /** Sizes that take seconds. */
  readonly quick: Sizes
  /** Rounds where none are asked for; default 5. A single round has no warm-up. */
  readonly rounds?: number
  readonly subjects: readonly Subject[]
  /** The figures in which Hanse is compared with the best peer, and whether more of it is better. */
  readonly compared: Readonly<Record<string, 'more' | 'less'>>
  /** What is to be reached, at the sizes that each names. */
  readonly targets?: readonly Target[]
}

/** A bound on the median of one figure of one subject: a number, or so many times what another subject has in the same run. */
export interface Target {
  readonly subject: string
  readonly figure: string
  readonly is: 'at least' | 'at most'
  readonly bound: number
  /** The subject whose median of the same figure the bound is a multiple of; absent: the bound stands alone. */
  readonly times?: string
  /** Judged only where the sizes are these. */
  readonly at?: Sizes
}

/** Median and spread of several runs. */
export interface Summary {
  readonly median: number
  readonly least: number
  readonly most: number
}

/** Every figure of one subject, over all its runs. */
export interface SubjectSummary {
  readonly name: string
  readonly without: string
  readonly isFloor?: true
  readonly figures: Readonly<Record<string, Summary>>
}

export function summarise(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const low = sorted[Math.ceil(middle) - 1] ?? Number.NaN
  const high = sorted[Math.floor(middle)] ?? Number.NaN
  return { median: (low + high) / 2, least: sorted[0] ?? Number.NaN, most: sorted.at(-1) ?? Number.NaN }
}

/** Seconds that work takes. */
export async function seconds(work: () => unknown): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}

/** A size as a number. */
export function sizeOf(sizes: Sizes, name: string): number {
  const size = sizes[name]
  if (typeof size !== 'number') throw new Error(`no size ${name}`)
  return size
}
