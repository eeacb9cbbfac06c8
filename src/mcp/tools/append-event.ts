import { z } from 'zod'
import { givenValue } from '../../node/given-value.ts'
import { spaceInput, spaceOutput } from '../schemas.ts'
import { defineTool } from '../tool.ts'

/** One more entry of a log. */
export const appendEvent = defineTool({
  name: 'append_event',
  title: 'Append an event to a log',
  description:
    'Adds an entry to the log at a path (it begins with its first entry). Entries stay for good, signed and with their time, in one order for all: for observations, decisions, messages and progress. For what is to be changed later, use write.',
  input: {
    path: z
      .string()
      .describe('Path of the log.')
      .meta({ examples: ['log/decisions'] }),
    value: z
      .unknown()
      .describe('Any JSON value.')
      .meta({ examples: [{ decided: 'ship on Friday', because: 'tests pass' }] }),
    space: spaceInput,
  },
  output: { space: spaceOutput, operation: z.string() },
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false },
  run: async ({ caller }, { path, value = null, space }) => {
    const { space: target, author } = caller.space(space)
    const append = () => target.append(path, givenValue(value), { author })
    return { space: target.name, operation: await target.writeSoon(append) }
  },
})
