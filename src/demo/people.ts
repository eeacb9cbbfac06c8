import { utf8 } from '../core/bytes.ts'
import { sha256 } from '../core/hash.ts'
import { formatDid } from '../core/principal.ts'
import type { Signer } from '../core/signature.ts'
import { createOwnSigner } from '../node/own-signer.ts'

/** The key of a person of the history. The demo derives it, so that every process knows who is who; real keys are random. */
export function signerOf(person: number): Signer {
  return createOwnSigner(sha256(utf8(`hanse demo person ${person}`)))
}

/** `did:key` of a person. */
export function didOf(person: number): string {
  return formatDid(signerOf(person).publicKey)
}

/** The node, from 0, at which a person writes. */
export function nodeOf(person: number, nodes: number): number {
  return person % nodes
}
