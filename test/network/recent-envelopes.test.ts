import { expect, it } from 'vitest'
import { GOSSIP_ENVELOPE_KEPT_BYTES_MAX, GOSSIP_ENVELOPES_KEPT_MAX } from '../../src/core/limits.ts'
import { encodeOperation } from '../../src/core/operation/operation.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { decodeRecent } from '../../src/node/network/recent-envelopes.ts'
import { bob, forge } from '../cast.ts'

const envelope = (value: unknown) =>
  encodeOperation(forge({ author: bob, body: [setRegister('docs/a', value)] }))
const read = (bytes: Uint8Array) => {
  const decoded = decodeRecent(bytes)
  return decoded.ok ? decoded.value : decoded.fault.code
}

it('an envelope that comes again is read once, by all of its bytes', () => {
  const bytes = envelope('once')
  const first = read(bytes)
  expect(read(Uint8Array.from(bytes))).toBe(first)
  const other = Uint8Array.from(bytes)
  const at = Buffer.from(other).indexOf((first as { signature: Uint8Array }).signature)
  other[at] = (other[at] as number) ^ 1
  expect(read(other)).not.toBe(first)
  expect((read(other) as { signature: Uint8Array }).signature).toEqual(other.subarray(at, at + 64))
})

it('what is no envelope is refused each time, and a long one read each time', () => {
  const broken = envelope('broken').subarray(1)
  expect([read(broken), read(broken)]).toEqual(['NON_CANONICAL', 'NON_CANONICAL'])
  const long = envelope('x'.repeat(GOSSIP_ENVELOPE_KEPT_BYTES_MAX))
  expect(read(long)).toEqual(read(long))
  expect(read(long)).not.toBe(read(long))
})

it('what came long ago is read again', () => {
  const bytes = envelope('long ago')
  const first = read(bytes)
  for (let i = 0; i <= GOSSIP_ENVELOPES_KEPT_MAX; i++) read(envelope(i))
  expect(read(bytes)).toEqual(first)
  expect(read(bytes)).not.toBe(first)
})
