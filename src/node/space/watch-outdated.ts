import { nameOf, OUTDATED_NOTE, type OutdatedKind, readOutdated } from '../replica/outdated.ts'
import type { HostedSpace } from './hosted-space.ts'

/**
 * Tells of each type and version that this node does not know, once in the life of the space here: when the first change of it
 * is admitted, or its body arrives.
 */
export function watchOutdated({ replica, store }: HostedSpace, tell: (kind: OutdatedKind) => void): void {
  const known = new Set(readOutdated(store.note(OUTDATED_NOTE)).map(nameOf))
  replica.addEventListener('admitted', () => {
    for (const kind of readOutdated(store.note(OUTDATED_NOTE))) {
      if (known.has(nameOf(kind))) continue
      known.add(nameOf(kind))
      tell(kind)
    }
  })
}
