import type { Random } from '../random.ts'
import { createCapForger, createExpiredWriter, createPrefixEscalator } from './authority.ts'
import { createDeepBomb, createWideBomb } from './bombs.ts'
import { createBackdater, createClockBomber, createLamportJumper, createStaleParentWriter } from './clocks.ts'
import { createEquivocator } from './equivocator.ts'
import { createForkStorm } from './fork-storm.ts'
import {
  createCorrupter,
  createEndlessRounds,
  createFingerprintLiar,
  createReplayer,
  createSlowReader,
  createWithholder,
} from './liars.ts'
import { createMassRevoker, createRevokedWriter, createUpwardRevoker } from './revocations.ts'
import { createSelfFork } from './self-fork.ts'
import type { Actor } from './stage.ts'

const ACTORS = {
  equivocator: createEquivocator,
  forkStorm: createForkStorm,
  selfFork: createSelfFork,
  backdater: createBackdater,
  clockBomber: createClockBomber,
  lamportJumper: createLamportJumper,
  staleParentWriter: createStaleParentWriter,
  deepBomb: createDeepBomb,
  wideBomb: createWideBomb,
  capForger: createCapForger,
  prefixEscalator: createPrefixEscalator,
  expiredWriter: createExpiredWriter,
  revokedWriter: createRevokedWriter,
  upwardRevoker: createUpwardRevoker,
  massRevoker: createMassRevoker,
  withholder: createWithholder,
  fingerprintLiar: createFingerprintLiar,
  endlessRounds: createEndlessRounds,
  replayer: createReplayer,
  corrupter: createCorrupter,
  slowReader: createSlowReader,
} satisfies Record<string, (random: Random) => Actor>

/** The names of all actors. */
export type ActorKind = keyof typeof ACTORS

export const ACTOR_KINDS = Object.keys(ACTORS) as readonly ActorKind[]

/** A new actor of a kind, as its numbers make it. */
export function createActor(kind: ActorKind, random: Random): Actor {
  return ACTORS[kind](random)
}
