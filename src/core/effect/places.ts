import { toHex } from '../bytes.ts'
import type { Revocation } from './revocation.ts'

/** All revocations of one delegation that were made with one chain: they reach the same operations. */
export type Place = Revocation[]

/**
 * Revocations by what they reach, so that a chain is asked about for the price of a few lookups, however many revocations there are that
 * do not reach it: whoever may write at all may publish them by the thousand.
 */
export class Places {
  /** By the chain of who revokes, and then by target. */
  readonly #places = new Map<string, Map<string, Place>>()

  add(revocation: Revocation): void {
    const chain = chainName(revocation.entry.caps)
    const targets = this.#places.get(chain) ?? new Map<string, Place>()
    this.#places.set(chain, targets)
    const target = toHex(revocation.target)
    const place = targets.get(target)
    if (place === undefined) targets.set(target, [revocation])
    else place.push(revocation)
  }

  get isEmpty(): boolean {
    return this.#places.size === 0
  }

  /** Takes out what was added last of that chain and target. */
  removeLast(revocation: Revocation): void {
    const chain = chainName(revocation.entry.caps)
    const targets = this.#places.get(chain)
    const place = targets?.get(toHex(revocation.target))
    place?.pop()
    if (place?.length === 0) targets?.delete(toHex(revocation.target))
    if (targets?.size === 0) this.#places.delete(chain)
  }

  /** Every revocation that reaches a chain: its own chain is a proper prefix, and its target comes after that. */
  *reaching(caps: readonly Uint8Array[]): Generator<Revocation> {
    if (this.#places.size === 0) return
    const names = caps.map(toHex)
    for (let own = 0; own < names.length; own++) {
      const targets = this.#places.get(names.slice(0, own).join(''))
      if (targets === undefined) continue
      for (const target of names.slice(own)) yield* targets.get(target) ?? []
    }
  }
}

/** A chain as a key: its digests in hexadecimal, one after the other. */
export function chainName(caps: readonly Uint8Array[]): string {
  return caps.map(toHex).join('')
}
