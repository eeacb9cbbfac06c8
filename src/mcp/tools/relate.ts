import { z } from 'zod'
import { givenValue } from '../../node/given-value.ts'
import { spaceInput, spaceOutput } from '../schemas.ts'
import { defineTool } from '../tool.ts'

/** Drawing an edge, or taking it away. */
export const relate = defineTool({
  name: 'relate',
  title: 'Relate two items',
  description:
    'Draws an edge from one path to another under a label, such as findings/7 –supports→ theories/2, or replaces what is said of it, or takes it away. Read "from" with type "edge" to see its edges.',
  input: {
    from: z
      .string()
      .describe('Path the edge leads from.')
      .meta({ examples: ['findings/7'] }),
    label: z
      .string()
      .describe('What it says.')
      .meta({ examples: ['supports', 'contradicts', 'part of'] }),
    to: z
      .string()
      .describe('Path the edge leads to; there need be nothing there yet.')
      .meta({ examples: ['theories/2'] }),
    value: z.unknown().optional().describe('What is said of the edge: any JSON value, or nothing.'),
    remove: z.boolean().default(false).describe('True: take the edge away.'),
    space: spaceInput,
  },
  output: {
    space: spaceOutput,
    operation: z.string().nullable().describe('Null where there was no such edge to take away.'),
  },
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true },
  run: ({ caller }, { from, label, to, value = null, remove, space }) => {
    const access = caller.space(space)
    const { space: target, author } = access
    // Whether there is an edge to take away is something to read.
    if (remove) access.requireRead(from)
    const operation = remove
      ? target.unlink(from, label, to, { author })
      : target.link(from, label, to, givenValue(value), { author })
    return { space: target.name, operation }
  },
})
