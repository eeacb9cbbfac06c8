import { pathToFileURL } from 'node:url'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, test } from 'vitest'
import { SIGNATURE_WORKERS_MAX, SIGNATURES_INLINE_MAX } from '../../src/core/limits.ts'
import type { SignatureClaim } from '../../src/core/signature.ts'
import { packClaims, unpackClaims } from '../../src/node/verification/claims.ts'
import { processVerifier } from '../../src/node/verification/process-verifier.ts'
import { SignaturePool, signatureThreads } from '../../src/node/verification/signature-pool.ts'
import { sodium } from '../../src/node/verification/sodium.ts'
import { VerifiedSignatures } from '../../src/node/verification/verified-signatures.ts'
import { alice, bob } from '../cast.ts'

/** A good claim; a forged one where told. */
function claim(i: number, isForged = false): SignatureClaim {
  const message = new Uint8Array(20 + (i % 40)).fill(i)
  return {
    signature: isForged ? bob.sign(message) : alice.sign(message),
    message,
    publicKey: alice.publicKey,
  }
}
const claims = (count: number, forgedEvery = Number.POSITIVE_INFINITY) =>
  Array.from({ length: count }, (_, i) => claim(i, i % forgedEvery === forgedEvery - 1))
const verdictsOf = (count: number, forgedEvery: number) =>
  Array.from({ length: count }, (_, i) => i % forgedEvery !== forgedEvery - 1)

const pools: SignaturePool[] = []
const folders: string[] = []
afterEach(() => {
  for (const pool of pools.splice(0)) pool.stop()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function poolOf(threads: number, program?: URL): SignaturePool {
  const pool = new SignaturePool(threads, program)
  pools.push(pool)
  return pool
}

/** A program for threads that does something else. */
function programOf(source: string): URL {
  const folder = mkdtempSync(join(tmpdir(), 'hanse-test-'))
  folders.push(folder)
  const file = join(folder, 'thread.mjs')
  writeFileSync(file, source)
  return pathToFileURL(file)
}

test('threads leave one core to what takes in what they have checked', () => {
  expect([1, 2, 3, 8, 9, 64].map(signatureThreads)).toEqual([1, 1, 2, 7, 8, SIGNATURE_WORKERS_MAX])
})

describe('the verifier of a process', () => {
  it.each([1, SIGNATURES_INLINE_MAX, SIGNATURES_INLINE_MAX + 1, 1_000])(
    'tells good signatures from forged ones among %i, in their order',
    async (count) => {
      expect(await processVerifier().acceptAll(claims(count, 3))).toEqual(verdictsOf(count, 3))
      // And the same of those it remembers.
      expect(await processVerifier().acceptAll(claims(count, 3))).toEqual(verdictsOf(count, 3))
    },
  )

  it('never takes what it remembers for another signature, message or key', async () => {
    const good = claim(1)
    const verifier = processVerifier()
    expect(await verifier.acceptAll([good])).toEqual([true])
    const others = [
      { ...good, message: claim(2).message },
      { ...good, publicKey: bob.publicKey },
      { ...good, signature: claim(2).signature },
    ]
    for (const other of others) expect(await verifier.acceptAll([other])).toEqual([false])
  })

  it('accepts nothing of wrong lengths, and goes on with the others', async () => {
    const short = { ...claim(1), signature: new Uint8Array(63) }
    const long = { ...claim(1), publicKey: new Uint8Array(33) }
    const batch = [claim(0), short, claim(2), long, claim(4)]
    for (const more of [0, 1_000]) {
      const accepted = await processVerifier().acceptAll([...batch, ...claims(more)])
      expect(accepted.slice(0, 5)).toEqual([true, false, true, false, true])
      expect(accepted).toHaveLength(5 + more)
    }
  })
})

describe('threads for signatures', () => {
  it('answer each task with its own verdicts, however many there are at once', async () => {
    const pool = poolOf(2)
    const answers = await Promise.all(
      [2, 3, 5, 7].map(async (forgedEvery) => await pool.accept(claims(200, forgedEvery))),
    )
    expect(answers).toEqual([2, 3, 5, 7].map((forgedEvery) => verdictsOf(200, forgedEvery)))
  })

  it('that fail have accepted nothing, and others take their place', async () => {
    const program = programOf(`
      import { parentPort } from 'node:worker_threads'
      parentPort.on('message', () => { throw new Error('out of memory') })`)
    const pool = poolOf(1, program)
    expect(await pool.accept(claims(20))).toEqual(Array(20).fill(false))
    expect(await pool.accept(claims(20))).toEqual(Array(20).fill(false))
  })

  it('that cannot even start have accepted nothing', async () => {
    expect(await poolOf(1, programOf('this is no program')).accept(claims(20))).toEqual(Array(20).fill(false))
  })

  it('leave nothing open when they are stopped', async () => {
    const program = programOf(`
      import { parentPort } from 'node:worker_threads'
      parentPort.on('message', () => {})`)
    const pool = poolOf(1, program)
    const answer = pool.accept(claims(20))
    pool.stop()
    expect(await answer).toEqual(Array(20).fill(false))
  })
})

it('libsodium is there for this platform', () => {
  expect(sodium).not.toBeNull()
})

it('claims come out of their packing as they went in', () => {
  const before = [claim(0), claim(39), { ...claim(3), message: new Uint8Array() }, claim(5)]
  expect(unpackClaims(packClaims(before)).map((one) => structuredClone(one))).toEqual(before)
  expect(unpackClaims(packClaims([]))).toEqual([])
})

it('what is remembered of signatures is bounded, and the one unused for longest goes first', () => {
  const memory = new VerifiedSignatures(2)
  const [a, b, c] = claims(3) as [SignatureClaim, SignatureClaim, SignatureClaim]
  const of = ({ signature, message, publicKey }: SignatureClaim) => [signature, message, publicKey] as const
  memory.add(...of(a))
  memory.add(...of(b))
  expect(memory.has(...of(a))).toBe(true)
  memory.add(...of(c))
  expect([a, b, c].map((one) => memory.has(...of(one)))).toEqual([true, false, true])
})
