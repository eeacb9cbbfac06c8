/**
 * The tables of a space's file (docs/architecture.md, storage). A change of any text here needs a new SCHEMA_VERSION and a
 * migration: an opened file must have exactly these tables.
 */

/** `PRAGMA application_id` of a space's file: "Hans". */
export const SPACE_APPLICATION_ID = 0x48616e73
/** `PRAGMA application_id` of the node's own file: "HanN". */
export const NODE_APPLICATION_ID = 0x48616e4e
/** `PRAGMA user_version`: the version of the tables below. */
export const SCHEMA_VERSION = 3

/** Which space this is. One row, written when the file is made and never again. */
const SPACE = `
CREATE TABLE space (id BLOB NOT NULL, key BLOB NOT NULL) STRICT;`

/**
 * Operations in log order, so that adding one appends to the table. What repeats from row to row (authors, delegation chains)
 * is a small number. The header holds most of it again: the columns are there so that reading an entry decodes nothing.
 */
const OPERATIONS = `
CREATE TABLE authors (author INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE) STRICT;
CREATE TABLE chains (chain INTEGER PRIMARY KEY, caps BLOB NOT NULL UNIQUE) STRICT;
CREATE TABLE operations (
  ordinal INTEGER PRIMARY KEY,
  id BLOB NOT NULL,
  author INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  prev INTEGER,
  jump INTEGER NOT NULL,
  parents BLOB NOT NULL,
  lamport INTEGER NOT NULL,
  time INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  chain INTEGER NOT NULL,
  command TEXT NOT NULL,
  path TEXT NOT NULL,
  header BLOB NOT NULL,
  signature BLOB NOT NULL,
  body BLOB
) STRICT;
CREATE INDEX operations_without_body ON operations (ordinal) WHERE body IS NULL;
CREATE INDEX operations_by_prev ON operations (prev) WHERE prev IS NOT NULL;
CREATE INDEX operations_by_chain ON operations (chain);
CREATE INDEX operations_first ON operations (author) WHERE prev IS NULL;
CREATE INDEX operations_verdicts ON operations (ordinal) WHERE command IN ('/cap/revoke', '/cap/endorse');
CREATE TABLE masks (ordinal INTEGER PRIMARY KEY, severed INTEGER NOT NULL) STRICT;
CREATE TABLE heads (ordinal INTEGER PRIMARY KEY) STRICT;
CREATE TABLE frontier (ordinal INTEGER PRIMARY KEY) STRICT;`

/** Sealed ids, by their first eight bytes as a signed number. Operations from ordinal `sealed` on are not in it yet. */
const IDS = `
CREATE TABLE operation_ids (prefix INTEGER NOT NULL, ordinal INTEGER NOT NULL, PRIMARY KEY (prefix, ordinal)) STRICT, WITHOUT ROWID;
CREATE TABLE operation_ids_sealed (sealed INTEGER NOT NULL) STRICT;
INSERT INTO operation_ids_sealed VALUES (0);`

/** A cell without `operation` has no write yet, only removals or history. `json`: the value again, for SQL (src/core/value-json.ts). */
const CELLS = `
CREATE TABLE cells (
  cell INTEGER PRIMARY KEY,
  path TEXT NOT NULL,
  type TEXT NOT NULL,
  field TEXT NOT NULL,
  operation BLOB,
  change INTEGER,
  lamport INTEGER,
  time INTEGER,
  removed INTEGER,
  value BLOB,
  json TEXT,
  UNIQUE (path, type, field)
) STRICT;
CREATE TABLE removals (
  cell INTEGER NOT NULL, operation BLOB NOT NULL, change INTEGER NOT NULL, PRIMARY KEY (cell, operation, change)
) STRICT, WITHOUT ROWID;
CREATE TABLE history (
  cell INTEGER NOT NULL, ordinal INTEGER NOT NULL, change INTEGER NOT NULL, kind TEXT NOT NULL,
  PRIMARY KEY (cell, ordinal, change)
) STRICT, WITHOUT ROWID;
CREATE INDEX history_by_ordinal ON history (ordinal, cell);
CREATE TABLE siblings (
  cell INTEGER NOT NULL, ordinal INTEGER NOT NULL, change INTEGER NOT NULL, value BLOB NOT NULL, json TEXT NOT NULL,
  PRIMARY KEY (cell, ordinal, change)
) STRICT, WITHOUT ROWID;
CREATE TABLE turns (turn INTEGER PRIMARY KEY, at INTEGER NOT NULL, ordinal INTEGER NOT NULL, kind TEXT NOT NULL) STRICT;`

const REST = `
CREATE TABLE tokens (token INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, bytes BLOB NOT NULL) STRICT;
CREATE TABLE token_publishers (
  token INTEGER NOT NULL, ordinal INTEGER NOT NULL, PRIMARY KEY (token, ordinal)
) STRICT, WITHOUT ROWID;
CREATE TABLE forks (author BLOB PRIMARY KEY, seq INTEGER NOT NULL, prev BLOB, low BLOB NOT NULL, high BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE refusals (
  refusal INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, code TEXT NOT NULL, detail TEXT NOT NULL, peer TEXT NOT NULL,
  time INTEGER NOT NULL
) STRICT;
CREATE TABLE refusal_counts (code TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE notes (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;`

/** For people with any SQLite client: ids and keys in hexadecimal, times as text. Values are canonical DAG-CBOR, in hexadecimal. */
const VIEWS = `
CREATE VIEW v_operations AS
  SELECT o.ordinal, lower(hex(o.id)) AS id, lower(hex(a.key)) AS author, o.seq, o.lamport,
    strftime('%Y-%m-%dT%H:%M:%fZ', o.time / 1000.0, 'unixepoch') AS time, o.epoch, o.command, o.path,
    length(o.body) AS body_bytes, o.body IS NULL AS body_absent, m.ordinal IS NOT NULL AS masked
  FROM operations o JOIN authors a ON a.author = o.author LEFT JOIN masks m ON m.ordinal = o.ordinal;
CREATE VIEW v_items AS
  SELECT c.path, c.type, c.field, lower(hex(c.value)) AS value, lower(hex(c.operation)) AS operation, c.change,
    strftime('%Y-%m-%dT%H:%M:%fZ', c.time / 1000.0, 'unixepoch') AS time
  FROM cells c WHERE c.operation IS NOT NULL AND c.removed = 0;
CREATE VIEW v_heads AS
  SELECT lower(hex(a.key)) AS author, o.seq, lower(hex(o.id)) AS id
  FROM heads h JOIN operations o ON o.ordinal = h.ordinal JOIN authors a ON a.author = o.author;
CREATE VIEW v_refusals AS
  SELECT lower(hex(id)) AS id, code, detail, peer, strftime('%Y-%m-%dT%H:%M:%fZ', time / 1000.0, 'unixepoch') AS time FROM refusals;`

/** Makes every table, index and view. */
export const SCHEMA = [SPACE, OPERATIONS, IDS, CELLS, REST, VIEWS].join('\n')
