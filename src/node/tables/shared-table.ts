import { setImmediate as turn } from 'node:timers/promises'
import {
  TABLE_BATCH_ROWS_MAX,
  TABLE_CONFLICTS_LISTED_MAX,
  TABLE_QUEUE_KEYS_MAX,
  TABLE_RETRY_LOOKS_MAX,
} from '../../core/limits.ts'
import type { Fault } from '../../core/result.ts'
import { FaultError, orThrow } from '../fault-error.ts'
import { applyRows, settleConsequences } from './apply-rows.ts'
import { type Comparison, differingKeys } from './compare-rows.ts'
import { markVanished, openShare, releaseShare } from './open-share.ts'
import { type PublishedPage, publishPage } from './publish-rows.ts'
import type { ShareConfig } from './share-config.ts'
import { keyAt, type Share, type SharingSpace } from './share.ts'
import type { TableReport, TableStatus } from './table-report.ts'
import { faultOf, TableFile } from './table-file.ts'

/** The field of the map at the prefix itself with the newest `user_version`. */
const VERSION_FIELD = 'schemaVersion'
/** How often rows that were refused are tried again in one round, as long as some are taken. */
const RETRIES = 8

/** One table that is shared: keeps it and its rows in the space the same, in rounds. Rounds of one table never overlap. */
export class SharedTable {
  readonly config: ShareConfig
  readonly #space: SharingSpace
  #share: Share | null = null
  /** Rows whose maps have changed in the space since they were looked at. */
  readonly #queue = new Set<string>()
  /** The space may have changed in ways that are not in the queue. */
  #isBehind = true
  #isCatchingUp = false
  /** More has changed than is worth reading one by one. */
  #isTooMuch = false
  /** Another program has committed since the last round. */
  #hasNews = true
  /** Looks to let pass before a table with a fault is tried again, and how often it has failed in a row. */
  #pause = 0
  #failures = 0
  /** Something is left to be done, without anything having changed. */
  #isUnfinished = true
  /** Local changes that this node may not publish keep others' from being applied. */
  #isBlocked = false
  /** The last mark that was tried where the others have to wait for the next round; else 0. */
  #triedUpTo = 0
  /** Why rows were left since marks were gone through from the first on. */
  #refusal: FaultError | null = null
  #isRunning = false
  /** What is told to have changed is what is being published. */
  #isWriting = false
  #fault: Fault | null = null
  #isClosed = false

  constructor(space: SharingSpace, config: ShareConfig) {
    this.#space = space
    this.config = config
  }

  /** True where the table is set up in its database. */
  get isOpen(): boolean {
    return this.#share !== null
  }

  /** Something at that path has changed in the space. */
  touch(path: string): void {
    const key = keyAt(this.config.prefix, path)
    if (key === null || this.#isWriting || (this.#isBehind && !this.#isCatchingUp)) return
    this.#queue.add(key)
    if (this.#queue.size <= TABLE_QUEUE_KEYS_MAX) return
    this.#queue.clear()
    this.#isBehind = true
    this.#isCatchingUp = false
    this.#isTooMuch = true
  }

  /**
   * True where a round may find something to do. Cheap: what polling asks. After a fault it is tried again as soon as another program has
   * written, else after more and more looks, TABLE_RETRY_LOOKS_MAX at most.
   */
  isDue(): boolean {
    if (this.#hasJustChanged()) return true
    if (this.#pause > 0) {
      this.#pause--
      return false
    }
    return this.#isUnfinished || this.#isBehind || this.#queue.size > 0 || this.#hasNews
  }

  /**
   * Publishes what was changed here, and applies what was changed elsewhere. `isWhole`: compares every row, rather than what is known to have
   * changed. Never rejects for a fault: that is told in the report, and the round is tried again.
   */
  async round(isWhole = false): Promise<TableReport> {
    const counts = { published: 0, applied: 0, compared: null as Comparison | null }
    this.#fault = null
    this.#isUnfinished = false
    this.#isRunning = true
    try {
      if (!this.#isClosed) await this.#run(isWhole, counts)
      this.#failures = 0
    } catch (error) {
      this.#fault = this.#faultOf(error)
      this.#isUnfinished = true
      if (this.#fault.code !== 'BUSY') this.#pause = Math.min(2 ** this.#failures++, TABLE_RETRY_LOOKS_MAX)
    } finally {
      this.#isRunning = false
    }
    const { file: db, table } = this.config
    return { db, table, ...counts, conflicts: this.#conflictCount(), fault: this.#fault }
  }

  status(): TableStatus {
    let share: Share | null = null
    let fault = this.#fault
    try {
      // Not under the feet of a round that gives others their turn.
      share = this.#isRunning ? this.#share : this.#opened()
    } catch (error) {
      fault = this.#faultOf(error)
    }
    const { file: db, table, prefix: path, columns } = this.config
    return {
      db,
      table,
      path,
      columns,
      waiting: share?.capture.count() ?? 0,
      conflicts: this.#conflictCount(),
      conflictRows: share?.store.conflicts('', TABLE_CONFLICTS_LISTED_MAX) ?? [],
      outdated: [...(share?.outdated ?? [])].toSorted(),
      schemaVersion: { here: share?.schema.userVersion ?? 0, newest: this.#newestVersion() },
      fault,
    }
  }

  /** Ends sharing: takes Hanse's things out of the database. The rows stay, there and in the space. */
  release(): void {
    this.#closeFile()
    const file = TableFile.open(this.config.file)
    // Where there is no database any more, nothing is left in it.
    if (!file.ok && file.fault.code === 'NO_FILE') return
    const opened = orThrow(file)
    try {
      releaseShare(opened, this.config.id)
    } finally {
      opened.close()
    }
  }

  close(): void {
    this.#isClosed = true
    try {
      const isAllApplied =
        !this.#isBehind && !this.#isUnfinished && !this.#isBlocked && this.#queue.size === 0
      if (this.#share !== null && isAllApplied && !this.#isRunning) this.#noteCursor(this.#share)
    } catch {
      // Then more is looked at at the next start.
    }
    this.#closeFile()
  }

  async #run(isWhole: boolean, counts: { published: number; applied: number; compared: Comparison | null }) {
    const share = this.#opened()
    const { capture, file, schema, store } = share
    this.#hasNews = file.hasChanged() || this.#hasNews
    if (capture.consequences(1).length > 0) file.transaction(() => settleConsequences(share))
    if (isWhole || (schema.hasOpaqueUnique && this.#hasNews)) {
      file.transaction(() => {
        if (isWhole) capture.markAll()
        markVanished(share)
      })
    }
    if (this.#isBehind && !isWhole) await this.#catchUp(share)
    if (this.#isClosed) return
    const refusal = await this.#publish(share, counts)
    if (this.#isClosed) return
    const isComparing = isWhole || this.#isBehind
    if (isComparing) counts.compared = { rows: 0, incomplete: 0, foreign: 0 }
    const left = await this.#apply(share, isComparing ? counts.compared : null, counts)
    if (this.#hasNews || counts.applied > 0) await this.#retry(share, counts)
    this.#hasNews = false
    if (this.#isClosed) return
    this.#isBlocked = refusal !== null && left
    this.#isUnfinished = refusal !== null
    if (refusal !== null) throw refusal
    store.put('outdated', JSON.stringify([...share.outdated].toSorted()))
    if (!left && this.#queue.size === 0 && !this.#isBehind) this.#noteCursor(share)
  }

  /** After a start: what has changed in the space since everything was applied, where that is known and not too much. */
  async #catchUp({ store }: Share): Promise<void> {
    const { cursor } = store.record()
    if (cursor === '' || this.#isTooMuch) return
    this.#isCatchingUp = true
    try {
      if (cursor !== this.#space.cursor()) {
        for await (const path of this.#space.changedSince(cursor, this.config.prefix)) {
          this.touch(path)
          if (this.#isClosed || !this.#isCatchingUp) return
        }
      }
      this.#isBehind = false
    } catch (error) {
      // The space's file is not the one the cursor was made on: then everything is compared.
      if (!(error instanceof FaultError)) throw error
    } finally {
      this.#isCatchingUp = false
    }
  }

  #hasJustChanged(): boolean {
    const file = this.#share?.file
    if (file === undefined) return false
    if (file.isReplaced) return true
    try {
      if (!file.hasChanged()) return false
    } catch {
      // Locked just now: the next look will tell.
      return false
    }
    this.#hasNews = true
    return true
  }

  /** Publishes all marks there are now. Gives why rows were left for later; their marks stay. */
  async #publish(share: Share, counts: { published: number }): Promise<FaultError | null> {
    const end = share.capture.last()
    if (this.#triedUpTo === 0) this.#refusal = null
    for (let last = this.#triedUpTo; last < end && !this.#isClosed; ) {
      const page = this.#publishPage(share, last)
      counts.published += page.published
      for (const key of page.freed) this.#queue.add(key)
      this.#refusal ??= page.refusal
      // Where nothing is allowed it is not tried row by row.
      this.#triedUpTo = page.last ?? end
      if (page.last === null || (page.refusal !== null && page.published === 0)) break
      last = page.last
      await turn()
    }
    if (this.#triedUpTo >= end) this.#triedUpTo = 0
    if (this.#isBlocked && this.#refusal === null) this.#isBehind = true
    return this.#refusal
  }

  #publishPage(share: Share, after: number): PublishedPage {
    this.#isWriting = true
    try {
      return publishPage(share, after)
    } finally {
      this.#isWriting = false
    }
  }

  /** Applies what has changed in the space; local changes found on the way are published first. True where some could not be. */
  async #apply(
    share: Share,
    comparison: Comparison | null,
    counts: { published: number; applied: number },
  ): Promise<boolean> {
    if (comparison !== null) {
      this.#isBehind = false
      this.#isTooMuch = false
      this.#queue.clear()
      share.outdated.clear()
    }
    const queued = [...this.#queue]
    this.#queue.clear()
    const keys = comparison === null ? queued.values() : differingKeys(share, comparison)
    const unpublished: string[] = []
    try {
      for await (const batch of inBatches(keys)) {
        if (this.#isClosed) return true
        const { applied, unpublished: waiting } = applyRows(share, batch)
        counts.applied += applied
        unpublished.push(...waiting)
      }
    } catch (error) {
      // What was taken from the queue is found again.
      this.#isBehind = true
      throw error
    }
    if (unpublished.length === 0 || (await this.#publish(share, counts)) !== null)
      return unpublished.length > 0
    let isLeft = false
    for await (const batch of inBatches(unpublished.values())) {
      if (this.#isClosed) return true
      const { applied, unpublished: waiting } = applyRows(share, batch)
      counts.applied += applied
      for (const key of waiting) this.#queue.add(key)
      isLeft ||= waiting.length > 0
    }
    return isLeft
  }

  /** Tries rows that the table has refused once more, as long as that brings something: what stood in their way may be gone. */
  async #retry(share: Share, counts: { applied: number }): Promise<void> {
    for (let retry = 0; retry < RETRIES; retry++) {
      const before = counts.applied
      let after = ''
      for (;;) {
        if (this.#isClosed) return
        const page = share.store.conflicts(after, TABLE_BATCH_ROWS_MAX)
        const refused = page.flatMap(({ key, direction }) => (direction === 'in' ? [key] : []))
        if (refused.length > 0) counts.applied += applyRows(share, refused).applied
        const last = page.at(-1)
        if (last === undefined) break
        after = last.key
        await turn()
      }
      if (counts.applied === before) return
    }
  }

  /** The share with its database open and its schema as it is now. */
  #opened(): Share {
    if (this.#share?.file.isReplaced === true) this.#closeFile()
    const file = this.#share?.file ?? orThrow(TableFile.open(this.config.file))
    try {
      if (!file.hasNewSchema() && this.#share !== null) return this.#share
      const { share, mustCompare } = openShare(this.#space, this.config, file)
      // Of what was just made there.
      file.hasNewSchema()
      this.#share = share
      this.#isBehind ||= mustCompare
      this.#tellVersion(share)
      return share
    } catch (error) {
      this.#share = null
      file.close()
      throw error
    }
  }

  #tellVersion({ schema }: Share): void {
    if (this.#newestVersion() >= schema.userVersion) return
    try {
      const set = { [VERSION_FIELD]: schema.userVersion }
      this.#space.write([{ kind: 'edit', path: this.config.prefix, set }])
    } catch (error) {
      // Who may write rows need not be allowed to write above them.
      if (!(error instanceof FaultError)) throw error
    }
  }

  #newestVersion(): number {
    const item = this.#space.get(this.config.prefix, 'map')
    const version = (item?.value as Readonly<Record<string, unknown>> | undefined)?.[VERSION_FIELD]
    return Number.isSafeInteger(version) ? (version as number) : 0
  }

  #conflictCount(): number {
    try {
      return this.#share?.store.conflictCount() ?? 0
    } catch {
      return 0
    }
  }

  #noteCursor({ store }: Share): void {
    store.put('cursor', this.#space.cursor())
  }

  #faultOf(error: unknown): Fault {
    if (error instanceof FaultError) return { code: error.code, detail: error.message }
    const fault = faultOf(error, this.config.file)
    if (fault === null) throw error
    return fault
  }

  #closeFile(): void {
    this.#share?.file.close()
    this.#share = null
    this.#isBehind = true
    this.#queue.clear()
  }
}

/** Batches of at most TABLE_BATCH_ROWS_MAX, with a turn for the rest of the node between them. */
async function* inBatches(keys: Iterator<string> & Iterable<string>): AsyncGenerator<readonly string[]> {
  let batch: string[] = []
  for (const key of keys) {
    batch.push(key)
    if (batch.length < TABLE_BATCH_ROWS_MAX) continue
    yield batch
    batch = []
    await turn()
  }
  if (batch.length > 0) yield batch
}
