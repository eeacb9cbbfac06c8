import type { Figures, Sizes, Subject } from '../../measure.ts'
import type { SyncSizes } from './entries.ts'
import { askAlone, syncSizes } from './run-sync.ts'

/** A peer of the workloads that sync. */
interface SyncPeer {
  readonly name: string
  readonly without: string
  readonly module: URL
  /** What it is given in place of the sizes; its figures are of that. */
  readonly limit?: (sizes: SyncSizes) => SyncSizes
}

const module = (name: string) => new URL(`../../peers/sync/${name}-party.ts`, import.meta.url)
const IN_MEMORY = 'sign, authorise or keep on disk'

export const HANSE: SyncPeer = {
  name: 'Hanse',
  without: '',
  module: new URL('hanse-party.ts', import.meta.url),
}

export const HYPERCORE: SyncPeer = {
  name: 'Hypercore',
  without: 'authorise; signs a tree for each append; a log for each author',
  module: module('hypercore'),
}

export const ORBITDB: SyncPeer = {
  name: 'OrbitDB',
  without:
    'get more than 1,000 operations here, of one author, because more take too long; authorises by order of arrival',
  module: module('orbitdb'),
  limit: ({ operations }) => ({
    operations: Math.min(1_000, Math.ceil(operations / 10)),
    authors: 1,
    changes: 1,
  }),
}

export const AUTOMERGE: SyncPeer = { name: 'automerge-repo', without: IN_MEMORY, module: module('automerge') }
export const YJS: SyncPeer = { name: 'Yjs', without: IN_MEMORY, module: module('yjs') }
export const LORO: SyncPeer = { name: 'Loro', without: IN_MEMORY, module: module('loro') }

/** A subject that prepares with one command of its module, and runs as it is told. */
export function syncSubject(
  { name, without, module, limit = (sizes) => sizes }: SyncPeer,
  prepareCommand: 'prepare' | 'prepareBoth',
  run: (module: URL, sizes: SyncSizes, folder: string) => Promise<Figures>,
): Subject {
  const sizesOf = (sizes: Sizes) => limit(syncSizes(sizes))
  return {
    name,
    without,
    prepare: async (sizes, folder) =>
      await askAlone(module, prepareCommand, { folder, sizes: sizesOf(sizes) }),
    run: async (sizes, folder) => await run(module, sizesOf(sizes), folder),
  }
}
