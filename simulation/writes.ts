import type { VerifiedOperation } from '../src/core/operation/operation.ts'
import type { ItemEdit } from '../src/node/space/item-edit.ts'
import type { SimulatedNode } from './node.ts'
import type { Random } from './random.ts'

const PATHS = [
  'notes',
  'notes/a',
  'notes/a/deep',
  'notes/b',
  'people/ada',
  'people/bo',
  'tasks/1',
  'mallory/x',
]
const FIELDS = ['name', 'state', 'count']

/** A few edits of few items, so that writers meet. */
function drawEdits(random: Random, paths: readonly string[] = PATHS): readonly ItemEdit[] {
  return Array.from({ length: random.between(1, 3) }, () => {
    const path = random.pick(paths)
    const value = random.below(1_000)
    switch (random.below(5)) {
      case 0:
        return { kind: 'delete', path, type: random.pick(['register', 'map'] as const) }
      case 1:
        return { kind: 'edit', path, set: { [random.pick(FIELDS)]: value } }
      case 2:
        return { kind: 'edit', path, remove: [random.pick(FIELDS)] }
      case 3:
        return { kind: 'edit', path, set: { name: value }, remove: ['state'] }
      default:
        return { kind: 'put', path, value }
    }
  })
}

/**
 * Lets a node write as a user would; mostly on all it has seen, at times on something older. Throws a FaultError where the node
 * declines, which it may: its user hears of it, and nothing was acknowledged.
 */
export function writeSomething(node: SimulatedNode, random: Random): VerifiedOperation {
  const { hosted } = node
  const count = hosted.store.count()
  const isStale = random.chance(0.08) && count > 4
  const after = isStale ? [hosted.store.at(random.below(count)).id] : undefined
  return hosted.write(drawEdits(random), { author: node.author, timeMs: node.now(), after })
}
