import { CELL_TYPES, type CellType } from '../../core/types/cell.ts'
import { FaultError } from '../../node/fault-error.ts'

/** What --type takes. */
export const TYPE_NAMES = CELL_TYPES.join(', ')

/** The type of items of that name; undefined where none is given. `USAGE` where there is none of that name. */
export function chooseType(name: string | undefined): CellType | undefined {
  const type = CELL_TYPES.find((known) => known === name)
  if (type !== undefined || name === undefined) return type
  throw new FaultError({
    code: 'USAGE',
    detail: `--type must be one of ${TYPE_NAMES}, not ${JSON.stringify(name)}`,
  })
}
