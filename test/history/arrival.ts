import fc from 'fast-check'
import { isControl } from '../../src/core/changes/evaluate.ts'
import type { Home } from '../cast.ts'
import { createRealmHome, realm } from '../effect/realm.ts'
import { topologicalShuffle } from '../effect/shuffle.ts'
import type { Deed } from './random-items.ts'

/** How operations come to a node: in which order, how many at once, and which of them without their body at first. */
export interface Arrival {
  readonly order: readonly number[]
  readonly batch: number
  readonly late: readonly boolean[]
}

export const arrivals: fc.Arbitrary<Arrival> = fc.record({
  order: fc.array(fc.nat(1_000), { minLength: 1, maxLength: 9 }),
  batch: fc.integer({ min: 1, max: 7 }),
  late: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
})

/** A home where the operations have arrived, and what of them was admitted, by what has an effect. */
export async function arrive(
  deeds: readonly Deed[],
  { order, batch, late }: Arrival,
): Promise<{ readonly home: Home; readonly admitted: readonly Deed[]; readonly effective: readonly Deed[] }> {
  const home = await createRealmHome()
  const { replica, store } = home.hosted
  const shuffled = topologicalShuffle(
    deeds.map(({ operation }) => operation),
    realm,
    order,
  )
  const isLate = (i: number, command: string) => late[i % late.length] === true && !isControl(command)
  for (let at = 0; at < shuffled.length; at += batch) {
    const some = shuffled
      .slice(at, at + batch)
      .map((one, i) => (isLate(at + i, one.header.command) ? { ...one, body: null } : one))
    await replica.receive(some, 'the test')
  }
  const lacking = shuffled.filter(({ header }, i) => isLate(i, header.command))
  for (const one of lacking.toReversed()) await replica.receive([one], 'the test')
  const admitted = deeds.filter(({ operation }) => store.find(operation.id) !== undefined)
  const effective = admitted.filter(
    ({ operation }) => store.mask(store.find(operation.id)?.ordinal as number) === undefined,
  )
  return { home, admitted, effective }
}
