import { z } from 'zod'
import { CELL_TYPES } from '../core/types/cell.ts'

/** What several tools take. */
export const spaceInput = z
  .string()
  .optional()
  .describe('Name or id of a space. Leave it out where you reach only one.')
  .meta({ examples: ['lab'] })
export const pathInput = z
  .string()
  .describe('Where the item is: names joined by "/".')
  .meta({ examples: ['notes/plan', 'people/ada'] })
export const folderInput = z
  .string()
  .optional()
  .describe('Only what is at or below this path. Leave it out for everything you reach.')
  .meta({ examples: ['notes'] })
export const typeInput = z
  .enum(CELL_TYPES)
  .optional()
  .describe('Type of the item; several types may be at one path. Leave it out for any.')
export const pageInput = z.string().optional().describe('"next" of the page before, exactly as it was given.')

/** What several tools give. */
export const spaceOutput = z.string().describe('Name of the space.')
export const nextOutput = z.string().optional().describe('There is more: call again with this as "page".')
export const noteOutput = z.string().optional().describe('What was left out, and how to get it.')
/** Not the list of types again: models pay for each word of every schema. */
export const typeOutput = z.string()
