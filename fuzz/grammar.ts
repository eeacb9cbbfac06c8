import fc from 'fast-check'
import { CID } from 'multiformats/cid'
import { create as createDigest } from 'multiformats/hashes/digest'
import { compareBytes } from '../src/core/bytes.ts'
import { createSpaceChange, putDelegations, TRUST_PROFILES } from '../src/core/changes/control.ts'
import { encodeChange } from '../src/core/changes/change.ts'
import { deleteBlob, setBlob } from '../src/core/types/blob/change.ts'
import { CELL_TYPES } from '../src/core/types/cell.ts'
import { makeClaim, releaseClaim } from '../src/core/types/claim/change.ts'
import { addToCounter, clearCounter } from '../src/core/types/counter/change.ts'
import { removeEdge, setEdge } from '../src/core/types/edge/change.ts'
import { appendEntry } from '../src/core/types/log/change.ts'
import { editMap } from '../src/core/types/map/change.ts'
import { deleteRegister, setRegister } from '../src/core/types/register/change.ts'
import { editSet } from '../src/core/types/set/change.ts'
import { deleteText, editText } from '../src/core/types/text/change.ts'
import { CREATE_EMPTY } from '../src/core/types/text/edit.ts'
import { rotateTo } from '../src/core/changes/rotate.ts'
import { endorseOperations, revokeDelegation } from '../src/core/changes/verdict.ts'
import { sha256 } from '../src/core/hash.ts'
import { createSigner } from '../src/core/native-signature.ts'
import { encodeHeader, type Header } from '../src/core/operation/header.ts'
import { bodyCommitment, type Operation, operationId } from '../src/core/operation/operation.ts'
import { parsePath } from '../src/core/path.ts'
import type { Signer } from '../src/core/signature.ts'
import { issueDelegation } from '../src/core/ucan/delegation.ts'
import { pathPolicy } from '../src/core/ucan/policy.ts'

/** Signers of every valid input: few, so that chains and logs meet. */
export const SIGNERS: readonly Signer[] = Array.from({ length: 6 }, (_, i) =>
  createSigner(sha256(Uint8Array.of(i))),
)
/** The key of the space that every valid input is of. */
export const SPACE_SIGNER = SIGNERS[0] as Signer
export const SPACE_ID = sha256(Uint8Array.of(99))

export const bytesOf = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length })
export const digest = bytesOf(32)
export const count = fc.oneof(fc.nat(10), fc.maxSafeNat())
const author = fc.constantFrom(...SIGNERS.map(({ publicKey }) => publicKey))

/** Texts as people write them, and as they do not. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => text.isWellFormed()),
)

export const path = fc
  .array(fc.oneof(fc.constantFrom('notes', 'a', 'ä', 'x'), text), { maxLength: 4 })
  .map((segments) => segments.join('/').normalize('NFC'))
  .map((text) => (parsePath(text).ok ? text : 'notes'))

const link = digest.map((bytes) => CID.createV1(0x71, createDigest(0x12, bytes)))

/** Anything canonical DAG-CBOR can express. */
export const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: false },
    fc.constantFrom(null, true, false),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
    fc.bigInt({ min: -(2n ** 64n), max: -(2n ** 53n) }),
    fc.double({ noDefaultInfinity: true, noNaN: true }).map((n) => (Number.isInteger(n) ? 0.5 : n)),
    text,
    fc.uint8Array({ maxLength: 40 }),
    link,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      text.filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 4, noNullPrototype: true },
    ),
  ),
}))['value']

const policy = fc.oneof(
  path.map((prefix) => pathPolicy(prefix)),
  fc.constant([]),
  (
    fc.letrec((tie) => ({
      statement: fc.oneof(
        { maxDepth: 3 },
        fc.tuple(fc.constant('=='), fc.constantFrom('.path', '.command', '.time', '.odd', '.a[0]'), value),
        fc.tuple(
          fc.constant('like'),
          fc.constantFrom('.path', '.command', '.time'),
          fc.constantFrom('*', 'a*b', '\\*', '*a*'),
        ),
        fc.tuple(fc.constantFrom('and', 'or'), fc.array(tie('statement'), { maxLength: 3 })),
        fc.tuple(fc.constant('not'), tie('statement')),
        fc.tuple(fc.constantFrom('any', 'all', '<'), fc.constant('.path'), value),
      ),
    }))['statement'] as fc.Arbitrary<unknown>
  ).map((statement) => [statement]),
)
export const policySource: fc.Arbitrary<readonly unknown[]> = policy

/** Tokens of the space, well-formed and signed. */
export const token: fc.Arbitrary<Uint8Array> = fc
  .record({
    issuer: fc.constantFrom(...SIGNERS),
    audience: author,
    command: fc.constantFrom('/', '/op', '/op/write', '/op/read', '/cap/grant', '/cap/revoke'),
    policy,
    nonce: fc.uint8Array({ maxLength: 16 }),
    notBefore: fc.option(fc.nat()),
    expires: fc.option(fc.nat()),
    meta: fc.option(
      fc.dictionary(fc.constantFrom('a', 'b', 'constructor'), value, { maxKeys: 2, noNullPrototype: true }),
    ),
  })
  .map(({ issuer, audience, command, policy, nonce, notBefore, expires, meta }) =>
    issueDelegation({
      signer: issuer,
      audience,
      subject: SPACE_SIGNER.publicKey,
      command,
      policy,
      nonce,
      notBeforeSeconds: notBefore,
      expiresSeconds: expires,
      meta,
    }),
  )
  .map((issued) => (issued.ok ? issued.value.bytes : new Uint8Array()))

const elements = fc.array(fc.record({ id: digest, index: fc.nat(20) }), { maxLength: 3 })
const field = fc.string({ minLength: 1, maxLength: 8 }).filter((name) => name !== '__proto__')

const edgeEnd = fc.record({
  label: field
    .map((name) => name.normalize('NFC'))
    .map((name) => (name.includes('/') || !parsePath(name).ok ? 'knows' : name)),
  to: path.map((to) => (to === '' ? 'notes' : to)),
})

/** Changes of every type that this version knows, and of some it does not. */
export const change: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.tuple(path, value).map(([path, value]) => setRegister(path, value)),
  fc.tuple(path, elements).map(([path, observed]) => deleteRegister(path, observed)),
  fc
    .tuple(
      path,
      fc.dictionary(field, value, { minKeys: 1, maxKeys: 3, noNullPrototype: true }),
      fc.dictionary(
        field.map((name) => `-${name}`),
        elements,
        { maxKeys: 3, noNullPrototype: true },
      ),
    )
    .map(([path, set, remove]) => editMap(path, { set, remove })),
  fc.tuple(path, edgeEnd, value).map(([path, end, value]) => setEdge(path, end, value)),
  fc.tuple(path, edgeEnd, elements).map(([path, end, observed]) => removeEdge(path, end, observed)),
  fc.tuple(path, value).map(([path, value]) => appendEntry(path, value)),
  fc
    .tuple(path, fc.array(field, { minLength: 1, maxLength: 3 }), fc.array(field, { maxLength: 2 }), elements)
    .map(([path, add, others, refs]) =>
      editSet(path, { add, remove: Object.fromEntries(others.map((member) => [`-${member}`, refs])) }),
    ),
  fc.tuple(path, fc.maxSafeInteger()).map(([path, by]) => addToCounter(path, by)),
  path.map(clearCounter),
  fc.tuple(path, value).map(([path, value]) => makeClaim(path, value)),
  fc.tuple(path, elements).map(([path, observed]) => releaseClaim(path, observed)),
  fc
    .tuple(
      path,
      fc.array(fc.tuple(count, fc.nat(5), fc.string({ unit: 'binary', minLength: 1 })), {
        minLength: 1,
        maxLength: 4,
      }),
    )
    .map(([path, edits]) => editText(path, edits)),
  path.map((path) => editText(path, [CREATE_EMPTY])),
  path.map(deleteText),
  fc
    .tuple(
      path,
      digest,
      count,
      fc.option(fc.constantFrom('image/png', 'text/plain;charset=utf-8')),
      fc.option(field),
    )
    .map(([path, hash, size, mediaType, name]) =>
      setBlob(path, {
        hash,
        size,
        ...(mediaType === null ? {} : { mediaType }),
        ...(name === null ? {} : { name }),
      }),
    ),
  fc.tuple(path, elements).map(([path, observed]) => deleteBlob(path, observed)),
  fc
    .record({
      name: fc.string({ minLength: 1, maxLength: 20 }),
      profile: fc.constantFrom(...TRUST_PROFILES),
      openReading: fc.boolean(),
    })
    .map(createSpaceChange),
  fc.array(token, { minLength: 1, maxLength: 2 }).map(putDelegations),
  fc
    .tuple(digest, fc.array(digest, { maxLength: 3 }))
    .map(([target, cut]) => revokeDelegation({ target, cut })),
  fc.array(digest, { minLength: 1, maxLength: 3 }).map(endorseOperations),
  author.map(rotateTo),
  fc
    .record({
      // Types that nobody knows, and later versions and other payloads of those that are known.
      type: fc.constantFrom('poem', 'edges', ...CELL_TYPES),
      version: fc.integer({ min: 1, max: 3 }),
      path,
      payload: value,
    })
    .map(encodeChange),
)

/** Headers that are well-formed; what they name need not exist. */
const header: fc.Arbitrary<Omit<Header, 'bodyHash' | 'bodySize'>> = fc
  .record({
    isGenesis: fc.boolean(),
    author,
    seq: count,
    prev: digest,
    deps: fc.uniqueArray(digest, { maxLength: 5, selector: (id) => id.join() }),
    lamport: count,
    time: count,
    epoch: fc.constantFrom(0, 0, 0, 1),
    caps: fc.uniqueArray(digest, { maxLength: 3, selector: (id) => id.join() }),
    command: fc.constantFrom('/op/write', '/cap/grant', '/cap/revoke', '/cap/endorse'),
    path,
  })
  .map(({ isGenesis, ...fields }) =>
    isGenesis
      ? { ...fields, space: null, seq: 0, prev: null, deps: [], caps: [], lamport: 1, epoch: 0 }
      : {
          ...fields,
          space: SPACE_ID,
          prev: fields.seq === 0 ? null : fields.prev,
          deps: fields.deps.toSorted(compareBytes),
        },
  )

/** Operations that are well-formed, with and without body; the signature is any. */
export const operation: fc.Arbitrary<Operation> = fc
  .tuple(header, fc.array(change, { maxLength: 3 }), bytesOf(64), fc.boolean())
  .map(([header, body, signature, hasBody]) => {
    const whole = { ...header, ...bodyCommitment(body) }
    const headerBytes = encodeHeader(whole)
    return {
      id: operationId(headerBytes),
      header: whole,
      headerBytes,
      signature,
      body: hasBody ? body : null,
    }
  })
