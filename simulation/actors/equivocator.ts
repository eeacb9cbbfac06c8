import { setRegister } from '../../src/core/changes/register.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import type { Random } from '../random.ts'
import { asParent } from '../forge.ts'
import { type Actor, MALLORYS } from './stage.ts'

/**
 * Signs two to five operations in one place of its log, shows each to other peers, and reveals all of them late; at times at a
 * place of its log long gone, and each branch goes on for a while.
 */
export function createEquivocator(random: Random): Actor {
  const branches = random.between(2, 5)
  const length = random.between(1, 4)
  return {
    grant: MALLORYS,
    hooks: {},
    begin(stage) {
      const hidden: Operation[] = []
      stage.act(20_000, (node) => {
        const { store } = node.hosted
        const own = store
          .entriesFrom(0, store.count())
          .filter(
            ({ author }) =>
              author === stage.ownHead()?.author || Buffer.compare(author, stage.seat.author.publicKey) === 0,
          )
        const isOld = random.chance(0.4)
        const at = isOld ? (own[random.below(own.length + 1)] ?? null) : stage.ownHead()
        for (let branch = 0; branch < branches; branch++) {
          let prev = at === null ? null : { ...at }
          for (let i = 0; i < length; i++) {
            const body = [setRegister('mallory/face', `${branch} ${i} ${random.below(1_000)}`)]
            const deps = at === null ? stage.frontier() : []
            const operation = stage.forge({ prev, deps, body })
            hidden.push(operation)
            const to = stage.victims[(branch + stage.random.below(2)) % stage.victims.length]
            if (to !== undefined) stage.whisper(to, operation)
            prev = asParent(operation) as NonNullable<typeof prev>
          }
        }
        if (random.chance(0.5)) stage.keep(...hidden.splice(0))
      })
    },
  }
}
