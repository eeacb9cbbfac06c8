import { equalBytes } from '../../core/bytes.ts'
import { compareHeads } from '../../core/clock.ts'
import type { Entry } from '../../core/graph.ts'
import { STORE_ENTRIES_CACHED_MAX } from '../../core/limits.ts'
import type { Body, VerifiedOperation } from '../../core/operation/operation.ts'
import { RecentCache } from '../recent-cache.ts'
import type { Mask, StoredOperation } from '../space-store.ts'
import { type AuthorRecord, Authors } from './authors.ts'
import { ChainUses } from './chain-uses.ts'
import { Chains } from './chains.ts'
import { LogEnds } from './log-ends.ts'
import { LogLinks } from './log-links.ts'
import { Masks } from './masks.ts'
import type { Database, Query } from './database.ts'
import { OperationIds } from './operation-ids.ts'
import { packBody, packParents, unpackBody, unpackParents } from './packing.ts'

type EntryRow = [
  ordinal: number,
  id: Uint8Array,
  author: number,
  seq: number,
  prev: number | null,
  jump: number,
  parents: Uint8Array,
  lamport: number,
  time: number,
  epoch: number,
  chain: number,
  command: string,
  path: string,
]
type OperationRow = [...EntryRow, header: Uint8Array, signature: Uint8Array, body: Uint8Array | null]

const ENTRY_COLUMNS =
  'ordinal, id, author, seq, prev, jump, parents, lamport, time, epoch, chain, command, path'

const PAGE_ROWS = 4_096

/** How the index of ids (operation-ids.ts) and the ends of the logs (log-ends.ts) behave. */
export interface OperationsInit {
  readonly idTailMax: number
  readonly endsTailMax: number
  readonly idSeeds: readonly [number, number]
}

/** The admitted operations, and what follows from them: ids, heads, frontier, absent bodies. */
export class Operations {
  readonly #authors: Authors
  readonly #chains: Chains
  readonly #uses: ChainUses
  readonly #ids: OperationIds
  readonly #masks: Masks
  readonly #links: LogLinks
  readonly #ends: LogEnds
  readonly #recent = new RecentCache<number, Entry>(STORE_ENTRIES_CACHED_MAX)
  #count = 0
  #absentCount = 0

  readonly #insert: Query<OperationRow>
  readonly #entryAt: Query<[number], EntryRow>
  readonly #entriesFrom: Query<[number, number], EntryRow>
  readonly #entriesWithoutBody: Query<[number], EntryRow>
  readonly #firstOf: Query<[number], EntryRow>
  readonly #verdicts: Query<[], EntryRow>
  readonly #chainsWith: Query<[Uint8Array], [number]>
  readonly #chainsFrom: Query<[number, number], [number]>
  readonly #isBodyAbsent: Query<[number], [number]>
  readonly #bytesAt: Query<[number], [joined: Uint8Array, headerBytes: number, bodyBytes: number | null]>
  readonly #putBody: Query<[Uint8Array, number]>
  readonly #next: Query<[], [number]>
  readonly #absent: Query<[], [number]>

  constructor(database: Database, init: OperationsInit) {
    this.#authors = new Authors(database, init.idSeeds)
    this.#chains = new Chains(database)
    this.#uses = new ChainUses(database)
    this.#ids = new OperationIds(database, init.idTailMax, init.idSeeds)
    this.#masks = new Masks(database)
    this.#links = new LogLinks(database)
    this.#ends = new LogEnds(database, this.#authors, init.endsTailMax)
    this.#insert = database.query(`INSERT INTO operation_log (${ENTRY_COLUMNS}, header, signature, body)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
    this.#entryAt = database.query(`SELECT ${ENTRY_COLUMNS} FROM operation_log WHERE ordinal = ?`)
    this.#entriesFrom = database.query(
      `SELECT ${ENTRY_COLUMNS} FROM operation_log WHERE ordinal >= ? ORDER BY ordinal LIMIT ?`,
    )
    this.#entriesWithoutBody = database.query(
      `SELECT ${ENTRY_COLUMNS} FROM operation_log WHERE body IS NULL AND ordinal NOT IN (SELECT ordinal FROM masks WHERE severed = 1)
       ORDER BY ordinal LIMIT ?`,
    )
    this.#firstOf = database.query(
      `SELECT ${ENTRY_COLUMNS} FROM operation_log WHERE author = ? AND prev IS NULL ORDER BY ordinal LIMIT 1`,
    )
    this.#verdicts = database.query(
      `SELECT ${ENTRY_COLUMNS} FROM operation_log WHERE command IN ('/cap/revoke', '/cap/endorse') ORDER BY ordinal`,
    )
    // May find a few too many, where the end of one digest and the beginning of the next happen to spell a third.
    this.#chainsWith = database.query('SELECT chain FROM chains WHERE instr(caps, ?) > 0')
    this.#chainsFrom = database.query(
      'SELECT chain FROM operation_log WHERE ordinal >= ? ORDER BY ordinal LIMIT ?',
    )
    this.#isBodyAbsent = database.query('SELECT body IS NULL FROM operation_log WHERE ordinal = ?')
    // In one piece: each blob that is read by itself is a buffer of its own to make and to collect, half of what reading an operation takes.
    this.#bytesAt = database.query(
      "SELECT CAST(header || signature || coalesce(body, '') AS BLOB), length(header), length(body) FROM operation_log WHERE ordinal = ?",
    )
    this.#putBody = database.query('UPDATE operation_log SET body = ? WHERE ordinal = ? AND body IS NULL')
    this.#next = database.query('SELECT coalesce(max(ordinal) + 1, 0) FROM operation_log')
    this.#absent = database.query(
      'SELECT count(*) FROM operation_log WHERE body IS NULL AND ordinal NOT IN (SELECT ordinal FROM masks WHERE severed = 1)',
    )
  }

  /** Forgets what was not written and reads what is on disk. */
  load(): void {
    this.#recent.clear()
    this.#count = (this.#next.get() as [number])[0]
    this.#absentCount = (this.#absent.get() as [number])[0]
    this.#chains.load()
    this.#authors.load()
    this.#masks.load()
    this.#links.load()
    this.#ends.load()
    this.#ids.load()
    this.#uses.reset(this.#ids.sealed)
    for (let next = this.#ids.sealed; next < this.#count; next += PAGE_ROWS)
      for (const [chain] of this.#chainsFrom.all(next, PAGE_ROWS)) this.#uses.add(chain)
  }

  /** Writes what is kept in memory, where it is time to. Before a transaction commits. */
  flush(): void {
    this.#ends.flush()
  }

  count(): number {
    return this.#count
  }

  find(id: Uint8Array): Entry | undefined {
    const ordinal = this.#ids.find(id)
    return ordinal === undefined ? undefined : this.at(ordinal)
  }

  prevOf(ordinal: number): number | null {
    return this.#links.prevOf(ordinal, this.#count)
  }

  at(ordinal: number): Entry {
    const known = this.#recent.get(ordinal)
    if (known !== undefined) return known
    const row = this.#entryAt.get(ordinal)
    if (row === undefined) throw new Error(`bug: no operation has ordinal ${ordinal}`)
    const entry = this.#toEntry(row)
    this.#recent.set(ordinal, entry)
    return entry
  }

  operation(ordinal: number): StoredOperation {
    const row = this.#bytesAt.get(ordinal)
    if (row === undefined) throw new Error(`bug: no operation has ordinal ${ordinal}`)
    const [joined, headerBytes, bodyBytes] = row
    const bodyAt = bodyBytes === null ? joined.length : joined.length - bodyBytes
    return {
      headerBytes: joined.subarray(0, headerBytes),
      signature: joined.subarray(headerBytes, bodyAt),
      body: bodyBytes === null ? null : unpackBody(joined.subarray(bodyAt)),
    }
  }

  heads(author: Uint8Array): readonly Entry[] {
    const record = this.#authors.find(author)
    return record === undefined ? [] : this.#headsOf(record)
  }

  *authors(): Iterable<{ readonly author: Uint8Array; readonly heads: readonly Entry[] }> {
    for (const record of this.#authors.values()) yield { author: record.key, heads: this.#headsOf(record) }
  }

  frontier(): readonly Entry[] {
    return Array.from(this.#ends.frontier(), (ordinal) => this.at(ordinal))
  }

  isWholeFrontier(ordinal: number): boolean {
    return this.#ends.isWholeFrontier(ordinal)
  }

  entriesFrom(ordinal: number, limit: number): readonly Entry[] {
    return this.#entriesFrom.all(ordinal, limit).map((row) => this.#toEntry(row))
  }

  absentBodies(limit: number): readonly Entry[] {
    return this.#entriesWithoutBody.all(limit).map((row) => this.#toEntry(row))
  }

  absentBodyCount(): number {
    return this.#absentCount
  }

  firstAfter(author: Uint8Array, prev: number | null): Entry | undefined {
    const record = this.#authors.find(author)
    // Whoever follows its author's head, as nearly everyone does, is found out without asking the file.
    if (record === undefined || (prev !== null && record.heads.has(prev))) return undefined
    if (prev !== null) {
      const ordinal = this.#ends.firstAfter(prev)
      return ordinal === undefined ? undefined : this.at(ordinal)
    }
    const row = this.#firstOf.get(record.number)
    return row === undefined ? undefined : this.#toEntry(row)
  }

  mask(ordinal: number): Mask | undefined {
    return this.#masks.of(ordinal)
  }

  masked(): Iterable<number> {
    return this.#masks.ordinals()
  }

  verdicts(): readonly Entry[] {
    return this.#verdicts.all().map((row) => this.#toEntry(row))
  }

  using(digest: Uint8Array): readonly Entry[] {
    const chains = this.#chainsWith.all(digest).map(([chain]) => chain)
    const entries = this.#uses.of(chains).map((ordinal) => this.at(ordinal))
    return entries.filter(({ caps }) => caps.some((named) => equalBytes(named, digest)))
  }

  putMask(ordinal: number, mask: Mask | null): void {
    const wasSevered = this.#isSevered(ordinal)
    this.#masks.put(ordinal, mask)
    if (wasSevered === this.#isSevered(ordinal)) return
    const row = this.#isBodyAbsent.get(ordinal)
    if (row === undefined) throw new Error(`bug: a mask for ordinal ${ordinal}, which is not admitted`)
    if (row[0] === 1) this.#absentCount += wasSevered ? 1 : -1
  }

  append(operation: VerifiedOperation, given: Entry): void {
    const { ordinal, id, seq, prev, jump, parents, lamport, time, epoch, command, path } = given
    if (ordinal !== this.#count)
      throw new Error(`bug: appended ordinal ${ordinal}, the next is ${this.#count}`)
    if (this.#ids.has(id)) throw new Error('bug: an operation is appended twice')
    const { headerBytes, signature, body } = operation
    const author = this.#authors.intern(given.author)
    const chain = this.#chains.intern(given.caps, author.chain)
    author.chain = chain
    this.#insert.run(
      ordinal,
      id,
      author.number,
      seq,
      prev,
      jump,
      packParents(ordinal, parents),
      lamport,
      time,
      epoch,
      chain.number,
      command,
      path,
      headerBytes,
      signature,
      body === null ? null : packBody(body),
    )
    // The arrays that many entries share are kept once; nearly always they are those already.
    const isShared = given.author === author.key && given.caps === chain.caps
    this.#recent.set(ordinal, isShared ? given : { ...given, author: author.key, caps: chain.caps })
    this.#count++
    if (body === null) this.#absentCount++
    this.#ends.append(given, author)
    this.#uses.add(chain.number)
    if (this.#ids.append(id)) this.#uses.seal()
  }

  putBody(ordinal: number, body: Body): void {
    if (ordinal >= this.#count) throw new Error(`bug: a body for ordinal ${ordinal}, which is not admitted`)
    const isNew = Number(this.#putBody.run(packBody(body), ordinal).changes) === 1
    if (isNew && !this.#isSevered(ordinal)) this.#absentCount--
  }

  #isSevered(ordinal: number): boolean {
    return this.#masks.of(ordinal)?.isSevered === true
  }

  #headsOf(author: AuthorRecord): readonly Entry[] {
    const entries = Array.from(author.heads, (ordinal) => this.at(ordinal))
    return entries.length < 2 ? entries : entries.sort(compareHeads)
  }

  #toEntry(row: EntryRow): Entry {
    const [ordinal, id, author, seq, prev, jump, parents, lamport, time, epoch, chain, command, path] = row
    return {
      ordinal,
      id,
      author: this.#authors.at(author).key,
      seq,
      prev,
      jump,
      parents: unpackParents(ordinal, parents),
      lamport,
      time,
      epoch,
      caps: this.#chains.at(chain),
      command,
      path,
    }
  }
}
