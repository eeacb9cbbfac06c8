import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { jumpOf } from '../../src/core/ancestry.ts'
import { compareBytes, utf8 } from '../../src/core/bytes.ts'
import { encodeCanonical } from '../../src/core/canonical-cbor.ts'
import type { Cell, CellKey } from '../../src/core/types/cell.ts'
import { REGISTER } from '../../src/core/types/register/change.ts'
import { encodeChange } from '../../src/core/changes/change.ts'
import type { Entry } from '../../src/core/graph.ts'
import { sha256 } from '../../src/core/hash.ts'
import { type Body, signOperation, type VerifiedOperation } from '../../src/core/operation/operation.ts'
import type { Signer } from '../../src/core/signature.ts'
import { issueDelegation, type VerifiedDelegation } from '../../src/core/ucan/delegation.ts'
import type { SpaceStore, SpaceWriter } from '../../src/storage/space-store.ts'

/** DER in front of the seed of an Ed25519 private key (RFC 8410 §7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The same key for the same name, always. */
function signerNamed(name: string): Signer {
  const der = Buffer.concat([PKCS8_PREFIX, sha256(utf8(name))])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return {
    publicKey: new Uint8Array(spki.subarray(-32)),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  }
}

export const alice = signerNamed('alice')
export const bob = signerNamed('bob')
export const carol = signerNamed('carol')
export const mallory = signerNamed('mallory')

/** What a test says of an operation; the rest follows from the store it is made for. */
export interface OperationRequest {
  readonly author: Signer
  /** The author's operation it follows; by default the author's first head, if any. Null begins a log (again: a fork). */
  readonly prev?: Entry | null
  readonly deps?: readonly Entry[]
  readonly path?: string
  readonly body?: Body
  /** True to send it without the body. */
  readonly isBodyAbsent?: boolean
  readonly caps?: readonly Uint8Array[]
  /** Of what is no genesis. Default: `/op/write`. */
  readonly command?: string
}

/** An operation and its entry, ready to be appended to that store next. */
export interface Made {
  readonly operation: VerifiedOperation
  readonly entry: Entry
}

/** Makes a well-formed operation on top of what the store holds. The first one is a genesis. */
export function makeOperation(store: SpaceStore, request: OperationRequest): Made {
  const { author, path = '', body = [], caps = [] } = request
  const isGenesis = store.count() === 0
  const prev = request.prev === undefined ? (store.heads(author.publicKey)[0] ?? null) : request.prev
  const deps = [...(request.deps ?? [])].sort((a, b) => compareBytes(a.id, b.id))
  const parents = prev === null ? deps : [prev, ...deps]
  const lamport = 1 + Math.max(0, ...parents.map((parent) => parent.lamport))
  const time = Math.max(1_700_000_000_000, ...parents.map((parent) => parent.time + 1))
  const seq = prev === null ? 0 : prev.seq + 1
  const command = isGenesis ? '/cap/grant' : (request.command ?? '/op/write')
  const depIds = deps.map((dep) => dep.id)
  const header = {
    space: isGenesis ? null : store.spaceId,
    author: author.publicKey,
    seq,
    prev: prev === null ? null : prev.id,
    deps: depIds,
    lamport,
    time,
    epoch: 0,
    caps,
    command,
    path,
  }
  const signed = signOperation(header, body, author.sign)
  const operation: VerifiedOperation = request.isBodyAbsent === true ? { ...signed, body: null } : signed
  const ordinal = store.count()
  const entry: Entry = {
    ordinal,
    id: operation.id,
    author: author.publicKey,
    seq,
    prev: prev === null ? null : prev.ordinal,
    jump: prev === null ? ordinal : jumpOf(store, prev),
    parents: parents.map((parent) => parent.ordinal),
    lamport,
    time,
    epoch: 0,
    caps,
    command,
    path,
  }
  return { operation, entry }
}

/** Makes an operation and appends it in the open transaction. */
export function append(store: SpaceStore, writer: SpaceWriter, request: OperationRequest): Entry {
  const { operation, entry } = makeOperation(store, request)
  writer.append(operation, entry)
  return entry
}

/** Appends one operation in a transaction of its own. */
export function commit(store: SpaceStore, request: OperationRequest): Entry {
  return store.transaction('process', (writer) => append(store, writer, request))
}

/** The change that sets the register at a path. */
export function setRegister(path: string, value: unknown): Uint8Array {
  return encodeChange({ type: REGISTER, version: 1, path, payload: value })
}

/** A register's cell key. */
export const register = (path: string): CellKey => ({ path, type: 'register', field: '' })

/** A map field's cell key. */
export const field = (path: string, name: string): CellKey => ({ path, type: 'map', field: name })

/** A cell as if change `index` of operation `id` had written `value`. */
export function cellOf(id: Uint8Array, value: unknown, more: Partial<Cell> = {}): Cell {
  return {
    id,
    index: 0,
    time: 1_700_000_000_000,
    lamport: 1,
    removed: false,
    value: encodeCanonical(value),
    ...more,
  }
}

/** A delegation from one to the other, told apart by `label`. */
export function delegationOf(issuer: Signer, audience: Uint8Array, label: string): VerifiedDelegation {
  const issued = issueDelegation({
    signer: issuer,
    audience,
    subject: issuer.publicKey,
    command: '/op/write',
    policy: [],
    nonce: utf8(label),
    expiresSeconds: null,
  })
  if (!issued.ok) throw new Error(issued.fault.detail)
  return issued.value
}

/** 32 bytes that stand for an id, the same for the same text. */
export const idOf = (text: string): Uint8Array => sha256(utf8(text))
