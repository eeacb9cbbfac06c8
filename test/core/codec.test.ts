import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeMessage, encodeMessage, type WireMessage } from '../../protocols/sync/message-codec.ts'
import { equalBytes, toHex } from '../../src/core/bytes.ts'
import { decodeCanonical, encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { decodeChange, encodeChange } from '../../src/core/changes/change.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { clockLeaf } from '../../src/core/clock.ts'
import { BATCH_OPERATIONS_MAX, BODY_CHANGES_MAX } from '../../src/core/limits.ts'
import { merkleRoot } from '../../src/core/merkle.ts'
import { decodeHeader, encodeHeader, type Header } from '../../src/core/operation/header.ts'
import {
  assembleOperation,
  decodeOperation,
  encodeOperation,
  ENVELOPE_BYTES_MAX,
  type Operation,
  verifyOperation,
} from '../../src/core/operation/operation.ts'
import { decodeBatch, encodeBatch } from '../../src/core/sync/batch.ts'
import { SharedHeads } from '../../src/core/sync/shared-heads.ts'
import { MerkleTrie } from '../../src/core/trie.ts'
import { alice, beginning, bob, carol, forge, genesis, mallory, spaceId, verifier } from '../cast.ts'
import { makeHistory, plans } from '../random-history.ts'
import { naiveTrieRoot } from './naive-trie.ts'

const digest = fc.uint8Array({ minLength: 32, maxLength: 32 })
const count = fc.oneof(
  fc.nat(300),
  fc.maxSafeNat(),
  fc.constantFrom(2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER),
)
const sortedIds = (most: number) =>
  fc.uniqueArray(digest, { maxLength: most, selector: toHex }).map((ids) => ids.toSorted(Buffer.compare))
const path = fc
  .array(
    fc.stringMatching(/^[a-zäöü0-9]{1,8}$/u).map((text) => text.normalize('NFC')),
    { maxLength: 4 },
  )
  .map((segments) => segments.join('/'))

const header: fc.Arbitrary<Header> = fc
  .record({
    space: digest,
    author: digest,
    seq: count,
    prev: digest,
    deps: sortedIds(8),
    lamport: count,
    time: count,
    epoch: count,
    caps: fc.uniqueArray(digest, { maxLength: 8, selector: toHex }),
    command: fc.constantFrom('/op/write', '/cap/grant', '/a-b_c/0'),
    path,
    bodyHash: digest,
    bodySize: fc.nat(256 * 1024),
  })
  .map((fields) => ({ ...fields, prev: fields.seq === 0 ? null : fields.prev }))

/** The same bytes in the middle of a larger buffer, as they come out of a stream. */
function inside(bytes: Uint8Array): Uint8Array {
  const buffer = new Uint8Array(bytes.length + 13).fill(0xab)
  buffer.set(bytes, 7)
  return buffer.subarray(7, 7 + bytes.length)
}

describe('a header', () => {
  test('is read back as it was written, also from inside a larger buffer', () => {
    fc.assert(
      fc.property(header, (written) => {
        const decoded = decodeHeader(inside(encodeHeader(written)))
        expect(decoded).toEqual({ ok: true, value: written })
      }),
      { numRuns: 500 },
    )
  })

  test('is one value in one encoding: whatever decodes, encodes to the same bytes', () => {
    fc.assert(
      fc.property(header, fc.nat(), fc.nat(255), (written, at, value) => {
        const bytes = encodeHeader(written)
        bytes[at % bytes.length] = value
        const decoded = decodeHeader(bytes)
        if (decoded.ok) expect(equalBytes(encodeHeader(decoded.value), bytes)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('an envelope', () => {
  const operation = forge({
    author: bob,
    body: [setRegister('docs/a', 'a value'), setRegister('docs/b', [1, 2.5, null])],
    header: { path: 'docs' },
  })
  const bytes = encodeOperation(operation)

  test('is read back as it was written, with and without its body', () => {
    for (const one of [operation, { ...operation, body: null }])
      expect(decodeOperation(inside(encodeOperation(one)))).toEqual({ ok: true, value: one })
  })

  test('is never taken for the same operation after any change of any single byte', () => {
    let decodedAnyway = 0
    for (let at = 0; at < bytes.length; at++) {
      for (const flip of [1, 0x80, 0xff]) {
        const corrupt = Uint8Array.from(bytes)
        corrupt[at] = (corrupt[at] as number) ^ flip
        const decoded = decodeOperation(corrupt)
        if (!decoded.ok) continue
        decodedAnyway++
        expect([at, verifyOperation(decoded.value, verifier.verifySync).ok]).toEqual([at, false])
      }
    }
    // Canary: the signature, author, ids and time can be changed without breaking the form, so there must be such cases.
    expect(decodedAnyway).toBeGreaterThan(300)
  })

  test('is refused when it is cut short or goes on', () => {
    for (let length = 0; length < bytes.length; length++)
      expect(decodeOperation(bytes.subarray(0, length)).ok).toBe(false)
    expect(decodeOperation(Uint8Array.of(...bytes, 0)).ok).toBe(false)
  })

  test('has at most so many changes, and one more is refused', () => {
    const of = (changes: number) =>
      forge({ author: bob, body: Array.from({ length: changes }, () => Uint8Array.of(0xf6)) })
    expect(decodeOperation(encodeOperation(of(BODY_CHANGES_MAX))).ok).toBe(true)
    expect(decodeOperation(encodeOperation(of(BODY_CHANGES_MAX + 1)))).toMatchObject({
      fault: { code: 'LIMIT' },
    })
  })

  test('is not even looked at beyond the size that the largest operation can have', () => {
    expect(decodeOperation(new Uint8Array(ENVELOPE_BYTES_MAX))).toMatchObject({
      fault: { code: 'NON_CANONICAL' },
    })
    expect(decodeOperation(new Uint8Array(ENVELOPE_BYTES_MAX + 1))).toMatchObject({
      fault: { code: 'LIMIT' },
    })
  })

  test('holds a body of exactly the largest size, and no byte more', () => {
    const of = (size: number) => {
      const body = [new Uint8Array(size)]
      return assembleOperation(forge({ author: bob, body }).headerBytes, new Uint8Array(64), body)
    }
    expect(of(256 * 1024).ok).toBe(true)
    expect(of(256 * 1024 + 1)).toMatchObject({ fault: { code: 'LIMIT' } })
  })
})

describe('a change', () => {
  const value = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.string().filter((text) => text.isWellFormed()),
      fc.maxSafeInteger(),
      fc.boolean(),
      fc.constant(null),
      fc.uint8Array({ maxLength: 20 }),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), tie('value'), { maxKeys: 3 }),
    ),
  })).value

  test('is read back as it was written', () => {
    fc.assert(
      fc.property(path, value, fc.integer({ min: 1, max: 99 }), (path, payload, version) => {
        const bytes = encodeChange({ type: 'register', version, path, payload })
        const decoded = decodeChange(inside(bytes))
        expect(decoded.ok && equalBytes(encodeChange(decoded.value), bytes)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  test('is nested at most 32 deep, and one deeper is void', () => {
    const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)])
    const at = (depth: number) =>
      decodeChange(encodeChange({ type: 'register', version: 1, path: 'x', payload: { set: nested(depth) } }))
    expect(at(31).ok).toBe(true)
    expect(at(32)).toMatchObject({ fault: { code: 'CHANGE_INVALID' } })
  })
})

describe('a batch', () => {
  test('is read back as it was written, for any history in any parents-first stretch, bodies there or not', () => {
    fc.assert(
      fc.property(plans(25), fc.nat(30), fc.array(fc.boolean(), { minLength: 1 }), (planned, from, bare) => {
        const all = [...beginning, ...makeHistory(planned).map(({ operation }) => operation)]
        const sent = all
          .slice(from % all.length)
          .map((operation, i) => (bare[i % bare.length] === true ? { ...operation, body: null } : operation))
        const decoded = decodeBatch(inside(encodeBatch(sent)), spaceId)
        expect(decoded).toEqual({
          ok: true,
          value: sent.map((operation) => ({ ok: true, value: operation })),
        })
      }),
      { numRuns: 150 },
    )
  })

  test('sends of a run what the receiver cannot compute: about 100 bytes for an operation with a small change', () => {
    const log: Operation[] = []
    for (let i = 0; i < 100; i++)
      log.push(forge({ author: bob, prev: log.at(-1) ?? null, body: [setRegister('x', i)] }))
    const envelopes = log.reduce((sum, operation) => sum + encodeOperation(operation).length, 0)
    const batch = encodeBatch(log).length
    expect(batch / 100).toBeLessThan(120)
    expect(batch).toBeLessThan(envelopes * 0.4)
  })

  test('loses only the operation that is malformed, and says why in its place', () => {
    const rows = decodeCanonical(
      encodeBatch([...beginning, forge({ author: bob }), forge({ author: carol })]),
    )
    const parts = (rows.ok ? rows.value : []) as unknown[]
    for (const [column, bad] of [
      [3, 7],
      [4, [-1, null]],
      [5, [9]],
      [5, [0]],
      [8, -1],
      [9, 7],
      [10, 7],
      [11, 'a//b'],
      [12, ['no bytes']],
    ] as const) {
      const torn = parts.with(column, (parts[column] as unknown[]).with(2, bad))
      const decoded = decodeBatch(encodeCanonical(torn), spaceId)
      expect([column, decoded.ok && decoded.value.map(({ ok }) => ok)]).toEqual([
        column,
        [true, true, false, true],
      ])
    }
  })

  test('is refused whole when it names long things often, or holds one operation too many', () => {
    const row = (author: number) => [author, false, [] as unknown[], 1, 1, 0, 1, 0, '', []]
    const batch = (
      authors: unknown[],
      chains: unknown[],
      rows: unknown[][],
      signatures = rows.length * 64,
    ) => {
      const columns = Array.from({ length: 10 }, (_, column) => rows.map((values) => values[column]))
      const parts = [authors, chains, ['/op/write'], ...columns, new Uint8Array(signatures)]
      return decodeBatch(encodeCanonical(parts), spaceId)
    }
    const key = new Uint8Array(32)
    expect(batch([key], [[]], [row(0)])).toMatchObject({ ok: true, value: [{ ok: true }] })
    for (const signatures of [0, 63, 65, 128])
      expect(batch([key], [[]], [row(0)], signatures)).toMatchObject({ fault: { code: 'BAD_FIELD' } })
    expect(batch([new Uint8Array(33)], [[]], [])).toMatchObject({ fault: { code: 'BAD_FIELD' } })
    expect(batch([key], [Array.from({ length: 9 }, () => key)], [])).toMatchObject({
      fault: { code: 'BAD_FIELD' },
    })
    const rows = (length: number) => Array.from({ length }, (_, place) => row(place === 0 ? 0 : 1))
    expect(batch([key], [[]], rows(BATCH_OPERATIONS_MAX)).ok).toBe(true)
    expect(batch([key], [[]], rows(BATCH_OPERATIONS_MAX + 1))).toMatchObject({ fault: { code: 'LIMIT' } })
    const deps = Array.from({ length: 65 }, () => 1)
    expect(batch([key], [[]], [row(0), row(1).with(2, deps)])).toMatchObject({
      value: [{ ok: true }, { ok: false }],
    })
  })

  test('never throws, whatever the bytes', () => {
    const good = encodeBatch([...beginning, forge({ author: bob, body: [setRegister('x', 1)] })])
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 4 }), (edits) => {
        const bytes = Uint8Array.from(good)
        for (const [at, value] of edits) bytes[at] = value
        decodeBatch(bytes, spaceId)
      }),
      { numRuns: 3_000 },
    )
    const anything = fc.anything({
      withNullPrototype: false,
      values: [
        fc.nat(),
        fc.uint8Array(),
        fc.string().filter((text) => text.isWellFormed()),
        fc.constant(null),
        fc.boolean(),
      ],
    })
    const list = fc.array(
      fc.oneof(
        fc.nat(3),
        fc.uint8Array({ maxLength: 40 }),
        fc.constant(null),
        fc.boolean(),
        fc.array(fc.nat(3), { maxLength: 3 }),
      ),
      { minLength: 4, maxLength: 4 },
    )
    const columns = fc.array(fc.oneof({ weight: 9, arbitrary: list }, anything), {
      minLength: 10,
      maxLength: 10,
    })
    fc.assert(
      fc.property(columns, (parts) => {
        let bytes: Uint8Array
        try {
          const [keys, chains] = [
            [bob.publicKey, alice.publicKey],
            [[], [genesis.id]],
          ]
          bytes = encodeCanonical([keys, chains, ['/op/write'], ...parts, new Uint8Array(256)])
        } catch {
          return
        }
        decodeBatch(bytes, spaceId)
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('a batch that refers to what was listed', () => {
  const first = forge({ author: bob, body: [setRegister('x', 1)] })
  const shared = new SharedHeads([undefined, { ...first.header, id: first.id }])
  const next = forge({ author: bob, prev: first, body: [setRegister('x', 2)] })
  const other = forge({ author: carol, deps: [first], body: [setRegister('y', 3)] })

  test('is read as what was sent, and is shorter by key, chain and ids', () => {
    const bytes = encodeBatch([next, other], shared)
    const decoded = decodeBatch(bytes, spaceId, shared)
    if (!decoded.ok) throw new Error(decoded.fault.detail)
    expect(decoded.value.map((item) => item.ok && toHex(item.value.id))).toEqual(
      [next, other].map(({ id }) => toHex(id)),
    )
    expect(encodeBatch([next, other]).length - bytes.length).toBeGreaterThan(32 * 4)
  })

  test('is refused, or loses what refers, where there is no such place', () => {
    const bytes = encodeBatch([next], shared)
    expect(decodeBatch(bytes, spaceId)).toMatchObject({ ok: false, fault: { code: 'BAD_FIELD' } })
    const only = encodeBatch(
      [other],
      new SharedHeads([{ ...first.header, author: alice.publicKey, caps: [], id: first.id }]),
    )
    const decoded = decodeBatch(only, spaceId)
    expect(decoded.ok && decoded.value.map((item) => item.ok)).toEqual([false])
  })

  test('never throws, whatever places it names', () => {
    const known = encodeBatch([next, other], shared)
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(known.length - 1), fc.nat(255)), { maxLength: 4 }), (edits) => {
        const bytes = new Uint8Array(known)
        for (const [at, byte] of edits) bytes[at] = byte
        decodeBatch(bytes, spaceId, shared)
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('a message of the sync protocol', () => {
  const standing = fc.record({
    clockRoot: digest,
    stateRoot: digest,
    authors: count,
    operations: count,
    absentBodies: count,
  })
  const cut = (bytes: number) => fc.oneof(digest, fc.uint8Array({ minLength: bytes, maxLength: bytes }))
  const heads = fc.array(fc.record({ seq: count, id: cut(16) }), { minLength: 1, maxLength: 8 })
  const message: fc.Arbitrary<WireMessage> = fc.oneof(
    fc.record({ kind: fc.constant('hello' as const), topic: digest, nonce: digest, knowledge: digest }),
    fc.record({
      kind: fc.constant('proof' as const),
      proof: fc.record({
        tokens: fc.array(fc.uint8Array(), { maxLength: 8 }),
        signature: fc.uint8Array({ minLength: 64, maxLength: 64 }),
      }),
    }),
    fc.record({ kind: fc.constant('bye' as const), code: fc.stringMatching(/^[A-Z_]{1,32}$/) }),
    fc.record({
      kind: fc.constant('compare' as const),
      round: count,
      standing,
      admitted: count,
      answers: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant('nodes' as const),
      differing: fc.uint8Array({ maxLength: 40 }),
      listing: fc.uint8Array({ maxLength: 80 }),
    }),
    fc.record({
      kind: fc.constant('entries' as const),
      entries: fc.array(fc.record({ author: cut(8), heads }), { maxLength: 3 }),
      bodies: fc.array(digest, { maxLength: 3 }),
      last: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('want' as const), heads: fc.uint8Array({ maxLength: 40 }) }),
    fc.record({
      kind: fc.constant('probe' as const),
      probe: count,
      ids: fc.array(digest, { maxLength: 16 }),
    }),
    fc.record({ kind: fc.constant('probed' as const), probe: count, known: count }),
    fc.record({ kind: fc.constant('offer' as const), operations: count }),
    fc.constant({ kind: 'operations' as const, operations: [...beginning], faults: [] }),
    fc.constant({ kind: 'ack' as const }),
    fc.record({ kind: fc.constant('eose' as const), operations: count }),
  )

  test('is read back as it was written', () => {
    fc.assert(
      fc.property(message, (written) => {
        expect(decodeMessage(inside(encodeMessage(written)), spaceId)).toEqual({
          ok: true,
          value: written,
        })
      }),
      { numRuns: 1_500 },
    )
  })

  test('is one value in one encoding, and never makes the reader throw', () => {
    fc.assert(
      fc.property(message, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }), (written, edits) => {
        const bytes = encodeMessage(written)
        for (const [at, value] of edits) bytes[at % bytes.length] = value
        const decoded = decodeMessage(bytes, spaceId)
        if (decoded.ok && decoded.value.kind !== 'operations')
          expect(toHex(encodeMessage(decoded.value))).toBe(toHex(bytes))
      }),
      { numRuns: 3_000 },
    )
  })

  test('of a session is not readable before the handshake is through', () => {
    fc.assert(
      fc.property(message, (written) => {
        const isHandshake = written.kind === 'hello' || written.kind === 'proof' || written.kind === 'bye'
        expect(decodeMessage(encodeMessage(written), null).ok).toBe(isHandshake)
      }),
    )
  })
})

describe('a Merkle trie', () => {
  test('has the root of what is left, after a key is taken out of a branch whose root was asked for', () => {
    const keyOf = (n: number) => new Uint8Array(32).fill(n)
    // 1, 2 and 3 part at the second nibble, 0x40 at the first.
    const pairs = [1, 2, 3, 0x40].map((n) => ({ key: keyOf(n), value: keyOf(n + 100) }))
    const trie = new MerkleTrie()
    for (const { key, value } of pairs) trie.set(key, value)
    for (const gone of pairs.keys()) {
      const left = pairs.filter((_pair, i) => i > gone)
      trie.digest()
      trie.delete((pairs[gone] as { key: Uint8Array }).key)
      const expected = new MerkleTrie()
      for (const { key, value } of left) expected.set(key, value)
      expect(trie.digest()).toEqual(expected.digest())
    }
  })

  const keys = fc.oneof(
    digest,
    fc.tuple(fc.nat(3), fc.nat(3)).map(([a, b]) => new Uint8Array(32).fill(a).fill(b, 30)),
  )
  const steps = fc.array(fc.tuple(keys, digest, fc.integer({ min: 0, max: 3 })), { maxLength: 40 })

  test('has a root that is a function of what it holds, by an independent definition, after any inserts and deletes', () => {
    fc.assert(
      fc.property(steps, (edits) => {
        const trie = new MerkleTrie()
        const model = new Map<string, readonly [Uint8Array, Uint8Array]>()
        for (const [key, value, what] of edits) {
          if (what === 0) {
            trie.delete(key)
            model.delete(toHex(key))
          } else {
            trie.set(key, value)
            model.set(toHex(key), [key, value])
          }
          if (what === 1) expect(toHex(trie.digest().hash)).toBe(toHex(naiveTrieRoot([...model.values()])))
        }
        expect(toHex(trie.digest().hash)).toBe(toHex(naiveTrieRoot([...model.values()])))
        expect(trie.digest().count).toBe(model.size)
        expect(trie.keysAt([]).map(toHex)).toEqual([...model.keys()].toSorted())
        for (let nibble = 0; nibble < 16; nibble++) {
          const below = [...model.keys()].filter((key) => Number.parseInt(key[0] as string, 16) === nibble)
          expect(trie.digestAt([nibble]).count).toBe(below.length)
          expect(trie.keysAt([nibble]).map(toHex)).toEqual(below.toSorted())
        }
      }),
      { numRuns: 300 },
    )
  })
})

test('a clock leaf tells apart the heads of a fork from those of another', () => {
  const [a, b] = [forge({ author: mallory }).id, forge({ author: bob }).id]
  const leaves = [
    [{ seq: 1, id: a }],
    [{ seq: 2, id: a }],
    [{ seq: 1, id: b }],
    [
      { seq: 1, id: a },
      { seq: 1, id: b },
    ],
  ].map((heads) => toHex(clockLeaf(heads)))
  expect(new Set(leaves).size).toBe(4)
})

test('a body root tells apart a list of changes from the same bytes cut elsewhere', () => {
  const [a, b] = [Uint8Array.of(1, 2), Uint8Array.of(3)]
  const roots = [
    [a, b],
    [b, a],
    [Uint8Array.of(1), Uint8Array.of(2, 3)],
    [Uint8Array.of(1, 2, 3)],
    [a, b, new Uint8Array()],
    [a, b, b],
  ].map((body) => toHex(merkleRoot(body)))
  expect(new Set(roots).size).toBe(roots.length)
})
