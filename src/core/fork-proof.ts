import { compareBytes, equalBytes, toHex } from './bytes.ts'
import { decodeCanonical, encodeCanonical } from './canonical-cbor.ts'
import type { ForkProof } from './graph.ts'
import { FORK_PROOF_BYTES_MAX } from './limits.ts'
import { decodeHeader, type Header } from './operation/header.ts'
import { operationId, signedBytes } from './operation/operation.ts'
import { fail, ok, type Fault, type Result } from './result.ts'
import { isWeakKey, SIGNATURE_BYTES, type VerifySignature } from './signature.ts'

const VERSION = 1

/** The bytes of one header with its author's signature. */
export interface SignedHeaderBytes {
  readonly headerBytes: Uint8Array
  readonly signature: Uint8Array
}

/** A fork proof by itself, of which nothing is believed yet. */
export interface DecodedForkProof {
  /** Ascending by id. */
  readonly headers: readonly [SignedHeader, SignedHeader]
}

interface SignedHeader extends SignedHeaderBytes {
  readonly id: Uint8Array
  readonly header: Header
}

declare const proven: unique symbol
/** A fork that has happened: {@link verifyForkProof} is the only way to one. */
export type ProvenFork = ForkProof & { readonly space: Uint8Array; readonly [proven]: true }

/** Why a proof proves nothing. */
export type ForkProofFault = Fault<
  | 'LIMIT'
  | 'NON_CANONICAL'
  | 'BAD_FIELD'
  | 'VERSION'
  | 'FORK_SAME_OPERATION'
  | 'FORK_SPACE'
  | 'FORK_AUTHOR'
  | 'FORK_PLACE'
  | 'FORK_ANCESTOR'
  | 'WEAK_KEY'
  | 'BAD_SIGNATURE'
>

/** The proof that two operations are a fork, so that anyone can check it who has nothing else (docs/protocol.md §9). */
export function encodeForkProof(one: SignedHeaderBytes, other: SignedHeaderBytes): Uint8Array {
  const isAscending = compareBytes(operationId(one.headerBytes), operationId(other.headerBytes)) < 0
  const [low, high] = isAscending ? [one, other] : [other, one]
  return encodeCanonical([VERSION, low.headerBytes, low.signature, high.headerBytes, high.signature])
}

/**
 * Strict reading of a fork proof:
 * 1. at most FORK_PROOF_BYTES_MAX bytes (`LIMIT`);
 * 2. canonical DAG-CBOR of version, header, signature, header, signature (`NON_CANONICAL`, `BAD_FIELD`, `VERSION`);
 * 3. both headers as decodeHeader has it;
 * 4. two operations: a header that is there twice is no fork, with however many signatures (`FORK_SAME_OPERATION`);
 * 5. ascending by id, so that a fork has one proof (`NON_CANONICAL`).
 */
export function decodeForkProof(bytes: Uint8Array): Result<DecodedForkProof, ForkProofFault> {
  if (bytes.length > FORK_PROOF_BYTES_MAX)
    return fail('LIMIT', `fork proof of ${bytes.length} bytes, at most ${FORK_PROOF_BYTES_MAX} are allowed`)
  const decoded = decodeCanonical(bytes)
  if (!decoded.ok) return decoded
  const list = decoded.value
  if (!Array.isArray(list)) return fail('BAD_FIELD', 'fork proof is not a list')
  const [version, ...fields] = list as unknown[]
  if (version !== VERSION)
    return fail('VERSION', `fork proof of another version than ${VERSION}, which this node reads`)
  if (fields.length !== 4 || !fields.every((field) => field instanceof Uint8Array))
    return fail('BAD_FIELD', 'fork proof is not two headers with their signatures')
  const [low, high] = [readHeader(fields[0], fields[1]), readHeader(fields[2], fields[3])]
  if (!low.ok) return low
  if (!high.ok) return high
  const order = compareBytes(low.value.id, high.value.id)
  if (order === 0)
    return fail(
      'FORK_SAME_OPERATION',
      `operation ${toHex(low.value.id)} is there twice: one operation is no fork`,
    )
  if (order > 0) return fail('NON_CANONICAL', 'the operations are not ascending by id')
  return ok({ headers: [low.value, high.value] })
}

/**
 * Whether a proof shows that an author has forked, by itself and for ever:
 * 1. both operations are of one space (`FORK_SPACE`) and one author (`FORK_AUTHOR`);
 * 2. both have the same place in that author's log: one seq and one `prev` (`FORK_PLACE`);
 * 3. neither names the other among what it builds on (`FORK_ANCESTOR`);
 * 4. the author key may author anything (`WEAK_KEY`), and both signatures hold under the predicate of operations
 *    (`BAD_SIGNATURE`).
 * That the two are distinct is what {@link decodeForkProof} has seen to.
 */
export function verifyForkProof(
  { headers: [low, high] }: DecodedForkProof,
  verify: VerifySignature,
): Result<ProvenFork, ForkProofFault> {
  const { author, seq, prev } = low.header
  const space = spaceOf(low)
  if (!equalBytes(space, spaceOf(high))) return fail('FORK_SPACE', 'the operations are of two spaces')
  if (!equalBytes(author, high.header.author)) return fail('FORK_AUTHOR', 'the operations are of two authors')
  if (seq !== high.header.seq || !isSameId(prev, high.header.prev))
    return fail('FORK_PLACE', 'the operations do not follow the same operation of their author')
  if (namesAsDependency(low, high) || namesAsDependency(high, low))
    return fail('FORK_ANCESTOR', 'one of the operations builds on the other')
  if (isWeakKey(author)) return fail('WEAK_KEY', 'the author key is not canonical or of small order')
  const forged = [low, high].find(({ id, signature }) => !verify(signature, signedBytes(id), author))
  if (forged !== undefined)
    return fail('BAD_SIGNATURE', `the signature of operation ${toHex(forged.id)} does not hold`)
  const fork: ForkProof = { author, seq, prev, ids: [low.id, high.id] }
  return ok({ ...fork, space } as ProvenFork)
}

function readHeader(headerBytes: unknown, signature: unknown): Result<SignedHeader, ForkProofFault> {
  const bytes = { headerBytes: headerBytes as Uint8Array, signature: signature as Uint8Array }
  const header = decodeHeader(bytes.headerBytes)
  if (!header.ok) return header
  if (bytes.signature.length !== SIGNATURE_BYTES)
    return fail('BAD_FIELD', `signature of ${bytes.signature.length} bytes, not ${SIGNATURE_BYTES}`)
  return ok({ ...bytes, id: operationId(bytes.headerBytes), header: header.value })
}

/** A genesis is of the space that has its id. */
const spaceOf = ({ header, id }: SignedHeader): Uint8Array => header.space ?? id

const isSameId = (a: Uint8Array | null, b: Uint8Array | null): boolean =>
  a === null || b === null ? a === b : equalBytes(a, b)

const namesAsDependency = ({ header }: SignedHeader, { id }: SignedHeader): boolean =>
  header.deps.some((dep) => equalBytes(dep, id))
