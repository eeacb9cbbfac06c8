import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { beforeAll, describe, expect, it } from 'vitest'
import { sealRecord, verifyRecord } from '../../protocols/introduction/record.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { INTRODUCTION_ADDRESSES_MAX, INTRODUCTION_RECORD_BYTES_MAX } from '../../src/core/limits.ts'

const { signal } = new AbortController()
const home = multiaddr('/ip4/192.0.2.1/tcp/4001')
let alice: PrivateKey
let mallory: PrivateKey

beforeAll(async () => {
  alice = await generateKeyPair('Ed25519')
  mallory = await generateKeyPair('Ed25519')
})

async function seal(signer: PrivateKey, owner: PrivateKey, multiaddrs: Multiaddr[]): Promise<Uint8Array> {
  const record = new PeerRecord({ peerId: peerIdFromPrivateKey(owner), multiaddrs, seqNumber: 1n })
  return (await RecordEnvelope.seal(record, signer)).marshal()
}

async function refusal(envelope: Uint8Array): Promise<string> {
  const result = await verifyRecord(envelope, signal)
  return result.ok ? 'ok' : `${result.fault.code}: ${result.fault.detail}`
}

describe('signed peer record', () => {
  it('verifies what its peer sealed', async () => {
    const envelope = await sealRecord(alice, [home], 42n, signal)
    const result = await verifyRecord(envelope as Uint8Array, signal)
    if (!result.ok) throw new Error(result.fault.detail)
    expect(result.value.peerId.equals(peerIdFromPrivateKey(alice))).toBe(true)
    expect(result.value.multiaddrs.map(String)).toEqual(['/ip4/192.0.2.1/tcp/4001'])
    expect(result.value.seq).toBe(42n)
  })

  it('leaves the own peer id out of addresses and other peers’ addresses out of the record', async () => {
    const self = peerIdFromPrivateKey(alice).toString()
    const other = peerIdFromPrivateKey(mallory).toString()
    const relayed = multiaddr(`/ip4/192.0.2.9/tcp/1/p2p/${other}/p2p-circuit/p2p/${self}`)
    const foreign = multiaddr(`/ip4/192.0.2.9/tcp/1/p2p/${other}`)
    const envelope = await sealRecord(alice, [home.encapsulate(`/p2p/${self}`), relayed, foreign], 1n, signal)
    const result = await verifyRecord(envelope as Uint8Array, signal)
    expect(result.ok && result.value.multiaddrs.map(String)).toEqual([
      '/ip4/192.0.2.1/tcp/4001',
      `/ip4/192.0.2.9/tcp/1/p2p/${other}/p2p-circuit`,
    ])
  })

  it('seals at most as many addresses as a record may have, and nothing without one', async () => {
    const many = Array.from({ length: 30 }, (_, n) => multiaddr(`/ip4/192.0.2.${n}/tcp/4001`))
    const envelope = await sealRecord(alice, many, 1n, signal)
    const result = await verifyRecord(envelope as Uint8Array, signal)
    expect(result.ok && result.value.multiaddrs.length).toBe(INTRODUCTION_ADDRESSES_MAX)
    expect(await sealRecord(alice, [], 1n, signal)).toBeNull()
  })

  it('drops addresses until a record of long ones fits', async () => {
    const long = Array.from({ length: 16 }, (_, n) =>
      multiaddr(`/dns4/${'a'.repeat(200)}${n}.example/tcp/4001`),
    )
    const envelope = (await sealRecord(alice, long, 1n, signal)) as Uint8Array
    expect(envelope.length).toBeLessThanOrEqual(INTRODUCTION_RECORD_BYTES_MAX)
    const result = await verifyRecord(envelope, signal)
    expect(result.ok && result.value.multiaddrs.length).toBeGreaterThan(5)
  })

  it('refuses a record that mallory signed in the name of alice', async () => {
    expect(await refusal(await seal(mallory, alice, [home]))).toMatch(/^BAD_RECORD: record of .* signed by/)
  })

  it('refuses a record with any one byte changed', async () => {
    const envelope = await seal(alice, alice, [home])
    for (let at = 0; at < envelope.length; at++) {
      const corrupt = Uint8Array.from(envelope)
      corrupt[at] = (corrupt[at] as number) ^ 0x01
      expect(await refusal(corrupt), `byte ${at}`).toMatch(/^BAD_RECORD/)
    }
  })

  it('refuses bytes that are no envelope', async () => {
    expect(await refusal(new Uint8Array())).toMatch(/^BAD_RECORD/)
    expect(await refusal(utf8('garbage of some length'))).toMatch(/^BAD_RECORD/)
  })

  it('refuses a signature over something that is not a peer record', async () => {
    const record = {
      domain: PeerRecord.DOMAIN,
      codec: utf8('/other'),
      marshal: () => utf8('x'),
      equals: () => false,
    }
    const envelope = await RecordEnvelope.seal(record, alice)
    expect(await refusal(envelope.marshal())).toBe('BAD_RECORD: not a peer record')
  })

  it('refuses a record without an address, with an empty one, or with one of another peer', async () => {
    const other = peerIdFromPrivateKey(mallory).toString()
    expect(await refusal(await seal(alice, alice, []))).toMatch(/without an address/)
    const nowhere = multiaddr(`/p2p/${peerIdFromPrivateKey(alice).toString()}`)
    expect(await refusal(await seal(alice, alice, [nowhere]))).toMatch(/^BAD_RECORD/)
    expect(await refusal(await seal(alice, alice, [home.encapsulate(`/p2p/${other}`)]))).toMatch(
      /another peer/,
    )
  })

  it('refuses one address and one byte past the limits', async () => {
    const many = Array.from({ length: INTRODUCTION_ADDRESSES_MAX + 1 }, () => home)
    expect(await refusal(await seal(alice, alice, many.slice(1)))).toBe('ok')
    expect(await refusal(await seal(alice, alice, many))).toMatch(/17 addresses, at most 16/)
    expect(await refusal(new Uint8Array(INTRODUCTION_RECORD_BYTES_MAX + 1))).toMatch(/record of 2049 bytes/)
  })
})
