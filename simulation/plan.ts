import type { ActorKind } from './actors/index.ts'
import type { CrashPoint } from './disk.ts'
import type { Weather } from './network.ts'

/** What a run is about; scenarios.ts draws the plan of each from its seed. */
export const SCENARIOS = ['mixed', 'fork-storm', 'partition', 'crash', 'eclipse', 'revocation'] as const
export type ScenarioName = (typeof SCENARIOS)[number]

/** Which nodes cannot hear each other. */
export type PartitionShape =
  /** Two halves. */
  | 'halves'
  /** One against all. */
  | 'island'
  /** Two halves that share one node. */
  | 'bridge'
  /** Each hears only its two neighbours of a chain. */
  | 'chain'
  /** Everybody alone. */
  | 'dust'

/** What goes wrong by itself. Nodes by their place; places wrap around. */
export type Fault =
  | { readonly kind: 'partition'; readonly shape: PartitionShape; readonly draw: number }
  | { readonly kind: 'oneWayLoss'; readonly from: number; readonly to: number }
  | { readonly kind: 'reset'; readonly a: number; readonly b: number }
  | { readonly kind: 'clockSkew'; readonly node: number; readonly skewMs: number }
  | { readonly kind: 'crash'; readonly node: number; readonly point: CrashPoint }

/** A piece of a plan that can be left out when a failing run is made smaller; the label names it on the command line. */
interface Piece {
  readonly label: string
  /** Since the beginning of the run. */
  readonly atMs: number
}

/** An honest node writes. */
export type PlannedWrite = Piece & { readonly node: number; readonly draw: number }
/** Something breaks, and is mended again. */
export type PlannedFault = Piece & { readonly lastsMs: number; readonly fault: Fault }
/** A Byzantine actor begins its play. */
export type PlannedActor = Piece & { readonly kind: ActorKind; readonly draw: number }
/** An administrator acts on authority. */
export type PlannedRuling = Piece & { readonly node: number; readonly draw: number }

/** Many operations of one author at once, whose cost is to be known. */
export interface Storm {
  readonly operations: number
  /** All in one place of the log, or one after the other. */
  readonly shape: 'fork' | 'chain'
  /** Whether the owner revokes the author with a cut before the storm. */
  readonly isCut: boolean
}

/** Everything a run does, drawn from the seed. Pieces are independent: without one, the others stay what they are. */
export interface Plan {
  readonly seed: number
  readonly scenario: ScenarioName
  /** Honest nodes. */
  readonly nodes: number
  /** Whether bodies are gossiped along with headers. */
  readonly openReading: boolean
  /** The network is healed and mallory falls silent after so long. */
  readonly activeMs: number
  readonly weather: Weather
  readonly writes: readonly PlannedWrite[]
  readonly faults: readonly PlannedFault[]
  readonly actors: readonly PlannedActor[]
  readonly rulings: readonly PlannedRuling[]
  /** Whether the last honest node may read a part only, and so holds headers alone of the rest. For closed reading. */
  readonly isPartial: boolean
  /** When the last honest node begins its first life; null: with the others. */
  readonly lateMs: number | null
  /** The last honest node meets nobody but mallory until then; null: there is no eclipse. */
  readonly eclipseMs: number | null
  readonly storm: Storm | null
  /** Whether disks are written into real files at the end, and torn. */
  readonly tears: boolean
}

/** The labels of all pieces that can be left out. */
export function labelsOf(plan: Plan): readonly string[] {
  return [...plan.writes, ...plan.faults, ...plan.actors, ...plan.rulings].map(({ label }) => label)
}

/** The plan with only the named pieces. */
export function keepOnly(plan: Plan, labels: ReadonlySet<string>): Plan {
  const isKept = ({ label }: Piece) => labels.has(label)
  return {
    ...plan,
    writes: plan.writes.filter(isKept),
    faults: plan.faults.filter(isKept),
    actors: plan.actors.filter(isKept),
    rulings: plan.rulings.filter(isKept),
  }
}
