import { decodeCanonical } from '../../core/canonical-cbor.ts'
import {
  KIND_DECLARATIONS_READ_MAX,
  KIND_FIELDS_READ_MAX,
  KIND_RENEWAL_MS,
  KINDS_MAX,
} from '../../core/limits.ts'
import { isAtOrBelow } from '../../core/path.ts'
import type { Signer } from '../../core/signature.ts'
import type { CellKey, CellType } from '../../core/types/cell.ts'
import { MAP } from '../../core/types/map/change.ts'
import type { KindView, SpaceStore } from '../../storage/space-store.ts'
import { StoreError } from '../../storage/store-error.ts'
import { FaultError } from '../fault-error.ts'
import { fieldsOfKind, flawOfKindName, KINDS_PATH, readKind } from './kind.ts'

/** No field of sense comes after it. */
const LAST_CHARACTER = '\u{10ffff}'

/** A declared kind of entity, and what became of its view. */
export interface Kind {
  readonly name: string
  /** Where its items lie; null where the declaration says nothing that could be one. */
  readonly path: string | null
  readonly columns: KindView['columns']
  /** Why it has no view; null where it has. */
  readonly problem: string | null
}

/** All declared kinds, ascending by name. */
export interface KindList {
  readonly kinds: readonly Kind[]
  /** True where there are more declarations than are read. */
  readonly more: boolean
}

/** How a declaration is written: as any other item of the space. */
export interface KindWriter {
  edit(
    path: string,
    set: Readonly<Record<string, unknown>>,
    remove?: readonly string[],
    options?: KindOptions,
  ): string | null
  delete(path: string, options?: KindOptions): string | null
}

export interface KindOptions {
  /** Sign with this key rather than the node's own. */
  readonly author?: Signer
}

/**
 * The kinds that a space declares, as views in its file. Declarations are items, which come from anybody who may write them, so what is read is
 * bounded and one that does not hold is told and harms no other. Invariants:
 * 1. after `renew`, the file has a view for each declaration that holds, the first KINDS_MAX by name, and for no other;
 * 2. a touched declaration is renewed within KIND_RENEWAL_MS, and no more often than that by itself.
 */
export class Kinds {
  readonly #store: SpaceStore
  readonly #writer: KindWriter
  #taken: ReadonlySet<string> = new Set()
  #views: readonly KindView[] = []
  #isStale = true
  #timer: NodeJS.Timeout | null = null

  constructor(store: SpaceStore, writer: KindWriter) {
    this.#store = store
    this.#writer = writer
  }

  /** Looks at cells that may show something else than before. */
  touched(cells: readonly CellKey[]): void {
    if (this.#store.sql === null || !cells.some(({ path }) => isAtOrBelow(path, KINDS_PATH))) return
    this.#isStale = true
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      this.renewIfPossible()
    }, KIND_RENEWAL_MS).unref()
  }

  /** Brings the views up to date, where declarations changed since. Throws the store's errors. */
  renew(): void {
    if (!this.#isStale || this.#store.sql === null) return
    const { kinds } = this.#read()
    const views = kinds.flatMap(({ view }) => (view === null ? [] : [view]))
    this.#taken = new Set(this.#store.sql.putKindViews(views))
    this.#views = views
    this.#isStale = false
  }

  /** What is declared now. */
  list(): KindList {
    this.renew()
    const { kinds, more } = this.#read()
    return {
      kinds: kinds.map(({ kind }) =>
        kind.problem === null && this.#taken.has(kind.name)
          ? { ...kind, problem: `something else in the file is called ${kind.name}` }
          : kind,
      ),
      more,
    }
  }

  /** The kinds that have a view, as it was made last. */
  views(): readonly KindView[] {
    return this.#views.filter(({ name }) => !this.#taken.has(name))
  }

  /** Declares a kind, or changes its declaration to exactly this. Returns the operation's id, or null where nothing changes. */
  declare(kind: KindView, options: KindOptions = {}): string | null {
    const fields = fieldsOfKind(kind)
    const read = readKind(kind.name, new Map(Object.entries(fields)))
    if (!read.ok) throw new FaultError({ code: 'BAD_KIND', detail: `${kind.name}: ${read.fault.detail}` })
    const shown = this.#fieldsOf(kind.name)
    const stray = [...shown.keys()].filter(
      (name) => name.startsWith('column.') && !Object.hasOwn(fields, name),
    )
    const changed = Object.entries(fields).filter(([name, value]) => shown.get(name) !== value)
    const path = `${KINDS_PATH}/${kind.name}`
    const isSame = changed.length === 0 && stray.length === 0
    const id = isSame ? null : this.#writer.edit(path, Object.fromEntries(changed), stray, options)
    this.renew()
    return id
  }

  /** Takes a declaration away; the items stay. Returns the operation's id, or null where there is none. */
  remove(name: string, options: KindOptions = {}): string | null {
    const id = this.#writer.delete(`${KINDS_PATH}/${name}`, options)
    this.renew()
    return id
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  /** The same where nobody asked: a full disk or the like is told to whoever asks next, and it is tried again then. */
  renewIfPossible(): void {
    try {
      this.renew()
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
    }
  }

  #read(): {
    readonly kinds: readonly { readonly kind: Kind; readonly view: KindView | null }[]
    readonly more: boolean
  } {
    const { names, more } = this.#names()
    let room = KINDS_MAX
    const kinds = names.map((name) => {
      const fields = flawOfKindName(name) === null ? this.#fieldsOf(name) : new Map<string, unknown>()
      const read = readKind(name, fields)
      if (read.ok && room-- > 0) {
        const { path, columns } = read.value
        return { kind: { name, path, columns, problem: null }, view: read.value }
      }
      const path = fields.get('path')
      const problem = read.ok ? `only the first ${KINDS_MAX} kinds by name have a view` : read.fault.detail
      return {
        kind: { name, path: typeof path === 'string' ? path : null, columns: [], problem },
        view: null,
      }
    })
    return { kinds, more }
  }

  /** The names under which maps are declared, whatever they are. */
  #names(): { readonly names: readonly string[]; readonly more: boolean } {
    const names: string[] = []
    let after: CellKey = { path: KINDS_PATH, type: 'text', field: LAST_CHARACTER }
    for (let looks = 0; looks < KIND_DECLARATIONS_READ_MAX; looks++) {
      const [row] = this.#store.cells({ prefix: KINDS_PATH, after, limit: 1 })
      if (row === undefined) return { names, more: false }
      const { path, type } = row.key
      const [name = '', ...below] = path.slice(KINDS_PATH.length + 1).split('/')
      if (type === MAP && below.length === 0) names.push(name)
      // What lies below a declaration, and a map's further fields, are passed over at once. `0` is the first character after the slash.
      after =
        below.length === 0
          ? { path, type, field: LAST_CHARACTER }
          : { path: `${KINDS_PATH}/${name}0`, type: '' as CellType, field: '' }
    }
    return { names, more: true }
  }

  #fieldsOf(name: string): ReadonlyMap<string, unknown> {
    const path = `${KINDS_PATH}/${name}`
    const rows = this.#store.cells({
      prefix: path,
      after: { path, type: MAP, field: '' },
      limit: KIND_FIELDS_READ_MAX,
    })
    const fields = new Map<string, unknown>()
    for (const { key, cell } of rows) {
      if (key.path !== path || key.type !== MAP) break
      const value = decodeCanonical(cell.value)
      if (value.ok) fields.set(key.field, value.value)
    }
    return fields
  }
}
