import type { PeerId } from '@libp2p/interface'
import type { CrashPoint } from './disk.ts'
import type { Network } from './network.ts'
import type { Fault, PartitionShape, PlannedFault } from './plan.ts'
import { createRandom, type Random } from './random.ts'
import type { Seat } from './seat.ts'
import type { Owner, Timeline } from './timeline.ts'

/** What breaking things needs. */
export interface FaultGround {
  readonly timeline: Timeline
  readonly network: Network
  readonly outside: Owner
  /** Honest participants. */
  readonly seats: readonly Seat[]
  readonly random: Random
  readonly count: (fault: string) => void
}

/** Lets one planned fault happen; gives back what mends it. */
export function breakSomething({ fault }: PlannedFault, ground: FaultGround): () => void {
  ground.count(fault.kind)
  switch (fault.kind) {
    case 'partition':
      return blockAll(partition(fault, ground.seats), ground)
    case 'oneWayLoss': {
      const from = seatAt(ground.seats, fault.from)
      const to = seatAt(ground.seats, fault.to === fault.from ? fault.to + 1 : fault.to)
      return blockAll(from === to ? [] : [[from.peerId, to.peerId]], ground)
    }
    case 'reset':
      ground.network.hangUp(seatAt(ground.seats, fault.a).peerId, seatAt(ground.seats, fault.b).peerId)
      return () => {}
    case 'clockSkew': {
      const seat = seatAt(ground.seats, fault.node)
      seat.skewMs += fault.skewMs
      return () => {
        seat.skewMs -= fault.skewMs
      }
    }
    case 'crash': {
      const seat = seatAt(ground.seats, fault.node)
      crash(seat, fault.point, ground)
      return () => seat.start()
    }
  }
}

/** The node ends in the middle of one of its next transactions; what the crash takes away is gone when it starts again. */
function crash(seat: Seat, point: CrashPoint, { random, count }: FaultGround): void {
  seat.disk.crashAt(point, (kind) => {
    if (seat.disk.lose(kind, random) > 0) count('lostTransactions')
    seat.end()
  })
}

function blockAll(directions: readonly (readonly [PeerId, PeerId])[], { network }: FaultGround): () => void {
  for (const [from, to] of directions) network.block(from, to)
  return () => {
    for (const [from, to] of directions) network.unblock(from, to)
  }
}

function partition(
  { shape, draw }: Extract<Fault, { kind: 'partition' }>,
  seats: readonly Seat[],
): readonly (readonly [PeerId, PeerId])[] {
  const shuffled = createRandom(`partition ${draw}`).shuffle(seats)
  const hears = audibility(shape, shuffled.length)
  return shuffled.flatMap((from, i) =>
    shuffled.flatMap((to, j) => (i !== j && !hears(i, j) ? [[from.peerId, to.peerId] as const] : [])),
  )
}

/** Who still hears whom, by their places in the shuffled row. */
function audibility(shape: PartitionShape, size: number): (a: number, b: number) => boolean {
  const middle = Math.floor(size / 2)
  switch (shape) {
    case 'halves':
      return (a, b) => a < middle === b < middle
    case 'island':
      return (a, b) => a !== 0 && b !== 0
    case 'bridge':
      return (a, b) => a === middle || b === middle || a < middle === b < middle
    case 'chain':
      return (a, b) => Math.abs(a - b) === 1
    case 'dust':
      return () => false
  }
}

function seatAt(seats: readonly Seat[], place: number): Seat {
  return seats[place % seats.length] as Seat
}
