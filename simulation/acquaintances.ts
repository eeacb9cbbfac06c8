import { type IntroducedPeer, mixIntroductions } from '../protocols/introduction/index.ts'
import type { Network } from './network.ts'
import type { Random } from './random.ts'
import type { Seat } from './seat.ts'
import type { Owner, Timeline } from './timeline.ts'

/** Peers that a participant knows besides its neighbours in the ring. */
const CHORDS = 2
/** Peers that one round of introductions may add. */
const INTRODUCED_MAX = 6
/** How often an eclipsed node asks its introducers. */
const ASK_MS = 20_000

export interface Acquaintances {
  readonly timeline: Timeline
  readonly network: Network
  readonly outside: Owner
  readonly random: Random
  readonly honest: readonly Seat[]
  readonly colluders: readonly Seat[]
  /** When the last honest node reaches more than one introducer; null: it is a node like the others. */
  readonly eclipseMs: number | null
  /** A colluding introducer answers. */
  readonly onEclipse: () => void
}

/**
 * Honest nodes form a ring with chords, so that they are connected without mallory; she knows everybody. An eclipsed node is in no ring:
 * it knows whom its introducers name, and until the end of the eclipse only the colluding one answers.
 */
export function introduceAll(all: Acquaintances): void {
  const { network, random, honest, colluders, eclipseMs } = all
  const victim = eclipseMs === null ? undefined : honest.at(-1)
  const ring = honest.filter((seat) => seat !== victim)
  for (const [place, seat] of ring.entries()) {
    const next = ring[(place + 1) % ring.length]
    const others = Array.from({ length: CHORDS }, () => random.pick(ring))
    for (const other of [next, ...others])
      if (other !== undefined && other !== seat) network.introduce(seat.peerId, other.peerId)
  }
  for (const { peerId } of colluders) for (const seat of honest) network.introduce(peerId, seat.peerId)
  if (victim !== undefined) eclipse(victim, all)
}

/** From the end of the eclipse on, the victim mixes what a colluding introducer and two honest ones answer. */
function eclipse(victim: Seat, all: Acquaintances): void {
  const { timeline, network, outside, random, honest, colluders, eclipseMs, onEclipse } = all
  const everybody = [...honest, ...colluders].filter((seat) => seat !== victim)
  const ask = () => {
    onEclipse()
    const answers = new Map([
      ['colluding', introductionsOf(colluders)],
      ['honest', introductionsOf(random.shuffle(everybody))],
      ['also honest', introductionsOf(random.shuffle(everybody))],
    ])
    for (const { peerId } of mixIntroductions(answers, { limit: INTRODUCED_MAX }))
      network.introduce(victim.peerId, peerId)
    timeline.plan(ASK_MS, outside, 'ask introducers', ask)
  }
  timeline.plan(eclipseMs ?? 0, outside, 'ask introducers', ask)
}

function introductionsOf(seats: readonly Seat[]): readonly IntroducedPeer[] {
  return seats.map(({ peerId }) => ({ peerId, multiaddrs: [], seq: 1n, envelope: new Uint8Array() }))
}
