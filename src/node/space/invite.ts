import { decodeCanonical, encodeCanonical } from '../../core/canonical-cbor.ts'
import { HASH_BYTES } from '../../core/hash.ts'
import { CAPS_MAX } from '../../core/limits.ts'
import { fail, ok, type Fault, type Result } from '../../core/result.ts'

/** How every invite link begins. */
const INVITE_PREFIX = 'hanse://join/'
/** Longest link that is looked at, in characters: eight tokens of 2 KiB and some addresses, in base64. */
const INVITE_LENGTH_MAX = 32 * 1024
const ADDRESSES_MAX = 16

/**
 * What an invite link carries. Whoever has the link has the authority of its throw-away key: it is as secret as a password.
 */
export interface Invite {
  readonly spaceId: Uint8Array
  /** The chain that ends at the throw-away key, root first, as token bytes. */
  readonly tokens: readonly Uint8Array[]
  /** Seed of the throw-away key, 32 bytes. */
  readonly secret: Uint8Array
  /** Multiaddrs, as text, of introduction nodes. */
  readonly bootstrap: readonly string[]
  /** Multiaddrs, as text, of the inviting node. */
  readonly peers: readonly string[]
}

/** The link for an invite: `hanse://join/` and base64url of canonical DAG-CBOR. */
export function formatInvite(invite: Invite): string {
  const { spaceId, tokens, secret, bootstrap, peers } = invite
  const bytes = encodeCanonical([
    1,
    spaceId,
    tokens,
    secret,
    bootstrap.slice(0, ADDRESSES_MAX),
    peers.slice(0, ADDRESSES_MAX),
  ])
  return INVITE_PREFIX + Buffer.from(bytes).toString('base64url')
}

/** Reads a link strictly; `BAD_INVITE` says what is wrong with it. The tokens themselves are checked when it is used. */
export function parseInvite(link: string): Result<Invite, Fault<'BAD_INVITE'>> {
  const text = link.trim()
  if (!text.startsWith(INVITE_PREFIX)) return bad(`an invite link begins with ${INVITE_PREFIX}`)
  if (text.length > INVITE_LENGTH_MAX) return bad('the link is too long to be an invite')
  const encoded = text.slice(INVITE_PREFIX.length)
  const bytes = new Uint8Array(Buffer.from(encoded, 'base64url'))
  if (Buffer.from(bytes).toString('base64url') !== encoded)
    return bad('the link is damaged: copy it again, whole')
  const decoded = decodeCanonical(bytes)
  if (!decoded.ok || !Array.isArray(decoded.value)) return bad('the link is damaged: copy it again, whole')
  const [version, spaceId, tokens, secret, bootstrap, peers, ...rest] = decoded.value as unknown[]
  if (version !== 1) return bad('the link was made by a newer version of Hanse: update this one')
  const isSound =
    rest.length === 0 &&
    isBytes(spaceId, HASH_BYTES) &&
    isBytes(secret, HASH_BYTES) &&
    isListOf(tokens, (token) => token instanceof Uint8Array, CAPS_MAX) &&
    tokens.length > 0 &&
    isListOf(bootstrap, (address) => typeof address === 'string', ADDRESSES_MAX) &&
    isListOf(peers, (address) => typeof address === 'string', ADDRESSES_MAX)
  return isSound
    ? ok({
        spaceId,
        tokens: tokens as Uint8Array[],
        secret,
        bootstrap: bootstrap as string[],
        peers: peers as string[],
      })
    : bad('the link is not of the form of an invite')
}

const bad = (detail: string) => fail('BAD_INVITE', detail)
const isBytes = (value: unknown, length: number): value is Uint8Array =>
  value instanceof Uint8Array && value.length === length
const isListOf = (value: unknown, is: (item: unknown) => boolean, most: number): value is unknown[] =>
  Array.isArray(value) && value.length <= most && value.every(is)
