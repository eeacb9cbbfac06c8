import { setRegister } from '../../src/core/types/register/change.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { asParent, type Parent } from '../forge.ts'
import type { Random } from '../random.ts'
import { Injector } from './injector.ts'
import { type Actor, MALLORYS } from './stage.ts'

/** More than one peer may have held. */
const FLOOD = 1_300
/** How many of them go in one batch. */
const FLOOD_BATCH = 500

/** Writes as early as its log lets it, however late it is. */
export function createBackdater(random: Random): Actor {
  return {
    grant: MALLORYS,
    hooks: {},
    begin(stage) {
      stage.act(15_000, () => {
        const body = [
          setRegister('notes', 'mallory was first'),
          setRegister('mallory/early', random.below(99)),
        ]
        const operation = stage.forge({ deps: [], timeMs: 0, body })
        stage.keep(operation)
        stage.shout(operation)
      })
    },
  }
}

/** Writes in the future: a little, so that it is held; far, so that it never comes; and at times by the thousand. */
export function createClockBomber(random: Random): Actor {
  const isFlood = random.chance(0.35)
  const injector = new Injector(FLOOD_BATCH)
  return {
    grant: MALLORYS,
    hooks: injector.hooks,
    begin(stage) {
      stage.act(20_000, () => {
        const aheadMs = random.pick([59_000, 61_000, 120_000, 400_000, 10 * 365 * 86_400_000])
        const timeMs = stage.now() + aheadMs
        const bomb = stage.forge({ timeMs, body: [setRegister('mallory/later', random.below(1_000))] })
        const heir = stage.forge({ prev: asParent(bomb), deps: [], body: [setRegister('mallory/heir', 1)] })
        for (const operation of random.shuffle([bomb, heir])) stage.shout(operation)
        stage.keep(bomb, heir)
      })
      if (isFlood) stage.later(30_000, () => flood())

      function flood(): void {
        const timeMs = stage.now() + 600_000
        let prev: Parent | null = stage.ownHead()
        for (let i = 0; i < FLOOD; i++) {
          const operation: Operation = stage.forge({
            prev,
            deps: [],
            timeMs,
            body: [setRegister('mallory/flood', i)],
          })
          injector.add(operation)
          prev = asParent(operation)
        }
      }
    },
  }
}

/** Says a lamport that does not follow from its parents. */
export function createLamportJumper(random: Random): Actor {
  const injector = new Injector()
  return {
    grant: MALLORYS,
    hooks: injector.hooks,
    begin(stage) {
      stage.act(15_000, () => {
        const body = [setRegister('mallory/jump', random.below(1_000))]
        const { lamport } = stage.forge({ body }).header
        const wrong = random.pick([lamport + 1, lamport + 1_000_000, Math.max(1, lamport - 1), 2 ** 40])
        const jump = stage.forge({ body, header: { lamport: wrong } })
        if (random.chance(0.5)) stage.shout(jump)
        else injector.add(jump)
      })
    },
  }
}

/** Builds on what is long gone, as if it had seen nothing since. */
export function createStaleParentWriter(random: Random): Actor {
  return {
    grant: MALLORYS,
    hooks: {},
    begin(stage) {
      stage.act(12_000, ({ hosted: { store } }) => {
        const old = store.at(random.below(Math.min(10, store.count())))
        const isOwn = Buffer.compare(old.author, stage.seat.author.publicKey) === 0
        const body = [setRegister('mallory/stale', random.below(1_000))]
        const operation = stage.forge({ deps: isOwn ? [] : [old], timeMs: old.time, body })
        stage.keep(operation)
        stage.shout(operation)
      })
    },
  }
}
