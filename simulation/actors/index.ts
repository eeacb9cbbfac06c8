import type { Random } from '../random.ts'
import { createEquivocator } from './equivocator.ts'
import type { Actor } from './stage.ts'

const ACTORS = {
  equivocator: createEquivocator,
} satisfies Record<string, (random: Random) => Actor>

/** The names of all actors. */
export type ActorKind = keyof typeof ACTORS

export const ACTOR_KINDS = Object.keys(ACTORS) as readonly ActorKind[]

/** A new actor of a kind, as its numbers make it. */
export function createActor(kind: ActorKind, random: Random): Actor {
  return ACTORS[kind](random)
}
