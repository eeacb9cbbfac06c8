import { textOfCell } from './text-pieces.ts'

/**
 * What users read with SQL (docs/queries.md has every column, test/docs/queries.test.ts compares). Only functions that SQLite itself
 * has, so that any client can read them. Ids and keys are in hexadecimal, authors `did:key`, times text in UTC and beside it ms
 * since 1970. `json` is a value as DAG-JSON; `value` the same as SQL has it: text, number, NULL, 1 and 0 for true and false, and
 * the JSON text of what is none of these.
 */

const iso = (ms: string): string => `strftime('%Y-%m-%dT%H:%M:%fZ', ${ms} / 1000.0, 'unixepoch')`

const VISIBLE = 'c.operation IS NOT NULL AND c.removed = 0'

/**
 * Author of the write that a cell shows. A cell names its operation by id, on which there is no index that SQL can use; its
 * history names few, the latest of which is mostly the one.
 */
const AUTHOR = `(
    SELECT a.did FROM history h CROSS JOIN operation_log o ON o.ordinal = h.ordinal JOIN author_keys a ON a.author = o.author
    WHERE h.cell = c.cell AND o.id = c.operation ORDER BY h.ordinal DESC LIMIT 1)`

/** Who wrote what a cell shows, and when: the last columns of every view of cells. */
const WRITER = `${AUTHOR} AS author, lower(hex(c.operation)) AS operation, ${iso('c.time')} AS time, c.time AS time_ms`

/** A text stands in pieces, every other value in its cell. */
const JSON_VALUE = `CASE c.type WHEN 'text' THEN json_quote(${textOfCell('c.cell')}) ELSE c.json END`
const SQL_VALUE = `CASE c.type WHEN 'text' THEN ${textOfCell('c.cell')} ELSE c.json ->> '$' END`

const VALUE = `c.json ->> '$' AS value, c.json`

const viewOfType = (name: string, type: string, columns: string): string => `
CREATE VIEW ${name} AS
  SELECT c.path, ${columns}, ${WRITER}
  FROM cells c WHERE c.type = '${type}' AND ${VISIBLE};`

/** An item in one value, as `space.get` gives it. */
const ITEMS = `
CREATE VIEW items AS
  SELECT c.path, c.type, CASE c.type
      WHEN 'map' THEN json_group_object(c.field, json(c.json) ORDER BY c.field) FILTER (WHERE c.type = 'map')
      WHEN 'edge' THEN json_group_array(json_object('label', substr(c.field, 1, instr(c.field, '/') - 1),
        'to', substr(c.field, instr(c.field, '/') + 1), 'value', json(c.json)) ORDER BY c.field) FILTER (WHERE c.type = 'edge')
      WHEN 'log' THEN json_group_array(json_object('id', lower(hex(c.operation)), 'index', c.change, 'author', ${AUTHOR},
        'time', c.time, 'value', json(c.json)) ORDER BY c.field) FILTER (WHERE c.type = 'log')
      WHEN 'set' THEN json_group_array(c.field ORDER BY c.field) FILTER (WHERE c.type = 'set')
      WHEN 'claim' THEN max(json_object('value', json(c.json), 'author', ${AUTHOR}, 'operation', lower(hex(c.operation)),
        'final', json('false'))) FILTER (WHERE c.type = 'claim')
      ELSE max(${JSON_VALUE})
    END AS value, ${iso('max(c.time)')} AS time, max(c.time) AS time_ms
  FROM cells c WHERE ${VISIBLE} GROUP BY c.path, c.type;`

const CELL_VIEWS = `
CREATE VIEW fields AS
  SELECT c.path, c.type, c.field, ${SQL_VALUE} AS value, ${JSON_VALUE} AS json, ${WRITER}, c.change
  FROM cells c WHERE ${VISIBLE};
CREATE VIEW edges AS
  SELECT c.path AS source, substr(c.field, 1, instr(c.field, '/') - 1) AS label,
    substr(c.field, instr(c.field, '/') + 1) AS target, ${VALUE}, ${WRITER}
  FROM cells c WHERE c.type = 'edge' AND ${VISIBLE};`

/** A blob's reference is canonical DAG-CBOR whose first key is the hash: 32 bytes from the ninth on. */
const BLOB_COLUMNS = `lower(hex(substr(c.value, 9, 32))) AS hash, c.json ->> '$.size' AS size,
    c.json ->> '$.mediaType' AS media_type, c.json ->> '$.name' AS name`

/** True while the body of an operation is absent that may have changed the text, and counts. */
const INCOMPLETE = `EXISTS (SELECT 1 FROM operation_log w WHERE w.body IS NULL
      AND (w.path = c.path OR w.path = '' OR substr(c.path, 1, length(w.path) + 1) = w.path || '/')
      AND NOT EXISTS (SELECT 1 FROM masks m WHERE m.ordinal = w.ordinal AND m.severed = 1))`

const LOG_VIEWS = `
CREATE VIEW operations AS
  SELECT o.ordinal, lower(hex(o.id)) AS id, a.did AS author, o.seq, o.lamport, ${iso('o.time')} AS time, o.time AS time_ms,
    o.epoch, o.command, o.path, length(o.body) AS body_bytes, o.body IS NULL AS body_absent, m.ordinal IS NOT NULL AS masked
  FROM operation_log o JOIN author_keys a ON a.author = o.author LEFT JOIN masks m ON m.ordinal = o.ordinal;
CREATE VIEW heads AS
  SELECT a.did AS author, o.seq, lower(hex(o.id)) AS operation
  FROM log_heads h JOIN operation_log o ON o.ordinal = h.ordinal JOIN author_keys a ON a.author = o.author;
CREATE VIEW authors AS
  SELECT a.did AS author, lower(hex(a.key)) AS key,
    CASE WHEN f.author IS NULL THEN max(o.seq) + 1
      ELSE (SELECT count(*) FROM operation_log p WHERE p.author = a.author) END AS operations,
    count(*) AS heads, max(o.seq) AS last_seq, ${iso('max(o.time)')} AS last_time,
    f.author IS NOT NULL AS forked
  FROM log_heads h JOIN operation_log o ON o.ordinal = h.ordinal JOIN author_keys a ON a.author = o.author
    LEFT JOIN forks f ON f.author = a.key
  GROUP BY a.author;
CREATE VIEW delegations AS
  SELECT lower(hex(t.digest)) AS digest, t.issuer, t.audience, t.subject, t.command, t.policy,
    ${iso('t.not_before * 1000')} AS not_before, ${iso('t.expires * 1000')} AS expires,
    lower(hex(o.id)) AS published_by, ${iso('o.time')} AS published
  FROM tokens t JOIN operation_log o
    ON o.ordinal = (SELECT min(p.ordinal) FROM token_publishers p WHERE p.token = t.token);
CREATE VIEW conflicts AS
  SELECT c.path, c.type, c.field,
    CASE c.removed WHEN 0 THEN c.json ->> '$' END AS winning_value, CASE c.removed WHEN 0 THEN c.json END AS winning_json,
    lower(hex(c.operation)) AS winning_operation, ${AUTHOR} AS winning_author, ${iso('c.time')} AS winning_time,
    s.json ->> '$' AS losing_value, s.json AS losing_json, lower(hex(p.id)) AS losing_operation, b.did AS losing_author,
    ${iso('p.time')} AS losing_time
  FROM siblings s JOIN cells c ON c.cell = s.cell JOIN operation_log p ON p.ordinal = s.ordinal
    JOIN author_keys b ON b.author = p.author;
CREATE VIEW refusals AS
  SELECT lower(hex(id)) AS id, code, detail, peer, ${iso('time')} AS time, time AS time_ms FROM refused;`

/** Makes every view. */
export const VIEWS = [
  ITEMS,
  CELL_VIEWS,
  viewOfType('events', 'log', `${VALUE}, c.change, c.field AS place`),
  viewOfType('tags', 'set', 'c.field AS tag'),
  viewOfType('counters', 'counter', `c.json ->> '$' AS value`),
  viewOfType('texts', 'text', `${textOfCell('c.cell')} AS value, ${INCOMPLETE} AS incomplete`),
  viewOfType('blobs', 'blob', BLOB_COLUMNS),
  viewOfType('claims', 'claim', `${VALUE}, 0 AS final`),
  LOG_VIEWS,
].join('')
