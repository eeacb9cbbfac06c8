import { z } from 'zod'
import { MCP_LIST_MAX, MCP_LOOK_THROUGH_MAX } from '../../core/limits.ts'
import type { SpaceAccess } from '../../node/agents/space-access.ts'
import type { EditDescription } from '../../node/history/describe-edit.ts'
import { fit } from '../fit.ts'
import type { McpCaller } from '../mcp-caller.ts'
import { formatTime, shorten } from '../model-json.ts'
import { nextOutput, noteOutput, pageInput, spaceInput, spaceOutput, typeInput } from '../schemas.ts'
import { defineTool } from '../tool.ts'

/** Edits of one operation that are told. */
const EDITS_TOLD_MAX = 8

/** What an operation did, for a model. */
interface Told {
  readonly operation: string
  readonly by: string
  readonly time: string
  readonly did: readonly string[]
  readonly shows?: boolean
  readonly revoked?: true
  readonly concurrent?: number
}

/** Who did what, when. */
export const history = defineTool({
  name: 'history',
  title: 'History of an item or folder',
  description:
    'Who did what and when to the item at a path, the latest first; where there is no item, to all below it. An operation id from here can be given to read as "at".',
  input: {
    path: z
      .string()
      .default('')
      .describe('An item or a folder; empty for all you reach.')
      .meta({ examples: ['notes/plan', 'notes'] }),
    space: spaceInput,
    type: typeInput,
    limit: z.int().min(1).max(MCP_LIST_MAX).default(20),
    page: pageInput,
  },
  output: {
    space: spaceOutput,
    of: z.enum(['item', 'folder']),
    operations: z.array(
      z.looseObject({
        operation: z.string(),
        by: z.string().describe('"you", the name of an agent of this node, or a did:key.'),
        time: z.string(),
        did: z.array(z.string()),
        shows: z.boolean().optional().describe('True where something of it is what shows now.'),
        revoked: z.boolean().optional().describe('True where it lost its effect.'),
        concurrent: z
          .number()
          .optional()
          .describe('So many others wrote at the same time without knowing of each other.'),
      }),
    ),
    next: nextOutput,
    note: noteOutput,
  },
  annotations: { readOnlyHint: true, idempotentHint: true },
  run: ({ caller }, { path, space, type, limit, page }) => {
    const access = caller.space(space)
    const below = caller.readableBelow(access, path)
    // Where one path is all that is read, no more than that is looked through.
    const folder = below?.length === 1 ? (below[0] as string) : path
    const told =
      access.mayRead(path) && path !== '' ? ofItem(caller, access, path, { type, limit, page }) : null
    return {
      space: access.space.name,
      ...(told ?? belowFolder(caller, access, folder, limit, page)),
    }
  },
})

function ofItem(
  caller: McpCaller,
  { space }: SpaceAccess,
  path: string,
  {
    type,
    limit,
    page,
  }: {
    readonly type: EditDescription['type'] | undefined
    readonly limit: number
    readonly page: string | undefined
  },
) {
  const { versions, next } = space.history.of(path, { type, limit, after: page })
  const isItem = versions.length > 0 || space.history.of(path, { type, limit: 1 }).versions.length > 0
  if (!isItem) return null
  const all = versions.map(
    ({ operation, author, time, edits, shows, effective, concurrent }): Told => ({
      operation,
      by: caller.nameOf(author),
      time: formatTime(time),
      did: wordsOf(edits, edits.length, false),
      shows,
      ...(effective ? {} : { revoked: true as const }),
      ...(concurrent.length === 0 ? {} : { concurrent: concurrent.length }),
    }),
  )
  const { taken, isCut } = fit(all, limit)
  const last = taken.at(-1)
  const goesOn = isCut ? (last?.operation ?? null) : next
  return { of: 'item' as const, operations: taken, ...(goesOn === null ? {} : { next: goesOn }) }
}

function belowFolder(
  caller: McpCaller,
  access: SpaceAccess,
  path: string,
  limit: number,
  page: string | undefined,
) {
  let looked = 0
  let lookedLast: string | null = null
  function* readable(): Generator<Told> {
    const operations = access.space.history.log(path, { limit: MCP_LOOK_THROUGH_MAX, before: page })
    for (const { id, author, time, edits, moreEdits, masked } of operations) {
      looked++
      const mine = edits.filter((edit) => access.mayRead(edit.path))
      if (mine.length > 0)
        yield {
          operation: id,
          by: caller.nameOf(author),
          time: formatTime(time),
          // How many there are in all is not told to who does not see them all.
          did: wordsOf(mine, mine.length === edits.length ? mine.length + moreEdits : mine.length, true),
          ...(masked ? { revoked: true as const } : {}),
        }
      lookedLast = id
    }
  }
  const { taken, isCut } = fit(readable(), limit)
  const isStopped = looked >= MCP_LOOK_THROUGH_MAX
  const next = isCut ? (taken.at(-1)?.operation ?? null) : isStopped ? lookedLast : null
  return {
    of: 'folder' as const,
    operations: taken,
    ...(next === null ? {} : { next }),
    ...(taken.length === 0 && !isStopped ? { note: 'Nothing was written here, as far as you read.' } : {}),
    ...(isStopped && !isCut ? { note: `${looked} operations were looked through; go on with "next".` } : {}),
  }
}

function wordsOf(edits: readonly EditDescription[], count: number, hasPaths: boolean): readonly string[] {
  const told = edits
    .slice(0, EDITS_TOLD_MAX)
    .map(({ path, type, words }) => shorten(hasPaths ? `${path} (${type}): ${words}` : `${type}: ${words}`))
  return count > told.length ? [...told, `and ${count - told.length} more`] : told
}
