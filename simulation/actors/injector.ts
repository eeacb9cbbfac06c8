import type { Operation } from '../../src/core/operation/operation.ts'
import { closeFrame, openFrame } from '../frames.ts'
import type { NodeHooks } from '../node.ts'

/** Operations put into each batch at most. */
const PER_BATCH_MAX = 8

/**
 * Puts operations that no honest node would store among those that an actor's node serves over sync, one batch after the other and
 * to every peer in turn.
 */
export class Injector {
  readonly #queue: Operation[] = []
  readonly #added = new Map<string, number>()
  readonly hooks: NodeHooks = {
    onFrame: (to, frame) => {
      const message = openFrame(frame, this.#queue[0]?.header.space ?? new Uint8Array(32))
      const peer = to.toString()
      if (message?.kind === 'compare') this.#added.delete(peer)
      if (message?.kind === 'operations' && this.#queue.length > 0) {
        const extra = this.#queue.slice(0, PER_BATCH_MAX)
        this.#added.set(peer, (this.#added.get(peer) ?? 0) + extra.length)
        return [closeFrame({ ...message, operations: [...message.operations, ...extra] })]
      }
      if (message?.kind === 'eose' && this.#queue.length > 0) {
        const added = this.#added.get(peer) ?? 0
        if (added > 0) return [closeFrame({ ...message, operations: message.operations + added })]
        const extra = this.#queue.splice(0, PER_BATCH_MAX)
        const batch = closeFrame({ kind: 'operations', operations: extra, faults: [] })
        return [batch, closeFrame({ ...message, operations: message.operations + extra.length })]
      }
      return [frame]
    },
  }

  /** Takes an operation to be put among the others. */
  add(operation: Operation): void {
    this.#queue.push(operation)
  }
}
