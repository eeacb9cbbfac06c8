import type { BlobId } from '../../core/types/blob/piece.ts'
import type { BlobCounts, ReferenceRange, StoredReference } from '../blob-store.ts'
import type { Database, Query } from './database.ts'

type ReferenceRow = [string, Uint8Array, number]

/** What the spaces of a node refer to. */
export class BlobReferences {
  readonly #find: Query<[Uint8Array], [number]>
  readonly #insertSpace: Query<[Uint8Array]>
  readonly #mark: Query<[Uint8Array], [Uint8Array | null]>
  readonly #setMark: Query<[Uint8Array | null, number]>
  readonly #listAll: Query<[number, string, number], ReferenceRow>
  readonly #listBelow: Query<[number, string, string, string, string, number], ReferenceRow>
  readonly #paths: Query<[number, Uint8Array, number, string, number], [string]>
  readonly #counts: Query<[number], [number, number, number]>
  readonly #wantCounts: Query<[number], [number, number]>
  readonly #unwanted: Query<[number, number, number], [Uint8Array, number]>
  readonly #at: Query<[number, string], [Uint8Array, number]>
  readonly #insert: Query<[number, string, Uint8Array, number]>
  readonly #delete: Query<[number, string]>
  readonly #clear: Query<[number]>
  readonly #dropStray: Query<[number, number]>
  readonly #dropUnreferenced: Query<[number, Uint8Array, number, number, Uint8Array, number]>
  readonly #ordinals = new Map<string, number>()

  constructor(database: Database) {
    this.#find = database.query('SELECT space FROM spaces WHERE id = ?')
    this.#insertSpace = database.query('INSERT INTO spaces (id) VALUES (?)')
    this.#mark = database.query('SELECT mark FROM spaces WHERE id = ?')
    this.#setMark = database.query('UPDATE spaces SET mark = ? WHERE space = ?')
    const columns = 'SELECT path, hash, size FROM blob_references WHERE space = ?'
    this.#listAll = database.query(`${columns} AND path > ? ORDER BY path LIMIT ?`)
    this.#listBelow = database.query(
      `${columns} AND (path = ? OR (path >= ? AND path < ?)) AND path > ? ORDER BY path LIMIT ?`,
    )
    this.#paths = database.query(
      'SELECT path FROM blob_references WHERE space = ? AND hash = ? AND size = ? AND path > ? ORDER BY path LIMIT ?',
    )
    this.#counts = database.query(`
      SELECT count(*), count(c.hash), coalesce(sum(CASE WHEN c.hash IS NULL THEN r.size END), 0)
      FROM (SELECT DISTINCT hash, size FROM blob_references WHERE space = ?) r
      LEFT JOIN complete c ON c.hash = r.hash AND c.size = r.size`)
    this.#wantCounts = database.query('SELECT count(*), coalesce(sum(size), 0) FROM wants WHERE space = ?')
    this.#unwanted = database.query(`
      SELECT DISTINCT r.hash, r.size FROM blob_references r
      LEFT JOIN complete c ON c.hash = r.hash AND c.size = r.size
      LEFT JOIN wants w ON w.space = r.space AND w.hash = r.hash AND w.size = r.size
      WHERE r.space = ? AND r.size <= ? AND c.hash IS NULL AND w.hash IS NULL LIMIT ?`)
    this.#at = database.query('SELECT hash, size FROM blob_references WHERE space = ? AND path = ?')
    this.#insert = database.query('INSERT OR REPLACE INTO blob_references VALUES (?, ?, ?, ?)')
    this.#delete = database.query('DELETE FROM blob_references WHERE space = ? AND path = ?')
    this.#clear = database.query('DELETE FROM blob_references WHERE space = ?')
    this.#dropStray = database.query(`
      DELETE FROM wants WHERE space = ? AND NOT EXISTS (
        SELECT 1 FROM blob_references r WHERE r.space = ? AND r.hash = wants.hash AND r.size = wants.size)`)
    this.#dropUnreferenced = database.query(`
      DELETE FROM wants WHERE space = ? AND hash = ? AND size = ? AND NOT EXISTS (
        SELECT 1 FROM blob_references r WHERE r.space = ? AND r.hash = ? AND r.size = ?)`)
  }

  /** The row number of a space, which it gets when it is first named. Only inside a transaction. */
  space(id: Uint8Array): number {
    const known = this.#known(id)
    if (known !== undefined) return known
    const ordinal = Number(this.#insertSpace.run(id).lastInsertRowid)
    this.#ordinals.set(nameOf(id), ordinal)
    return ordinal
  }

  /** Forgets what was kept in memory, after a transaction that failed. */
  forget(): void {
    this.#ordinals.clear()
  }

  mark(space: Uint8Array): Uint8Array | undefined {
    return this.#mark.get(space)?.[0] ?? undefined
  }

  putMark(space: Uint8Array, mark: Uint8Array): void {
    this.#setMark.run(mark, this.space(space))
  }

  list(space: Uint8Array, { prefix, after = '', limit }: ReferenceRange): readonly StoredReference[] {
    const ordinal = this.#known(space)
    if (ordinal === undefined) return []
    const rows =
      prefix === ''
        ? this.#listAll.all(ordinal, after, limit)
        : // '0' comes right after '/'.
          this.#listBelow.all(ordinal, prefix, `${prefix}/`, `${prefix}0`, after, limit)
    return rows.map(([path, hash, size]) => ({ path, id: { hash, size } }))
  }

  pathsOf(space: Uint8Array, { hash, size }: BlobId, after: string | null, limit: number): readonly string[] {
    const ordinal = this.#known(space)
    if (ordinal === undefined) return []
    return this.#paths.all(ordinal, hash, size, after ?? '', limit).map(([path]) => path)
  }

  counts(space: Uint8Array): BlobCounts {
    const ordinal = this.#known(space) ?? 0
    const [referenced, complete, missingBytes] = this.#counts.get(ordinal) as [number, number, number]
    const [wanted, wantedBytes] = this.#wantCounts.get(ordinal) as [number, number]
    return { referenced, complete, missingBytes, wanted, wantedBytes }
  }

  unwanted(space: Uint8Array, bytesMax: number, limit: number): readonly BlobId[] {
    return this.#unwanted
      .all(this.#known(space) ?? 0, bytesMax, limit)
      .map(([hash, size]) => ({ hash, size }))
  }

  put(space: Uint8Array, path: string, id: BlobId | null): void {
    const ordinal = this.space(space)
    const before = this.#at.get(ordinal, path)
    if (id === null) this.#delete.run(ordinal, path)
    else this.#insert.run(ordinal, path, id.hash, id.size)
    if (before !== undefined) this.#dropUnreferenced.run(ordinal, ...before, ordinal, ...before)
  }

  clear(space: Uint8Array): void {
    const ordinal = this.space(space)
    this.#clear.run(ordinal)
    this.#setMark.run(null, ordinal)
  }

  dropStrayWants(space: Uint8Array): void {
    const ordinal = this.space(space)
    this.#dropStray.run(ordinal, ordinal)
  }

  #known(id: Uint8Array): number | undefined {
    const name = nameOf(id)
    const known = this.#ordinals.get(name)
    if (known !== undefined) return known
    const ordinal = this.#find.get(id)?.[0]
    if (ordinal !== undefined) this.#ordinals.set(name, ordinal)
    return ordinal
  }
}

const nameOf = (id: Uint8Array): string => Buffer.from(id).toString('latin1')
