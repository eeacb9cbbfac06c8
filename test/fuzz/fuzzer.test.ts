import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseCbor, writeCbor } from '../../fuzz/cbor-tree.ts'
import { Coverage } from '../../fuzz/coverage.ts'
import { Fuzzer, runOnce } from '../../fuzz/fuzzer.ts'
import { operation, value } from '../../fuzz/grammar.ts'
import { mutateCbor } from '../../fuzz/mutate-cbor.ts'
import { createRandom } from '../../fuzz/random.ts'
import { holds, type Target } from '../../fuzz/target.ts'
import { encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { encodeOperation } from '../../src/core/operation/operation.ts'

/** A decoder that breaks a promise for some inputs. */
function broken(run: Target['run'], form: Target['form'] = 'bytes'): Target {
  return {
    name: 'broken',
    form,
    inputBytesMax: 64,
    valid: fc.uint8Array({ minLength: 4, maxLength: 16 }),
    run,
  }
}

async function findingsOf(target: Target, inputs = 5_000): Promise<readonly string[]> {
  const fuzzer = new Fuzzer(target, { seed: 7, coverage: null })
  await fuzzer.run(() => fuzzer.stats.executions >= inputs)
  return fuzzer.findings.map(({ reason }) => reason)
}

describe('the fuzzer', () => {
  test('finds a decoder that throws, and makes the input as small as what throws', async () => {
    const target = broken((input) => {
      if (input.includes(0xfe)) throw new RangeError('beyond the end')
      return true
    })
    const fuzzer = new Fuzzer(target, { seed: 7, coverage: null })
    await fuzzer.run(() => fuzzer.stats.executions >= 5_000)
    expect(fuzzer.findings.map(({ input }) => input)).toEqual([Uint8Array.of(0xfe)])
    expect(fuzzer.findings[0]?.reason).toContain('RangeError: beyond the end')
  })

  test('finds a decoder that rejects', async () => {
    const target = broken((input) =>
      input.length > 20 ? Promise.reject(new Error('late')) : Promise.resolve(true),
    )
    expect((await findingsOf(target))[0]).toContain('Error: late')
  })

  test('finds a property that does not hold', async () => {
    const target = broken((input) => {
      holds(input[0] !== 0 || input[1] !== 0, 'no two zeros')
      return true
    })
    expect((await findingsOf(target))[0]).toContain('no two zeros')
  })

  test('finds a decoder that is slow each time', async () => {
    const target = broken(() => {
      for (const startedMs = performance.now(); performance.now() - startedMs < 510; );
      return true
    })
    expect(await runOnce(target, new Uint8Array())).toEqual([true, 'takes longer than 500 ms'])
  })

  test('finds a decoder that changes what all objects inherit', async () => {
    const polluting = broken(() => {
      const parsed = JSON.parse('{"__proto__":{"polluted":true}}') as Record<string, object>
      // What a careless merge does.
      Object.assign(({} as Record<string, object>)['__proto__'] as object, parsed['__proto__'])
      return true
    })
    try {
      const [, reason] = await runOnce(polluting, new Uint8Array())
      expect(reason).toBe('Object.prototype or Array.prototype was changed')
    } finally {
      delete (Object.prototype as { polluted?: unknown }).polluted
    }
  })

  test('gives the same inputs for the same seed, and others for another', async () => {
    const inputsOf = async (seed: number): Promise<readonly string[]> => {
      const inputs: string[] = []
      const fuzzer = new Fuzzer(
        broken((input) => inputs.push(input.join()) > 0),
        { seed, coverage: null },
      )
      await fuzzer.run(() => fuzzer.stats.executions >= 200)
      return inputs
    }
    expect(await inputsOf(3)).toEqual(await inputsOf(3))
    expect(await inputsOf(3)).not.toEqual(await inputsOf(4))
  })

  test('with coverage reaches what it does not reach without', async () => {
    const found: string[] = []
    const locked = broken((input) => {
      if (input[0] === 0x48) {
        if (input[1] === 0x41) {
          if (input[2] === 0x4e) found.push('open')
        }
      }
      return true
    })
    const run = async (coverage: Coverage | null): Promise<boolean> => {
      found.length = 0
      const fuzzer = new Fuzzer(locked, { seed: 11, coverage })
      await fuzzer.run(() => found.length > 0 || fuzzer.stats.executions >= 120_000)
      return found.length > 0
    }
    const coverage = new Coverage((url) => url.includes('fuzzer.test.ts'))
    coverage.start()
    expect(await run(coverage)).toBe(true)
    coverage.stop()
    expect(await run(null)).toBe(false)
  })
})

describe('the mutations of CBOR', () => {
  test('begin with a tree that is written as the bytes it was read from', () => {
    fc.assert(
      fc.property(value, (value) => {
        const bytes = encodeCanonical(value)
        const tree = parseCbor(bytes)
        expect(tree !== null && writeCbor(tree)).toEqual(bytes)
      }),
    )
  })

  test('make indefinite lengths, wide heads, lying lengths, tags, NaN, doubled keys, deep nesting and __proto__', () => {
    const random = createRandom(5)
    const inputs = fc.sample(operation.map(encodeOperation), { seed: 5, numRuns: 20 })
    const mutated = Array.from({ length: 4_000 }, () =>
      mutateCbor(random.pick(inputs), random, random.pick(inputs)),
    )
    const hex = mutated.map((bytes) => Buffer.from(bytes).toString('hex'))
    const isMade = (pattern: RegExp) => hex.some((text) => pattern.test(text))
    expect(isMade(/^9f/)).toBe(true)
    expect(isMade(/^(1800|98|99|9a|9b)/)).toBe(true)
    expect(isMade(/^9bffffffffffffffff/)).toBe(true)
    expect(isMade(/c2|d8|f97e|fb7f/)).toBe(true)
    expect(isMade(/(81){60}/)).toBe(true)
    expect(isMade(new RegExp(Buffer.from('__proto__').toString('hex')))).toBe(true)
  })
})
