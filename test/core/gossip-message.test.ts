import { createHash } from 'node:crypto'
import { encode as encodeDagCbor } from '@ipld/dag-cbor'
import { describe, expect, it } from 'vitest'
import { concatBytes, toHex, utf8 } from '../../src/core/bytes.ts'
import { decodeGossip, encodeGossip, encodeOffer } from '../../src/core/gossip-message.ts'
import {
  GOSSIP_MESSAGE_OPERATIONS_MAX,
  GOSSIP_OFFER_IDS_MAX,
  GOSSIP_REACHED_MAX,
} from '../../src/core/limits.ts'
import { encodeOperation } from '../../src/core/operation/operation.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { bob, forge } from '../cast.ts'

const one = forge({ author: bob, body: [setRegister('docs/a', 1)] })
const two = forge({ author: bob, prev: one })
const envelopes = [one, two].map(encodeOperation)
const tag = (text: string) => utf8(text.padEnd(8, '.'))
const hex = (text: string) => toHex(tag(text))
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const codeOf = (message: unknown) => {
  const decoded = decodeGossip(encodeDagCbor(message))
  return decoded.ok ? null : decoded.fault.code
}

describe('a gossip message', () => {
  it('is an envelope alone, operations with whom they have reached, or an offer: read back as it was written', () => {
    expect(encodeGossip([], [envelopes[0] as Uint8Array])).toEqual(envelopes[0])
    expect(decodeGossip(envelopes[0] as Uint8Array)).toMatchObject({
      value: { kind: 'operations', reached: [], operations: [{ operation: { id: one.id } }] },
    })
    const several = encodeGossip([hex('b'), hex('a')], envelopes)
    expect(several).toEqual(encodeDagCbor([concatBytes(tag('a'), tag('b')), envelopes]))
    expect(decodeGossip(several)).toMatchObject({
      value: {
        kind: 'operations',
        reached: [hex('a'), hex('b')],
        operations: envelopes.map((envelope, i) => ({ envelope, operation: { id: [one, two][i]?.id } })),
      },
    })
    const offer = encodeOffer([one.id, two.id])
    expect(offer).toEqual(encodeDagCbor([concatBytes(one.id, two.id)]))
    expect(decodeGossip(offer)).toEqual({ ok: true, value: { kind: 'offer', ids: [one.id, two.id] } })
  })

  it('has today the bytes it always had', () => {
    expect(sha256(encodeGossip([hex('b'), hex('a')], [tag('x'), tag('y')]))).toBe(
      'a32f9701cd590c62f5b77be214bab495b5031ebe417dd30cd086417f8643d060',
    )
    expect(sha256(encodeOffer([new Uint8Array(32).fill(7)]))).toBe(
      '67316b6036adda03c6d58b13af733ef8db19446dbf6472ba0eb090cce52cdc4b',
    )
  })

  it('is refused whole where it has another form, or one envelope does not decode', () => {
    const [first] = envelopes as [Uint8Array]
    expect(codeOf([])).toBe('BAD_FIELD')
    expect(codeOf({ ids: one.id })).toBe('BAD_FIELD')
    expect(codeOf([tag('a'), envelopes, 1, 2])).toBe('BAD_FIELD')
    expect(codeOf(['a', envelopes])).toBe('BAD_FIELD')
    expect(codeOf([tag('a'), first])).toBe('BAD_FIELD')
    expect(codeOf([tag('a'), []])).toBe('BAD_FIELD')
    expect(codeOf([new Uint8Array(0), [first]])).toBe('BAD_FIELD')
    expect(codeOf([tag('a').subarray(1), envelopes])).toBe('BAD_FIELD')
    expect(codeOf([concatBytes(tag('b'), tag('a')), envelopes])).toBe('BAD_FIELD')
    expect(codeOf([concatBytes(tag('a'), tag('a')), envelopes])).toBe('BAD_FIELD')
    expect(codeOf([tag('a'), [first, first.subarray(1)]])).toBe('NON_CANONICAL')
    expect(codeOf([new Uint8Array(0)])).toBe('BAD_FIELD')
    expect(codeOf([one.id.subarray(1)])).toBe('BAD_FIELD')
    expect(codeOf([new Uint8Array(0), envelopes])).toBeNull()
  })

  it('has at most so many operations, tags and ids, and not one more', () => {
    const many = (count: number) => Array.from({ length: count }, () => envelopes[0] as Uint8Array)
    const tags = (count: number) => Array.from({ length: count }, (_, i) => hex(String(i).padStart(4, '0')))
    const ids = (count: number) => Array.from({ length: count }, () => one.id)
    const codeOfBytes = (bytes: Uint8Array) => {
      const decoded = decodeGossip(bytes)
      return decoded.ok ? null : decoded.fault.code
    }
    expect(codeOfBytes(encodeGossip([], many(GOSSIP_MESSAGE_OPERATIONS_MAX)))).toBeNull()
    expect(codeOfBytes(encodeGossip([], many(GOSSIP_MESSAGE_OPERATIONS_MAX + 1)))).toBe('LIMIT')
    expect(codeOfBytes(encodeGossip(tags(GOSSIP_REACHED_MAX), envelopes))).toBeNull()
    expect(codeOfBytes(encodeGossip(tags(GOSSIP_REACHED_MAX + 1), envelopes))).toBe('LIMIT')
    expect(codeOfBytes(encodeOffer(ids(GOSSIP_OFFER_IDS_MAX)))).toBeNull()
    expect(codeOfBytes(encodeOffer(ids(GOSSIP_OFFER_IDS_MAX + 1)))).toBe('LIMIT')
  })
})
