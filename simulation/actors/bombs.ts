import { putDelegations } from '../../src/core/changes/control.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { DEPS_MAX } from '../../src/core/limits.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { asParent, type Parent } from '../forge.ts'
import { delegate, signerNamed } from '../people.ts'
import type { Random } from '../random.ts'
import { type Actor, MALLORYS, type Stage } from './stage.ts'

/** Writes a long chain at once, and shows it children first, so that everything has to wait. */
export function createDeepBomb(random: Random): Actor {
  return {
    grant: MALLORYS,
    hooks: {},
    begin(stage) {
      stage.act(45_000, () => {
        const chain: Operation[] = []
        let prev: Parent | null = stage.ownHead()
        for (let i = random.between(60, 200); i > 0; i--) {
          const operation = stage.forge({ prev, deps: [], body: [setRegister('mallory/deep', i)] })
          chain.push(operation)
          prev = asParent(operation)
        }
        const victim = random.pick(stage.victims)
        for (const operation of chain.slice(-80).toReversed()) stage.whisper(victim, operation)
        stage.keep(...chain)
      })
    },
  }
}

/** Gives dozens of throw-away keys a token, lets all of them write at once, and names as many parents as fit. */
export function createWideBomb(random: Random): Actor {
  let generation = 0
  return {
    grant: MALLORYS,
    hooks: {},
    begin(stage) {
      stage.act(60_000, () => {
        if (generation < 2) stage.keep(...widen(stage, random.between(20, 70), generation++))
      })
    },
  }
}

/** A grant to many keys, an operation of each, and one on top of as many as fit. */
function widen(stage: Stage, width: number, generation: number): readonly Operation[] {
  const keys = Array.from({ length: width }, (_, i) => signerNamed(`${stage.seat.name} ${generation} ${i}`))
  const tokens = keys.map((key) => delegate(stage.seat.author, key.publicKey, { command: '/op', policy: [] }))
  const grant = stage.forge({
    command: '/cap/grant',
    path: '',
    body: [putDelegations(tokens.map(({ bytes }) => bytes))],
  })
  const leaves = keys.map((author, i) => {
    const caps = [...stage.caps(), (tokens[i] as (typeof tokens)[number]).digest]
    const body = [setRegister(`mallory/leaf ${i}`, i)]
    return stage.forge({ author, caps, prev: null, deps: [asParent(grant)], body })
  })
  const deps = leaves.slice(0, DEPS_MAX).map(asParent)
  const top = stage.forge({ prev: asParent(grant), deps, body: [setRegister('mallory/wide', width)] })
  return [grant, ...leaves, top]
}
