import { toHex } from '../../src/core/bytes.ts'
import type { Operation } from '../../src/core/operation/operation.ts'

/** The operations in another order, parents before children; `order` picks among what may come next. */
export function topologicalShuffle(
  operations: readonly Operation[],
  known: readonly Operation[],
  order: readonly number[],
): readonly Operation[] {
  const done = new Set(known.map(({ id }) => toHex(id)))
  const open = [...operations]
  const shuffled: Operation[] = []
  for (let i = 0; open.length > 0; i++) {
    const ready = open.filter(({ header }) =>
      [...header.deps, ...(header.prev === null ? [] : [header.prev])].every((id) => done.has(toHex(id))),
    )
    const next = ready[(order[i % order.length] as number) % ready.length] as Operation
    open.splice(open.indexOf(next), 1)
    done.add(toHex(next.id))
    shuffled.push(next)
  }
  return shuffled
}
