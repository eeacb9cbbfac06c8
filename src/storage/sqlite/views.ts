import { textOfCell } from './text-pieces.ts'

/**
 * What users read with SQL (docs/queries.md has every column, test/docs/queries.test.ts compares). Only functions that SQLite itself
 * has, so that any client can read them. Ids and keys are in hexadecimal, authors `did:key`, times text in UTC and beside it ms
 * since 1970. `json` is a value as DAG-JSON; `value` the same as SQL has it: text, number, NULL, 1 and 0 for true and false, and
 * the JSON text of what is none of these.
 */

/** What the views read, by whatever names SQL finds it. */
export interface ViewTables {
  /** Cells of which there are rows. */
  readonly cells: string
  /** Operations of which there are rows. */
  readonly operations: string
  /** Where everything else lies: empty, or a schema with a dot. */
  readonly schema: string
}

const OWN_TABLES: ViewTables = { cells: 'cells', operations: 'operation_log', schema: '' }

const iso = (ms: string): string => `strftime('%Y-%m-%dT%H:%M:%fZ', ${ms} / 1000.0, 'unixepoch')`

const VISIBLE = 'c.operation IS NOT NULL AND c.removed = 0'

/**
 * Author of the write that a cell shows. A cell names its operation by id, on which there is no index that SQL can use; its
 * history names few, the latest of which is mostly the one.
 */
const authorOf = ({ schema }: ViewTables): string => `(
    SELECT a.did FROM ${schema}history h CROSS JOIN ${schema}operation_log o ON o.ordinal = h.ordinal JOIN ${schema}author_keys a ON a.author = o.author
    WHERE h.cell = c.cell AND o.id = c.operation ORDER BY h.ordinal DESC LIMIT 1)`

/** Who wrote what a cell shows, and when: the last columns of every view of cells. */
const writer = (tables: ViewTables): string =>
  `${authorOf(tables)} AS author, lower(hex(c.operation)) AS operation, ${iso('c.time')} AS time, c.time AS time_ms`

/** A text stands in pieces, every other value in its cell. */
const jsonValue = ({ schema }: ViewTables): string =>
  `CASE c.type WHEN 'text' THEN json_quote(${textOfCell('c.cell', schema)}) ELSE c.json END`
const sqlValue = ({ schema }: ViewTables): string =>
  `CASE c.type WHEN 'text' THEN ${textOfCell('c.cell', schema)} ELSE c.json ->> '$' END`

const VALUE = `c.json ->> '$' AS value, c.json`

const viewOfType = (tables: ViewTables, name: string, type: string, columns: string): View => [
  name,
  `
  SELECT c.path, ${columns}, ${writer(tables)}
  FROM ${tables.cells} c WHERE c.type = '${type}' AND ${VISIBLE}`,
]

/** An item in one value, as `space.get` gives it. */
const items = (tables: ViewTables): string => `
  SELECT c.path, c.type, CASE c.type
      WHEN 'map' THEN json_group_object(c.field, json(c.json) ORDER BY c.field) FILTER (WHERE c.type = 'map')
      WHEN 'edge' THEN json_group_array(json_object('label', substr(c.field, 1, instr(c.field, '/') - 1),
        'to', substr(c.field, instr(c.field, '/') + 1), 'value', json(c.json)) ORDER BY c.field) FILTER (WHERE c.type = 'edge')
      WHEN 'log' THEN json_group_array(json_object('id', lower(hex(c.operation)), 'index', c.change, 'author', ${authorOf(tables)},
        'time', c.time, 'value', json(c.json)) ORDER BY c.field) FILTER (WHERE c.type = 'log')
      WHEN 'set' THEN json_group_array(c.field ORDER BY c.field) FILTER (WHERE c.type = 'set')
      WHEN 'claim' THEN max(json_object('value', json(c.json), 'author', ${authorOf(tables)}, 'operation', lower(hex(c.operation)),
        'final', json('false'))) FILTER (WHERE c.type = 'claim')
      ELSE max(${jsonValue(tables)})
    END AS value, ${iso('max(c.time)')} AS time, max(c.time) AS time_ms
  FROM ${tables.cells} c WHERE ${VISIBLE} GROUP BY c.path, c.type`

const fields = (tables: ViewTables): string => `
  SELECT c.path, c.type, c.field, ${sqlValue(tables)} AS value, ${jsonValue(tables)} AS json, ${writer(tables)}, c.change
  FROM ${tables.cells} c WHERE ${VISIBLE}`

const edges = (tables: ViewTables): string => `
  SELECT c.path AS source, substr(c.field, 1, instr(c.field, '/') - 1) AS label,
    substr(c.field, instr(c.field, '/') + 1) AS target, ${VALUE}, ${writer(tables)}
  FROM ${tables.cells} c WHERE c.type = 'edge' AND ${VISIBLE}`

/** A blob's reference is canonical DAG-CBOR whose first key is the hash: 32 bytes from the ninth on. */
const BLOB_COLUMNS = `lower(hex(substr(c.value, 9, 32))) AS hash, c.json ->> '$.size' AS size,
    c.json ->> '$.mediaType' AS media_type, c.json ->> '$.name' AS name`

/** True while the body of an operation is absent that may have changed the text, and counts. */
const incomplete = ({
  schema,
}: ViewTables): string => `EXISTS (SELECT 1 FROM ${schema}operation_log w WHERE w.body IS NULL
      AND (w.path = c.path OR w.path = '' OR substr(c.path, 1, length(w.path) + 1) = w.path || '/')
      AND NOT EXISTS (SELECT 1 FROM ${schema}masks m WHERE m.ordinal = w.ordinal AND m.severed = 1))`

const operations = ({ operations: log, schema }: ViewTables): string => `
  SELECT o.ordinal, lower(hex(o.id)) AS id, a.did AS author, o.seq, o.lamport, ${iso('o.time')} AS time, o.time AS time_ms,
    o.epoch, o.command, o.path, length(o.body) AS body_bytes, o.body IS NULL AS body_absent, m.ordinal IS NOT NULL AS masked
  FROM ${log} o JOIN ${schema}author_keys a ON a.author = o.author LEFT JOIN ${schema}masks m ON m.ordinal = o.ordinal`

/** Ordinals of the heads: those that are written, and the operations above the mark (log-ends.ts), without what these follow. */
const endsOfLogs = (schema: string): string => {
  const tail = `${schema}operation_log WHERE ordinal >= (SELECT ordinal FROM ${schema}log_ends_upto)`
  return `(
    SELECT ordinal FROM (SELECT ordinal FROM ${schema}log_heads UNION ALL SELECT ordinal FROM ${tail})
    WHERE ordinal NOT IN (SELECT prev FROM ${tail} AND prev IS NOT NULL))`
}

const heads = ({ operations: log, schema }: ViewTables): string => `
  SELECT a.did AS author, o.seq, lower(hex(o.id)) AS operation
  FROM ${endsOfLogs(schema)} h JOIN ${log} o ON o.ordinal = h.ordinal JOIN ${schema}author_keys a ON a.author = o.author`

const AUTHORS = `
  SELECT a.did AS author, lower(hex(a.key)) AS key,
    CASE WHEN f.author IS NULL THEN max(o.seq) + 1
      ELSE (SELECT count(*) FROM operation_log p WHERE p.author = a.author) END AS operations,
    count(*) AS heads, max(o.seq) AS last_seq, ${iso('max(o.time)')} AS last_time,
    f.author IS NOT NULL AS forked
  FROM ${endsOfLogs('')} h JOIN operation_log o ON o.ordinal = h.ordinal JOIN author_keys a ON a.author = o.author
    LEFT JOIN forks f ON f.author = a.key
  GROUP BY a.author`

/** As far as their operations have rows. */
const authorsWithin = ({ operations: log, schema }: ViewTables): string => `
  SELECT a.did AS author, lower(hex(a.key)) AS key, count(*) AS operations, count(h.ordinal) AS heads, max(o.seq) AS last_seq,
    ${iso('max(o.time)')} AS last_time, f.author IS NOT NULL AS forked
  FROM ${log} o JOIN ${schema}author_keys a ON a.author = o.author LEFT JOIN ${endsOfLogs(schema)} h ON h.ordinal = o.ordinal
    LEFT JOIN ${schema}forks f ON f.author = a.key
  GROUP BY o.author`

const DELEGATIONS = `
  SELECT lower(hex(t.digest)) AS digest, t.issuer, t.audience, t.subject, t.command, t.policy,
    ${iso('t.not_before * 1000')} AS not_before, ${iso('t.expires * 1000')} AS expires,
    lower(hex(o.id)) AS published_by, ${iso('o.time')} AS published
  FROM tokens t JOIN operation_log o
    ON o.ordinal = (SELECT min(p.ordinal) FROM token_publishers p WHERE p.token = t.token)`

const conflicts = (tables: ViewTables): string => `
  SELECT c.path, c.type, c.field,
    CASE c.removed WHEN 0 THEN c.json ->> '$' END AS winning_value, CASE c.removed WHEN 0 THEN c.json END AS winning_json,
    lower(hex(c.operation)) AS winning_operation, ${authorOf(tables)} AS winning_author, ${iso('c.time')} AS winning_time,
    s.json ->> '$' AS losing_value, s.json AS losing_json, lower(hex(p.id)) AS losing_operation, b.did AS losing_author,
    ${iso('p.time')} AS losing_time
  FROM ${tables.schema}siblings s JOIN ${tables.cells} c ON c.cell = s.cell JOIN ${tables.schema}operation_log p ON p.ordinal = s.ordinal
    JOIN ${tables.schema}author_keys b ON b.author = p.author`

const REFUSALS = `
  SELECT lower(hex(id)) AS id, code, detail, peer, ${iso('time')} AS time, time AS time_ms FROM refused`

type View = readonly [name: string, select: string]

/** The views whose rows are cells. */
const viewsOfCells = (tables: ViewTables): readonly View[] => [
  ['items', items(tables)],
  ['fields', fields(tables)],
  ['edges', edges(tables)],
  viewOfType(tables, 'events', 'log', `${VALUE}, c.change, c.field AS place`),
  viewOfType(tables, 'tags', 'set', 'c.field AS tag'),
  viewOfType(tables, 'counters', 'counter', `c.json ->> '$' AS value`),
  viewOfType(
    tables,
    'texts',
    'text',
    `${textOfCell('c.cell', tables.schema)} AS value, ${incomplete(tables)} AS incomplete`,
  ),
  viewOfType(tables, 'blobs', 'blob', BLOB_COLUMNS),
  viewOfType(tables, 'claims', 'claim', `${VALUE}, 0 AS final`),
]

/**
 * The views of whoever does not read everything, by name: of cells and operations in these tables, and of nothing else. What has no path
 * (refusals) or speaks of others (delegations) has no rows; its columns are there, so that queries for everybody work.
 */
export function viewsWithin(tables: ViewTables): ReadonlyMap<string, string> {
  const nothing = (columns: readonly string[]): string =>
    ` SELECT ${columns.map((column) => `NULL AS ${column}`).join(', ')} WHERE 0`
  return new Map([
    ...viewsOfCells(tables),
    ['operations', operations(tables)],
    ['heads', heads(tables)],
    ['authors', authorsWithin(tables)],
    [
      'delegations',
      nothing(
        'digest issuer audience subject command policy not_before expires published_by published'.split(' '),
      ),
    ],
    ['conflicts', conflicts(tables)],
    ['refusals', nothing('id code detail peer time time_ms'.split(' '))],
  ])
}

/** Makes every view. */
export const VIEWS = [
  ...viewsOfCells(OWN_TABLES),
  ['operations', operations(OWN_TABLES)] as const,
  ['heads', heads(OWN_TABLES)] as const,
  ['authors', AUTHORS] as const,
  ['delegations', DELEGATIONS] as const,
  ['conflicts', conflicts(OWN_TABLES)] as const,
  ['refusals', REFUSALS] as const,
]
  .map(([name, select]) => `\nCREATE VIEW ${name} AS${select};`)
  .join('')
