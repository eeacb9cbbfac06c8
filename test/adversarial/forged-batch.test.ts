import { beforeEach, describe, expect, it } from 'vitest'
import { BAD_SIGNATURES_PER_PEER_MAX, BATCH_OPERATIONS_MAX } from '../../src/core/limits.ts'
import type { SignatureVerifier } from '../../src/core/native-signature.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { HostedSpace } from '../../src/node/space/hosted-space.ts'
import { createMemorySpaceStore } from '../../src/storage/memory-space-store.ts'
import { beginning, bob, forge, NOW_MS, spaceId, spaceKey, verifier } from '../cast.ts'

/** Signatures the native verifier has looked at so far, and those of them that it refused and that were looked at again. */
let looks: number
let secondLooks: number
let hosted: HostedSpace

const counting: SignatureVerifier = {
  verifySync: (...of) => {
    secondLooks++
    return verifier.verifySync(...of)
  },
  verifyAsync: verifier.verifyAsync,
  acceptAll: async (claims) => {
    looks += claims.length
    return await verifier.acceptAll(claims)
  },
}

/** A log of bob's, as long as a batch may be, all of it honest. */
function log(): readonly Operation[] {
  const operations = [forge({ author: bob })]
  while (operations.length < BATCH_OPERATIONS_MAX)
    operations.push(forge({ author: bob, prev: operations.at(-1) as Operation }))
  return operations
}
const withForgedSignature = (operation: Operation): Operation => ({
  ...operation,
  signature: new Uint8Array(64),
})

const receive = async (operations: readonly Operation[], peer: string) =>
  (await hosted.replica.receive(operations, peer)).map(({ kind }) => kind)
const count = (kinds: readonly string[], kind: string) => kinds.filter((one) => one === kind).length

beforeEach(async () => {
  const store = createMemorySpaceStore({ spaceId, spaceKey: spaceKey.publicKey })
  hosted = new HostedSpace(store, counting, () => NOW_MS)
  await hosted.replica.receive(beginning, 'alice')
  looks = 0
  secondLooks = 0
})

describe('a batch of forged signatures', () => {
  it('is looked at no further than a few, and what is not looked at is taken when it comes from others', async () => {
    const honest = log()
    const kinds = await receive(honest.map(withForgedSignature), 'mallory')
    expect(secondLooks).toBe(BAD_SIGNATURES_PER_PEER_MAX)
    expect(count(kinds, 'refused')).toBe(secondLooks)
    expect(count(kinds, 'unchecked')).toBe(honest.length - secondLooks)
    expect(count(await receive(honest, 'alice'), 'admitted')).toBe(honest.length)
  })

  it('takes nothing from the honest operations before it, and leaves those after it to others', async () => {
    const honest = log()
    const half = honest.length / 2
    const batch = honest.map((operation, i) => (i < half ? operation : withForgedSignature(operation)))
    expect(count(await receive(batch, 'mallory'), 'admitted')).toBe(half)
    expect(await receive(honest.slice(half), 'mallory')).not.toContain('admitted')
    expect(count(await receive(honest, 'alice'), 'admitted')).toBe(half)
  })

  it('is not looked at again when it is sent again', async () => {
    const forged = log().slice(0, BAD_SIGNATURES_PER_PEER_MAX).map(withForgedSignature)
    await receive(forged, 'mallory')
    const before = looks
    await receive(forged, 'another id of mallory')
    expect(looks).toBe(before)
  })
})

it('operations that are here already are known without a look at their signature, however often they come', async () => {
  const honest = log()
  await receive(honest, 'alice')
  expect(looks).toBe(honest.length)
  for (let i = 0; i < 3; i++) expect(count(await receive(honest, 'mallory'), 'duplicate')).toBe(honest.length)
  expect(looks).toBe(honest.length)
})
