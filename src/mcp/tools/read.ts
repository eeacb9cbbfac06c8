import { z } from 'zod'
import { MCP_RESULT_CHARACTERS } from '../../core/limits.ts'
import { formatValue } from '../../core/value-json.ts'
import { placesWithin } from '../../node/agents/item-listing.ts'
import type { SpaceAccess } from '../../node/agents/space-access.ts'
import { FaultError } from '../../node/fault-error.ts'
import type { ClaimValue, EdgeValue, Item, LogValue } from '../../node/space/item.ts'
import { fit } from '../fit.ts'
import type { McpCaller } from '../mcp-caller.ts'
import { formatTime, previewOf, sliceWhole, toModelJson } from '../model-json.ts'
import {
  nextOutput,
  noteOutput,
  pathInput,
  spaceInput,
  spaceOutput,
  typeInput,
  typeOutput,
} from '../schemas.ts'
import { defineTool } from '../tool.ts'

/** Entries of a log that a page has at most. */
const LOG_PAGE = 50
/** Paths that are named where nothing is found. */
const NEIGHBOURS_MAX = 8

/** One item. */
export const read = defineTool({
  name: 'read',
  title: 'Read an item',
  description:
    'The value of the item at a path, now or at an earlier point. What is long comes in pages: of a text from its beginning, of a log the last entries (page "first" reads it from its beginning).',
  input: {
    path: pathInput,
    space: spaceInput,
    type: typeInput,
    field: z.string().optional().describe('Of a map, only this field.'),
    at: z
      .string()
      .optional()
      .describe('Not now but then: an operation id from history ("<id>^" for just before it), or a time.')
      .meta({ examples: ['2026-11-21T13:00:00Z'] }),
    page: z.string().optional().describe('"next" of the page before; of a log also "first".'),
  },
  output: {
    space: spaceOutput,
    path: z.string(),
    type: typeOutput,
    value: z
      .unknown()
      .describe(
        'By type: a value, the fields of a map, a text, edges, entries of a log, tags, a number, or who claims.',
      ),
    more_types: z.array(typeOutput).optional().describe('Items of these types are at the path too.'),
    next: nextOutput,
    note: noteOutput,
  },
  annotations: { readOnlyHint: true, idempotentHint: true },
  run: ({ caller }, { path, space, type, field, at, page }) => {
    const access = caller.space(space)
    access.requireRead(path)
    const items =
      at === undefined ? null : access.space.history.allAt(path, at, type === undefined ? {} : { type })
    const types = items?.map((item) => item.type) ?? access.space.typesAt(path)
    const wanted = type ?? types[0]
    if (wanted === undefined || !types.includes(wanted)) throw notFound(access, path, at !== undefined)
    const others = types.filter((one) => one !== wanted)
    const shown =
      wanted === 'log' && items === null
        ? readLog(caller, access, path, page)
        : readItem(
            caller,
            items?.find((item) => item.type === wanted) ?? access.space.get(path, wanted),
            field,
            page,
          )
    return {
      space: access.space.name,
      path,
      type: wanted,
      ...shown,
      ...(others.length === 0 ? {} : { more_types: others }),
    }
  },
})

interface Shown {
  readonly value: unknown
  readonly next?: string
  readonly note?: string
}

function readItem(
  caller: McpCaller,
  item: Item | undefined,
  field: string | undefined,
  page: string | undefined,
): Shown {
  if (item === undefined) throw new FaultError({ code: 'NOT_FOUND', detail: 'it has gone in this moment' })
  const { type, value } = item
  const from = parseFrom(page)
  if (field !== undefined) return sliceOf(fieldOf(item, field), from)
  switch (type) {
    case 'register':
    case 'blob':
    case 'counter':
      return sliceOf(value, from)
    case 'text': {
      const shown = sliceText(value as string, from)
      const note = item.incomplete === true ? 'Not final: edits of it have not arrived yet.' : shown.note
      return { ...shown, ...(note === undefined ? {} : { note }) }
    }
    case 'claim': {
      const { author, operation, value: claimed } = value as ClaimValue
      const claim = { claimed, by: caller.nameOf(author), author, operation, final: false }
      return {
        value: toModelJson(claim),
        note: 'Provisional: an earlier claim may still arrive from another node.',
      }
    }
    case 'map': {
      const { entries, ...rest } = pageOf(Object.entries(value as object), from)
      return {
        value: toModelJson(Object.fromEntries(entries.map(([name, one]) => [name, shortened(one)]))),
        ...rest,
      }
    }
    case 'edge': {
      const { entries, ...rest } = pageOf(value as readonly EdgeValue[], from)
      return { value: toModelJson(entries), ...rest }
    }
    case 'set': {
      const { entries, ...rest } = pageOf(value as readonly string[], from)
      return { value: entries, ...rest }
    }
    case 'log': {
      const { entries, ...rest } = pageOf(value as readonly LogValue[], from)
      return { value: entries.map((entry) => entryOf(caller, entry)), ...rest }
    }
  }
}

function fieldOf({ path, type, value }: Item, field: string): unknown {
  if (type !== 'map')
    throw new FaultError({
      code: 'NOT_FOUND',
      detail: `${JSON.stringify(path)} is a ${type}, which has no fields`,
    })
  const fields = value as Readonly<Record<string, unknown>>
  if (Object.hasOwn(fields, field)) return fields[field]
  const names = Object.keys(fields)
    .slice(0, NEIGHBOURS_MAX)
    .map((name) => JSON.stringify(name))
  throw new FaultError({
    code: 'NOT_FOUND',
    detail: `${JSON.stringify(path)} has no field ${JSON.stringify(field)}; it has ${names.join(', ')}`,
  })
}

function readLog(caller: McpCaller, { space }: SpaceAccess, path: string, page: string | undefined): Shown {
  const describe = (entry: LogValue) => entryOf(caller, entry)
  if (page === undefined) {
    const last = space.lastEntries(path, LOG_PAGE + 1).map(describe)
    // The last ones are kept, so they are counted from the end.
    const { taken, isCut } = fit(last.toReversed(), LOG_PAGE)
    const note = 'Earlier entries are left out: page "first" reads the log from its beginning.'
    return { value: taken.toReversed(), ...(isCut ? { note } : {}) }
  }
  const after = page === 'first' ? {} : { after: parseEntryName(page) }
  const { taken, isCut } = fit(
    [...space.entries(path, { ...after, limit: LOG_PAGE + 1 })].map(describe),
    LOG_PAGE,
  )
  const last = taken.at(-1)
  return { value: [...taken], ...(isCut && last !== undefined ? { next: last.id } : {}) }
}

const entryOf = (caller: McpCaller, { id, index, author, time, value }: LogValue) => ({
  id: `${id}:${index}`,
  by: caller.nameOf(author),
  time: formatTime(time),
  value: toModelJson(shortened(value)),
})

function parseEntryName(page: string): { readonly id: string; readonly index: number } {
  const [, id, index] = /^([0-9a-f]{64}):(\d{1,9})$/.exec(page) ?? []
  if (id === undefined) throw badPage(page)
  return { id, index: Number(index) }
}

function pageOf<T>(
  all: readonly T[],
  from: number,
): { readonly entries: readonly T[]; readonly next?: string } {
  const { taken, isCut } = fit(all.slice(from))
  return { entries: taken, ...(isCut ? { next: String(from + taken.length) } : {}) }
}

/** A value, or where it is long a part of it as JSON. */
function sliceOf(value: unknown, from: number): Shown {
  if (typeof value === 'string') return sliceText(value, from)
  const text = formatValue(value)
  if (from === 0 && text.length <= MCP_RESULT_CHARACTERS) return { value: toModelJson(value) }
  const shown = sliceText(text, from)
  return { ...shown, note: `It is long: this is a part of it as JSON text. ${shown.note ?? ''}`.trim() }
}

function sliceText(text: string, from: number): Shown {
  const value = sliceWhole(text, from, MCP_RESULT_CHARACTERS)
  const end = from + value.length
  if (from === 0 && end >= text.length) return { value }
  const note = `Characters ${from} to ${end} of ${text.length}.`
  return { value, note, ...(end < text.length ? { next: String(end) } : {}) }
}

/** A value among others: what alone would fill a result is only begun. */
function shortened(value: unknown): unknown {
  const text = formatValue(value)
  return text.length <= MCP_RESULT_CHARACTERS / 2 ? value : previewOf(value)
}

function parseFrom(page: string | undefined): number {
  if (page === undefined) return 0
  if (!/^\d{1,9}$/.test(page)) throw badPage(page)
  return Number(page)
}

const badPage = (page: string) =>
  new FaultError({ code: 'BAD_PAGE', detail: `${JSON.stringify(page.slice(0, 80))} is no page of this item` })

function notFound(access: SpaceAccess, path: string, isThen: boolean): FaultError {
  const { folder, near } = neighboursOf(access, path)
  const there =
    near.length === 0
      ? 'nothing is there either'
      : `there is ${near.map((one) => JSON.stringify(one)).join(', ')}`
  const what = `nothing ${isThen ? 'showed' : 'shows'} at ${JSON.stringify(path)} in ${access.space.name}`
  return new FaultError({ code: 'NOT_FOUND', detail: `${what}; below ${JSON.stringify(folder)} ${there}` })
}

/** The nearest folder above a path with something in it, and the first paths there. */
function neighboursOf(
  access: SpaceAccess,
  path: string,
): { readonly folder: string; readonly near: readonly string[] } {
  for (let folder = path; ; ) {
    const near = new Set<string>()
    for (const place of placesWithin(access, folder)) {
      near.add(place.path)
      if (near.size >= NEIGHBOURS_MAX) break
    }
    if (near.size > 0 || folder === '') return { folder, near: [...near] }
    folder = folder.includes('/') ? folder.slice(0, folder.lastIndexOf('/')) : ''
  }
}
