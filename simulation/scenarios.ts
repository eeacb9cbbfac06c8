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
  const activeMs = random.between(60_000, 300_000)
  const nodeCount = random.between(nodes.min, nodes.max)
  const openReading = random.chance(0.7)
  const base: Plan = {
    seed,
    scenario,
    nodes: nodeCount,
    openReading,
    isPartial: !openReading && random.chance(0.5),
    activeMs,
    weather: drawWeather(random),
    writes: drawWrites(random.fork('writes'), random.between(15, 120), activeMs),
    faults: [],
    actors: [],
    rulings: [],
    lateMs: random.chance(0.2) ? random.between(0, activeMs) : null,
    eclipseMs: null,
    storm: null,
    tears: random.chance(scenario === 'crash' ? 0.5 : 0.05),
  }
  const faults = random.fork('faults')
  const actors = random.fork('actors')
  const rulings = random.fork('rulings')
  switch (scenario) {
    case 'mixed':
      return {
        ...base,
        eclipseMs: random.chance(0.15) ? random.between(WARM_MS, activeMs) : null,
        faults: drawFaults(faults, faults.between(0, 8), activeMs, FAULT_KINDS),
        actors: drawActors(actors, actors.between(0, 4), activeMs, ACTOR_KINDS),
        rulings: drawRulings(rulings, rulings.pick([0, 0, 1, 3]), activeMs),
      }
    case 'partition':
      return {
        ...base,
        faults: drawFaults(faults, faults.between(4, 14), activeMs, [
          'partition',
          'partition',
          'oneWayLoss',
          'reset',
        ]),
        actors: drawActors(actors, actors.between(0, 1), activeMs, ['equivocator', 'staleParentWriter']),
      }
    case 'crash':
      return {
        ...base,
        faults: drawFaults(faults, faults.between(6, 25), activeMs, ['crash', 'crash', 'crash', 'reset']),
        actors: drawActors(actors, actors.between(0, 1), activeMs, ACTOR_KINDS),
      }
    case 'eclipse':
      return {
        ...base,
        eclipseMs: random.between(WARM_MS, activeMs),
        faults: drawFaults(faults, faults.between(0, 3), activeMs, ['reset', 'partition']),
        actors: drawActors(actors, actors.between(2, 4), activeMs, ECLIPSERS),
      }
    case 'revocation':
      return {
        ...base,
        faults: drawFaults(faults, faults.between(0, 5), activeMs, FAULT_KINDS),
        actors: drawActors(actors, actors.between(2, 4), activeMs, REVOKED),
        rulings: drawRulings(rulings, rulings.between(2, 8), activeMs),
      }
    case 'fork-storm':
      return {
        ...base,
        nodes: Math.max(4, Math.min(nodeCount, 6)),
        openReading: true,
        isPartial: false,
        activeMs: 120_000,
        lateMs: 90_000,
        weather: { latencyMs: 10, jitterMs: 5, loss: 0, duplication: 0 },
        writes: drawWrites(random.fork('storm writes'), 20, 80_000),
        storm: { operations: random.between(200, 1_000), shape: 'fork', isCut: false },
      }
  }
}

/** Who surrounds an eclipsed node: liars by omission, and one who shows it a face of its own. */
const ECLIPSERS: readonly ActorKind[] = [
  'withholder',
  'withholder',
  'fingerprintLiar',
  'equivocator',
  'endlessRounds',
]
/** Who plays with authority that ends. */
const REVOKED: readonly ActorKind[] = [
  'revokedWriter',
  'massRevoker',
  'upwardRevoker',
  'equivocator',
  'wideBomb',
  'expiredWriter',
  'forkStorm',
]
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
