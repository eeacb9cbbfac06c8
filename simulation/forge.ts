import { compareBytes } from '../src/core/bytes.ts'
import { encodeHeader, type Header } from '../src/core/operation/header.ts'
import {
  type Body,
  bodyCommitment,
  type Operation,
  operationId,
  signedBytes,
} from '../src/core/operation/operation.ts'
import type { Signer } from '../src/core/signature.ts'

/** What a new operation follows: an operation, or an admitted one as the graph has it. */
export interface Parent {
  readonly id: Uint8Array
  readonly author: Uint8Array
  readonly seq: number
  readonly lamport: number
  readonly time: number
}

/** What is said of an operation; whatever is left out is filled in as an honest author would. */
export interface ForgeRequest {
  readonly spaceId: Uint8Array
  readonly author: Signer
  readonly caps: readonly Uint8Array[]
  readonly prev: Parent | null
  readonly deps: readonly Parent[]
  readonly timeMs: number
  readonly body: Body
  readonly command?: string
  readonly path: string
  /** Fields to be as they should not. */
  readonly header?: Partial<Header>
  /** In place of the author's own signature. */
  readonly signature?: Uint8Array
}

/** Makes any operation that can be encoded, true or not. */
export function forge(request: ForgeRequest): Operation {
  const { author, prev, body } = request
  const deps = request.deps
    .filter(({ id }) => prev === null || compareBytes(id, prev.id) !== 0)
    .toSorted((a, b) => compareBytes(a.id, b.id))
  const parents = prev === null ? deps : [prev, ...deps]
  const header: Header = {
    space: request.spaceId,
    author: author.publicKey,
    seq: prev === null ? 0 : prev.seq + 1,
    prev: prev === null ? null : prev.id,
    deps: deps.map(({ id }) => id),
    lamport: 1 + Math.max(0, ...parents.map((parent) => parent.lamport)),
    time: Math.max(request.timeMs, ...parents.map((parent) => parent.time)),
    epoch: 0,
    caps: request.caps,
    command: request.command ?? '/op/write',
    path: request.path,
    ...bodyCommitment(body),
    ...request.header,
  }
  const headerBytes = encodeHeader(header)
  const id = operationId(headerBytes)
  return { id, header, headerBytes, signature: request.signature ?? author.sign(signedBytes(id)), body }
}

/** An operation as something to follow. */
export function asParent({ id, header }: Operation): Parent {
  return { id, author: header.author, seq: header.seq, lamport: header.lamport, time: header.time }
}
