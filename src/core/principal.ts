import { base58btc } from 'multiformats/bases/base58'
import { concatBytes } from './bytes.ts'
import { type Fault, fail, ok, type Result } from './result.ts'
import { PUBLIC_KEY_BYTES } from './signature.ts'

/** The multicodec `ed25519-pub` (0xed) as a varint, in front of the key inside the multibase text. */
const ED25519_PUB_PREFIX = new Uint8Array([0xed, 0x01])
const DID_KEY_PREFIX = 'did:key:'
/**
 * In front of the key in the peer id of an Ed25519 key, by libp2p's peer-ids specification: an identity multihash (0x00) of 36 bytes, which are
 * libp2p's protobuf of a public key, type 1 (Ed25519) and 32 bytes of data.
 */
const PEER_ID_PREFIX = new Uint8Array([0x00, 0x24, 0x08, 0x01, 0x12, 0x20])
/** `did:key:z` and 47 base58 digits: the prefix 0xed01 makes every Ed25519 key the same length. */
const DID_LENGTH = 56

/** The `did:key` of an Ed25519 public key of 32 bytes (W3C CCG did:key method). Throws on another length, which is a bug. */
export function formatDid(publicKey: Uint8Array): string {
  if (publicKey.length !== PUBLIC_KEY_BYTES)
    throw new TypeError(`a public key has 32 bytes, not ${publicKey.length}`)
  return DID_KEY_PREFIX + base58btc.encode(concatBytes(ED25519_PUB_PREFIX, publicKey))
}

/** The libp2p peer id of an Ed25519 public key of 32 bytes, as libp2p writes it, for which none of libp2p has to be loaded. */
export function formatPeerId(publicKey: Uint8Array): string {
  return base58btc.baseEncode(concatBytes(PEER_ID_PREFIX, publicKey))
}

/**
 * The Ed25519 public key of a `did:key` text, 32 bytes. Total.
 *
 * Conditions, in order: 56 characters that begin with `did:key:z`; base58btc; the multicodec is ed25519-pub; the key has
 * 32 bytes; writing it again gives the same text. Whether the key is a weak point is not judged here (`isWeakKey`).
 */
export function parseDid(text: string): Result<Uint8Array, Fault<'BAD_DID'>> {
  if (text.length !== DID_LENGTH || !text.startsWith(`${DID_KEY_PREFIX}z`)) {
    return fail(
      'BAD_DID',
      `expected did:key:z and 47 characters (an Ed25519 key), found ${text.length} characters in all`,
    )
  }
  const prefixed = decodeBase58(text.slice(DID_KEY_PREFIX.length))
  if (prefixed === null) return fail('BAD_DID', 'the part after did:key: is not base58btc')
  if (prefixed[0] !== ED25519_PUB_PREFIX[0] || prefixed[1] !== ED25519_PUB_PREFIX[1]) {
    return fail('BAD_DID', 'the key is not an Ed25519 public key (multicodec 0xed)')
  }
  const publicKey = prefixed.slice(ED25519_PUB_PREFIX.length)
  if (publicKey.length !== PUBLIC_KEY_BYTES)
    return fail('BAD_DID', `expected 32 key bytes, found ${publicKey.length}`)
  if (formatDid(publicKey) !== text) return fail('BAD_DID', 'not the canonical text of its key')
  return ok(publicKey)
}

function decodeBase58(text: string): Uint8Array | null {
  try {
    return base58btc.decode(text)
  } catch {
    return null
  }
}
