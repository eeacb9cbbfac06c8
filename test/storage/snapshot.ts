import { equalBytes, toHex } from '../../src/core/bytes.ts'
import type { CellKey } from '../../src/core/types/cell.ts'
import type { Entry } from '../../src/core/graph.ts'
import type { CellRow, SpaceStore } from '../../src/storage/space-store.ts'

/** What a snapshot asks about, besides what the store can list. */
export interface SnapshotQuestions {
  readonly keys: readonly CellKey[]
  readonly paths: readonly string[]
  readonly ids: readonly Uint8Array[]
  readonly notes: readonly string[]
  readonly authors: readonly Uint8Array[]
}

/** Every answer a store gives, as plain values: equal snapshots mean that nobody can tell the stores apart. */
export function snapshotOf(store: SpaceStore, questions: SnapshotQuestions) {
  const ordinals = Array.from({ length: store.count() }, (_, ordinal) => ordinal)
  const entries = ordinals.map((ordinal) => store.at(ordinal))
  return {
    count: store.count(),
    entries,
    found: entries.map((entry) => store.find(entry.id)?.ordinal),
    unknown: questions.ids.map((id) => store.find(id)?.ordinal),
    operations: ordinals.map((ordinal) => store.operation(ordinal)),
    paged: [0, 1, 3].map((from) => store.entriesFrom(from, 4)),
    authors: [...store.authors()]
      .map(({ author, heads }) => ({ author: toHex(author), heads, again: store.heads(author) }))
      .sort((a, b) => (a.author < b.author ? -1 : 1)),
    frontier: store.frontier(),
    absent: store.absentBodies(1_000),
    absentCount: store.absentBodyCount(),
    masks: ordinals.map((ordinal) => store.mask(ordinal)),
    masked: [...store.masked()].sort((a, b) => a - b),
    verdicts: store.verdicts(),
    using: questions.ids.map((id) => [...store.using(id)]),
    firstAfter: questions.authors.map((author) => [
      store.firstAfter(author, null),
      ...entries.map((entry) => (isBy(entry, author) ? store.firstAfter(author, entry.ordinal) : undefined)),
    ]),
    fork: questions.authors.map((author) => store.fork(author)),
    tokens: [...store.tokens()].sort((a, b) =>
      toHex(a.delegation.digest) < toHex(b.delegation.digest) ? -1 : 1,
    ),
    cells: questions.keys.map((key) => store.cell(key)),
    histories: questions.keys.map((key) => store.history(key)),
    removed: questions.keys.map((key) => questions.ids.map((id) => store.isRemoved(key, { id, index: 0 }))),
    removals: questions.keys.map((key) =>
      store
        .removals(key)
        .map(({ id, index }) => `${toHex(id)}/${index}`)
        .sort(),
    ),
    cellKeys: keysOf(store, 2),
    cellsAt: questions.paths.map((path) => store.cellsAt(path)),
    pages: questions.paths.map((path) => pagesOf(store, path, 2)),
    changed: questions.paths.map((path) => store.changedBelow(path, store.count(), 1_000)),
    changedEarly: questions.paths.map((path) => store.changedBelow(path, 3, 2)),
    siblings: questions.keys.map((key) => store.siblings(key)),
    contested: [null, ...questions.keys].map((after) => store.contested(after, 2)),
    textEdits: questions.paths.map((path) => store.textEdits(path)),
    waitingTexts: store.waitingTexts(),
    absentAt: [['docs', 'docs/a'], ['']].map((paths) => [...store.absentAt(paths)].sort((a, b) => a - b)),
    turns: [0, 1, 2].map((from) => store.turns(from, 3)),
    isWholeFrontier: ordinals.map((ordinal) => store.isWholeFrontier(ordinal)),
    forks: store.forks(),
    refusals: questions.ids.map((id) => store.refusal(id)),
    refusalCounts: Object.fromEntries(store.refusalCounts()),
    notes: questions.notes.map((name) => store.note(name)),
  }
}

/** All pages of a listing, one after the other. */
export function pagesOf(store: SpaceStore, prefix: string, limit: number): readonly CellRow[] {
  const rows: CellRow[] = []
  for (let page = store.cells({ prefix, limit }); page.length > 0; ) {
    if (page.length > limit) throw new Error(`a page of ${page.length} rows, at most ${limit} were asked for`)
    rows.push(...page)
    const after = page.at(-1)?.key
    if (after === undefined) break
    page = store.cells({ prefix, after, limit })
  }
  return rows
}

/** The keys of all cells, read in pages of that size. */
export function keysOf(store: SpaceStore, limit: number): readonly CellKey[] {
  const keys: CellKey[] = []
  for (let page = store.cellKeys(null, limit); page.length > 0; ) {
    if (page.length > limit) throw new Error(`a page of ${page.length} keys, at most ${limit} were asked for`)
    keys.push(...page)
    page = store.cellKeys(keys.at(-1) ?? null, limit)
  }
  return keys
}

const isBy = (entry: Entry, author: Uint8Array): boolean => equalBytes(entry.author, author)
