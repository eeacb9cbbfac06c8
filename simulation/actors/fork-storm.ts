import { setRegister } from '../../src/core/types/register/change.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import type { Random } from '../random.ts'
import { type Actor, MALLORYS } from './stage.ts'

/** Branches of one storm at most. */
const BRANCHES_MAX = 120

/** Signs dozens of operations in one place of its log, and serves them all. */
export function createForkStorm(random: Random): Actor {
  return {
    grant: MALLORYS,
    hooks: {},
    begin(stage) {
      stage.act(40_000, () => {
        const count = random.between(10, BRANCHES_MAX)
        const prev = stage.ownHead()
        const branches: Operation[] = []
        for (let i = 0; i < count; i++) {
          branches.push(
            stage.forge({ prev, deps: [], body: [setRegister('mallory/storm', random.below(10_000))] }),
          )
        }
        for (const branch of branches.slice(0, 5)) stage.shout(branch)
        stage.keep(...branches)
      })
    },
  }
}
