import type { Mutant } from '../mutant.ts'

const CONVERGENCE = ['test/core/convergence.test.ts']
const CODEC = ['test/core/codec.test.ts']
const STATE_PROOF = ['test/core/state-proof.test.ts']
const CANONICAL = ['test/core/canonical-cbor.test.ts']

/** Encoding, signatures, clock and state: what must be the same on every node. */
export const STATE_MUTANTS: readonly Mutant[] = [
  {
    name: 'compare-times-only',
    rule: 'of two writes with one time the one that came first wins, not the greater (lamport, id)',
    file: 'src/core/types/cell.ts',
    edits: [
      [
        'return a.time - b.time || a.lamport - b.lamport || compareBytes(a.id, b.id) || a.index - b.index',
        'return a.time - b.time || compareBytes(a.id, a.id)',
      ],
    ],
    tests: CONVERGENCE,
  },
  {
    name: 'no-lamport-in-the-order',
    rule: 'of two writes with one time the greater id wins, also over one that has seen it',
    file: 'src/core/types/cell.ts',
    edits: [['return a.time - b.time || a.lamport - b.lamport ||', 'return a.time - b.time ||']],
    tests: ['test/core/types/stamps.test.ts'],
  },
  {
    name: 'tombstone-ignored',
    rule: 'a write comes back when it arrives after its removal',
    file: 'src/core/types/fold.ts',
    edits: [
      [
        'return { id, index, time, lamport, value, removed: isRemoved }',
        'return { id, index, time, lamport, value, removed: isRemoved && false }',
      ],
    ],
    tests: CONVERGENCE,
  },
  {
    name: 'remove-takes-all',
    rule: 'a removal takes away what it has not seen',
    file: 'src/core/types/fold.ts',
    edits: [
      [
        'if (!observed.some((ref) => isSameElement(ref, current))) return current',
        'if (!observed.some((ref) => isSameElement(ref, current) || ref.index >= 0)) return current',
      ],
    ],
    tests: [...CONVERGENCE, 'test/node/deletion.test.ts'],
  },
  {
    name: 'accept-native-rejects',
    rule: 'what the runtime’s verifier refuses is refused, whatever ZIP215 says',
    file: 'src/core/native-signature.ts',
    edits: [
      [
        'if (native.verifySync(signature, message, publicKey)) return true\n',
        'return native.verifySync(signature, message, publicKey)\n',
      ],
    ],
    tests: ['test/vectors/ed25519.test.ts'],
  },
  {
    name: 'accept-native-rejects-on-threads',
    rule: 'the same for signatures checked on other threads',
    file: 'src/core/native-signature.ts',
    edits: [
      [
        'if (await native.verifyAsync(signature, message, publicKey)) return true\n',
        'return await native.verifyAsync(signature, message, publicKey)\n',
      ],
    ],
    tests: ['test/vectors/ed25519.test.ts'],
  },
  {
    name: 'remembered-for-any-message',
    rule: 'a signature that was good once is good under whatever it is put',
    file: 'src/node/verification/verified-signatures.ts',
    edits: [
      [
        'return latin1(signature) + latin1(publicKey) + latin1(message)',
        'return latin1(signature.length === message.length ? message : signature) + latin1(publicKey)',
      ],
    ],
    tests: ['test/node/verification.test.ts'],
  },
  {
    name: 'good-the-second-time',
    rule: 'an operation whose signature was looked at once is good when it comes again',
    file: 'src/node/replica/verify-within.ts',
    edits: [
      [
        'const verdict = verifyOperation(',
        'good?.set(operation, operation as VerifiedOperation)\n      const verdict = verifyOperation(',
      ],
    ],
    tests: ['test/replica/verify-within.test.ts'],
  },
  {
    name: 'forgiveness-without-end',
    rule: 'within one check every forged signature is looked at again',
    file: 'src/node/replica/verify-within.ts',
    edits: [['if (!isAccepted && !forgiveness.isLeft()) continue\n', '']],
    tests: ['test/adversarial/forged-batch.test.ts'],
  },
  {
    name: 'strict-instead-of-zip215',
    rule: 'signatures are judged by the strict rules of RFC 8032',
    file: 'src/core/signature.ts',
    edits: [['{ zip215: true }', '{ zip215: false }']],
    tests: ['test/vectors/ed25519.test.ts'],
  },
  {
    name: 'second-spelling-of-a-key',
    rule: 'a key at or above the field’s size is an author of its own',
    file: 'src/core/signature.ts',
    edits: [['    isAboveField(publicKey) ||\n', '']],
    tests: ['test/core/signature.test.ts'],
  },
  {
    name: 'small-order-sign-bit',
    rule: 'a point of small order is let through when its sign bit is set',
    file: 'src/core/signature.ts',
    edits: [
      ['return ((publicKey[31] as number) & 0x7f) === y[31]', 'return (publicKey[31] as number) === y[31]'],
    ],
    tests: ['test/core/signature.test.ts'],
  },
  {
    name: 'counters-without-heads',
    rule: 'the clock commits to counters and not to heads, so that branches of equal length look equal',
    file: 'src/core/clock.ts',
    edits: [['parts.push(seq, head.id)', 'parts.push(seq)']],
    tests: ['test/core/clock.test.ts'],
  },
  {
    name: 'heads-in-arrival-order',
    rule: 'the clock lists the heads of a forked author in the order of their arrival',
    file: 'src/core/clock.ts',
    edits: [['({ seq, id })).sort(compareHeads)', '({ seq, id }))']],
    tests: ['test/core/clock.test.ts'],
  },
  {
    name: 'trie-without-bitmap',
    rule: 'a node of the trie does not say which of its children are there',
    file: 'src/core/trie-hashes.ts',
    edits: [
      ['NODE.bytes[4 * NODE.first - 2] = bitmap >> 8\n    NODE.bytes[4 * NODE.first - 1] = bitmap\n', ''],
      ['Uint8Array.of(bitmap >> 8, bitmap & 255)', 'Uint8Array.of(0, bitmap & 0)'],
    ],
    tests: CODEC,
  },
  {
    name: 'stale-trie-hash',
    rule: 'a removal leaves the old hash of a node in place',
    file: 'src/core/trie-nodes.ts',
    edits: [['words[at + COUNT] = count\n    words[at] = header | CHANGED', 'words[at + COUNT] = count']],
    tests: CODEC,
  },
  {
    name: 'merkle-without-domains',
    rule: 'a leaf of a body’s tree may be taken for an inner node',
    file: 'src/core/merkle.ts',
    edits: [['sha256(LEAF, leaf)', 'sha256(leaf)']],
    tests: [...CODEC, 'test/vectors/operation.test.ts'],
  },
  {
    name: 'merkle-doubles-the-last',
    rule: 'two bodies of different length have one root',
    file: 'src/core/merkle.ts',
    edits: [['right === undefined ? left : sha256(NODE, left, right)', 'sha256(NODE, left, right ?? left)']],
    tests: [...CODEC, 'test/vectors/operation.test.ts'],
  },
  {
    name: 'wide-numbers',
    rule: 'a number need not have its shortest form',
    file: 'src/core/cbor-reader.ts',
    edits: [["if (value < shortestAbove) this.#refuse('a number not in its shortest form')", '']],
    tests: CANONICAL,
  },
  {
    name: 'keys-in-any-order',
    rule: 'the keys of a map may come in any order, and twice',
    file: 'src/core/cbor-reader.ts',
    edits: [
      [
        'if (i > 0 && !this.#isKeyBefore(previousAt, previousEnd, keyAt))',
        'if (i > this.#bytes.length && !this.#isKeyBefore(previousAt, previousEnd, keyAt))',
      ],
    ],
    tests: CANONICAL,
  },
  {
    name: 'nan-allowed',
    rule: 'NaN and infinities are values',
    file: 'src/core/cbor-reader.ts',
    edits: [
      ['if (!Number.isFinite(value) || Number.isSafeInteger(value))', 'if (Number.isSafeInteger(value))'],
    ],
    tests: CANONICAL,
  },
  {
    name: 'bytes-after-the-end',
    rule: 'bytes after a value are passed over, so that one operation has many envelopes',
    file: 'src/core/cbor-reader.ts',
    edits: [['if (this.#at !== this.#bytes.length)', 'if (this.#at > this.#bytes.length)']],
    tests: CANONICAL,
  },
  {
    name: 'nesting-unbounded',
    rule: 'a value may nest until the stack ends, which differs by machine',
    file: 'src/core/cbor-reader.ts',
    edits: [
      ['if (depth > CBOR_DEPTH_MAX) this.#refuse(', 'if (depth > CBOR_DEPTH_MAX * 1000) this.#refuse('],
    ],
    tests: CANONICAL,
  },
  {
    name: 'proto-key',
    rule: 'a map with the key __proto__ is read, and sets what it should not',
    file: 'src/core/cbor-reader.ts',
    edits: [["if (key === '__proto__') this.#refuse('the map key __proto__')", '']],
    tests: CANONICAL,
  },
  {
    name: 'views-of-the-frame',
    rule: 'byte strings are views of the frame they came in',
    file: 'src/core/cbor-reader.ts',
    edits: [["strings === 'views'", 'true']],
    tests: CANONICAL,
  },
  {
    name: 'empty-nodes-in-the-state',
    rule: 'a path whose last item was removed leaves its node behind, so that equal states have different roots',
    file: 'src/core/state/state-tree.ts',
    edits: [['if (this.#isEmpty(node)) {', 'if (nodes.kindOf(node) !== NODE) {']],
    tests: [...CODEC, ...CONVERGENCE],
  },
  {
    name: 'types-meet',
    rule: 'the type is no part of an item’s hash',
    file: 'src/core/state/state-hashes.ts',
    edits: [['encodeCanonical([type, fields])', "encodeCanonical(['', fields])"]],
    tests: [...CODEC, ...CONVERGENCE, 'test/vectors/operation.test.ts'],
  },
  {
    name: 'values-outside-the-state-root',
    rule: 'the state root commits to the fields that show and not to their values',
    file: 'src/core/state/state-hashes.ts',
    edits: [
      [
        'sha256Into(target, at, FIELD_INPUT.subarray(0, from + value.length))',
        'sha256Into(target, at, FIELD_INPUT.subarray(0, from))',
      ],
    ],
    tests: CONVERGENCE,
  },
  {
    name: 'removal-leaves-the-parent',
    rule: 'a node keeps its old hash when something below it was removed and something is left',
    file: 'src/core/state/state-tree.ts',
    edits: [['        nodes.markChanged(node)\n        nodes.put(children, NODE)\n', '']],
    tests: CONVERGENCE,
  },
  {
    name: 'absence-of-what-is-there',
    rule: 'a way that ends with the key itself proves that it is not there',
    file: 'src/core/state/proof.ts',
    edits: [
      [
        'return walk.end !== null && equalBytes(walk.end.key, key) ? null : rootOfWalk(key, walk)',
        'return rootOfWalk(key, walk)',
      ],
    ],
    tests: STATE_PROOF,
  },
  {
    name: 'absence-at-a-child-that-is-there',
    rule: 'a way may end as at an empty place where the node has that very child',
    file: 'src/core/trie-walk.ts',
    edits: [
      [
        'if (isOnWay !== (below !== null) || siblings.length !== others * HASH_BYTES) return null',
        'if (siblings.length % HASH_BYTES > others) return null',
      ],
    ],
    tests: STATE_PROOF,
  },
  {
    name: 'proof-of-a-path-above',
    rule: 'a proof about a path proves the same of paths below it',
    file: 'src/core/state/proof.ts',
    edits: [
      [
        'if (isNothing ? passed.length >= segments.length : passed.length !== segments.length) return null',
        'if (passed.length > segments.length) return null',
      ],
    ],
    tests: STATE_PROOF,
  },
  {
    name: 'type-denied-that-is-listed',
    rule: 'a proof that there is no item of a type may list one of that type',
    file: 'src/core/state/proof.ts',
    edits: [
      [
        'if (type === null ? items.length > 0 : items.some((item) => item.type === type)) return null',
        'if (type === null && items.length > 0) return null',
      ],
    ],
    tests: STATE_PROOF,
  },
  {
    name: 'item-of-another-node',
    rule: 'a proof may show an item that is not among those of the node at its path',
    file: 'src/core/state/proof.ts',
    edits: [
      [
        'if (equalBytes(items.subarray(at, at + HASH_BYTES), hash)) return nodeHash(items, children)',
        'if (hash.length === HASH_BYTES) return nodeHash(items, children)',
      ],
    ],
    tests: STATE_PROOF,
  },
]
