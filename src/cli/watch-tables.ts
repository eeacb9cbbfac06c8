import type { HanseNode } from '../node/node.ts'
import type { Space } from '../node/space/space.ts'

/** How often spaces that came by a command are looked for, in ms. */
const NEW_SPACES_EVERY_MS = 250

/** Keeps the tables of all spaces of a running node and their rows the same, also of spaces that are made or joined later. Ends with the node. */
export function watchTables(
  node: HanseNode,
  pollIntervalMs: number,
  onTrouble: (space: Space, db: string, table: string, what: string) => void,
): void {
  const look = () => {
    for (const space of node.spaces()) {
      // Again is no harm.
      space.tables.start({
        pollIntervalMs,
        onTrouble: (db, table, what) => onTrouble(space, db, table, what),
      })
    }
  }
  look()
  setInterval(look, NEW_SPACES_EVERY_MS).unref()
}
