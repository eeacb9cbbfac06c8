/** What one run of one subject gave: figures by name, their unit last in the name. */
export type Figures = Readonly<Record<string, number>>

/** How large a workload is to be, by name; what it means is the workload's to say. */
export type Sizes = Readonly<Record<string, number | string>>

/** One way of doing the work: Hanse, a peer, or a floor. */
export interface Subject {
  readonly name: string
  /** What it does not do, beside Hanse; empty for Hanse. */
  readonly without: string
  /** Does the work once, in a process of its own. */
  readonly run: (sizes: Sizes) => Promise<Figures>
}

/** One question, answered by several subjects in turn. */
export interface Workload {
  readonly name: string
  readonly question: string
  readonly sizes: Sizes
  /** Sizes that take seconds. */
  readonly quick: Sizes
  readonly subjects: readonly Subject[]
  /** The figures in which Hanse is compared with the best peer, and whether more of it is better. */
  readonly compared: Readonly<Record<string, 'more' | 'less'>>
}

/** Median and spread of several runs. */
export interface Summary {
  readonly median: number
  readonly least: number
  readonly most: number
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
