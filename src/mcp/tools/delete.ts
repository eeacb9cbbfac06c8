import { z } from 'zod'
import { FaultError } from '../../node/fault-error.ts'
import { pathInput, spaceInput, spaceOutput, typeInput } from '../schemas.ts'
import { defineTool } from '../tool.ts'

/** Taking away what shows. */
export const deleteItem = defineTool({
  name: 'delete',
  title: 'Delete an item',
  description:
    'Deletes what shows at exactly this path, of one type or of all types but logs. What it was stays in its history, and what others write there at the same time stays.',
  input: { path: pathInput, type: typeInput, space: spaceInput },
  output: { space: spaceOutput, operation: z.string() },
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
  run: ({ caller }, { path, type, space }) => {
    const access = caller.space(space)
    access.requireRead(path)
    const { space: target, author } = access
    const operation = target.delete(path, { author }, type)
    if (operation !== null) return { space: target.name, operation }
    throw new FaultError({
      code: 'NOT_FOUND',
      detail: `nothing shows at ${JSON.stringify(path)}: there is nothing to delete`,
    })
  },
})
