import { createHash, createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decode as decodeDagCbor, encode as encodeDagCbor } from '@ipld/dag-cbor'
import { describe, expect, test } from 'vitest'
import { fromHex } from '../../src/core/bytes.ts'
import { decodeOperation, type Operation } from '../../src/core/operation/operation.ts'
import { foldNaively } from '../../simulation/oracle/naive-text.ts'
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
      'items',
      'texts',
    ])
  })
})

describe.each(Object.entries(kept.texts))('the text "%s"', (_name, { nodes, visible, withoutTheFirst }) => {
  test('is visible as the definition of the order says', () => {
    const naive = foldNaively(
      nodes.map(({ id, parents, edits }) => ({
        id: bytes(id),
        parents,
        action: { kind: 'edit', edits },
      })),
    )
    expect(naive.show(() => true).text).toBe(visible)
    expect(naive.show((node) => node !== 0).text).toBe(withoutTheFirst)
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

test.each(Object.entries(kept.stateProofs))(
  'the proof of %s leads to the state root, by the words of docs/protocol.md alone',
  (_name, proof) => {
    expect(rootOfProof(bytes(proof))).toBe(kept.stateRoots['two types at one path'])
  },
)

type Steps = readonly (readonly [number, Uint8Array])[]
type Leaf = readonly [Uint8Array, Uint8Array] | null

/** docs/protocol.md §5, Proofs, and nothing of the code. */
function rootOfProof(proof: Uint8Array): string {
  const [format, path, passed, end] =
    decodeDagCbor<[string, string, [Uint8Array, Steps][], [string, ...unknown[]]]>(proof)
  expect(format).toBe('hanse/state/proof/1')
  const node = (items: Uint8Array, children: string) =>
    sha256('hanse/state/node/1\0', Uint8Array.of(items.length / 32), items, bytes(children))
  const keys = path.split('/').map((segment) => sha256(segment))
  const withItem = (items: Uint8Array, children: Uint8Array, type: string, fields: string) => {
    const item = sha256('hanse/state/item/1\0', encodeDagCbor([type, bytes(fields)]))
    expect(Buffer.from(items).toString('hex').match(/.{64}/g)).toContain(item)
    return node(items, Buffer.from(children).toString('hex'))
  }
  const valueOf = (field: string, value: Uint8Array) =>
    bytes(sha256('hanse/state/field/1\0', encodeDagCbor([field, value])))
  const nodeAtEnd = (): string => {
    switch (end[0]) {
      case 'item': {
        const [, items, children, type, fields] = end as [
          string,
          Uint8Array,
          Uint8Array,
          string,
          [string, Uint8Array][],
        ]
        const [one, other] = fields.map(([field, value]) =>
          leafOf(bytes(sha256(field)), valueOf(field, value)),
        )
        const [low, high] = fields.map(([field]) => sha256(field)[0] as string)
        // Two keys whose first nibbles differ: a node with two leaves.
        const ascending = (low ?? '') < (high ?? '') ? [one, other] : [other, one]
        const bitmap = (1 << Number.parseInt(low ?? '', 16)) | (1 << Number.parseInt(high ?? '', 16))
        const root = branchOf(bitmap, ...ascending.map((hash) => bytes(hash ?? '')))
        return withItem(items, children, type, root)
      }
      case 'field': {
        const [, items, children, type, field, value, steps] = end as [
          string,
          Uint8Array,
          Uint8Array,
          string,
          string,
          Uint8Array,
          Steps,
        ]
        const key = sha256(field)
        return withItem(items, children, type, climb(key, steps, leafOf(bytes(key), valueOf(field, value))))
      }
      case 'no-field': {
        const [, items, children, type, field, steps, leaf] = end as [
          string,
          Uint8Array,
          Uint8Array,
          string,
          string,
          Steps,
          Leaf,
        ]
        return withItem(
          items,
          children,
          type,
          climb(sha256(field), steps, leaf === null ? null : leafOf(...leaf)),
        )
      }
      case 'no-item': {
        const [, items, children, type] = end as [string, [string, Uint8Array][], Uint8Array, string]
        expect(items.map(([one]) => one)).not.toContain(type)
        const hashes = items.map((item) => bytes(sha256('hanse/state/item/1\0', encodeDagCbor(item))))
        return node(Buffer.concat(hashes), Buffer.from(children).toString('hex'))
      }
      case 'nothing': {
        const [, items, steps, leaf] = end as [string, Uint8Array, Steps, Leaf]
        const key = keys[passed.length] as string
        return node(items, climb(key, steps, leaf === null ? null : leafOf(...leaf)))
      }
      default:
        return Buffer.from(end[1] as Uint8Array).toString('hex')
    }
  }
  return passed.reduceRight((below, [items, steps], depth) => {
    const key = keys[depth] as string
    return node(items, climb(key, steps, leafOf(bytes(key), bytes(below))))
  }, nodeAtEnd())
}

const leafOf = (key: Uint8Array, value: Uint8Array): string => sha256('hanse/trie/leaf/1\0', key, value)
const branchOf = (bitmap: number, ...children: readonly Uint8Array[]): string =>
  sha256('hanse/trie/node/1\0', Uint8Array.of(bitmap >> 8, bitmap & 255), ...children)

/** From the end of a way to a key up to the root of its trie. `below`: null where the place is empty. */
function climb(key: string, steps: Steps, below: string | null): string {
  return steps.reduceRight<string | null>((hash, [bitmap, siblings], depth) => {
    const nibble = Number.parseInt(key[depth] as string, 16)
    const before = bitmap
      .toString(2)
      .padStart(16, '0')
      .slice(16 - nibble)
      .replaceAll('0', '').length
    const own = hash === null ? [] : [bytes(hash)]
    return branchOf(bitmap, siblings.slice(0, before * 32), ...own, siblings.slice(before * 32))
  }, below) as string
}

/** RFC 6962 §2.1, word for word. */
function rfc6962(leaves: readonly Uint8Array[]): string {
  const [only] = leaves
  if (only === undefined) return sha256()
  if (leaves.length === 1) return sha256(Uint8Array.of(0), only)
  let k = 1
  while (k * 2 < leaves.length) k *= 2
  return sha256(Uint8Array.of(1), bytes(rfc6962(leaves.slice(0, k))), bytes(rfc6962(leaves.slice(k))))
}
