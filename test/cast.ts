import { compareBytes, utf8 } from '../src/core/bytes.ts'
import { createSpaceChange, putDelegations } from '../src/core/changes/control.ts'
import { sha256 } from '../src/core/hash.ts'
import {
  createSignatureVerifier,
  createSigner,
  type SignatureVerifier,
} from '../src/core/native-signature.ts'
import { encodeHeader, type Header } from '../src/core/operation/header.ts'
import {
  type Body,
  bodyCommitment,
  type Operation,
  operationId,
  signedBytes,
} from '../src/core/operation/operation.ts'
import type { Signer } from '../src/core/signature.ts'
import { issueDelegation, type VerifiedDelegation } from '../src/core/ucan/delegation.ts'
import { pathPolicy, type PolicySource } from '../src/core/ucan/policy.ts'
import { HostedSpace } from '../src/node/space/hosted-space.ts'
import { createMemorySpaceStore } from '../src/storage/memory-space-store.ts'

/** The same seed for the same name, always. */
export function seedNamed(name: string): Uint8Array {
  return sha256(utf8(`seed of ${name}`))
}

/** The same key for the same name, always. */
export function signerNamed(name: string): Signer {
  return createSigner(seedNamed(name))
}

/** The key of the space: the root of all authority in it. */
export const spaceKey = signerNamed('the space')
/** Owns the space. */
export const alice = signerNamed('alice')
/** May write everywhere. */
export const bob = signerNamed('bob')
/** May write everywhere. */
export const carol = signerNamed('carol')
/** May write everywhere. */
export const dave = signerNamed('dave')
/** May write at and below `mallory`, and lies. */
export const mallory = signerNamed('mallory')
/** Holds nothing. */
export const stranger = signerNamed('stranger')

/** The clock of every node in these tests, ms since 1970. */
export const NOW_MS = 1_800_000_000_000
/** When the space began: an hour before. */
export const GENESIS_MS = NOW_MS - 3_600_000

export const verifier: SignatureVerifier = createSignatureVerifier()

/** What a token of these tests says; the nonce follows from the content, so that equal tokens are equal bytes. */
export interface TokenTerms {
  readonly command?: string
  readonly policy?: PolicySource
  readonly subject?: Uint8Array | null
  readonly notBeforeSeconds?: number
  readonly expiresSeconds?: number | null
  readonly nonce?: string
}

/** A delegation from one key to another, about the space unless told otherwise. */
export function delegate(issuer: Signer, audience: Signer, terms: TokenTerms = {}): VerifiedDelegation {
  const {
    command = '/op',
    policy = [],
    subject = spaceKey.publicKey,
    expiresSeconds = null,
    nonce = '',
  } = terms
  const issued = issueDelegation({
    signer: issuer,
    audience: audience.publicKey,
    subject,
    command,
    policy,
    nonce: utf8(nonce),
    ...(terms.notBeforeSeconds === undefined ? {} : { notBeforeSeconds: terms.notBeforeSeconds }),
    expiresSeconds,
  })
  if (!issued.ok) throw new Error(issued.fault.detail)
  return issued.value
}

export const ownerToken = delegate(spaceKey, alice, { command: '/' })
export const bobToken = delegate(alice, bob)
const carolToken = delegate(alice, carol)
const daveToken = delegate(alice, dave)
export const malloryToken = delegate(alice, mallory, { policy: pathPolicy('mallory') })

const CHAINS: readonly (readonly [Signer, readonly VerifiedDelegation[]])[] = [
  [spaceKey, []],
  [alice, [ownerToken]],
  [bob, [ownerToken, bobToken]],
  [carol, [ownerToken, carolToken]],
  [dave, [ownerToken, daveToken]],
  [mallory, [ownerToken, malloryToken]],
]

/** The chain that authorises a member of the cast, root first; none for a stranger. */
function chainOf(author: Signer): readonly VerifiedDelegation[] {
  return CHAINS.find(([member]) => compareBytes(member.publicKey, author.publicKey) === 0)?.[1] ?? []
}

/** What a test says of an operation. Whatever it leaves out is filled in as an honest author would. */
export interface ForgeRequest {
  readonly author: Signer
  /** The author's operation it follows. Default: none, so this begins a log. */
  readonly prev?: Operation | null
  /** Operations seen besides; sorted by themselves. Default: the grants, where this begins a log. */
  readonly deps?: readonly Operation[]
  readonly body?: Body
  /** Fields to be as they should not. `bodyHash` and `bodySize` too. */
  readonly header?: Partial<Header>
  /** In place of the author's own signature. */
  readonly signature?: Uint8Array
  /** Sends it without its body. */
  readonly isBodyAbsent?: boolean
}

/** Makes any operation that can be encoded, true or not: what mallory has to work with. */
export function forge(request: ForgeRequest): Operation {
  const { author, prev = null, body = [] } = request
  const deps = (request.deps ?? (prev === null ? [grants] : [])).toSorted((a, b) => compareBytes(a.id, b.id))
  const parents = prev === null ? deps : [prev, ...deps]
  const header: Header = {
    space: request.header?.space === null ? null : spaceId,
    author: author.publicKey,
    seq: prev === null ? 0 : prev.header.seq + 1,
    prev: prev === null ? null : prev.id,
    deps: deps.map(({ id }) => id),
    lamport: 1 + Math.max(0, ...parents.map((parent) => parent.header.lamport)),
    time: Math.max(GENESIS_MS, ...parents.map((parent) => parent.header.time)),
    epoch: 0,
    caps: chainOf(author).map(({ digest }) => digest),
    command: '/op/write',
    path: author === mallory ? 'mallory' : '',
    ...bodyCommitment(body),
    ...request.header,
  }
  const headerBytes = encodeHeader(header)
  const id = operationId(headerBytes)
  const signature = request.signature ?? author.sign(signedBytes(id))
  return { id, header, headerBytes, signature, body: request.isBodyAbsent === true ? null : body }
}

const description = createSpaceChange({ name: 'the square', profile: 'federated', openReading: true })
const genesisBody = [description, putDelegations([ownerToken.bytes])]
/** The first operation: names the space and its owner. */
export const genesis: Operation = forge({
  author: spaceKey,
  deps: [],
  body: genesisBody,
  header: { space: null, command: '/cap/grant' },
})
export const spaceId = genesis.id
/** Alice's first operation: gives bob, carol, dave and mallory their tokens. */
export const grants: Operation = forge({
  author: alice,
  deps: [genesis],
  body: [putDelegations([bobToken.bytes, carolToken.bytes, daveToken.bytes, malloryToken.bytes])],
  header: { command: '/cap/grant' },
})
/** What everybody who takes part has. */
export const beginning: readonly Operation[] = [genesis, grants]

/** A space on a node of its own, in memory, with a clock that a test may move. */
export interface Home {
  readonly hosted: HostedSpace
  nowMs: number
}

/** An empty home of the space. */
export function createEmptyHome(nowMs: number = NOW_MS): Home {
  const store = createMemorySpaceStore({ spaceId, spaceKey: spaceKey.publicKey })
  const home: Home = { hosted: new HostedSpace(store, verifier, () => home.nowMs), nowMs }
  return home
}

/** A home that has the beginning and the given operations, all of which it must admit. */
export async function createHome(
  operations: readonly Operation[] = [],
  nowMs: number = NOW_MS,
): Promise<Home> {
  const home = createEmptyHome(nowMs)
  const all = [...beginning, ...operations]
  const outcomes = await home.hosted.replica.receive(all, 'the test')
  for (const outcome of outcomes) {
    if (outcome.kind === 'refused' || outcome.kind === 'waiting')
      throw new Error(`${outcome.fault.code}: ${outcome.fault.detail}`)
  }
  return home
}
