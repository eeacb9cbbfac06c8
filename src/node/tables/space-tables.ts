import { randomBytes } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { TABLES_MAX } from '../../core/limits.ts'
import { isAtOrBelow, parsePath } from '../../core/path.ts'
import { FaultError, orThrow } from '../fault-error.ts'
import { countDiffering, releaseTable } from './open-share.ts'
import { encodeRowKey } from './row-key.ts'
import { decodeShareConfigs, encodeShareConfigs, type Preference, type ShareConfig } from './share-config.ts'
import type { SharingSpace } from './share.ts'
import { SharedTable } from './shared-table.ts'
import { TableFile } from './table-file.ts'
import type { TableReport, TableStatus } from './table-report.ts'
import { inspectTable } from './table-schema.ts'

/** What to share, and how. */
export interface AddTableOptions {
  /** The SQLite file. */
  readonly db: string
  readonly table: string
  /** Where the rows are in the space. Default: the table's name. */
  readonly path?: string | undefined
  /** Columns besides the primary key. Default: all, those that are added later too. */
  readonly columns?: readonly string[] | undefined
  /** Whose values stand where a row is there already and differs. Default: it is refused then (`DIFFERS`). */
  readonly prefer?: Preference | undefined
  /** Also where the database says that somebody else shares the table. Default false. */
  readonly takeOver?: boolean | undefined
}

/** What came of adding a table. */
export interface TableAdded extends TableReport {
  readonly path: string
  /** What to think of when tables of that kind are shared. */
  readonly warnings: readonly string[]
}

/** How shared tables are watched. */
export interface WatchOptions {
  /** Pause between two looks whether another program has written, in ms. */
  readonly pollIntervalMs: number
  /** Told when a table begins or ceases to have a fault, or rows that differ. */
  readonly onTrouble?: (db: string, table: string, what: string) => void
}

/** After a change in the space, how long others are waited for, in ms: a sync brings many. */
const GATHER_MS = 20

/**
 * The SQLite tables that this node shares in one space. Nothing happens by itself until `start`; a program that prefers to say when calls
 * `checkLocalChanges`. Work is done in the calling thread, a bounded batch at a time, one table after the other.
 */
export class SpaceTables {
  readonly #space: SharingSpace
  #tables: SharedTable[] | null = null
  /** The end of what is being done. */
  #last: Promise<unknown> = Promise.resolve()
  #watch: { readonly options: WatchOptions; readonly poll: NodeJS.Timeout } | null = null
  #gathering: NodeJS.Timeout | null = null
  #isLooking = false
  #isClosed = false
  readonly #told = new Map<SharedTable, string>()

  constructor(space: SharingSpace) {
    this.#space = space
  }

  /** Begins to share a table, and makes table and space the same. Throws a FaultError where that cannot be. */
  async add(options: AddTableOptions): Promise<TableAdded> {
    const { table, columns } = options
    const db = realPathOf(options.db)
    const file = orThrow(TableFile.open(db))
    try {
      const schema = orThrow(inspectTable(file.db, table, columns ?? null))
      const config: ShareConfig = {
        id: randomBytes(16).toString('hex'),
        file: db,
        table: schema.table,
        prefix: orThrow(parsePath(options.path ?? encodeRowKey([schema.table]))),
        columns: columns === undefined ? null : schema.columns.others,
        prefer: options.prefer ?? 'space',
      }
      this.#checkNew(config)
      if (options.prefer === undefined) this.#refuseDiffering(config, file)
      if (options.takeOver === true) releaseTable(file, schema.table)
      const shared = new SharedTable(this.#space, config)
      const report = await this.#inTurn(async () => await shared.round())
      if (report.fault !== null && !shared.isOpen) {
        shared.close()
        throw new FaultError(report.fault)
      }
      // From now on what the space says stands, also where the database is put back from a backup.
      this.#tables = [...this.#loaded(), shared]
      this.#keep([...this.#configs(), { ...config, prefer: 'space' }])
      return { ...report, path: config.prefix, warnings: warningsOf(schema.hasChosenKeys, table) }
    } finally {
      file.close()
    }
  }

  /** How the shared tables stand. */
  list(): readonly TableStatus[] {
    return this.#loaded().map((table) => table.status())
  }

  /** Ends sharing a table. Its rows stay in it, and in the space; what Hanse made in the database goes. */
  async remove(db: string, table: string): Promise<void> {
    const path = realPathOf(db)
    const shared = this.#loaded().find(
      ({ config }) => config.file === path && config.table.toLowerCase() === table.toLowerCase(),
    )
    if (shared === undefined) {
      const detail = `${JSON.stringify(table)} of ${path} is not shared in this space: see "hanse table list"`
      throw new FaultError({ code: 'NOT_SHARED', detail })
    }
    await this.#inTurn(async () => {
      shared.release()
      await Promise.resolve()
    })
    this.#tables = this.#loaded().filter((other) => other !== shared)
    this.#told.delete(shared)
    this.#keep(this.#loaded().map(({ config }) => config))
  }

  /**
   * Publishes what any program has written to the shared tables, and applies what others have written. `isWhole`: compares every row, which
   * also finds what was written while the triggers were missing.
   */
  async checkLocalChanges({
    isWhole = false,
  }: {
    readonly isWhole?: boolean
  } = {}): Promise<readonly TableReport[]> {
    const reports: TableReport[] = []
    for (const table of this.#loaded()) {
      const report = await this.#inTurn(async () => (this.#isClosed ? null : await table.round(isWhole)))
      if (report !== null) reports.push(report)
    }
    return reports
  }

  /** Watches from now on: what other programs write is looked for at an interval, what comes from the space is applied soon. Again is no harm. */
  start(options: WatchOptions): void {
    if (this.#watch !== null || this.#isClosed) return
    const poll = setInterval(() => this.#look(), options.pollIntervalMs)
    this.#watch = { options, poll }
    this.#look()
  }

  /** Items at these paths have changed in the space. */
  touched(items: Iterable<{ readonly path: string; readonly type: string }>): void {
    if (this.#tables === null || this.#tables.length === 0) return
    for (const { path, type } of items) {
      if (type === 'map') for (const table of this.#tables) table.touch(path)
    }
    if (this.#watch === null || this.#gathering !== null) return
    this.#gathering = setTimeout(() => {
      this.#gathering = null
      this.#look()
    }, GATHER_MS)
    this.#gathering.unref()
  }

  /** Stops and closes the databases. What is not done yet is done at the next start. */
  close(): void {
    this.#isClosed = true
    if (this.#watch !== null) clearInterval(this.#watch.poll)
    if (this.#gathering !== null) clearTimeout(this.#gathering)
    for (const table of this.#tables ?? []) table.close()
  }

  #look(): void {
    if (this.#isLooking || this.#isClosed) return
    const due = this.#loaded().filter((table) => table.isDue())
    if (due.length === 0) return
    this.#isLooking = true
    void this.#inTurn(async () => {
      for (const table of due) {
        if (this.#isClosed) return
        this.#tell(table, await table.round())
      }
    }).finally(() => {
      this.#isLooking = false
    })
  }

  /** Tells a trouble once, and again when it has changed. */
  #tell(table: SharedTable, { db, table: name, fault, conflicts }: TableReport): void {
    // Another program that writes just now is no trouble.
    if (fault?.code === 'BUSY') return
    const refused =
      conflicts === 0
        ? ''
        : `${conflicts} ${conflicts === 1 ? 'row differs' : 'rows differ'} from the space's`
    const what = fault?.detail ?? refused
    if ((this.#told.get(table) ?? '') === what) return
    this.#told.set(table, what)
    this.#watch?.options.onTrouble?.(db, name, what === '' ? 'in order again' : what)
  }

  /** One after the other, whoever asks. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => {})
    return await done
  }

  #loaded(): SharedTable[] {
    this.#tables ??= this.#configs().map((config) => new SharedTable(this.#space, config))
    return this.#tables
  }

  #configs(): readonly ShareConfig[] {
    return decodeShareConfigs(this.#space.note())
  }

  #keep(configs: readonly ShareConfig[]): void {
    this.#space.putNote(encodeShareConfigs(configs))
  }

  #checkNew({ file, table, prefix }: ShareConfig): void {
    const others = this.#configs()
    const says = (code: string, detail: string) => new FaultError({ code, detail })
    if (others.length >= TABLES_MAX)
      throw says('LIMIT', `a node shares at most ${TABLES_MAX} tables in one space`)
    if (prefix === '') throw says('BAD_PATH', 'rows need a path of their own: name one with --path')
    if (others.some((other) => other.file === file && other.table === table))
      throw says('SHARED', `${JSON.stringify(table)} of ${file} is shared already: see "hanse table list"`)
    const meeting = others.find(
      (other) => isAtOrBelow(other.prefix, prefix) || isAtOrBelow(prefix, other.prefix),
    )
    if (meeting !== undefined)
      throw says(
        'SHARED',
        `${JSON.stringify(meeting.table)} of ${meeting.file} has its rows at ${JSON.stringify(meeting.prefix)}: choose another --path, not above or below it`,
      )
  }

  #refuseDiffering(config: ShareConfig, file: TableFile): void {
    const differing = countDiffering(this.#space, config, file)
    if (differing === 0) return
    throw new FaultError({
      code: 'DIFFERS',
      detail: `${differing} ${differing === 1 ? 'row is' : 'rows are'} there already, with other values than the table's: say whose values stand, --prefer space or --prefer local`,
    })
  }
}

function realPathOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

function warningsOf(hasChosenKeys: boolean, table: string): readonly string[] {
  if (!hasChosenKeys) return []
  return [
    `SQLite chooses the keys of new rows of ${JSON.stringify(table)} (INTEGER PRIMARY KEY): two nodes that insert at the same time choose the same one, and their rows become one. Let the program choose keys, e.g. UUIDs in a TEXT column, where several nodes insert`,
  ]
}
