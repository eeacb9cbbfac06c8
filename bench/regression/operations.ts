import { createSigner } from '../../src/core/native-signature.ts'
import { decodeHeader } from '../../src/core/operation/header.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { formatDid } from '../../src/core/principal.ts'
import type { Space } from '../../src/node/space/space.ts'

/** So many people write, in turn. */
const AUTHORS = 100

/** Fills a new space with operations of one change of about 150 bytes each; granting them their rights takes a few more. */
export function fill(space: Space, operations: number): void {
  const signers = Array.from({ length: AUTHORS }, (_, i) => createSigner(new Uint8Array(32).fill(i + 1)))
  space.grantAll(signers.map(({ publicKey }) => ({ to: formatDid(publicKey), role: 'writer' as const })))
  for (let i = 0; i < operations; i++) writeOne(space, i, signers[i % AUTHORS])
}

/** Writes more of the same, by the node's own author. */
export function writeMore(space: Space, from: number, count: number): void {
  for (let i = from; i < from + count; i++) writeOne(space, i)
}

function writeOne(space: Space, i: number, author?: ReturnType<typeof createSigner>): void {
  const value = { n: i, title: `entry ${i} of the benchmark`, text: 'x'.repeat(80) }
  space.put(`entries/${i}`, value, author === undefined ? {} : { author })
}

/** Every operation of a space, parents first. */
export function operationsOf(space: Space): readonly Operation[] {
  const { store } = space.hosted
  return Array.from({ length: store.count() }, (_, ordinal) => {
    const { headerBytes, signature, body } = store.operation(ordinal)
    const header = decodeHeader(headerBytes)
    if (!header.ok) throw new Error(header.fault.detail)
    return { id: store.at(ordinal).id, header: header.value, headerBytes, signature, body }
  })
}
