import { Descendants } from '../../core/admission/descendants.ts'
import { Branches } from '../../core/branches.ts'
import type { Evaluation } from '../../core/changes/evaluate.ts'
import type { Entry } from '../../core/graph.ts'
import type { SpaceStore } from '../../storage/space-store.ts'
import { Effects } from './effects.ts'
import { isUsable, UsableFrontier } from './usable-frontier.ts'

/** What a replica keeps in memory beside the store, and follows from it. */
export interface Derived {
  readonly effects: Effects
  readonly branches: Branches
  readonly descendants: Descendants
  readonly frontier: UsableFrontier
}

/** Reads it; `readsAll`: whether this node may read every body. */
export function readDerived(
  store: SpaceStore,
  evaluationOf: (entry: Entry) => Evaluation,
  readsAll?: () => boolean,
): Derived {
  return {
    effects: new Effects(store, evaluationOf),
    branches: new Branches(store),
    descendants: new Descendants(store),
    frontier: new UsableFrontier(store, (entry) => isUsable(entry, store, readsAll)),
  }
}
