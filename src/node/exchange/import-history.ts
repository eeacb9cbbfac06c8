import { setImmediate as nextTurn } from 'node:timers/promises'
import { ancestorAtSeq } from '../../core/ancestry.ts'
import { concatBytes, equalBytes, toHex, utf8 } from '../../core/bytes.ts'
import { IMPORT_PERSON_TAG } from '../../core/domain-tags.ts'
import { sha256 } from '../../core/hash.ts'
import { formatDid } from '../../core/principal.ts'
import type { Signer } from '../../core/signature.ts'
import { FaultError } from '../fault-error.ts'
import { createOwnSigner } from '../own-signer.ts'
import type { ItemEdit } from '../space/item-edit.ts'
import type { Space } from '../space/space.ts'
import type { Commit, History } from './history-file.ts'
import type { OnProgress } from './space-exchange.ts'

export interface ImportHistoryOptions {
  /** The key of this node: derives the keys of the people, and gives them their rights. */
  readonly owner: Signer
  readonly onProgress?: OnProgress
  readonly signal?: AbortSignal
}

/** What came of a history. */
export interface ImportedHistory {
  readonly people: number
  readonly commits: number
  /** Operations written now; the others were there from an import before. */
  readonly written: number
}

/** Commits that are synced to the disk together; after them the rest of the node has its turn. */
const COMMITS_TOGETHER = 8

/**
 * Writes a recorded history into a space: every commit as one signed operation of its author, that builds on the operations of its
 * parents and on the author's own before; every path that it changes as a register. Each person gets a key that this node derives, and the
 * right to write; only whoever has the node's own key can derive them again. Times are those of the commits, raised to that of what
 * they build on, and so at least to when the rights were given. An import that was broken off, or of a history that has grown since, goes on
 * where it was. Throws what writing throws.
 */
export async function importHistory(
  space: Space,
  history: History,
  { owner, onProgress, signal }: ImportHistoryOptions,
): Promise<ImportedHistory> {
  const { commits, people } = history
  const signers = Array.from({ length: people }, (_, person) => signerOf(owner, space, history, person))
  const granted = grantAll(space, signers, commits[0]?.timeMs)
  const ids: Uint8Array[] = []
  let written = 0
  const write = (commit: Commit) => {
    const signer = signers[commit.author] as Signer
    const known = operationAt(space, signer, commit.seq)
    if (known === null) written++
    ids.push(known ?? writeCommit(space, commit, signer, ids, granted))
  }
  while (ids.length < commits.length) {
    const some = commits.slice(ids.length, ids.length + COMMITS_TOGETHER)
    space.writeTogether(() => some.forEach(write))
    await onProgress?.(ids.length, commits.length)
    signal?.throwIfAborted()
    await nextTurn()
  }
  return { people, commits: commits.length, written }
}

/** Ed25519 signatures are the same every time, and nobody else can make them: so a seed follows from the node's key. */
function signerOf(owner: Signer, { hosted }: Space, { origin }: History, person: number): Signer {
  const signed = owner.sign(concatBytes(IMPORT_PERSON_TAG, hosted.id, origin, utf8(String(person))))
  return createOwnSigner(sha256(signed))
}

/** Gives everybody who has none the right to write. Returns the id of an operation that has all those rights in its past, or is it. */
function grantAll(space: Space, signers: readonly Signer[], timeMs: number | undefined): Uint8Array {
  const { store, tokens } = space.hosted
  const lacking = signers.filter(({ publicKey }) => Array.from(tokens.chains(publicKey)).length === 0)
  const grants = lacking.map(({ publicKey }) => ({
    to: formatDid(publicKey),
    role: 'writer' as const,
    depth: 0,
  }))
  // The hosted space raises it to the time of what is there.
  const digests = space.grantAll(grants, timeMs)
  const last = digests.at(-1)
  const publishers = signers
    .flatMap(({ publicKey }) => Array.from(tokens.chains(publicKey), (chain) => chain.at(-1)))
    .flatMap((token) => (token === undefined ? [] : (store.token(token.digest)?.publishers ?? [])))
  const latest = publishers.length === 0 ? null : Math.max(...publishers)
  if (latest === null)
    throw new FaultError({ code: 'CAP_MISSING', detail: `no right could be given to ${last ?? 'anybody'}` })
  return store.at(latest).id
}

/** The id of the author's operation at that place in its log; null where it has none. */
function operationAt({ hosted: { store } }: Space, { publicKey }: Signer, seq: number): Uint8Array | null {
  const [head] = store.heads(publicKey)
  return head === undefined || head.seq < seq ? null : ancestorAtSeq(store, head, seq).id
}

function writeCommit(
  space: Space,
  { seq, parents, changes, timeMs }: Commit,
  author: Signer,
  ids: readonly Uint8Array[],
  granted: Uint8Array,
): Uint8Array {
  const seen = parents.map((parent) => ids[parent] as Uint8Array)
  const after = seq === 0 ? [...seen, granted] : seen
  const edits = changes.map(
    ([path, hash]): ItemEdit =>
      hash === null ? { kind: 'delete', path, type: 'register' } : { kind: 'put', path, value: hash },
  )
  const distinct = after.filter((id, i) => after.findIndex((other) => equalBytes(other, id)) === i)
  space.write(edits, { author, after: distinct.map(toHex), timeMs, path: '' })
  return (space.hosted.store.heads(author.publicKey)[0] as { readonly id: Uint8Array }).id
}
