import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sign } from '../../src/core/signature.ts'
import { createOwnSigner } from '../../src/node/own-signer.ts'

test('has the key and makes the signature of the portable code', () => {
  const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 })
  fc.assert(
    fc.property(seeds, fc.uint8Array({ maxLength: 300 }), (seed, message) => {
      // From the middle of larger buffers, as keys and messages come.
      const within = Uint8Array.from([9, ...seed, 9, ...message, 9])
      const signer = createOwnSigner(within.subarray(1, 33))
      const signature = signer.sign(within.subarray(34, 34 + message.length))
      expect(signature).toEqual(sign(message, seed))
    }),
    { numRuns: 30 },
  )
})

test('is not made from anything but 32 bytes', () => {
  expect(() => createOwnSigner(new Uint8Array(31))).toThrow(TypeError)
  expect(() => createOwnSigner(new Uint8Array(64))).toThrow(TypeError)
})
