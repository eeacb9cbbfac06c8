import { backgroundOf, type Background } from './background.ts'
import type { Costs } from './costs.ts'
import { runModel } from './model.ts'
import type { ScaleConfig, ScaleResult } from './scale-config.ts'

/** What each sweep starts from: one space of a thousand nodes at home, on lines of 20 Mbit/s, a hundred of them writing. */
const BASE: Omit<ScaleConfig, 'seed'> = {
  nodes: 1_000,
  degree: 8,
  writers: 100,
  perSecond: 2,
  seconds: 10,
  liars: 0,
  churnPerHour: 0,
  awaySeconds: 5,
  joiners: 0,
  history: 0,
  antiEntropySeconds: 15,
  latencyMs: [5, 150],
  uplinkBits: 20_000_000,
  cores: 1,
}

/** One factor, and what is tried of it. */
interface Sweep {
  readonly name: string
  readonly steps: readonly (readonly [string, Partial<ScaleConfig>])[]
}

/** The growth curves; nodes up to as many as are asked for. */
function sweepsUpTo(nodes: number): readonly Sweep[] {
  const sizes = [100, 300, 1_000, 3_000].filter((size) => size < nodes)
  const base = Math.min(BASE.nodes, nodes)
  const steps = (of: readonly number[], change: (value: number) => Partial<ScaleConfig>) =>
    of.map((value) => [value.toLocaleString('en'), { nodes: base, ...change(value) }] as const)
  const part = (of: readonly number[], change: (value: number) => Partial<ScaleConfig>) =>
    of.map((value) => [`${value * 100} %`, { nodes: base, ...change(value) }] as const)
  return [
    { name: 'nodes', steps: steps([...sizes, nodes], (value) => ({ nodes: value })) },
    { name: 'degree', steps: steps([4, 8, 16, 32], (degree) => ({ degree })) },
    { name: 'authors', steps: steps([1, 10, 1_000], (writers) => ({ writers })) },
    { name: 'operations per second', steps: steps([1, 10, 50], (perSecond) => ({ perSecond })) },
    { name: 'liars', steps: part([0.1, 0.3, 0.5], (liars) => ({ liars })) },
    { name: 'leave and return, an hour', steps: part([1, 10], (churnPerHour) => ({ churnPerHour })) },
    {
      name: 'ten join, operations before',
      steps: steps([1_000, 10_000, 100_000], (history) => ({ history, joiners: 10 })),
    },
  ]
}

/** One line of a growth curve. */
export interface SweepRow {
  readonly sweep: string
  readonly step: string
  readonly config: ScaleConfig
  readonly result: ScaleResult
}

export interface BackgroundRow {
  readonly nodes: number
  readonly spaces: number
  readonly background: Background
}

/** Runs the growth curves one after the other. */
export function* runSweeps(seed: number, nodes: number, costs: Costs): Generator<SweepRow> {
  for (const { name, steps } of sweepsUpTo(nodes)) {
    for (const [step, change] of steps) {
      const config: ScaleConfig = { ...BASE, ...change, seed }
      yield { sweep: name, step, config, result: runModel(config, costs) }
    }
  }
}

/** What goes on while nobody writes, for populations that no simulation holds. */
export function backgrounds(costs: Costs): readonly BackgroundRow[] {
  const populations = [
    [1_000, 1],
    [1_000, 40],
    [1_000, 1_000],
    [100_000, 1],
    [100_000, 40],
    [100_000, 1_000],
  ] as const
  return populations.map(([nodes, spaces]) => ({
    nodes,
    spaces,
    background: backgroundOf({ nodes, spaces, degree: BASE.degree }, costs),
  }))
}
