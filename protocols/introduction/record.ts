import type { PeerId, PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey, peerIdFromPublicKey } from '@libp2p/peer-id'
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record'
import { CODE_P2P, type Multiaddr } from '@multiformats/multiaddr'
import { equalBytes } from '../../src/core/bytes.ts'
import { INTRODUCTION_ADDRESSES_MAX, INTRODUCTION_RECORD_BYTES_MAX } from '../../src/core/limits.ts'
import { type Fault, fail, ok, type Result } from '../../src/core/result.ts'

/**
 * A peer somebody introduced: a libp2p signed peer record whose signature holds. Only `verifyRecord` makes one.
 *
 * It proves that the peer once claimed these addresses, and nothing else: not that it listens there, not that it is in
 * the space, not that the record is its latest. A found peer is a hint until the handshake (DESIGN §8).
 */
export interface IntroducedPeer {
  readonly peerId: PeerId
  /** Without the peer's own trailing `/p2p/…`. 1 to INTRODUCTION_ADDRESSES_MAX. */
  readonly multiaddrs: readonly Multiaddr[]
  /** The record's number; of two records of one peer the higher is the newer. */
  readonly seq: bigint
  /** The signed bytes, as `peerStore.consumePeerRecord` takes them. */
  readonly envelope: Uint8Array
}

/**
 * Checks a signed peer record (libp2p RFC 0003), or refuses it. Throws only when `signal` aborts.
 *
 * Conditions, in order: at most INTRODUCTION_RECORD_BYTES_MAX; an envelope whose signature holds for the peer-record
 * domain; encoded as libp2p encodes it (protobuf is lenient: one record would have many encodings); the payload type of a peer record; a payload that parses; the record's peer is the envelope's signer; 1 to
 * INTRODUCTION_ADDRESSES_MAX addresses; no address is empty or ends in another peer's id.
 *
 * Cost: one signature check, about 0.1 ms.
 */
export async function verifyRecord(
  envelope: Uint8Array,
  signal: AbortSignal,
): Promise<Result<IntroducedPeer, Fault<'BAD_RECORD'>>> {
  if (envelope.length > INTRODUCTION_RECORD_BYTES_MAX) {
    return fail('BAD_RECORD', `record of ${envelope.length} bytes, at most ${INTRODUCTION_RECORD_BYTES_MAX}`)
  }
  try {
    const opened = await RecordEnvelope.openAndCertify(envelope, PeerRecord.DOMAIN, { signal })
    if (!equalBytes(opened.marshal(), envelope))
      return fail('BAD_RECORD', 'not the usual encoding of its envelope')
    if (!equalBytes(opened.payloadType, PeerRecord.CODEC)) return fail('BAD_RECORD', 'not a peer record')
    const record = PeerRecord.createFromProtobuf(opened.payload)
    const signer = peerIdFromPublicKey(opened.publicKey)
    if (!record.peerId.equals(signer)) {
      return fail('BAD_RECORD', `record of ${record.peerId.toString()}, signed by ${signer.toString()}`)
    }
    if (record.multiaddrs.length === 0) return fail('BAD_RECORD', 'record without an address')
    if (record.multiaddrs.length > INTRODUCTION_ADDRESSES_MAX) {
      return fail(
        'BAD_RECORD',
        `${record.multiaddrs.length} addresses, at most ${INTRODUCTION_ADDRESSES_MAX}`,
      )
    }
    const multiaddrs: Multiaddr[] = []
    for (const address of record.multiaddrs) {
      const own = withoutOwnId(address, signer)
      if (own === null) return fail('BAD_RECORD', `empty address or another peer's: ${address.toString()}`)
      multiaddrs.push(own)
    }
    return ok({ peerId: signer, multiaddrs, seq: record.seqNumber, envelope })
  } catch (error) {
    signal.throwIfAborted()
    return fail('BAD_RECORD', error instanceof Error ? error.message : String(error))
  }
}

/**
 * Seals this node's own record, with as many of `addresses` as limits allow, in their order. Null when none is left.
 *
 * @param seq - higher than in any record sealed before with this key; milliseconds since 1970 by custom of libp2p
 */
export async function sealRecord(
  privateKey: PrivateKey,
  addresses: readonly Multiaddr[],
  seq: bigint,
  signal: AbortSignal,
): Promise<Uint8Array | null> {
  const peerId = peerIdFromPrivateKey(privateKey)
  const own = addresses.flatMap((address) => withoutOwnId(address, peerId) ?? [])
  for (let count = Math.min(own.length, INTRODUCTION_ADDRESSES_MAX); count > 0; count--) {
    const record = new PeerRecord({ peerId, multiaddrs: own.slice(0, count), seqNumber: seq })
    const envelope = (await RecordEnvelope.seal(record, privateKey, { signal })).marshal()
    if (envelope.length <= INTRODUCTION_RECORD_BYTES_MAX) return envelope
  }
  return null
}

/** The address without a trailing id of `peerId`; null when it ends in the id of another peer, or nothing is left. */
function withoutOwnId(address: Multiaddr, peerId: PeerId): Multiaddr | null {
  const components = address.getComponents()
  const last = components.at(-1)
  if (last === undefined) return null
  if (last.code !== CODE_P2P) return address
  if (last.value !== peerId.toString() || components.length === 1) return null
  return address.decapsulateCode(CODE_P2P)
}
