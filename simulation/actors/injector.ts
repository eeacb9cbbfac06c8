import type { Operation } from '../../src/core/operation/operation.ts'
import { closeFrame, openFrame } from '../frames.ts'
import type { NodeHooks } from '../node.ts'

/**
 * Puts operations that no honest node would store behind those that an actor's node serves over sync: every peer gets all of them, some
 * in each round.
 */
export class Injector {
  readonly #perRoundMax: number
  readonly #operations: Operation[] = []
  /** How many each peer has got. */
  readonly #sent = new Map<string, number>()
  readonly hooks: NodeHooks = {
    onFrame: (to, frame) => {
      const space = this.#operations[0]?.header.space
      const message = space == null ? null : openFrame(frame, space)
      if (message?.kind !== 'eose') return [frame]
      const extra = this.#next(to.toString())
      if (extra.length === 0) return [frame]
      const batch = closeFrame({ kind: 'operations', operations: extra, faults: [] })
      return [batch, closeFrame({ ...message, operations: message.operations + extra.length })]
    },
  }

  /** `perRoundMax`: operations that one peer gets in one round at most. */
  constructor(perRoundMax = 8) {
    this.#perRoundMax = perRoundMax
  }

  /** Takes an operation to be put behind the others. */
  add(operation: Operation): void {
    this.#operations.push(operation)
  }

  #next(peer: string): readonly Operation[] {
    const from = this.#sent.get(peer) ?? 0
    const next = this.#operations.slice(from, from + this.#perRoundMax)
    this.#sent.set(peer, from + next.length)
    return next
  }
}
