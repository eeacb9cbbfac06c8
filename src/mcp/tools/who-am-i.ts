import { z } from 'zod'
import { formatTime } from '../model-json.ts'
import { defineTool } from '../tool.ts'

/** Who the caller is, and what it may do. */
export const whoAmI = defineTool({
  name: 'who_am_i',
  title: 'Who am I',
  description:
    'Your name and key, and which spaces and paths you may read and write. Call it first, and whenever something is not allowed.',
  input: {},
  output: {
    name: z.string(),
    did: z.string().describe('The key that signs all you write.'),
    expires: z.string().nullable().describe('When your token ends; null: never.'),
    may_run_the_node: z.boolean(),
    spaces: z.array(
      z.looseObject({
        space: z.string(),
        id: z.string(),
        read: z
          .array(z.string())
          .nullable()
          .describe('You read at and below these paths; [""] is everything. Null: just try.'),
        write: z.array(z.string()).describe('You write at and below these paths; [""] is everywhere.'),
      }),
    ),
    now: z.string(),
  },
  annotations: { readOnlyHint: true, idempotentHint: true },
  run: ({ caller }) => {
    const { caller: who, node } = caller
    const expiresMs = who.isNode ? null : node.agents.get(who.name).expiresMs
    return {
      name: who.name,
      did: who.did,
      expires: expiresMs === null ? null : formatTime(expiresMs),
      may_run_the_node: who.isOperator,
      spaces: caller.spaces().map((access) => ({
        space: access.space.name,
        id: access.space.id,
        read: access.readable() === null ? null : [...(access.readable() ?? [])],
        write: [...caller.writable(access)],
      })),
      now: formatTime(node.now()),
    }
  },
})
