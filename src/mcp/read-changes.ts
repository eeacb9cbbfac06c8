import { MCP_RESULT_CHARACTERS } from '../core/limits.ts'
import { formatJson } from '../core/json.ts'
import type { CellType } from '../core/types/cell.ts'
import type { SpaceAccess } from '../node/agents/space-access.ts'
import type { ChangeRecord } from '../node/feed/change-record.ts'
import { fieldWords } from '../node/history/describe-edit.ts'
import type { McpCaller } from './mcp-caller.ts'
import { formatTime, previewOf, shorten } from './model-json.ts'

/** Items and fields of one operation that are told; the rest is counted. */
const ITEMS_TOLD_MAX = 20
const FIELDS_TOLD_MAX = 6

/** What one operation did to the items that the caller reads. */
export interface ToldChange {
  readonly operation: string
  readonly by: string
  readonly time: string
  /** Why it is told: it was written, its content came late, or it lost its effect or got it back. */
  readonly cause: ChangeRecord['cause']
  readonly items: readonly ToldItem[]
  /** Items of this operation that are not told. */
  readonly more?: number
}

interface ToldItem {
  readonly path: string
  readonly type: CellType
  readonly did: readonly string[]
}

/** Which changes. */
export interface ChangesWanted {
  readonly since: string | undefined
  readonly path: string
  readonly types: readonly CellType[] | undefined
  readonly limit: number
  readonly signal: AbortSignal
}

/** A page of changes. */
export interface ChangesPage {
  readonly changes: readonly ToldChange[]
  /** Where to go on. */
  readonly cursor: string
  /** True where there is more already. */
  readonly isCut: boolean
}

/**
 * What has changed since a cursor within the caller's reach, operation by operation, each of them whole: a cursor in the middle of an
 * operation is one before it, so a page that ended there would come again for ever. Throws `BAD_CURSOR`, `BAD_PATH`.
 */
export async function readChanges(
  caller: McpCaller,
  access: SpaceAccess,
  { since, path, types, limit, signal }: ChangesWanted,
): Promise<ChangesPage> {
  const page = new Page(caller, limit)
  let cursor = since ?? ''
  const options = {
    path,
    live: false,
    signal,
    mayRead: (at: string) => access.mayRead(at),
    // Of what is not for the caller too, so that it need not be looked through again.
    onEnd: (end: string) => {
      cursor = end
    },
    ...only('since', since),
    ...only('types', types),
  }
  caller.readableBelow(access, path)
  for await (const record of access.space.changes(options)) {
    if (page.isFullBefore(record)) return { changes: page.finish(), cursor, isCut: true }
    cursor = record.cursor
    page.take(record)
  }
  signal.throwIfAborted()
  return { changes: page.finish(), cursor, isCut: false }
}

/** Resolves when something changes within the caller's reach after a cursor, or at the end of the wait. True where something has. */
export async function waitForChange(
  caller: McpCaller,
  access: SpaceAccess,
  { since, path, types, waitMs, signal }: Omit<ChangesWanted, 'limit'> & { readonly waitMs: number },
): Promise<boolean> {
  caller.readableBelow(access, path)
  const options = {
    path,
    since: since ?? 'now',
    signal: AbortSignal.any([signal, AbortSignal.timeout(waitMs)]),
    mayRead: (at: string) => access.mayRead(at),
    ...only('types', types),
  }
  for await (const _ of access.space.changes(options)) return true
  signal.throwIfAborted()
  return false
}

const only = <Name extends string, Value>(name: Name, value: Value | undefined) =>
  (value === undefined ? {} : { [name]: value }) as { readonly [N in Name]?: Value }

/** Gathers records into operations. */
class Page {
  readonly #caller: McpCaller
  readonly #limit: number
  readonly #done: ToldChange[] = []
  #characters = 0
  #open: {
    readonly about: Omit<ToldChange, 'items' | 'more'>
    readonly items: ToldItem[]
    more: number
  } | null = null
  #last: string | null = null

  constructor(caller: McpCaller, limit: number) {
    this.#caller = caller
    this.#limit = limit
  }

  /** True where no other operation goes in any more, and the record would be of one. */
  isFullBefore({ operation, cause }: ChangeRecord): boolean {
    if (this.#last === `${operation} ${cause}`) return false
    this.#close()
    return this.#done.length >= this.#limit || this.#characters >= MCP_RESULT_CHARACTERS
  }

  take(record: ChangeRecord): void {
    const { operation, author, time, cause } = record
    this.#last = `${operation} ${cause}`
    const about = { operation, by: this.#caller.nameOf(author), time: formatTime(time), cause }
    this.#open ??= { about, items: [], more: 0 }
    if (this.#open.items.length < ITEMS_TOLD_MAX) this.#open.items.push(toldItem(record))
    else this.#open.more++
  }

  finish(): readonly ToldChange[] {
    this.#close()
    return this.#done
  }

  #close(): void {
    if (this.#open === null) return
    const { about, items, more } = this.#open
    const told = { ...about, items, ...(more === 0 ? {} : { more }) }
    this.#done.push(told)
    this.#characters += formatJson(told).length
    this.#open = null
  }
}

function settingWords(type: CellType, name: string, value: unknown): string {
  if (type === 'set') return `+ ${name}`
  if (type === 'log') return `appended ${previewOf(value)}`
  if (type === 'claim') return `claimed with ${previewOf(value)}`
  if (type === 'edge' && value === null) return name
  return `${name === '' ? '' : `${name} `}= ${previewOf(value)}`
}

function toldItem({ path, type, changes }: ChangeRecord): ToldItem {
  const did = changes.slice(0, FIELDS_TOLD_MAX).map(({ field, action, value }) => {
    const name = fieldWords(type, field)
    if (action === 'set') return shorten(settingWords(type, name, value))
    if (action === 'add') return `+ ${String(value)}`
    if (action === 'edit') return 'text edited'
    return name === '' ? 'removed' : `− ${shorten(name)}`
  })
  return changes.length > did.length
    ? { path, type, did: [...did, `and ${changes.length - did.length} more`] }
    : { path, type, did }
}
