import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { HanseNode } from '../../../src/node/node.ts'
import type { Space } from '../../../src/node/space/space.ts'
import { createFederation } from '../federation.ts'

/** A node that shares a database; `other` is another program's connection to it, which knows nothing of Hanse. */
export interface Side {
  readonly node: HanseNode
  readonly space: Space
  readonly db: string
  readonly other: DatabaseSync
}

/** Nodes in one space with a database each. They sync and apply only when told. */
export class Sharing {
  readonly #federation = createFederation()
  readonly #folder = mkdtempSync(join(tmpdir(), 'hanse-tables-'))
  readonly #sides: Side[] = []

  /** Both sides, connected; the schema is made in both databases. `path`: where bob may write; default everywhere. */
  async start(schema: string, path?: string): Promise<readonly Side[]> {
    const nodes: HanseNode[] = []
    for (const name of ['alice', 'bob']) nodes.push(await this.#federation.start(`${name} ${this.#folder}`))
    const [founder, ...guests] = nodes as [HanseNode, ...HanseNode[]]
    const space = founder.createSpace({ name: 'Tables' })
    const spaces = [space]
    for (const guest of guests) {
      const joined = guest.join(space.invite({ role: 'writer', ...(path === undefined ? {} : { path }) }))
      await joined.sync(founder.peerId)
      joined.publishPendingTokens()
      spaces.push(joined)
    }
    for (const [index, node] of nodes.entries()) {
      const db = join(this.#folder, `${index}.sqlite`)
      const other = new DatabaseSync(db)
      other.exec(schema)
      this.#sides.push({ node, space: spaces[index] as Space, db, other })
    }
    await this.sync()
    return this.#sides
  }

  /** A path for one more file. */
  path(name: string): string {
    return join(this.#folder, name)
  }

  /** Every side publishes, all compare, every side applies; twice, for what the application brings. */
  async settle(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      for (const { space } of this.#sides) await space.tables.checkLocalChanges()
      await this.sync()
    }
    for (const { space } of this.#sides) await space.tables.checkLocalChanges()
  }

  /** All sides have the same operations after. */
  async sync(): Promise<void> {
    const [founder, ...guests] = this.#sides as [Side, ...Side[]]
    for (let round = 0; round < 2; round++)
      for (const { space } of guests) await space.sync(founder.node.peerId)
  }

  async stop(): Promise<void> {
    for (const { other } of this.#sides.splice(0)) other.close()
    await this.#federation.stopAll()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Rows of a query, as arrays; integers as bigints. */
export function rowsOf({ other }: Pick<Side, 'other'>, sql: string): readonly (readonly unknown[])[] {
  const statement = other.prepare(sql, { returnArrays: true })
  statement.setReadBigInts(true)
  return statement.all() as unknown as readonly (readonly unknown[])[]
}
