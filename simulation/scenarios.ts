import { ACTOR_KINDS, type ActorKind } from './actors/index.ts'
import type { CrashPoint } from './disk.ts'
import type { Weather } from './network.ts'
import type {
  Fault,
  Plan,
  PlannedActor,
  PlannedFault,
  PlannedRuling,
  PlannedWrite,
  ScenarioName,
} from './plan.ts'
import { createRandom, type Random } from './random.ts'

/** Fewest and most honest nodes of a run. */
export interface NodeRange {
  readonly min: number
  readonly max: number
}

/** When the first nodes have met and hold the genesis. */
const WARM_MS = 5_000

/** Draws the plan of a scenario from a seed. */
export function drawPlan(seed: number, scenario: ScenarioName, nodes: NodeRange): Plan {
  const random = createRandom(`${scenario} ${seed}`)
  const activeMs = random.between(60_000, 240_000)
  const nodeCount = random.between(nodes.min, nodes.max)
  const base: Plan = {
    seed,
    scenario,
    nodes: nodeCount,
    openReading: random.chance(0.75),
    activeMs,
    weather: drawWeather(random),
    writes: drawWrites(random.fork('writes'), random.between(10, 60), activeMs),
    faults: [],
    actors: [],
    rulings: [],
    stormOperations: 0,
  }
  const faults = random.fork('faults')
  const actors = random.fork('actors')
  switch (scenario) {
    case 'mixed':
    default:
      return {
        ...base,
        faults: drawFaults(faults, faults.between(0, 8), activeMs, FAULT_KINDS),
        actors: drawActors(actors, actors.between(0, 3), activeMs, ACTOR_KINDS),
        rulings: drawRulings(random.fork('rulings'), random.pick([0, 0, 1, 3]), activeMs),
      }
  }
}

const FAULT_KINDS: readonly Fault['kind'][] = ['partition', 'oneWayLoss', 'reset', 'clockSkew', 'crash']

function drawWeather(random: Random): Weather {
  return {
    latencyMs: random.pick([1, 10, 40, 150]),
    jitterMs: random.pick([0, 5, 50, 400]),
    loss: random.pick([0, 0.02, 0.1, 0.3]),
    duplication: random.pick([0, 0.05, 0.3]),
  }
}

function drawWrites(random: Random, count: number, activeMs: number): readonly PlannedWrite[] {
  return Array.from({ length: count }, (_, i) => ({
    label: `w${i}`,
    atMs: random.between(WARM_MS, activeMs),
    node: random.below(64),
    draw: random.below(2 ** 31),
  }))
}

function drawRulings(random: Random, count: number, activeMs: number): readonly PlannedRuling[] {
  return Array.from({ length: count }, (_, i) => ({
    label: `r${i}`,
    atMs: random.between(Math.floor(activeMs / 3), activeMs),
    node: random.below(2),
    draw: random.below(2 ** 31),
  }))
}

function drawFaults(
  random: Random,
  count: number,
  activeMs: number,
  kinds: readonly Fault['kind'][],
): readonly PlannedFault[] {
  return Array.from({ length: count }, (_, i) => ({
    label: `f${i}`,
    atMs: random.between(0, activeMs),
    lastsMs: random.between(1_000, 90_000),
    fault: drawFault(random, random.pick(kinds)),
  }))
}

function drawFault(random: Random, kind: Fault['kind']): Fault {
  const [first, second] = [random.below(64), random.below(64)]
  switch (kind) {
    case 'partition':
      return {
        kind,
        shape: random.pick(['halves', 'island', 'bridge', 'chain', 'dust']),
        draw: random.below(2 ** 31),
      }
    case 'oneWayLoss':
      return { kind, from: first, to: second }
    case 'reset':
      return { kind, a: first, b: second }
    case 'clockSkew': {
      const skewMs = random.pick([1_000, 20_000, 59_000, 300_000, 900_000])
      return { kind, node: first, skewMs: random.chance(0.5) ? skewMs : -skewMs }
    }
    case 'crash':
      return { kind, node: first, point: drawCrash(random) }
  }
}

function drawCrash(random: Random): CrashPoint {
  return {
    kind: random.pick(['process', 'power']),
    transactions: random.below(6),
    where: random.pick(['before', 'during', 'after']),
  }
}

function drawActors(
  random: Random,
  count: number,
  activeMs: number,
  kinds: readonly ActorKind[],
): readonly PlannedActor[] {
  return Array.from({ length: count }, (_, i) => ({
    label: `a${i}`,
    atMs: random.between(WARM_MS, Math.floor(activeMs / 2)),
    kind: random.pick(kinds),
    draw: random.below(2 ** 31),
  }))
}
