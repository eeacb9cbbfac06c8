import { z } from 'zod'
import { MCP_LIST_MAX, MCP_WAIT_MS_MAX } from '../../core/limits.ts'
import { CELL_TYPES } from '../../core/types/cell.ts'
import { type ChangesPage, readChanges, waitForChange as waitFor } from '../read-changes.ts'
import { folderInput, noteOutput, spaceInput, spaceOutput, typeOutput } from '../schemas.ts'
import { defineTool } from '../tool.ts'

const input = {
  space: spaceInput,
  path: folderInput,
  types: z.array(z.enum(CELL_TYPES)).optional().describe('Only items of these types.'),
  limit: z.int().min(1).max(MCP_LIST_MAX).default(50),
}

const output = {
  space: spaceOutput,
  changes: z.array(
    z.looseObject({
      operation: z.string(),
      by: z.string().describe('"you", the name of an agent of this node, or a did:key.'),
      time: z.string(),
      cause: z
        .enum(['written', 'arrived', 'revoked', 'restored'])
        .describe('written, or its content came late (arrived), or it lost its effect or got it back.'),
      items: z.array(z.looseObject({ path: z.string(), type: typeOutput, did: z.array(z.string()) })),
      more: z.number().optional().describe('Items of the operation that are not told.'),
    }),
  ),
  cursor: z.string().describe('Give it to the next call; it stays good across restarts.'),
  note: noteOutput,
}

/** What happened since. */
export const changesSince = defineTool({
  name: 'changes_since',
  title: 'Changes since a cursor',
  description:
    'What was written by anybody since a cursor, causes first, with a new cursor. Without a cursor: from the beginning. With cursor "now": nothing but a cursor to begin from. To sleep until something happens, use wait_for_change.',
  input: {
    cursor: z.string().optional().describe('"cursor" of an earlier result, or "now".'),
    ...input,
  },
  output,
  annotations: { readOnlyHint: true, idempotentHint: true },
  run: async ({ caller, signal }, { cursor, space, path = '', types, limit }) => {
    const access = caller.space(space)
    const page = await readChanges(caller, access, { since: cursor, path, types, limit, signal })
    caller.requireValid()
    return { space: access.space.name, ...tell(page) }
  },
})

/** Sleeping until something happens. */
export const waitForChange = defineTool({
  name: 'wait_for_change',
  title: 'Wait for a change',
  description: `Waits until anybody writes something after the cursor, and tells what; or gives no changes when the time is over (then call it again with the same cursor). Far better than asking again and again. Without a cursor: from now on.`,
  input: {
    cursor: z
      .string()
      .optional()
      .describe('"cursor" of an earlier result: what was written since counts at once.'),
    timeout_seconds: z
      .number()
      .min(0)
      .max(MCP_WAIT_MS_MAX / 1000)
      .default(25),
    ...input,
  },
  output,
  annotations: { readOnlyHint: true, idempotentHint: true },
  run: async ({ caller, signal }, { cursor, timeout_seconds, space, path = '', types, limit }) => {
    const access = caller.space(space)
    const since = cursor ?? access.space.cursor()
    const waitMs = Math.round(timeout_seconds * 1000)
    const has = await waitFor(caller, access, { since, path, types, waitMs, signal })
    caller.requireValid()
    if (!has) {
      const note = `Nothing has changed in ${timeout_seconds} s: call again with this cursor to go on waiting.`
      return {
        space: access.space.name,
        changes: [],
        cursor: since === 'now' ? access.space.cursor() : since,
        note,
      }
    }
    const page = await readChanges(caller, access, { since, path, types, limit, signal })
    caller.requireValid()
    return { space: access.space.name, ...tell(page) }
  },
})

function tell({ changes, cursor, isCut }: ChangesPage) {
  return {
    changes: changes.map((change) => ({
      ...change,
      items: change.items.map((item) => ({ ...item, did: [...item.did] })),
    })),
    cursor,
    ...(isCut ? { note: 'There is more already: call changes_since with this cursor.' } : {}),
  }
}
