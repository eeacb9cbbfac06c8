import { decodeCanonical } from '../../core/canonical-cbor.ts'
import type { RememberedPeer } from '../peer-book.ts'

/** Where an invite says that others are to be found, as text. */
export interface MeetingPoints {
  /** Multiaddrs of members. */
  readonly peers: readonly string[]
  /** Multiaddrs of introduction nodes. */
  readonly bootstrap: readonly string[]
}

/*
 * What a space keeps for itself about others. None of it is needed to be right, so what is damaged, or was written by a newer
 * version in another form, is as if it had not been kept.
 */

/** The meeting points in a note, `[peers, bootstrap]`; none where there is no such note. Total. */
export function readMeetingPoints(note: Uint8Array | undefined): MeetingPoints {
  const [peers, bootstrap] = listIn(note)
  return isTexts(peers) && isTexts(bootstrap) ? { peers, bootstrap } : { peers: [], bootstrap: [] }
}

/** The peers in a note, `[[peer, clockRoot, atMs, weLack, theyLack, receipt?], …]`, without those that are not of that form. Total. */
export function readRememberedPeers(note: Uint8Array | undefined): readonly RememberedPeer[] {
  return listIn(note).filter(isRememberedPeer)
}

function listIn(note: Uint8Array | undefined): readonly unknown[] {
  const decoded = note === undefined ? null : decodeCanonical(note)
  return decoded?.ok === true && Array.isArray(decoded.value) ? (decoded.value as unknown[]) : []
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')

function isRememberedPeer(value: unknown): value is RememberedPeer {
  if (!Array.isArray(value) || value.length < 5 || value.length > 6) return false
  const [peer, clockRoot, atMs, weLack, theyLack, receipt = null] = value as unknown[]
  const areCounts = [atMs, weLack, theyLack].every(Number.isSafeInteger)
  return typeof peer === 'string' && typeof clockRoot === 'string' && areCounts && isReceiptOrNull(receipt)
}

function isReceiptOrNull(value: unknown): boolean {
  if (value === null) return true
  if (!Array.isArray(value) || value.length !== 5) return false
  const [clockRoot, timeMs, reader, signature, ownSeq] = value as unknown[]
  return (
    typeof clockRoot === 'string' &&
    Number.isSafeInteger(timeMs) &&
    reader instanceof Uint8Array &&
    signature instanceof Uint8Array &&
    (ownSeq === null || Number.isSafeInteger(ownSeq))
  )
}
