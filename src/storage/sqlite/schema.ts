import { VIEWS } from './views.ts'

/**
 * The tables of a space's file (docs/architecture.md, storage); what users read are the views over them (views.ts, docs/queries.md). A
 * change of any text here needs a new SCHEMA_VERSION and a migration: an opened file must have exactly these tables.
 */

/** `PRAGMA application_id` of a space's file: "Hans". */
export const SPACE_APPLICATION_ID = 0x48616e73
/** `PRAGMA application_id` of the node's own file: "HanN". */
export const NODE_APPLICATION_ID = 0x48616e4e
/** `PRAGMA user_version` of a space's file: the version of the tables below. */
export const SCHEMA_VERSION = 5
/** The same of the node's own file, and of its blobs. */
export const NODE_SCHEMA_VERSION = 4

/** Which space this is. One row, written when the file is made and never again. */
const SPACE = `
CREATE TABLE space (id BLOB NOT NULL, key BLOB NOT NULL) STRICT;`

/**
 * Operations in log order, so that adding one appends to the table. What repeats from row to row (authors, delegation chains)
 * is a small number. The header holds most of it again: the columns are there so that reading an entry decodes nothing.
 */
const OPERATIONS = `
CREATE TABLE author_keys (author INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, did TEXT NOT NULL) STRICT;
CREATE TABLE chains (chain INTEGER PRIMARY KEY, caps BLOB NOT NULL UNIQUE) STRICT;
CREATE TABLE operation_log (
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
CREATE INDEX operations_without_body ON operation_log (ordinal) WHERE body IS NULL;
CREATE INDEX operations_without_body_at ON operation_log (path) WHERE body IS NULL;
CREATE INDEX operations_first ON operation_log (author) WHERE prev IS NULL;
CREATE INDEX operations_verdicts ON operation_log (ordinal) WHERE command IN ('/cap/revoke', '/cap/endorse');
CREATE TABLE masks (ordinal INTEGER PRIMARY KEY, severed INTEGER NOT NULL) STRICT;`

/** Heads, frontier, and who follows whom, by the operations below the ordinal in `log_ends_upto` alone (log-ends.ts). */
const ENDS = `
CREATE TABLE log_heads (ordinal INTEGER PRIMARY KEY) STRICT;
CREATE TABLE frontier (ordinal INTEGER PRIMARY KEY) STRICT;
CREATE TABLE successors (prev INTEGER NOT NULL, ordinal INTEGER NOT NULL, PRIMARY KEY (prev, ordinal)) STRICT, WITHOUT ROWID;
CREATE TABLE log_ends_upto (ordinal INTEGER NOT NULL) STRICT;
INSERT INTO log_ends_upto VALUES (0);`

/**
 * Sealed ids, by their first eight bytes as a signed number, and by chain the ordinals of the operations that used it, packed. Operations
 * from ordinal `sealed` on are in neither yet.
 */
const IDS = `
CREATE TABLE operation_ids (prefix INTEGER NOT NULL, ordinal INTEGER NOT NULL, PRIMARY KEY (prefix, ordinal)) STRICT, WITHOUT ROWID;
CREATE TABLE operation_ids_sealed (sealed INTEGER NOT NULL) STRICT;
INSERT INTO operation_ids_sealed VALUES (0);
CREATE TABLE chain_uses (chain INTEGER NOT NULL, first INTEGER NOT NULL, ordinals BLOB NOT NULL, PRIMARY KEY (chain, first)) STRICT, WITHOUT ROWID;`

/**
 * The indexes are for the views over types that are few among all cells; a cell of another type costs them nothing.
 *
 * A cell without `operation` has no write yet, only removals or history. `json`: the value again, for SQL (src/core/value-json.ts). A text's
 * cell has neither `value` nor `json`: its value is in `text_pieces`.
 */
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
CREATE INDEX cells_by_target ON cells (substr(field, instr(field, '/') + 1)) WHERE type = 'edge';
CREATE INDEX cells_by_member ON cells (field) WHERE type = 'set';
CREATE INDEX cells_by_event_time ON cells (time) WHERE type = 'log';
CREATE INDEX cells_counters ON cells (path) WHERE type = 'counter';
CREATE INDEX cells_texts ON cells (path) WHERE type = 'text';
CREATE INDEX cells_blobs ON cells (path) WHERE type = 'blob';
CREATE INDEX cells_claims ON cells (path) WHERE type = 'claim';
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
CREATE TABLE text_pieces (cell INTEGER NOT NULL, piece INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (cell, piece)) STRICT, WITHOUT ROWID;
CREATE TABLE text_edits (
  cell INTEGER NOT NULL, ordinal INTEGER NOT NULL, change INTEGER NOT NULL, parents BLOB NOT NULL, waits INTEGER NOT NULL,
  payload BLOB NOT NULL, PRIMARY KEY (cell, ordinal, change)
) STRICT, WITHOUT ROWID;
CREATE INDEX text_edits_waiting ON text_edits (cell) WHERE waits = 1;
CREATE TABLE turns (turn INTEGER PRIMARY KEY, at INTEGER NOT NULL, ordinal INTEGER NOT NULL, kind TEXT NOT NULL) STRICT;`

/** What a token says stands in columns beside its bytes, for SQL. `kind_views`: the views that kind-views.ts has made. */
const REST = `
CREATE TABLE tokens (
  token INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, bytes BLOB NOT NULL, issuer TEXT NOT NULL, audience TEXT NOT NULL,
  subject TEXT, command TEXT NOT NULL, policy TEXT NOT NULL, not_before INTEGER, expires INTEGER
) STRICT;
CREATE TABLE token_publishers (
  token INTEGER NOT NULL, ordinal INTEGER NOT NULL, PRIMARY KEY (token, ordinal)
) STRICT, WITHOUT ROWID;
CREATE TABLE forks (author BLOB PRIMARY KEY, seq INTEGER NOT NULL, prev BLOB, low BLOB NOT NULL, high BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE refused (
  refusal INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, code TEXT NOT NULL, detail TEXT NOT NULL, peer TEXT NOT NULL,
  time INTEGER NOT NULL
) STRICT;
CREATE TABLE refusal_counts (code TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE kind_views (name TEXT PRIMARY KEY, sql TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE notes (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;`

/** Makes every table, index and view. */
export const SCHEMA = [SPACE, OPERATIONS, ENDS, IDS, CELLS, REST, VIEWS].join('\n')
