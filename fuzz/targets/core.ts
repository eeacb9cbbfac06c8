import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { equalBytes, toHex } from '../../src/core/bytes.ts'
import { decodeCanonical, encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { decodeChange, encodeChange } from '../../src/core/changes/change.ts'
import {
  createSpaceChange,
  putDelegations,
  readDelegations,
  readSpaceDescription,
} from '../../src/core/changes/control.ts'
import { editMap, readMap } from '../../src/core/types/map/change.ts'
import { deleteRegister, readRegister, setRegister } from '../../src/core/types/register/change.ts'
import { deleteText, editText, readText } from '../../src/core/types/text/change.ts'
import { CAP_ROTATE, readRotation, rotateTo } from '../../src/core/changes/rotate.ts'
import {
  CAP_ENDORSE,
  CAP_REVOKE,
  endorseOperations,
  readEndorsement,
  readRevocation,
  revokeDelegation,
} from '../../src/core/changes/verdict.ts'
import type { CellEdit } from '../../src/core/types/cell.ts'
import { BODY_BYTES_MAX, HEADER_BYTES_MAX, PATH_BYTES_MAX, TOKEN_BYTES_MAX } from '../../src/core/limits.ts'
import { decodeGossip, encodeGossip, encodeOffer, PEER_TAG_BYTES } from '../../src/core/gossip-message.ts'
import { decodeForkProof, encodeForkProof, verifyForkProof } from '../../src/core/fork-proof.ts'
import { decodeHeader, encodeHeader } from '../../src/core/operation/header.ts'
import { readPlainHeader } from '../../src/core/operation/plain-header.ts'
import { decodeOperation, encodeOperation } from '../../src/core/operation/operation.ts'
import { isAtOrBelow, parsePath } from '../../src/core/path.ts'
import { formatDid, parseDid } from '../../src/core/principal.ts'
import { createSignatureVerifier } from '../../src/core/native-signature.ts'
import { verifyChain } from '../../src/core/ucan/chain.ts'
import {
  decodeDelegation,
  type VerifiedDelegation,
  verifyDelegation,
} from '../../src/core/ucan/delegation.ts'
import { matchesGlob } from '../../src/core/ucan/glob.ts'
import { prefixesOf } from '../../src/core/ucan/path-prefixes.ts'
import { authorizePolicy, parsePolicy, type Statement } from '../../src/core/ucan/policy.ts'
import { decodeRecent } from '../../src/node/network/recent-envelopes.ts'
import { change, operation, path, policySource, SIGNERS, SPACE_SIGNER, token, value } from '../grammar.ts'
import { holds, type Target } from '../target.ts'

/** Says yes, so that what lies behind a signature is reached too; one in four is judged truly. */
const accept = () => true
const { verifySync } = createSignatureVerifier()
const ARGUMENTS = { command: '/op/write', path: 'notes/a', time: 1_800_000_000_000, bodySize: 100 }

const canonicalCbor: Target = {
  name: 'canonical-cbor',
  form: 'cbor',
  inputBytesMax: 64 * 1024,
  valid: value.map(encodeCanonical),
  run(input) {
    const decoded = decodeCanonical(input)
    // The same bytes inside a larger buffer are the same value, and byte strings are no views of it.
    const larger = new Uint8Array(input.length + 3)
    larger.set(input, 2)
    const within = decodeCanonical(larger.subarray(2, input.length + 2))
    larger.fill(0)
    holds(decoded.ok === within.ok, 'a part of a larger buffer is read the same')
    if (!decoded.ok || !within.ok) return false
    holds(equalBytes(encodeCanonical(decoded.value), input), 'what is accepted is encoded as the same bytes')
    holds(equalBytes(encodeCanonical(within.value), input), 'byte strings are copies')
    return true
  },
}

const header: Target = {
  name: 'header',
  form: 'cbor',
  inputBytesMax: HEADER_BYTES_MAX + 64,
  valid: operation.map(({ headerBytes }) => headerBytes),
  run(input) {
    const plain = readPlainHeader(input)
    holds(
      plain === null || (decodeCanonical(input).ok && equalBytes(encodeHeader(plain), input)),
      'what is read straight from its bytes is what they are',
    )
    const decoded = decodeHeader(input)
    if (!decoded.ok) return false
    holds(equalBytes(encodeHeader(decoded.value), input), 'a header is encoded as the same bytes')
    return true
  },
}

const envelope: Target = {
  name: 'operation',
  form: 'cbor',
  inputBytesMax: 64 * 1024,
  valid: operation.map(encodeOperation),
  run(input) {
    const decoded = decodeOperation(input)
    if (!decoded.ok) return false
    holds(equalBytes(encodeOperation(decoded.value), input), 'an operation is encoded as the same bytes')
    holds(
      equalBytes(encodeHeader(decoded.value.header), decoded.value.headerBytes),
      'the header is that of its bytes',
    )
    return true
  },
}

const gossip: Target = {
  name: 'gossip',
  form: 'cbor',
  inputBytesMax: 64 * 1024,
  valid: fc.oneof(
    fc
      .tuple(
        fc.uniqueArray(fc.uint8Array({ minLength: PEER_TAG_BYTES, maxLength: PEER_TAG_BYTES }), {
          maxLength: 4,
          selector: toHex,
        }),
        fc.array(operation, { minLength: 1, maxLength: 3 }),
      )
      .map(([reached, operations]) => encodeGossip(reached.map(toHex), operations.map(encodeOperation))),
    fc
      .array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { minLength: 1, maxLength: 4 })
      .map(encodeOffer),
  ),
  run(input) {
    const decoded = decodeGossip(input)
    // Read for the first time, and again.
    for (const remembered of [decodeGossip(input, decodeRecent), decodeGossip(input, decodeRecent)])
      holds(isDeepStrictEqual(remembered, decoded), 'what is remembered of an envelope is what it says')
    if (!decoded.ok) return false
    const message = decoded.value
    const again =
      message.kind === 'offer'
        ? encodeOffer(message.ids)
        : encodeGossip(
            message.reached,
            message.operations.map((one) => encodeOperation(one.operation)),
          )
    holds(equalBytes(again, input), 'a gossip message is encoded as the same bytes')
    return true
  },
}

const forkProof: Target = {
  name: 'fork-proof',
  form: 'cbor',
  inputBytesMax: 20 * 1024,
  valid: fc
    .tuple(operation, operation, fc.boolean())
    .map(([one, other, isSibling]) =>
      encodeForkProof(one, isSibling ? { ...other, headerBytes: siblingOf(one.headerBytes) } : other),
    ),
  run(input) {
    const decoded = decodeForkProof(input)
    if (!decoded.ok) return false
    const [low, high] = decoded.value.headers
    holds(!equalBytes(low.id, high.id), 'a proof cites two operations')
    holds(equalBytes(encodeForkProof(high, low), input), 'a fork has one proof')
    const proven = verifyForkProof(decoded.value, accept)
    if (proven.ok)
      holds(
        equalBytes(low.header.author, high.header.author) && low.header.seq === high.header.seq,
        'a proof is about one author and one place',
      )
    return true
  },
}

/** The header of another operation at the same place. */
function siblingOf(headerBytes: Uint8Array): Uint8Array {
  const decoded = decodeHeader(headerBytes)
  return decoded.ok
    ? encodeHeader({ ...decoded.value, time: decoded.value.time === 0 ? 1 : decoded.value.time - 1 })
    : headerBytes
}

const changeFrame: Target = {
  name: 'change',
  form: 'cbor',
  inputBytesMax: BODY_BYTES_MAX,
  valid: change,
  run(input) {
    const decoded = decodeChange(input)
    if (!decoded.ok) return false
    holds(equalBytes(encodeChange(decoded.value), input), 'a change is encoded as the same bytes')
    const { path } = decoded.value
    const register = readRegister(decoded.value, 0)
    if (register.ok && decoded.value.type === 'register' && decoded.value.version === 1)
      holds(
        equalBytes(registerOf(path, register.value), input),
        'a register change is written as the same bytes',
      )
    const map = readMap(decoded.value, 0)
    if (map.ok && decoded.value.type === 'map' && decoded.value.version === 1)
      holds(equalBytes(mapOf(path, map.value), input), 'a map change is written as the same bytes')
    const text = readText(decoded.value, 0)
    if (text.ok && decoded.value.type === 'text' && decoded.value.version === 1)
      holds(equalBytes(textOf(path, text.value), input), 'a text change is written as the same bytes')
    const space = readSpaceDescription(decoded.value)
    if (space.ok && path === '' && decoded.value.type === 'space.create' && decoded.value.version === 1)
      holds(equalBytes(createSpaceChange(space.value), input), 'a description is written as the same bytes')
    const verify = input.length % 4 === 0 ? verifySync : accept
    const put = readDelegations(decoded.value, SPACE_SIGNER.publicKey, verify, { left: 8 })
    if (put.ok && path === '' && decoded.value.type === 'cap.put' && decoded.value.version === 1)
      holds(
        equalBytes(putDelegations(put.value.map(({ bytes }) => bytes)), input),
        'cap.put is written as the same bytes',
      )
    const revoked = readRevocation(decoded.value)
    if (revoked.ok && path === '' && decoded.value.type === CAP_REVOKE && decoded.value.version === 1)
      holds(equalBytes(revokeDelegation(revoked.value), input), 'cap.revoke is written as the same bytes')
    const endorsed = readEndorsement(decoded.value)
    if (endorsed.ok && path === '' && decoded.value.type === CAP_ENDORSE && decoded.value.version === 1)
      holds(equalBytes(endorseOperations(endorsed.value), input), 'cap.endorse is written as the same bytes')
    const rotated = readRotation(decoded.value, SPACE_SIGNER.publicKey)
    if (rotated.ok && path === '' && decoded.value.type === CAP_ROTATE && decoded.value.version === 1)
      holds(equalBytes(rotateTo(rotated.value), input), 'cap.rotate is written as the same bytes')
    return register.ok || map.ok || text.ok || space.ok || put.ok || revoked.ok || endorsed.ok || rotated.ok
  },
}

function registerOf(path: string, [edit]: readonly CellEdit[]): Uint8Array {
  if (edit === undefined) return new Uint8Array()
  if (edit.kind === 'set') return setRegister(path, valueOf(edit.value))
  return edit.kind === 'remove' ? deleteRegister(path, edit.observed) : new Uint8Array()
}

function textOf(path: string, [edit]: readonly CellEdit[]): Uint8Array {
  if (edit?.kind === 'edit') return editText(path, edit.edits)
  return edit?.kind === 'clear' ? deleteText(path) : new Uint8Array()
}

function mapOf(path: string, edits: readonly CellEdit[]): Uint8Array {
  const set = edits.flatMap((edit) =>
    edit.kind === 'set' ? [[edit.field, valueOf(edit.value)] as const] : [],
  )
  const remove = edits.flatMap((edit) =>
    edit.kind === 'remove' ? [[edit.field, edit.observed] as const] : [],
  )
  return editMap(path, { set: Object.fromEntries(set), remove: Object.fromEntries(remove) })
}

function valueOf(bytes: Uint8Array): unknown {
  const decoded = decodeCanonical(bytes)
  holds(decoded.ok, 'the value of an edit is canonical')
  return decoded.ok ? decoded.value : null
}

const delegation: Target = {
  name: 'delegation',
  form: 'cbor',
  inputBytesMax: TOKEN_BYTES_MAX + 64,
  valid: token,
  run(input) {
    const decoded = decodeDelegation(input)
    if (!decoded.ok) return false
    holds(equalBytes(decoded.value.bytes, input), 'a token keeps its bytes')
    const { issuer, audience, subject } = decoded.value
    for (const key of [issuer, audience, ...(subject === null ? [] : [subject])])
      holds(parseDid(formatDid(key)).ok, 'a principal of a token is a did:key')
    const isSigned = verifyDelegation(decoded.value, verifySync).ok
    verifyChain({
      tokens: [decoded.value as VerifiedDelegation],
      subject: issuer,
      invoker: audience,
      ...ARGUMENTS,
      timeMs: ARGUMENTS.time,
      checkCommandAndPolicy: true,
    })
    return isSigned
  },
}

const policy: Target = {
  name: 'policy',
  form: 'cbor',
  inputBytesMax: TOKEN_BYTES_MAX,
  valid: policySource.map((source) => encodeCanonical(source)),
  run(input) {
    const decoded = decodeCanonical(input)
    const parsed = decoded.ok ? parsePolicy(decoded.value) : decoded
    if (!parsed.ok) return false
    const allowed = authorizePolicy(parsed.value, ARGUMENTS)
    holds(!allowed || !parsed.value.some(isUnsupported), 'a policy with what is not supported refuses')
    const prefixes = prefixesOf([parsed.value], { command: '/op/read', bodySize: 0 })
    for (const path of ['', 'notes', 'notes/a', 'notes2', 'a', 'ä/x', ...(prefixes ?? [])]) {
      const mayRead = authorizePolicy(parsed.value, { command: '/op/read', path, time: 0, bodySize: 0 })
      const isWithin = prefixes?.some((prefix) => isAtOrBelow(path, prefix)) ?? mayRead
      holds(mayRead === isWithin, 'the prefixes of a policy are where it holds')
    }
    return true
  },
}

function isUnsupported(statement: Statement): boolean {
  switch (statement.kind) {
    case 'unsupported':
      return true
    case 'not':
      return isUnsupported(statement.statement)
    case 'and':
    case 'or':
      return statement.statements.some(isUnsupported)
    case 'equal':
    case 'like':
      return false
  }
}

/** Pattern and text, with a zero byte between them. */
const glob: Target = {
  name: 'glob',
  form: 'text',
  inputBytesMax: 64 * 1024,
  words: ['*', '\\*', '\\', '**', '\0'],
  valid: fc
    .tuple(
      fc.string({ unit: fc.constantFrom('a', 'b', '*', '\\', '/') }),
      fc.string({ unit: fc.constantFrom('a', 'b', '/') }),
    )
    .map((parts) => Buffer.from(parts.join('\0'))),
  run(input) {
    const [pattern = '', ...rest] = Buffer.from(input).toString().split('\0')
    const text = rest.join('\0')
    const matches = matchesGlob(pattern, text)
    if (matches) holds(matchesGlob(`*${pattern}`, `x${text}`), 'a star in front takes any beginning')
    return matches
  },
}

const pathText: Target = {
  name: 'path',
  form: 'text',
  inputBytesMax: PATH_BYTES_MAX * 4,
  words: ['/', '//', '.', '..', '\0', 'e\u0301', '\ufeff', '\u{1f600}'],
  valid: path.map((text) => Buffer.from(text)),
  run(input) {
    // Also texts that are no UTF-8: half of them are read as UTF-16, where surrogates may stand alone.
    const text = Buffer.from(input).toString(input.length % 2 === 0 && input[0] === 0 ? 'utf16le' : 'utf8')
    const parsed = parsePath(text)
    if (!parsed.ok) return false
    holds(parsed.value === text, 'a path is taken as it is')
    holds(isAtOrBelow(text, ''), 'every path is below the root')
    return true
  },
}

const didKey: Target = {
  name: 'did-key',
  form: 'text',
  inputBytesMax: 128,
  words: ['did:key:z', 'did:key:z6Mk', 'did:web:', '1', '0', 'O', 'l'],
  valid: fc.constantFrom(...SIGNERS).map(({ publicKey }) => Buffer.from(formatDid(publicKey))),
  run(input) {
    const text = Buffer.from(input).toString()
    const parsed = parseDid(text)
    if (!parsed.ok) return false
    holds(formatDid(parsed.value) === text, 'a key has one text')
    return true
  },
}

/** What the core reads. */
export const CORE_TARGETS: readonly Target[] = [
  canonicalCbor,
  header,
  envelope,
  gossip,
  forkProof,
  changeFrame,
  delegation,
  policy,
  glob,
  pathText,
  didKey,
]
