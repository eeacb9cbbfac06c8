import { createHash, createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decode as decodeDagCbor, encode as encodeDagCbor } from '@ipld/dag-cbor'
import { describe, expect, test } from 'vitest'
import { fromHex } from '../../src/core/bytes.ts'
import { decodeOperation, type Operation } from '../../src/core/operation/operation.ts'
import { computeOperationVectors } from './operation-vectors.ts'

type Vectors = ReturnType<typeof computeOperationVectors>
const kept = JSON.parse(readFileSync(join(import.meta.dirname, 'operation.json'), 'utf8')) as Vectors
const bytes = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array()
const sha256 = (...parts: readonly (Uint8Array | string)[]): string => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}
const operations = Object.entries(kept.operations)

describe('the format of version 1', () => {
  test('gives today the bytes it always gave', () => {
    expect(computeOperationVectors()).toEqual(kept)
  })

  test('has vectors of every kind of operation', () => {
    expect(operations.map(([name]) => name)).toEqual([
      'genesis',
      'first',
      'write',
      'control',
      'empty',
      'manyDeps',
      'largest',
      'revocation',
      'endorsement',
      'rotation',
    ])
  })
})

describe.each(operations)('the operation "%s"', (_name, vector) => {
  const decoded = decodeOperation(bytes(vector.envelope))
  const operation = (decoded.ok ? decoded.value : null) as Operation

  test('is read back whole from its envelope', () => {
    expect(decoded.ok).toBe(true)
    expect(Buffer.from(operation.headerBytes).toString('hex')).toBe(vector.header)
    expect(Buffer.from(operation.id).toString('hex')).toBe(vector.id)
  })

  test('is DAG-CBOR that another implementation reads and writes as the same bytes', () => {
    const header = decodeDagCbor<unknown[]>(bytes(vector.header))
    expect(header).toHaveLength(14)
    expect(Buffer.from(encodeDagCbor(header)).toString('hex')).toBe(vector.header)
    const envelope = decodeDagCbor<unknown[]>(bytes(vector.envelope))
    expect(Buffer.from(encodeDagCbor(envelope)).toString('hex')).toBe(vector.envelope)
  })

  test('has the id that its tag and header hash to, and a signature over the tagged id', () => {
    expect(sha256('hanse/operation/id/1\0', bytes(vector.header))).toBe(vector.id)
    const key = createPublicKey({
      key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), operation.header.author]),
      format: 'der',
      type: 'spki',
    })
    const message = Buffer.concat([Buffer.from('hanse/operation/signature/1\0'), bytes(vector.id)])
    expect(verify(null, message, key, bytes(vector.signature))).toBe(true)
  })

  test('commits to its body by an RFC 6962 tree', () => {
    expect(Buffer.from(operation.header.bodyHash).toString('hex')).toBe(rfc6962(operation.body ?? []))
  })
})

test('the body root of 0 to 9 leaves is that of an independent, recursive RFC 6962', () => {
  expect(kept.bodyRoots).toHaveLength(10)
  for (const [count, root] of kept.bodyRoots.entries()) {
    expect(rfc6962(Array.from({ length: count }, (_, i) => Buffer.from(`leaf ${i}`)))).toBe(root)
  }
})

test('the clock leaf is its tag, and each head as eight bytes of seq and the id', () => {
  const { write, genesis } = kept.operations as Record<string, { readonly id: string }>
  expect(
    sha256(
      'hanse/clock/leaf/1\0',
      bytes(`0000000000000001${write?.id}`),
      bytes(`0000000100000000${genesis?.id}`),
    ),
  ).toBe(kept.clockLeaves['two heads'])
})

/** RFC 6962 §2.1, word for word. */
function rfc6962(leaves: readonly Uint8Array[]): string {
  const [only] = leaves
  if (only === undefined) return sha256()
  if (leaves.length === 1) return sha256(Uint8Array.of(0), only)
  let k = 1
  while (k * 2 < leaves.length) k *= 2
  return sha256(Uint8Array.of(1), bytes(rfc6962(leaves.slice(0, k))), bytes(rfc6962(leaves.slice(k))))
}
