/**
 * Words that mean something to SQLite where a table is named: its keywords (sqlite.org/lang_keywords.html), its schemas, and the tables
 * that it has without anybody having made them. A view of such a name could not be asked for without quotes, or would hide what is meant.
 */
const WORDS: ReadonlySet<string> = new Set(
  `abort action add after all alter always analyze and as asc attach autoincrement before begin between by cascade case cast check
  collate column commit conflict constraint create cross current current_date current_time current_timestamp database default
  deferrable deferred delete desc detach distinct do drop each else end escape except exclude exclusive exists explain fail filter
  first following for foreign from full generated glob group groups having if ignore immediate in index indexed initially inner
  insert instead intersect into is isnull join key last left like limit match materialized natural no not nothing notnull null nulls
  of offset on or order others outer over partition plan pragma preceding primary query raise range recursive references regexp
  reindex release rename replace restrict returning right rollback row rows savepoint select set table temp temporary then ties to
  transaction trigger unbounded union unique update using vacuum values view virtual when where window with within without
  main search kinds words true false rowid oid bytecode tables_used dbstat completion generate_series carray stmt percentile`.split(
    /\s+/,
  ),
)

/** Names of tables that modules of SQLite take, by their beginnings. */
const PREFIXES = ['sqlite_', 'pragma_', 'json_', 'jsonb_', 'fts', 'rtree', 'geopoly', 'search_'] as const

/** True for a name, in small letters, that a kind must not have. */
export function isSqlWord(name: string): boolean {
  return WORDS.has(name) || PREFIXES.some((prefix) => name.startsWith(prefix))
}
