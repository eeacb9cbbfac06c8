import { equalBytes } from '../../src/core/bytes.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { asParent, type Parent } from '../forge.ts'
import type { Random } from '../random.ts'
import { type Actor, MALLORYS } from './stage.ts'

/**
 * Signs two to five operations in one place of its log, shows each to other peers, and reveals all of them late; at times at a
 * place of its log long gone. Each branch goes on for a while.
 */
export function createEquivocator(random: Random): Actor {
  const branches = random.between(2, 5)
  const length = random.between(1, 4)
  return {
    grant: MALLORYS,
    hooks: {},
    begin(stage) {
      const hidden: Operation[] = []
      stage.act(20_000, ({ hosted: { store } }) => {
        const own = store
          .entriesFrom(0, store.count())
          .filter(({ author }) => equalBytes(author, stage.seat.author.publicKey))
        const at = random.chance(0.4) ? own[random.below(own.length + 1)] : own.at(-1)
        for (let branch = 0; branch < branches; branch++) {
          const to = stage.victims[(branch + random.below(2)) % stage.victims.length]
          let prev: Parent | null = at ?? null
          for (let i = 0; i < length; i++) {
            const body = [setRegister('mallory/face', `${branch} ${i} ${random.below(1_000)}`)]
            const operation = stage.forge({ prev, deps: prev === null ? stage.frontier(1) : [], body })
            hidden.push(operation)
            if (to !== undefined) stage.whisper(to, operation)
            prev = asParent(operation)
          }
        }
        if (random.chance(0.5)) stage.keep(...hidden.splice(0))
      })
    },
  }
}
