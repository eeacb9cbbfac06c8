import { setRegister } from '../../src/core/types/register/change.ts'
import { asParent } from '../forge.ts'
import type { Random } from '../random.ts'
import { Injector } from './injector.ts'
import { type Actor, MALLORYS } from './stage.ts'

/** Forks, and then signs an operation that has both of its branches in its past. */
export function createSelfFork(random: Random): Actor {
  const injector = new Injector()
  return {
    grant: MALLORYS,
    hooks: injector.hooks,
    begin(stage) {
      stage.act(25_000, () => {
        const prev = stage.ownHead()
        const [left, right] = ['left', 'right'].map((name) =>
          stage.forge({ prev, deps: [], body: [setRegister(`mallory/${name}`, random.below(1_000))] }),
        )
        if (left === undefined || right === undefined) return
        stage.keep(left, right)
        for (const operation of [left, right]) stage.shout(operation)
        const both = stage.forge({
          prev: asParent(left),
          deps: [asParent(right)],
          body: [setRegister('mallory/both', 1)],
        })
        stage.shout(both)
        injector.add(both)
        injector.add(stage.forge({ prev: asParent(both), deps: [], body: [setRegister('mallory/heir', 1)] }))
      })
    },
  }
}
