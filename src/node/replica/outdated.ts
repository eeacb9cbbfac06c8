import { decodeCanonical, encodeCanonical } from '../../core/canonical-cbor.ts'
import { OUTDATED_KINDS_MAX } from '../../core/limits.ts'
import type { SpaceStore, SpaceWriter } from '../../storage/space-store.ts'

/** The note under which changes of unknown type or version are counted. */
export const OUTDATED_NOTE = 'outdated'

/** Changes that this node admitted without understanding them: kept and passed on, without effect here. */
export interface OutdatedKind {
  /** Empty for all kinds beyond the first OUTDATED_KINDS_MAX together; no change has an empty type. */
  readonly type: string
  /** 0 for those beyond. */
  readonly version: number
  readonly changes: number
}

const BEYOND = { type: '', version: 0 } as const

/**
 * Counts the outdated changes of one body, within the transaction that takes it up, so that each is counted once and the
 * count survives restarts. Strangers choose types, so only the first OUTDATED_KINDS_MAX are told apart.
 */
export function countOutdated(
  changes: readonly { readonly type: string; readonly version: number }[],
  store: SpaceStore,
  writer: SpaceWriter,
): void {
  if (changes.length === 0) return
  const kinds = new Map(readOutdated(store.note(OUTDATED_NOTE)).map((kind) => [nameOf(kind), kind]))
  for (const change of changes) {
    const kind = kinds.has(nameOf(change)) || kinds.size < OUTDATED_KINDS_MAX ? change : BEYOND
    const { type, version } = kind
    kinds.set(nameOf(kind), { type, version, changes: (kinds.get(nameOf(kind))?.changes ?? 0) + 1 })
  }
  const list = Array.from(kinds.values(), ({ type, version, changes: count }) => [type, version, count])
  writer.putNote(OUTDATED_NOTE, encodeCanonical(list))
}

/** The kinds in a note, `[[type, version, changes], …]` in the order of their first coming; none where it is damaged. Total. */
export function readOutdated(note: Uint8Array | undefined): readonly OutdatedKind[] {
  const decoded = note === undefined ? null : decodeCanonical(note)
  const list = decoded?.ok === true && Array.isArray(decoded.value) ? (decoded.value as unknown[]) : []
  return list.filter(isKind).map(([type, version, changes]) => ({ type, version, changes }))
}

/** One name for a type and version. */
export const nameOf = ({ type, version }: Pick<OutdatedKind, 'type' | 'version'>): string =>
  `${version} ${type}`

function isKind(value: unknown): value is readonly [string, number, number] {
  if (!Array.isArray(value) || value.length !== 3) return false
  const [type, version, changes] = value as unknown[]
  return typeof type === 'string' && Number.isSafeInteger(version) && Number.isSafeInteger(changes)
}
