import { putDelegations } from '../../src/core/changes/control.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { endorseOperations, revokeDelegation } from '../../src/core/changes/verdict.ts'
import { delegate, signerNamed } from '../people.ts'
import type { Random } from '../random.ts'
import { type Actor, MALLORYS, type Stage } from './stage.ts'

/** Writes on after its token was revoked: as if it had not heard of it, and having heard. The world revokes it. */
export function createRevokedWriter(random: Random): Actor {
  return {
    grant: MALLORYS,
    hooks: {},
    begin(stage) {
      stage.act(8_000, () => {
        const body = [setRegister('mallory/still', random.below(1_000))]
        const operation = stage.forge({ body, deps: random.chance(0.5) ? [] : stage.frontier(4) })
        stage.keep(operation)
        stage.shout(operation)
      })
    },
  }
}

/** Revokes what is above and beside it, which it cannot. */
export function createUpwardRevoker(random: Random): Actor {
  return {
    grant: MALLORYS,
    hooks: {},
    begin(stage) {
      stage.act(15_000, ({ hosted: { store } }) => {
        const targets = [...store.tokens()].map(({ delegation }) => delegation.digest)
        rule(stage, revokeDelegation({ target: random.pick(targets), cut: drawCut(stage, random) }))
      })
    },
  }
}

/** An administrator who lets many keys write, revokes them again and again with other cuts, and endorses what it revoked. */
export function createMassRevoker(random: Random): Actor {
  const count = random.between(2, 8)
  return {
    grant: { role: 'admin', path: '', expiresSeconds: null },
    hooks: {},
    begin(stage) {
      const keys = Array.from({ length: count }, (_, i) => signerNamed(`${stage.seat.name} underling ${i}`))
      const tokens = keys.map((key) =>
        delegate(stage.seat.author, key.publicKey, { command: '/', policy: [] }),
      )
      stage.later(100, () => {
        const body = [putDelegations(tokens.map(({ bytes }) => bytes))]
        const grant = stage.forge({ command: '/cap/grant', path: '', body })
        stage.keep(grant)
        stage.shout(grant)
      })
      stage.act(6_000, ({ hosted: { store } }) => {
        const place = random.below(count)
        const author = keys[place]
        const token = tokens[place]
        if (author === undefined || token === undefined || store.token(token.digest) === undefined) return
        const caps = [...stage.caps(), token.digest]
        const prev = store.heads(author.publicKey)[0] ?? null
        const path = random.pick(['notes', 'mallory/under', 'people/ada'])
        const deps = prev === null || random.chance(0.5) ? stage.frontier(4) : []
        const others = deps.filter((entry) => Buffer.compare(entry.author, author.publicKey) !== 0)
        const writes = stage.forge({
          author,
          caps,
          prev,
          deps: others,
          path,
          body: [setRegister(path, random.below(99))],
        })
        stage.keep(writes)
        stage.shout(writes)
      })
      stage.act(11_000, ({ hosted: { store } }) => {
        const target = random.pick(tokens).digest
        if (store.token(target) === undefined) return
        if (random.chance(0.7)) rule(stage, revokeDelegation({ target, cut: drawCut(stage, random) }))
        else {
          const below = [...store.using(target)].map(({ id }) => id)
          if (below.length > 0) rule(stage, endorseOperations([random.pick(below)]))
        }
      })
    },
  }
}

/** Publishes one verdict. */
function rule(stage: Stage, change: Uint8Array): void {
  const name = Buffer.from(change).includes('cap.endorse') ? 'endorse' : 'revoke'
  const operation = stage.forge({ command: `/cap/${name}`, path: '', body: [change] })
  stage.keep(operation)
  stage.shout(operation)
}

/** What is to stay: nothing, a few operations long gone, or all there is. */
function drawCut(stage: Stage, random: Random): readonly Uint8Array[] {
  const store = stage.node()?.hosted.store
  if (store === undefined || random.chance(0.3)) return []
  if (random.chance(0.3)) return stage.frontier(4).map(({ id }) => id)
  return [store.at(random.below(store.count())).id]
}
