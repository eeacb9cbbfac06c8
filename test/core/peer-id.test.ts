import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { concatBytes } from '../../src/core/bytes.ts'
import { createSigner } from '../../src/core/native-signature.ts'
import { formatPeerId } from '../../src/core/principal.ts'
import { publicKeyOf } from '../../src/core/signature.ts'

it('a peer id, and the key it is made of, are those that libp2p and RFC 8032 make of the same seed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (seed) => {
      const { publicKey } = createSigner(seed)
      expect(publicKey).toEqual(publicKeyOf(seed))
      const peerId = peerIdFromPrivateKey(privateKeyFromRaw(concatBytes(seed, publicKey)))
      expect(formatPeerId(publicKey)).toBe(peerId.toString())
    }),
  )
})
