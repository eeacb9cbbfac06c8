import type { DatabaseSync } from 'node:sqlite'
import type { KeyValues } from './row-key.ts'
import type { Statements } from './statements.ts'
import { quoted, type TableSchema } from './table-schema.ts'

/** Row ids of marks, and the keys they name. */
export interface Mark {
  readonly id: number
  readonly values: KeyValues
}

/** Tables of ours that all shared tables of a database have in common. */
const COMMON = `
  CREATE TABLE IF NOT EXISTS _hanse_tables (
    number INTEGER PRIMARY KEY, share TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
    columns TEXT NOT NULL DEFAULT '', cursor TEXT NOT NULL DEFAULT '', outdated TEXT NOT NULL DEFAULT '[]');
  CREATE TABLE IF NOT EXISTS _hanse_rows (
    number INTEGER NOT NULL, key BLOB NOT NULL, state BLOB NOT NULL, PRIMARY KEY (number, key)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS _hanse_conflicts (
    number INTEGER NOT NULL, key BLOB NOT NULL, direction TEXT NOT NULL, code TEXT NOT NULL, detail TEXT NOT NULL,
    PRIMARY KEY (number, key)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS _hanse_applying (active INTEGER NOT NULL);`

/** True where Hanse has made its tables in a database. */
export function isPrepared(db: DatabaseSync): boolean {
  return db.prepare(`SELECT 1 FROM main.sqlite_schema WHERE name = '_hanse_tables'`).get() !== undefined
}

/** Makes the tables that all shares of a database need. */
export function prepareDatabase(db: DatabaseSync): void {
  db.exec(COMMON)
}

/** Takes everything of a share out of a database, and the common tables with the last one. The shared table stays as it is. */
export function removeCapture(db: DatabaseSync, number: number): void {
  for (const name of TRIGGERS) db.exec(`DROP TRIGGER IF EXISTS ${quoted(triggerName(number, name))}`)
  db.exec(`DROP TABLE IF EXISTS ${changesTable(number)}`)
  for (const table of ['_hanse_rows', '_hanse_conflicts', '_hanse_tables'])
    db.prepare(`DELETE FROM ${table} WHERE number = ?`).run(number)
  if (db.prepare('SELECT 1 FROM _hanse_tables').get() !== undefined) return
  for (const table of ['_hanse_tables', '_hanse_rows', '_hanse_conflicts', '_hanse_applying'])
    db.exec(`DROP TABLE ${table}`)
}

/**
 * How writes to a shared table are noticed, whoever makes them: triggers mark the keys of rows that may have changed, and nothing else; what has changed
 * is seen by comparing the row with what is remembered of it. So a mark too many does no harm, and the triggers are plain enough for SQLite 3.35
 * in a program that knows nothing of Hanse.
 *
 * Invariants:
 * 1. every row that a committed statement inserted, changed or deleted is marked, in the same transaction; its old key too where that changed;
 * 2. also the rows that a REPLACE takes away, for which SQLite fires no DELETE trigger: those that agree with the new row in a unique index
 *    are marked before it (not those of an index on expressions or on a part of the rows, see `hasOpaqueUnique`);
 * 3. no trigger can make the program's statement fail: marks have no constraint, so no conflict clause of the outer statement reaches them;
 * 4. a mark made while Hanse applies what others wrote has `applied` = 1: it is no change of this side.
 */
export class Capture {
  readonly #db: DatabaseSync
  readonly #sql: Statements
  readonly #schema: TableSchema
  readonly #number: number
  readonly #changes: string

  constructor(db: DatabaseSync, statements: Statements, schema: TableSchema, number: number) {
    this.#db = db
    this.#sql = statements
    this.#schema = schema
    this.#number = number
    this.#changes = changesTable(number)
  }

  /** Makes what is missing or differs. True where a trigger had to be made: until now, changes may have gone unnoticed. */
  install(): boolean {
    const keys = this.#keys()
    this.#db.exec(
      `CREATE TABLE IF NOT EXISTS ${this.#changes} (id INTEGER PRIMARY KEY, ${keys.join(', ')}, applied INTEGER NOT NULL);
       CREATE INDEX IF NOT EXISTS ${quoted(`_hanse_changes_${this.#number}_by_key`)} ON ${this.#changes} (${keys.join(', ')}, applied);`,
    )
    let hasMade = false
    for (const [name, sql] of this.#triggers()) {
      const present = this.#db
        .prepare(`SELECT tbl_name, sql FROM main.sqlite_schema WHERE type = 'trigger' AND name = ?`)
        .get(name) as { readonly tbl_name: string; readonly sql: string } | undefined
      if (present?.sql === sql && present.tbl_name === this.#schema.table) continue
      this.#db.exec(`DROP TRIGGER IF EXISTS ${quoted(name)}`)
      this.#db.exec(sql)
      hasMade = true
    }
    return hasMade
  }

  /** Marks of this side's changes after a mark, ascending, at most `limit`. */
  marks(after: number, limit: number): readonly Mark[] {
    return this.#marks('applied = 0 AND id > ?', after, limit)
  }

  /** Marks made while others' changes were applied, at most `limit`. */
  consequences(limit: number): readonly Mark[] {
    return this.#marks('applied = 1 AND id > ?', 0, limit)
  }

  /** How many rows wait to be looked at. */
  count(): number {
    return Number(this.#sql.first(`SELECT count(*) FROM ${this.#changes} WHERE applied = 0`)?.[0])
  }

  /** The last mark there is; 0 where there is none. */
  last(): number {
    return Number(this.#sql.first(`SELECT coalesce(max(id), 0) FROM ${this.#changes}`)?.[0])
  }

  isMarked(values: KeyValues): boolean {
    const where = this.#keys().map((key) => `${key} IS ?`)
    const sql = `SELECT 1 FROM ${this.#changes} WHERE ${where.join(' AND ')} AND applied = 0`
    return this.#sql.first(sql, ...values) !== undefined
  }

  mark(values: KeyValues): void {
    if (this.isMarked(values)) return
    const keys = this.#keys()
    const marks = keys.map(() => '?').join(', ')
    this.#sql.run(
      `INSERT INTO ${this.#changes} (${keys.join(', ')}, applied) VALUES (${marks}, 0)`,
      ...values,
    )
  }

  /** Marks every row there is. */
  markAll(): void {
    const columns = this.#schema.columns.key.map((column) => `o.${quoted(column)}`)
    const isThere = columns.map((column) => `${column} IS NOT NULL`).join(' AND ')
    this.#db.exec(
      `INSERT INTO ${this.#changes} (${this.#keys().join(', ')}, applied)
       SELECT ${columns.join(', ')}, 0 FROM ${quoted(this.#schema.table)} AS o WHERE ${isThere} AND NOT EXISTS (${this.#same(columns, '0')})`,
    )
  }

  unmark(id: number): void {
    this.#sql.run(`DELETE FROM ${this.#changes} WHERE id = ?`, id)
  }

  /** True while others' changes are applied, within the transaction that does so. */
  setApplying(isApplying: boolean): void {
    this.#db.exec(isApplying ? 'INSERT INTO _hanse_applying VALUES (1)' : 'DELETE FROM _hanse_applying')
  }

  #marks(condition: string, after: number, limit: number): readonly Mark[] {
    const sql = `SELECT id, ${this.#keys().join(', ')} FROM ${this.#changes} WHERE ${condition} ORDER BY id LIMIT ?`
    return this.#sql.all(sql, after, limit).map(([id, ...values]) => ({ id: Number(id), values }))
  }

  #keys(): readonly string[] {
    return this.#schema.columns.key.map((_column, index) => `k${index + 1}`)
  }

  /** Marks with that key. Plus signs take the columns' affinity away, so that the index on marks serves. */
  #same(columns: readonly string[], applied: string): string {
    const keys = this.#keys()
    const where = columns.map((column, index) => `m.${keys[index]} IS +${column}`).join(' AND ')
    return `SELECT 1 FROM ${this.#changes} AS m WHERE ${where} AND m.applied = ${applied}`
  }

  /** A statement that marks the row named `alias`, or those of `from` that fulfil a condition. */
  #markSql(alias: string, from = '', condition = ''): string {
    const columns = this.#schema.columns.key.map((column) => `${alias}.${quoted(column)}`)
    const isThere = columns.map((column) => `${column} IS NOT NULL`).join(' AND ')
    const conditions = [condition, isThere, `NOT EXISTS (${this.#same(columns, APPLYING)})`].filter(
      (one) => one !== '',
    )
    return `INSERT INTO ${this.#changes} (${this.#keys().join(', ')}, applied) SELECT ${columns.join(', ')}, ${APPLYING}${from} WHERE ${conditions.join(' AND ')};`
  }

  #triggers(): readonly (readonly [string, string])[] {
    const { table, uniques } = this.#schema
    const make = (name: TriggerName, event: string, body: readonly string[]) =>
      [
        triggerName(this.#number, name),
        `CREATE TRIGGER ${quoted(triggerName(this.#number, name))} ${event} ON ${quoted(table)} BEGIN ${body.join(' ')} END`,
      ] as const
    const replaced = (isUpdate: boolean) =>
      uniques.map((unique) => {
        const agrees = unique.map(
          ({ column, collation }) =>
            `o.${quoted(column)} = NEW.${quoted(column)} COLLATE ${quoted(collation)}`,
        )
        const differs = unique.map(({ column }) => `OLD.${quoted(column)} IS NOT NEW.${quoted(column)}`)
        const condition = isUpdate
          ? `(${differs.join(' OR ')}) AND ${agrees.join(' AND ')}`
          : agrees.join(' AND ')
        return this.#markSql('o', ` FROM ${quoted(table)} AS o`, condition)
      })
    const triggers = [
      make('inserted', 'AFTER INSERT', [this.#markSql('NEW')]),
      make('updated', 'AFTER UPDATE', [this.#markSql('OLD'), this.#markSql('NEW')]),
      make('deleted', 'AFTER DELETE', [this.#markSql('OLD')]),
    ]
    if (uniques.length === 0) {
      for (const name of ['inserting', 'updating'] as const)
        this.#db.exec(`DROP TRIGGER IF EXISTS ${quoted(triggerName(this.#number, name))}`)
      return triggers
    }
    return [
      ...triggers,
      make('inserting', 'BEFORE INSERT', replaced(false)),
      make('updating', 'BEFORE UPDATE', replaced(true)),
    ]
  }
}

const TRIGGERS = ['inserted', 'updated', 'deleted', 'inserting', 'updating'] as const
type TriggerName = (typeof TRIGGERS)[number]

/** 1 while Hanse applies what others wrote, else 0. */
const APPLYING = '(SELECT count(*) FROM _hanse_applying)'

const changesTable = (number: number): string => `_hanse_changes_${number}`
const triggerName = (number: number, name: TriggerName): string => `_hanse_${number}_${name}`
