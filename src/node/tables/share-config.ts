import { decodeCanonical, encodeCanonical } from '../../core/canonical-cbor.ts'

/** Whose values stand where table and space have different ones when sharing begins. */
export type Preference = 'space' | 'local'

/** What this node knows of a table it shares. Kept with the space, not in the user's database: that may be moved, or put back from a backup. */
export interface ShareConfig {
  /** Random, hexadecimal; stands in the database too, so that nobody else shares the same table. */
  readonly id: string
  /** Absolute. */
  readonly file: string
  readonly table: string
  readonly prefix: string
  /** Columns besides the primary key; null for all, those that are added later too. */
  readonly columns: readonly string[] | null
  readonly prefer: Preference
}

/** Canonical DAG-CBOR of a list of `[id, file, table, prefix, columns, prefer]`. */
export function encodeShareConfigs(configs: readonly ShareConfig[]): Uint8Array {
  return encodeCanonical(
    configs.map(({ id, file, table, prefix, columns, prefer }) => [id, file, table, prefix, columns, prefer]),
  )
}

/** Reads {@link encodeShareConfigs}, without what is not of that form. Total. */
export function decodeShareConfigs(note: Uint8Array | undefined): readonly ShareConfig[] {
  const decoded = note === undefined ? null : decodeCanonical(note)
  if (decoded?.ok !== true || !Array.isArray(decoded.value)) return []
  return decoded.value.flatMap((entry: unknown): readonly ShareConfig[] => {
    if (!Array.isArray(entry) || entry.length !== 6) return []
    const [id, file, table, prefix, columns, prefer] = entry as unknown[]
    const areTexts = [id, file, table, prefix].every((part) => typeof part === 'string')
    if (!areTexts || (columns !== null && !isTexts(columns)) || (prefer !== 'space' && prefer !== 'local'))
      return []
    return [
      {
        id: id as string,
        file: file as string,
        table: table as string,
        prefix: prefix as string,
        columns,
        prefer,
      },
    ]
  })
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')
