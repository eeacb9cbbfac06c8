import { FaultError } from '../../node/fault-error.ts'
import type { HanseNode } from '../../node/node.ts'
import type { Space } from '../../node/space/space.ts'

/** The space that was named, or the only one. A space whose file cannot be read is refused with the reason. */
export function chooseSpace(node: HanseNode, given: string | undefined): Space {
  if (given !== undefined) {
    try {
      return node.space(given)
    } catch (error) {
      throw unreadable(node) ?? error
    }
  }
  const spaces = node.spaces()
  const [only, ...others] = spaces
  if (only === undefined) {
    const detail =
      'there is no space here yet: make one with "hanse space create NAME", or join one with "hanse join LINK"'
    throw unreadable(node) ?? new FaultError({ code: 'NO_SPACE', detail })
  }
  if (others.length > 0) {
    throw new FaultError({
      code: 'AMBIGUOUS',
      detail: `there are ${spaces.length} spaces here: name one with --space (see "hanse space list")`,
    })
  }
  return only
}

function unreadable(node: HanseNode): FaultError | null {
  const [fault] = node.unreadableSpaces
  return fault === undefined ? null : new FaultError(fault)
}

/** Fails where the space has not arrived, so that its emptiness is not taken for its content. */
export function requireGenesis(space: Space): void {
  if (space.hosted.store.find(space.hosted.id) !== undefined) return
  throw new FaultError({
    code: 'NOT_SYNCED',
    detail: 'nothing of this space has arrived yet: run "hanse sync", or "hanse up" and wait',
  })
}
