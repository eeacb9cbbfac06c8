/** `PRAGMA application_id` of the node's blobs: "HanB". */
export const BLOBS_APPLICATION_ID = 0x48616e42

/**
 * The tables of a node's blobs. A piece's hash says its level and span too, so a piece has no other columns. Names of spaces and what they
 * want are few; references are as many as there are blob items.
 */
export const BLOB_SCHEMA = `
CREATE TABLE pieces (piece INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, bytes BLOB NOT NULL) STRICT;
CREATE TABLE usage (pieces INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
INSERT INTO usage VALUES (0, 0);
CREATE TABLE complete (hash BLOB PRIMARY KEY, size INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE spaces (space INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, mark BLOB) STRICT;
CREATE TABLE blob_references (
  space INTEGER NOT NULL, path TEXT NOT NULL, hash BLOB NOT NULL, size INTEGER NOT NULL, PRIMARY KEY (space, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_references_by_hash ON blob_references (space, hash, size, path);
CREATE TABLE wants (
  space INTEGER NOT NULL, hash BLOB NOT NULL, size INTEGER NOT NULL, since INTEGER NOT NULL, asked INTEGER NOT NULL,
  PRIMARY KEY (space, hash, size)
) STRICT, WITHOUT ROWID;
CREATE INDEX wants_in_turn ON wants (asked DESC, since);`
