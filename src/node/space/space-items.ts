import { TypedEventEmitter } from 'main-event'
import { equalBytes, toHex } from '../../core/bytes.ts'
import { OBSERVED_MAX } from '../../core/limits.ts'
import { parsePath } from '../../core/path.ts'
import { formatDid } from '../../core/principal.ts'
import type { Signer } from '../../core/signature.ts'
import { CELL_TYPES } from '../../core/types/cell.ts'
import { edgeField } from '../../core/types/edge/change.ts'
import { FaultError, orThrow } from '../fault-error.ts'
import { checkEdit } from './check-edit.ts'
import type { HostedSpace } from './hosted-space.ts'
import type { ItemEdit, ItemType } from './item-edit.ts'
import { itemAt, listItems, rowsOf, type Item, type ListOptions, type LogValue } from './item.ts'
import { lastEntries, listEntries, type EntryName } from './log-entries.ts'
import { parseOperationId } from './operation-id.ts'
import type { PutOptions } from './put-options.ts'
import type { SpaceEvents } from './space-events.ts'
import { Soon } from './soon.ts'
import { SpaceText } from './space-text.ts'

/** Who writes, by whose clock. */
export interface ItemsOwner {
  /** The key that signs the node's own operations. */
  readonly author: Signer
  /** The node's clock, ms since 1970. */
  now(): number
}

/** Which entries of a log. */
export interface EntriesOptions {
  /** Only those after this one. */
  readonly after?: EntryName
  /** At most so many. */
  readonly limit?: number
}

/**
 * The items of a space, to read and to write; docs/data-types.md says what each type is for. Every method that writes makes one signed
 * operation, and throws a {@link FaultError} for what the caller can mend.
 */
export class SpaceItems extends TypedEventEmitter<SpaceEvents> {
  /** The space's parts inside the node. */
  readonly hosted: HostedSpace
  readonly #owner: ItemsOwner
  readonly #soon: Soon

  constructor(hosted: HostedSpace, owner: ItemsOwner) {
    super()
    this.hosted = hosted
    this.#owner = owner
    this.#soon = new Soon((work) => this.writeTogether(work))
  }

  /** Replaces the register at a path. Returns the operation's id. */
  put(path: string, value: unknown, options: PutOptions = {}): string {
    return this.write([{ kind: 'put', path, value }], options)
  }

  /** Sets and removes fields of the map at a path. Returns the operation's id, or null where nothing changes. */
  edit(
    path: string,
    set: Readonly<Record<string, unknown>>,
    remove: readonly string[] = [],
    options: PutOptions = {},
  ): string | null {
    return this.write([{ kind: 'edit', path, set, remove }], options)
  }

  /** Draws the edge `from –label→ to`, or replaces its value. Returns the operation's id. */
  link(from: string, label: string, to: string, value: unknown = null, options: PutOptions = {}): string {
    return this.write([{ kind: 'link', path: from, label, to, value }], options)
  }

  /** Takes an edge away. Returns the operation's id, or null where there is none. */
  unlink(from: string, label: string, to: string, options: PutOptions = {}): string | null {
    const edit = { kind: 'unlink', path: from, label, to } as const
    orThrow(checkEdit(edit))
    const cell = this.hosted.store.cell({ path: from, type: 'edge', field: edgeField(edit) })
    return cell === undefined || cell.removed ? null : this.write([edit], options)
  }

  /** Appends an entry to the log at a path. Returns the operation's id. */
  append(path: string, value: unknown, options: PutOptions = {}): string {
    return this.write([{ kind: 'append', path, value }], options)
  }

  /** Adds members to the set at a path, and removes others. Returns the operation's id. */
  tag(
    path: string,
    add: readonly string[],
    remove: readonly string[] = [],
    options: PutOptions = {},
  ): string {
    return this.write([{ kind: 'tag', path, add, remove }], options)
  }

  /** Adds a whole number to the counter at a path. Returns the operation's id. */
  increment(path: string, by = 1, options: PutOptions = {}): string {
    return this.write([{ kind: 'count', path, by }], options)
  }

  /** Claims what a path names: the first claim holds, provisionally. Returns the operation's id. */
  claim(path: string, value: unknown, options: PutOptions = {}): string {
    return this.write([{ kind: 'claim', path, value }], options)
  }

  /**
   * Releases the author's own claims on what a path names; the next one of somebody else holds then. Returns the operation's id, or null
   * where the author has none. To take away everybody's: `delete`.
   */
  release(path: string, options: PutOptions = {}): string | null {
    orThrow(parsePath(path))
    const author = options.author ?? this.#owner.author
    const { store } = this.hosted
    const key = { path, type: 'claim', field: '' } as const
    const observed = store.history(key).flatMap(({ ordinal, index, kind }) => {
      const entry = store.at(ordinal)
      const isOwn = equalBytes(entry.author, author.publicKey) && store.mask(ordinal) === undefined
      const ref = { id: entry.id, index }
      return kind === 'set' && isOwn && !store.isRemoved(key, ref) ? [ref] : []
    })
    if (observed.length === 0) return null
    const edits = Array.from({ length: Math.ceil(observed.length / OBSERVED_MAX) }, (_, i) => ({
      kind: 'remove' as const,
      ...key,
      observed: observed.slice(i * OBSERVED_MAX, (i + 1) * OBSERVED_MAX),
    }))
    return this.write(edits, options)
  }

  /** The text at a path, to read and to edit; there need not be one yet. */
  text(path: string): SpaceText {
    return new SpaceText(this, path)
  }

  /**
   * Deletes what shows at a path, of one type or of every type but log, whose entries stay for good (`APPEND_ONLY`). Returns the operation's id, or
   * null where there is nothing.
   */
  delete(path: string, options: PutOptions = {}, type?: ItemType): string | null {
    orThrow(parsePath(path))
    const types = type === undefined ? CELL_TYPES : [type]
    const shown = types.filter((one) => this.#shows(path, one))
    if (shown.length === 0) return null
    const deletable = shown.filter((one) => one !== 'log')
    // Of a log alone, the write says why not.
    const wanted = deletable.length === 0 ? shown : deletable
    return this.write(
      wanted.map((one) => ({ kind: 'delete', path, type: one })),
      options,
    )
  }

  /** Several edits as one operation with one signature. Also writes an operation without changes, where `edits` is empty. */
  write(edits: readonly ItemEdit[], options: PutOptions = {}): string {
    for (const edit of edits) {
      orThrow(checkEdit(edit))
      if (edit.kind === 'delete') this.#checkDeletable(edit.path, edit.type)
    }
    this.#publishRights()
    const operation = this.hosted.write(edits, {
      author: options.author ?? this.#owner.author,
      after: options.after?.map(parseOperationId),
      timeMs: options.timeMs ?? this.#owner.now(),
      path: options.path,
    })
    return toHex(operation.id)
  }

  /**
   * Runs work that writes several operations, which take their effect one after the other and are synced to the disk once, when it returns: that is
   * much faster than one by one, and each remains an operation of its own. Nobody is told of any before, also no listener here; rights that are given inside may
   * be used after it. What `work` throws is thrown, and undoes nothing. Where the disk fails, nothing was written.
   */
  writeTogether<T>(work: () => T): T {
    return this.hosted.replica.together(work)
  }

  /**
   * The same for writers who do not know of each other: `work` runs soon, with that of others, in the order in which it was given. Resolves with
   * what it returns once it is on disk; rejects with what it throws.
   */
  async writeSoon<T>(work: () => T): Promise<T> {
    return await this.#soon.run(work)
  }

  /** Runs what was given to {@link writeSoon} and has not run. */
  protected finishWrites(): void {
    this.#soon.finish()
  }

  /** The item at a path, of one type or of the first that shows there in the order of CELL_TYPES. Undefined where nothing does. */
  get(path: string, type?: ItemType): Item | undefined {
    orThrow(parsePath(path))
    for (const one of type === undefined ? CELL_TYPES : [type]) {
      const item = itemAt(path, one, this.hosted.store)
      if (item !== undefined) return item
    }
    return undefined
  }

  /** The types of the items that show at a path, in the order of CELL_TYPES. */
  typesAt(path: string): readonly ItemType[] {
    orThrow(parsePath(path))
    return CELL_TYPES.filter((type) => this.#shows(path, type))
  }

  /** The items at or below a path, ascending by path and type, one after the other. */
  list(prefix = '', options: ListOptions = {}): Generator<Item> {
    orThrow(parsePath(prefix))
    return listItems(prefix, this.hosted.store, options)
  }

  /** The entries of the log at a path, the first first, a page at a time; what is appended meanwhile comes too. */
  entries(path: string, options: EntriesOptions = {}): Generator<LogValue, void, void> {
    orThrow(parsePath(path))
    return listEntries(path, this.hosted.store, options)
  }

  /** The last entries of the log at a path, at most `count`, in order. The cost grows with `count` and hardly with the log. */
  lastEntries(path: string, count: number): readonly LogValue[] {
    orThrow(parsePath(path))
    return lastEntries(path, count, this.hosted.store)
  }

  /** A guest may write as soon as the genesis is here: the rights that it joined with are its first operation, and this the next. */
  #publishRights(): void {
    try {
      this.hosted.publishPendingTokens({ author: this.#owner.author, timeMs: this.#owner.now() })
    } catch (error) {
      // Whether the write may be made without them, it says itself.
      if (!(error instanceof FaultError)) throw error
    }
  }

  /** What shows is deleted by naming it, and what a frozen author wrote is not built on. */
  #checkDeletable(path: string, type: ItemType): void {
    const { store, replica } = this.hosted
    for (const { cell } of rowsOf(path, type, store)) {
      const writer = store.find(cell.id)
      if (writer === undefined || !replica.isFrozen(writer.author)) continue
      const detail = `what shows at ${JSON.stringify(path)} was written by ${formatDid(writer.author)}, whose key has two logs, so nothing is built on it: "hanse contain" takes its effect, or write something else there`
      throw new FaultError({ code: 'FROZEN', detail }, path)
    }
  }

  #shows(path: string, type: ItemType): boolean {
    return rowsOf(path, type, this.hosted.store).next().done !== true
  }
}
