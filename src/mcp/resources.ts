import { MCP_RESOURCE_CHARACTERS_MAX, MCP_RESOURCES_PAGE_MAX } from '../core/limits.ts'
import { formatValue } from '../core/value-json.ts'
import type { ItemType } from '../node/space/item-edit.ts'
import { placesWithin } from '../node/agents/item-listing.ts'
import type { SpaceAccess } from '../node/agents/space-access.ts'
import { FaultError, orThrow } from '../node/fault-error.ts'
import type { McpCaller } from './mcp-caller.ts'
import { formatResourceUri, parseResourceUri, type ResourceName } from './resource-uri.ts'
import { formatPlace, parsePlace } from './tools/list.ts'

/** A resource as it is listed. */
export interface ListedResource {
  readonly uri: string
  readonly name: string
  readonly mimeType: string
  readonly description?: string
}

/** The one form that all resources have. */
export const RESOURCE_TEMPLATE = {
  uriTemplate: 'hanse://{space}/{+path}{?type}',
  name: 'item',
  title: 'An item of a space',
  description:
    'space: name or id. path: names joined by "/"; empty for the space itself. type: only where items of several types are at the path.',
} as const

/** A page of the spaces and items that the caller reads: a space, what is in it, the next space. Throws `BAD_PAGE`. */
export function listResources(
  caller: McpCaller,
  page: string | undefined,
): { readonly resources: readonly ListedResource[]; readonly next: string | null } {
  const resources: ListedResource[] = []
  const [from, place] = page === undefined ? [null, null] : parsePage(page)
  let isReached = from === null
  for (const access of caller.spaces()) {
    const { id } = access.space
    const isHere = id === from
    if (!isReached && !isHere) continue
    isReached = true
    if (!isHere) resources.push(describeSpace(access))
    const after = isHere && place !== null ? place : undefined
    for (const at of placesWithin(access, '', { after })) {
      resources.push(describeItem(access, at))
      if (resources.length >= MCP_RESOURCES_PAGE_MAX) return { resources, next: `${id} ${formatPlace(at)}` }
    }
  }
  return { resources, next: null }
}

function parsePage(page: string) {
  const [id = ''] = page.split(' ', 1)
  return [id, parsePlace(page.slice(id.length + 1))] as const
}

const describeSpace = ({ space }: SpaceAccess): ListedResource => ({
  uri: formatResourceUri({ space: space.id, path: '' }),
  name: space.name,
  description: `The space ${space.name}, and what is in it`,
  mimeType: 'application/json',
})

function describeItem(
  { space }: SpaceAccess,
  { path, type }: { readonly path: string; readonly type: ItemType },
): ListedResource {
  const isAlone = space.typesAt(path).length === 1
  const name: ResourceName = { space: space.id, path, ...(isAlone ? {} : { type }) }
  return {
    uri: formatResourceUri(name),
    name: path,
    description: `${type} in ${space.name}`,
    mimeType: mimeTypeOf(path, type),
  }
}

const mimeTypeOf = (path: string, type: ItemType): string =>
  type !== 'text' ? 'application/json' : /\.(md|markdown)$/i.test(path) ? 'text/markdown' : 'text/plain'

/** What a resource says. Throws `BAD_URI`, `NO_SPACE`, `NOT_ALLOWED`, `NOT_FOUND`, `TOO_LARGE`. */
export function readResource(
  caller: McpCaller,
  uri: string,
): { readonly uri: string; readonly mimeType: string; readonly text: string } {
  const { space, path, type } = orThrow(parseResourceUri(uri))
  const access = caller.space(space)
  if (path === '') return { uri, mimeType: 'application/json', text: overviewOf(caller, access) }
  access.requireRead(path)
  const item = access.space.get(path, type)
  if (item === undefined)
    throw new FaultError({
      code: 'NOT_FOUND',
      detail: `nothing shows at ${JSON.stringify(path)} in ${access.space.name}`,
    })
  const text = item.type === 'text' ? (item.value as string) : formatValue(item.value)
  if (text.length > MCP_RESOURCE_CHARACTERS_MAX)
    throw new FaultError({
      code: 'TOO_LARGE',
      detail: `${JSON.stringify(path)} has ${text.length} characters, and a resource at most ${MCP_RESOURCE_CHARACTERS_MAX}: read it by pages with the tool read`,
    })
  return { uri, mimeType: mimeTypeOf(path, item.type), text }
}

/** A space in short: who reads what of it, and the first items. */
function overviewOf(caller: McpCaller, access: SpaceAccess): string {
  const items: string[] = []
  for (const { path, type } of placesWithin(access, '')) {
    items.push(`${path} (${type})`)
    if (items.length >= MCP_RESOURCES_PAGE_MAX) break
  }
  const { id, name } = access.space
  const hasMore = items.length >= MCP_RESOURCES_PAGE_MAX
  return formatValue({
    space: name,
    id,
    read: access.readable(),
    write: caller.writable(access),
    items,
    ...(hasMore ? { note: 'The first items only: the tool list has all of them.' } : {}),
  })
}
