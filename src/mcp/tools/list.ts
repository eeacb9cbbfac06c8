import { z } from 'zod'
import { MCP_LIST_MAX, MCP_PREVIEW_CHARACTERS } from '../../core/limits.ts'
import { CELL_TYPES } from '../../core/types/cell.ts'
import { type ItemPlace, placesWithin } from '../../node/agents/item-listing.ts'
import type { SpaceAccess } from '../../node/agents/space-access.ts'
import { FaultError } from '../../node/fault-error.ts'
import type { ItemType } from '../../node/space/item-edit.ts'
import { fit } from '../fit.ts'
import { previewOf, shorten } from '../model-json.ts'
import {
  folderInput,
  nextOutput,
  pageInput,
  spaceInput,
  spaceOutput,
  typeInput,
  typeOutput,
} from '../schemas.ts'
import { defineTool } from '../tool.ts'

/** What lies where. */
export const list = defineTool({
  name: 'list',
  title: 'List items',
  description:
    'The items at and below a path, by path, each with its type and the beginning of its value. Use read for a whole value, and search for words.',
  input: {
    space: spaceInput,
    path: folderInput,
    type: typeInput,
    limit: z.int().min(1).max(MCP_LIST_MAX).default(50),
    page: pageInput,
  },
  output: {
    space: spaceOutput,
    items: z.array(z.looseObject({ path: z.string(), type: typeOutput, preview: z.string() })),
    next: nextOutput,
  },
  annotations: { readOnlyHint: true, idempotentHint: true },
  run: ({ caller }, { space, path = '', type, limit, page }) => {
    const access = caller.space(space)
    caller.readableBelow(access, path)
    const after = page === undefined ? undefined : parsePlace(page)
    const { taken, isCut } = fit(describeAll(access, placesWithin(access, path, { after, type })), limit)
    const last = taken.at(-1)
    return {
      space: access.space.name,
      items: [...taken],
      ...(isCut && last !== undefined ? { next: formatPlace(last) } : {}),
    }
  },
})

function* describeAll(access: SpaceAccess, places: Iterable<ItemPlace>) {
  for (const { path, type } of places) yield { path, type, preview: preview(access, path, type) }
}

/** The beginning of an item's value; of what grows without bound, only a part is read. */
function preview({ space }: SpaceAccess, path: string, type: ItemType): string {
  if (type === 'log') {
    const [last] = space.lastEntries(path, 1)
    return last === undefined ? '' : `… ${previewOf(last.value)}`
  }
  if (type === 'text') return shorten(space.text(path).slice(0, MCP_PREVIEW_CHARACTERS + 1))
  const value = space.get(path, type)?.value
  if (type === 'set') return previewOf(value)
  if (type === 'edge') {
    const edges = value as readonly { readonly label: string; readonly to: string }[]
    return shorten(edges.map(({ label, to }) => `–${label}→ ${to}`).join(', '))
  }
  return previewOf(type === 'claim' ? (value as { readonly value: unknown }).value : value)
}

/** The place after which a listing goes on, as text. */
export const formatPlace = ({ path, type }: ItemPlace): string => `${type} ${path}`

/** The other way. Throws `BAD_PAGE`. */
export function parsePlace(page: string): ItemPlace {
  const [word = ''] = page.split(' ', 1)
  const type = CELL_TYPES.find((one) => one === word)
  if (type !== undefined) return { type, path: page.slice(word.length + 1) }
  throw new FaultError({
    code: 'BAD_PAGE',
    detail: `${JSON.stringify(page.slice(0, 60))} is no page of a listing`,
  })
}
