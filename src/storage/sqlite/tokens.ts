import { equalBytes, toHex } from '../../core/bytes.ts'
import type { PublishedDelegation } from '../../core/graph.ts'
import { STORE_TOKENS_CACHED_MAX } from '../../core/limits.ts'
import { formatDid } from '../../core/principal.ts'
import {
  decodeDelegation,
  policySourceOf,
  type VerifiedDelegation,
  verifyDelegation,
} from '../../core/ucan/delegation.ts'
import { formatValue } from '../../core/value-json.ts'
import { DigestMap } from '../digest-map.ts'
import type { Database, Query } from './database.ts'
import { damagedRow } from '../store-error.ts'

/** What a delegation says, for SQL; times in seconds. */
type TermColumns = [
  issuer: string,
  audience: string,
  subject: string | null,
  command: string,
  policy: string,
  notBefore: number | null,
  expires: number | null,
]

/** Published delegations and who published them. */
export class Tokens {
  /** Null: forgotten. */
  readonly #recent: DigestMap<PublishedDelegation | null>
  readonly #find: Query<[Uint8Array], [number, Uint8Array]>
  readonly #digests: Query<[], [Uint8Array]>
  readonly #publishers: Query<[number], [number]>
  readonly #insert: Query<[Uint8Array, Uint8Array, ...TermColumns]>
  readonly #insertPublisher: Query<[number, number]>

  /** @param seeds - two random 32-bit numbers */
  constructor(database: Database, seeds: readonly [number, number]) {
    this.#recent = new DigestMap(seeds)
    this.#find = database.query('SELECT token, bytes FROM tokens WHERE digest = ?')
    this.#digests = database.query('SELECT digest FROM tokens ORDER BY token')
    this.#publishers = database.query('SELECT ordinal FROM token_publishers WHERE token = ? ORDER BY ordinal')
    this.#insert =
      database.query(`INSERT INTO tokens (digest, bytes, issuer, audience, subject, command, policy, not_before, expires)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`)
    this.#insertPublisher = database.query('INSERT OR IGNORE INTO token_publishers VALUES (?, ?)')
  }

  /** Forgets what was read. */
  load(): void {
    this.#recent.clear()
  }

  token(digest: Uint8Array): PublishedDelegation | undefined {
    const known = this.#recent.get(digest)
    if (known !== undefined && known !== null) return known
    const row = this.#find.get(digest)
    if (row === undefined) return undefined
    const [token, bytes] = row
    const publishers = this.#publishers.all(token).map(([ordinal]) => ordinal)
    const published = { delegation: trustStored(bytes, digest), publishers }
    if (this.#recent.size >= STORE_TOKENS_CACHED_MAX) this.#recent.clear()
    this.#recent.set(digest, published)
    return published
  }

  /** All of them, each read when it is reached. */
  *all(): Iterable<PublishedDelegation> {
    for (const [digest] of this.#digests.all()) yield this.token(digest) as PublishedDelegation
  }

  put(delegation: VerifiedDelegation, publisher: number): void {
    const { digest, bytes } = delegation
    const insert = () => Number(this.#insert.run(digest, bytes, ...termsOf(delegation)).lastInsertRowid)
    const token = this.#find.get(digest)?.[0] ?? insert()
    this.#insertPublisher.run(token, publisher)
    if (this.#recent.get(digest) !== undefined) this.#recent.set(digest, null)
  }
}

function termsOf(delegation: VerifiedDelegation): TermColumns {
  const { issuer, audience, subject, command, notBeforeSeconds, expiresSeconds } = delegation
  return [
    formatDid(issuer),
    formatDid(audience),
    subject === null ? null : formatDid(subject),
    command,
    formatValue(policySourceOf(delegation)),
    notBeforeSeconds,
    expiresSeconds,
  ]
}

/**
 * Only verified delegations are stored, under the digest of their bytes. So bytes that still have that digest are the ones that
 * were verified, and the signature need not be checked again.
 */
function trustStored(bytes: Uint8Array, digest: Uint8Array): VerifiedDelegation {
  const decoded = decodeDelegation(bytes)
  if (!decoded.ok || !equalBytes(decoded.value.digest, digest)) {
    throw damagedRow(`delegation ${toHex(digest)} has other bytes`)
  }
  const verified = verifyDelegation(decoded.value, () => true)
  if (!verified.ok) throw new Error('bug: a delegation was refused by a verifier that accepts')
  return verified.value
}
