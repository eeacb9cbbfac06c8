import { utf8 } from '../../core/bytes.ts'
import { KIND_COLUMN_BYTES_MAX, KIND_COLUMNS_MAX } from '../../core/limits.ts'
import { parsePath } from '../../core/path.ts'
import { fail, ok, type Fault, type Result } from '../../core/result.ts'
import type { KindView } from '../../storage/space-store.ts'
import { namesOfSchema } from '../../storage/sqlite/inspect.ts'
import { isSqlWord } from './sql-words.ts'

/** Where kinds are declared: the map at `kinds/<name>`, so that a capability for that path lets its holder declare. */
export const KINDS_PATH = 'kinds'
/** In front of the names of columns among the fields of a declaration. */
const COLUMN_PREFIX = 'column.'
const NAME = /^[a-z][a-z0-9_]{0,62}$/
/** Control and format characters, separators of lines: what would not show. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

/** Columns that every kind's view has of itself. */
const OWN_COLUMNS: readonly string[] = ['path', 'key']

/** What a column may hold; the view has NULL where a value is of another type, and everything has a text. */
export const COLUMN_TYPES = ['text', 'integer', 'real', 'json'] as const
export type ColumnType = (typeof COLUMN_TYPES)[number]

/** Why a kind cannot be called so; null where it can. */
export function flawOfKindName(name: string): string | null {
  if (!NAME.test(name))
    return `the name of a kind is 1 to 63 small letters, digits and underscores, beginning with a letter, not ${JSON.stringify(name.slice(0, 70))}`
  return namesOfSchema().has(name) || isSqlWord(name)
    ? `${name} is a name of SQL, or of a view or table that every space has: choose another`
    : null
}

/**
 * Reads a declaration, which may be a stranger's. Total. `fields`: those of the map, at most one more than a declaration may have.
 *
 * Conditions: the name is one that flawOfKindName lets pass; `path` is the path of an item, or the root, of visible characters;
 * every field `column.<name>` is one of COLUMN_TYPES, its name 1 to KIND_COLUMN_BYTES_MAX bytes of visible characters, not `path` or `key`, and no other
 * column's (`A` to `Z` being as `a` to `z`); at most KIND_COLUMNS_MAX columns. Other fields say nothing to us.
 */
export function readKind(
  name: string,
  fields: ReadonlyMap<string, unknown>,
): Result<KindView, Fault<'BAD_KIND'>> {
  const flaw = flawOfKindName(name)
  if (flaw !== null) return bad(flaw)
  const path = fields.get('path')
  if (typeof path !== 'string') return bad('its field path, where its items lie, is no text')
  if (!parsePath(path).ok || INVISIBLE.test(path)) return bad(`${JSON.stringify(path)} is no path for it`)
  const columns: { readonly name: string; readonly type: ColumnType }[] = []
  const seen = new Set(OWN_COLUMNS)
  for (const [field, type] of fields) {
    if (!field.startsWith(COLUMN_PREFIX)) continue
    const column = field.slice(COLUMN_PREFIX.length)
    if (columns.length === KIND_COLUMNS_MAX) return bad(`it has more than ${KIND_COLUMNS_MAX} columns`)
    if (column === '' || utf8(column).length > KIND_COLUMN_BYTES_MAX || INVISIBLE.test(column))
      return bad(
        `the name of its column ${JSON.stringify(column.slice(0, 70))} has not 1 to ${KIND_COLUMN_BYTES_MAX} bytes of visible characters`,
      )
    const folded = column.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
    if (seen.has(folded)) return bad(`it has two columns ${JSON.stringify(folded)}`)
    seen.add(folded)
    if (!isColumnType(type))
      return bad(`its column ${JSON.stringify(column)} is none of ${COLUMN_TYPES.join(', ')}`)
    columns.push({ name: column, type })
  }
  return ok({ name, path, columns })
}

/** The fields that declare a kind. */
export function fieldsOfKind({ path, columns }: KindView): Readonly<Record<string, string>> {
  return Object.fromEntries([
    ['path', path],
    ...columns.map(({ name, type }) => [`${COLUMN_PREFIX}${name}`, type] as const),
  ])
}

export function isColumnType(type: unknown): type is ColumnType {
  return (COLUMN_TYPES as readonly unknown[]).includes(type)
}

const bad = (why: string) => fail('BAD_KIND', why)
