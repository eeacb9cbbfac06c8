import { base58btc } from 'multiformats/bases/base58'
import { expect, test } from 'vitest'
import { fromHex, toHex } from '../../src/core/bytes.ts'
import { createSigner } from '../../src/core/native-signature.ts'
import { formatDid, parseDid } from '../../src/core/principal.ts'
import { publicKeyOf } from '../../src/core/signature.ts'
import { loadCases } from './load.ts'

interface Entry {
  readonly seed: string
  readonly verificationKeyPair: {
    readonly publicKeyBase58?: string
    readonly publicKeyJwk?: { readonly x: string }
  }
}

const ENTRIES = loadCases('did-key', /\.json$/, (content) =>
  Object.entries(content as Readonly<Record<string, Entry>>),
)

test('there are did:key vectors', () => {
  expect(ENTRIES.length).toBeGreaterThan(0)
})

test.each(ENTRIES)(
  '%s is the text of its key, both ways, and its key is that of its seed, portable and native',
  (did, entry) => {
    const publicKey = publicKeyIn(entry)
    expect(formatDid(publicKey)).toBe(did)
    const parsed = parseDid(did)
    expect(parsed.ok && toHex(parsed.value)).toBe(toHex(publicKey))
    const seed = fromHex(entry.seed) as Uint8Array
    expect([toHex(publicKeyOf(seed)), toHex(createSigner(seed).publicKey)]).toEqual([
      toHex(publicKey),
      toHex(publicKey),
    ])
  },
)

test.each(ENTRIES)('one changed character makes %s another key or no did:key at all', (did) => {
  const respelt: string[] = []
  for (let i = 0; i < did.length; i++) {
    for (const char of ['1', '2', 'z', '0', 'é', ' ']) {
      const changed = did.slice(0, i) + char + did.slice(i + 1)
      const parsed = parseDid(changed)
      if (parsed.ok && formatDid(parsed.value) !== changed) respelt.push(changed)
    }
  }
  expect(respelt).toEqual([])
})

test('a did:key of another method, type, length or spelling is refused', () => {
  const did = ENTRIES[0]?.[0] as string
  const x25519 = `did:key:${base58btc.encode(new Uint8Array([0xec, 0x01, ...new Uint8Array(32).fill(7)]))}`
  const short = `did:key:${base58btc.encode(new Uint8Array([0xed, 0x01, ...new Uint8Array(31).fill(7)]))}`
  const long = `did:key:${base58btc.encode(new Uint8Array([0xed, 0x01, ...new Uint8Array(33).fill(7)]))}`
  const refused = [
    '',
    'did:key:',
    'did:key:z',
    did.replace('key', 'web'),
    `${did} `,
    ` ${did}`,
    `${did}#${did.slice(8)}`,
    x25519,
    short,
    long,
  ]
  for (const text of refused) {
    const parsed = parseDid(text)
    expect([text, parsed.ok ? 'accepted' : parsed.fault.code]).toEqual([text, 'BAD_DID'])
  }
})

function publicKeyIn({ verificationKeyPair }: Entry): Uint8Array {
  const { publicKeyBase58, publicKeyJwk } = verificationKeyPair
  if (publicKeyBase58 !== undefined) return base58btc.baseDecode(publicKeyBase58)
  if (publicKeyJwk !== undefined) return new Uint8Array(Buffer.from(publicKeyJwk.x, 'base64url'))
  throw new Error('an entry without a public key')
}
