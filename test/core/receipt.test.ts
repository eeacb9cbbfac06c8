import { expect, test } from 'vitest'
import { type Receipt, receiptBytes, verifyReceipt } from '../../src/core/sync/receipt.ts'
import { alice, mallory, spaceId, verifier } from '../cast.ts'

const root = new Uint8Array(32).fill(1)
const otherRoot = new Uint8Array(32).fill(2)
const otherSpace = new Uint8Array(32).fill(3)
const expected = { spaceId, clockRoot: root, reader: alice.publicKey }

const receiptOf = (space: Uint8Array, clockRoot: Uint8Array, timeMs: number, signer = alice): Receipt => ({
  clockRoot,
  timeMs,
  signature: signer.sign(receiptBytes(space, clockRoot, timeMs)),
})
const codeOf = (receipt: Receipt): string => {
  const verified = verifyReceipt(receipt, expected, verifier.verifySync)
  return verified.ok ? 'ok' : verified.fault.code
}

test('a receipt counts that its reader has signed for this root of this space', () => {
  expect(codeOf(receiptOf(spaceId, root, 7))).toBe('ok')
})

test('a receipt for another root than the run’s does not count, however well it is signed', () => {
  expect(codeOf(receiptOf(spaceId, otherRoot, 7))).toBe('PROTOCOL')
})

test('a receipt that somebody else signed, or for another space, root or time, does not count', () => {
  expect(codeOf(receiptOf(spaceId, root, 7, mallory))).toBe('BAD_SIGNATURE')
  expect(codeOf(receiptOf(otherSpace, root, 7))).toBe('BAD_SIGNATURE')
  expect(codeOf({ ...receiptOf(spaceId, otherRoot, 7), clockRoot: root })).toBe('BAD_SIGNATURE')
  expect(codeOf({ ...receiptOf(spaceId, root, 7), timeMs: 8 })).toBe('BAD_SIGNATURE')
})
