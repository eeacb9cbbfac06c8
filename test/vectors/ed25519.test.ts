import { describe, expect, test, vi } from 'vitest'
import { fromHex, toHex, utf8 } from '../../src/core/bytes.ts'
import { createSignatureVerifier, createSigner, type NativeEd25519 } from '../../src/core/native-signature.ts'
import { publicKeyOf, sign, verifyZip215 } from '../../src/core/signature.ts'
import { loadCases } from './load.ts'

// Another folder may hold many more cases; each costs a few milliseconds on the portable path.
vi.setConfig({ testTimeout: 600_000 })

/** One signature and the verdict of ZIP215 on it. */
interface Case {
  readonly name: string
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
  readonly valid: boolean
}

/** One seed and what it must sign. */
interface SigningCase {
  readonly name: string
  readonly seed: Uint8Array
  readonly publicKey: string
  readonly message: Uint8Array
  readonly signature: string
}

/** Two runtimes that are wrong in ways that were seen: one refuses what ZIP215 accepts, one throws. */
const REFUSING: NativeEd25519 = { verifySync: () => false, verifyAsync: () => Promise.resolve(false) }
const THROWING: NativeEd25519 = {
  verifySync: () => {
    throw new Error('unsupported')
  },
  verifyAsync: () => Promise.reject(new Error('unsupported')),
}

const SETS: readonly (readonly [string, () => readonly Case[]])[] = [
  [
    'RFC 8032',
    () =>
      signingCases().map((c) => ({
        ...c,
        publicKey: bytes(c.publicKey),
        signature: bytes(c.signature),
        valid: true,
      })),
  ],
  ['Wycheproof', wycheproofCases],
  ['speccheck', speccheckCases],
  ['ZIP215', zip215Cases],
  ['CCTV', cctvCases],
]

describe.each(SETS)('the %s vectors', (_, load) => {
  const cases = load()

  test('are there', () => {
    expect(cases.length).toBeGreaterThan(0)
  })

  test('get the verdict of ZIP215 from the predicate', () => {
    expect(wrongVerdicts(cases, verifyZip215)).toEqual([])
  })

  test('get the same verdict with the native accelerator', async () => {
    const verifier = createSignatureVerifier()
    expect(wrongVerdicts(cases, verifier.verifySync)).toEqual([])
    for (const { name, signature, message, publicKey, valid } of cases) {
      expect([name, await verifier.verifyAsync(signature, message, publicKey)]).toEqual([name, valid])
    }
  })

  test('get the same verdict whatever the runtime refuses', () => {
    expect(wrongVerdicts(cases, createSignatureVerifier(REFUSING).verifySync)).toEqual([])
    expect(wrongVerdicts(cases, createSignatureVerifier(THROWING).verifySync)).toEqual([])
  })
})

describe('the RFC 8032 signing vectors', () => {
  const cases = signingCases()

  test('give the same keys and signatures, portable and native', () => {
    expect(cases.length).toBeGreaterThan(0)
    for (const { name, seed, publicKey, message, signature } of cases) {
      const signer = createSigner(seed)
      expect([name, toHex(publicKeyOf(seed)), toHex(sign(message, seed))]).toEqual([
        name,
        publicKey,
        signature,
      ])
      expect([name, toHex(signer.publicKey), toHex(signer.sign(message))]).toEqual([
        name,
        publicKey,
        signature,
      ])
    }
  })
})

test('the vectors tell ZIP215 from stricter predicates and from accepting everything', () => {
  const cases = [...wycheproofCases(), ...speccheckCases(), ...zip215Cases(), ...cctvCases()]
  expect(cases.some((c) => c.valid)).toBe(true)
  expect(cases.some((c) => !c.valid)).toBe(true)
  expect(wrongVerdicts(cases, () => true)).not.toEqual([])
  expect(wrongVerdicts(cases, () => false)).not.toEqual([])
})

function wrongVerdicts(cases: readonly Case[], verify: typeof verifyZip215): readonly string[] {
  return cases.filter((c) => verify(c.signature, c.message, c.publicKey) !== c.valid).map((c) => c.name)
}

function signingCases(): readonly SigningCase[] {
  interface Rfc {
    readonly priv: string
    readonly pub: string
    readonly msg: string
    readonly sig: string
  }
  interface SignInput {
    readonly index: number
    readonly seed: string
    readonly pk: string
    readonly msg: string
    readonly sig: string
  }
  const rfc = loadCases('ed25519-rfc8032', /^rfc8032.*\.json$/, (content) => content as readonly Rfc[])
  const input = loadCases(
    'ed25519-rfc8032',
    /^sign-input.*\.json$/,
    (content) => content as readonly SignInput[],
  )
  return [
    ...rfc.map(({ priv, pub, msg, sig }, i) => signingCase(`rfc8032 ${i}`, priv, pub, msg, sig)),
    ...input.map(({ index, seed, pk, msg, sig }) => signingCase(`sign-input ${index}`, seed, pk, msg, sig)),
  ]
}

function signingCase(
  name: string,
  seed: string,
  publicKey: string,
  message: string,
  signature: string,
): SigningCase {
  // Some lists write the secret as seed and public key together.
  return { name, seed: bytes(seed.slice(0, 64)), publicKey, message: bytes(message), signature }
}

function wycheproofCases(): readonly Case[] {
  interface Group {
    readonly publicKey: { readonly pk: string }
    readonly tests: readonly {
      readonly tcId: number
      readonly msg: string
      readonly sig: string
      readonly result: string
    }[]
  }
  const groups = loadCases('ed25519-wycheproof', /\.json$/, (content) =>
    (content as { readonly testGroups: readonly Group[] }).testGroups.filter(({ tests }) => tests.length > 0),
  )
  return groups.flatMap(({ publicKey, tests }) =>
    tests.map(({ tcId, msg, sig, result }) => ({
      name: `tcId ${tcId}`,
      publicKey: bytes(publicKey.pk),
      message: bytes(msg),
      signature: bytes(sig),
      // NOTE.md of the set: upstream judges 151 by RFC 8032, ZIP215 accepts it.
      valid: result === 'valid' || tcId === 151,
    })),
  )
}

function speccheckCases(): readonly Case[] {
  interface SpecCase {
    readonly message: string
    readonly pub_key: string
    readonly signature: string
  }
  const cases = loadCases('ed25519-speccheck', /^cases.*\.json$/, (content) => content as readonly SpecCase[])
  const verdicts = loadCases(
    'ed25519-speccheck',
    /^expected.*\.json$/,
    (content) => (content as { readonly zip215: readonly boolean[] }).zip215,
  )
  expect(verdicts.length).toBe(cases.length)
  return cases.map(({ message, pub_key, signature }, i) => ({
    name: `case ${i}`,
    publicKey: bytes(pub_key),
    message: bytes(message),
    signature: bytes(signature),
    valid: verdicts[i] as boolean,
  }))
}

function zip215Cases(): readonly Case[] {
  interface ZipCase {
    readonly index: number
    readonly message_utf8: string
    readonly vk_bytes: string
    readonly sig_bytes: string
    readonly valid_zip215: boolean
  }
  const cases = loadCases('ed25519-zip215', /\.json$/, (content) => content as readonly ZipCase[])
  return cases.map(({ index, message_utf8, vk_bytes, sig_bytes, valid_zip215 }) => ({
    name: `index ${index}`,
    publicKey: bytes(vk_bytes),
    message: utf8(message_utf8),
    signature: bytes(sig_bytes),
    valid: valid_zip215,
  }))
}

function cctvCases(): readonly Case[] {
  interface CctvCase {
    readonly number: number
    readonly key: string
    readonly sig: string
    readonly msg: string
  }
  interface Verdict {
    readonly number: number
    readonly zip215: boolean
  }
  const cases = loadCases(
    'ed25519-cctv',
    /^ed25519vectors.*\.json$/,
    (content) => content as readonly CctvCase[],
  )
  const verdicts = loadCases('ed25519-cctv', /^expected.*\.json$/, (content) => content as readonly Verdict[])
  const validByNumber = new Map(verdicts.map(({ number, zip215 }) => [number, zip215]))
  return cases.map(({ number, key, sig, msg }) => {
    const valid = validByNumber.get(number)
    if (valid === undefined) throw new Error(`no verdict for number ${number}`)
    return {
      name: `number ${number}`,
      publicKey: bytes(key),
      message: utf8(msg),
      signature: bytes(sig),
      valid,
    }
  })
}

function bytes(hex: string): Uint8Array {
  const decoded = fromHex(hex)
  if (decoded === null) throw new Error(`not hexadecimal: ${hex}`)
  return decoded
}
