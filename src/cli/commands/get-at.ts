import { toJsonValue } from '../../core/value-json.ts'
import { FaultError } from '../../node/fault-error.ts'
import { defineAction } from '../control/action.ts'
import { itemLines } from '../output/item-lines.ts'
import { printableLines } from '../output/printable.ts'
import type { Session } from '../session.ts'
import type { Shell } from '../shell.ts'
import { wholePoint } from './choose-point.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'
import { chooseType } from './choose-type.ts'

/** What was at a path. */
interface Past {
  readonly path: string
  readonly type: string
  /** By the conventions of DAG-JSON. */
  readonly value: unknown
  /** The point, with the operation's id whole. */
  readonly at: string
}

export const getAtAction = defineAction({
  name: 'get at',
  shape: { space: 'text?', path: 'text', type: 'text?', at: 'text', asRecorded: 'boolean?' },
  run: ({ node }, { space: given, path, type: typeName, at, asRecorded }): Past => {
    const type = chooseType(typeName)
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const point = wholePoint(space, at)
    const item = space.history.at(path, point, { type, asRecorded })
    if (item !== undefined) return { ...item, value: toJsonValue(item.value), at: point }
    throw new FaultError({
      code: 'NOT_FOUND',
      detail: `there was ${type === undefined ? 'nothing' : `no ${type}`} at ${JSON.stringify(path)} then: see "hanse log ${path}"`,
    })
  },
})

/** Which item at which point. */
interface Wanted {
  readonly space: string | undefined
  readonly path: string
  readonly type: string | undefined
  readonly at: string
  readonly asRecorded: boolean | undefined
}

/** Shows what was at a path at a point in history. */
export async function showPast(shell: Shell, session: Session, wanted: Wanted): Promise<void> {
  const past = await session.execute(getAtAction, wanted)
  shell.print(past, ({ type, value }) => {
    const text = itemLines(type, value, Date.now()).join('\n').replace(/\n$/, '')
    return shell.stdout.isTTY ? printableLines(text) : text
  })
}
