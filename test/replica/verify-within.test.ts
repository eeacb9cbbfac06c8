import { expect, it } from 'vitest'
import { SIGNATURES_INLINE_MAX } from '../../src/core/limits.ts'
import type { SignatureVerifier } from '../../src/core/native-signature.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { VerificationBudget } from '../../src/node/replica/verification-budget.ts'
import { verifyWithin } from '../../src/node/replica/verify-within.ts'
import { bob, forge, NOW_MS, verifier } from '../cast.ts'

const operation = (path: string): Operation => forge({ author: bob, body: [setRegister(path, 1)] })
const forged = (one: Operation): Operation => ({ ...one, signature: new Uint8Array(64) })

/** A verifier that counts how many signatures it was asked about, and a replica that knows nothing. */
function createScene() {
  const scene = { asked: 0 }
  const counting: SignatureVerifier = {
    ...verifier,
    acceptAll: async (claims) => {
      scene.asked += claims.length
      return await verifier.acceptAll(claims)
    },
  }
  const verify = async (operations: readonly Operation[]) =>
    await verifyWithin('a peer', operations, {
      budget: new VerificationBudget(() => NOW_MS),
      verifier: counting,
      known: () => null,
      onRefused: () => {},
    })
  return { scene, verify }
}

it('asks once about an operation that comes again, and about each that was forged', async () => {
  const { scene, verify } = createScene()
  const [good, bad] = [operation('docs/a'), forged(operation('docs/b'))]
  for (const asked of [2, 3, 4]) {
    expect(await verify([good, bad])).toEqual([
      good,
      { operation: bad, outcome: expect.objectContaining({ kind: 'refused' }) as unknown },
    ])
    expect(scene.asked).toBe(asked)
  }
})

it('believes no other verifier, and no other object with the same bytes', async () => {
  const good = operation('docs/a')
  const [first, second] = [createScene(), createScene()]
  await first.verify([good])
  await second.verify([good])
  await second.verify([{ ...good }])
  expect([first.scene.asked, second.scene.asked]).toEqual([1, 2])
})

it('remembers nothing of large batches', async () => {
  const { scene, verify } = createScene()
  const many = Array.from({ length: SIGNATURES_INLINE_MAX + 1 }, (_, i) => operation(`docs/${i}`))
  await verify(many)
  await verify(many.slice(0, 1))
  expect(scene.asked).toBe(many.length + 1)
})
