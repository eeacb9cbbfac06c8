import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSigner } from '../../src/core/native-signature.ts'
import { formatDid } from '../../src/core/principal.ts'
import type { Signer } from '../../src/core/signature.ts'
import { createNode, type HanseNode } from '../../src/node/node.ts'
import type { Space } from '../../src/node/space/space.ts'
import { seedNamed } from '../cast.ts'

/** A space of its own in a data directory of its own, whose owner is alice. */
export interface QueryHome {
  readonly node: HanseNode
  readonly space: Space
  readonly dataDirectory: string
  /** `did:key` of alice. */
  readonly did: string
  /** The space's file. */
  readonly file: string
  /** Somebody who may write everywhere. */
  member(name: string): Signer
  close(): Promise<void>
}

export async function createQueryHome(): Promise<QueryHome> {
  const folder = mkdtempSync(join(tmpdir(), 'hanse-query-'))
  const dataDirectory = join(folder, 'alice')
  const node = await createNode({
    dataDirectory,
    online: false,
    seeds: { author: seedNamed('alice'), peer: seedNamed('peer of alice') },
  })
  const space = node.createSpace({ name: 'Fleet' })
  return {
    node,
    space,
    dataDirectory,
    did: formatDid(node.author.publicKey),
    file: join(dataDirectory, 'spaces', `${space.id}.sqlite`),
    member: (name) => {
      const signer = createSigner(seedNamed(name))
      space.grant({ to: formatDid(signer.publicKey), role: 'writer' })
      return signer
    },
    close: async () => {
      await node.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
