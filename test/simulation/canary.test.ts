import { describe, expect, test } from 'vitest'
import { readRequest } from '../../simulation/command-line.ts'
import { labelsOf } from '../../simulation/plan.ts'
import { drawPlan } from '../../simulation/scenarios.ts'
import { shrink } from '../../simulation/shrink.ts'
import type { RunResult } from '../../simulation/run-result.ts'
import { runPlan } from '../../simulation/simulate.ts'
import type { Sabotage } from '../../simulation/world.ts'
import { toHex } from '../../src/core/bytes.ts'

const NODES = { min: 3, max: 5 }
/** Seeds that a sabotage gets to show itself in. */
const SEEDS_MAX = 40

/** The first seed that finds the sabotage. */
async function firstFailure(
  sabotage: Sabotage,
  scenario: 'mixed' | 'crash' | 'revocation',
): Promise<RunResult> {
  for (let seed = 1; seed <= SEEDS_MAX; seed++) {
    const result = await runPlan(drawPlan(seed, scenario, NODES), sabotage)
    if (result.failures.length > 0) return result
  }
  throw new Error(`${SEEDS_MAX} seeds did not find the sabotage`)
}

const invariantsOf = ({ failures }: RunResult) => failures.map(({ invariant }) => invariant)

describe('the simulator', () => {
  test('finds nothing in seeds that nobody sabotaged', async () => {
    for (let seed = 1; seed <= 4; seed++) {
      const result = await runPlan(drawPlan(seed, 'mixed', NODES))
      expect(result.failures).toEqual([])
      expect(result.invariants).toBeGreaterThan(100)
    }
  })

  test('comes out the same to the last event for the same seed, and otherwise for another', async () => {
    const [once, twice, other] = [
      await runPlan(drawPlan(4, 'mixed', NODES)),
      await runPlan(drawPlan(4, 'mixed', NODES)),
      await runPlan(drawPlan(5, 'mixed', NODES)),
    ]
    expect(twice.digest).toBe(once.digest)
    expect(other.digest).not.toBe(once.digest)
  })

  test('reports a node that loses one operation, with a small plan that still does', async () => {
    const hooks: Sabotage['hooks'] = (place) => {
      let lost = ''
      const takes = ({
        id,
        header,
      }: {
        readonly id: Uint8Array
        readonly header: { readonly seq: number }
      }) => {
        if (lost === '' && header.seq === 2) lost = toHex(id)
        return toHex(id) !== lost
      }
      return place === 1 ? { takes } : {}
    }
    const failed = await firstFailure({ hooks }, 'mixed')
    expect(invariantsOf(failed)).toContain('healed nodes have equal sets')
    const smallest = await shrink(
      failed,
      (plan) => runPlan(plan, { hooks }),
      40,
      () => false,
    )
    expect(smallest.failures).not.toEqual([])
    expect(smallest.plan.nodes).toBe(3)
    expect(labelsOf(smallest.plan).length).toBeLessThan(labelsOf(failed.plan).length / 2)
  })

  test('reports a node that keeps whichever branch of a fork came first', async () => {
    const hooks = () => {
      const branches = new Map<string, string>()
      return {
        takes: ({
          id,
          header,
        }: {
          readonly id: Uint8Array
          readonly header: { author: Uint8Array; seq: number }
        }) => {
          const place = `${toHex(header.author)} ${header.seq}`
          const first = branches.get(place) ?? toHex(id)
          branches.set(place, first)
          return first === toHex(id)
        },
      }
    }
    expect(invariantsOf(await firstFailure({ hooks }, 'mixed'))).toContain('healed nodes have equal sets')
  })

  test('reports a disk that says it has synced and has not', async () => {
    const failed = await firstFailure({ flaws: () => ({ neverSyncs: true }) }, 'crash')
    expect([
      'a correct node never forks itself',
      'every acknowledged write is admitted everywhere',
    ]).toContain(invariantsOf(failed)[0])
  })

  test('reports a node on which what is revoked keeps its effect', async () => {
    const flaws: Sabotage['flaws'] = (place) => (place === 2 ? { skips: new Set(['putMask']) } : {})
    const failed = await firstFailure({ flaws }, 'revocation')
    expect([
      'equal sets have equal clock roots',
      'equal sets have equal state roots',
      'the effective set is what the oracle says',
    ]).toContain(invariantsOf(failed)[0])
  })
})

describe('the command line of the simulator', () => {
  test('reads ranges of seeds and nodes, a scenario, and what to keep', () => {
    const request = readRequest(['--seeds', '3..5', '--nodes', '4', '--scenario', 'crash', '--only', 'w1,f2'])
    expect(request).toEqual({
      seeds: [3, 4, 5],
      nodes: { min: 4, max: 4 },
      scenarios: ['crash'],
      isJson: false,
      only: new Set(['w1', 'f2']),
    })
  })

  test.each([
    ['--seeds', 'one'],
    ['--seeds', '5..3'],
    ['--nodes', '2..4'],
    ['--nodes', '3..13'],
    ['--scenario', 'peace'],
    ['--speed', '3'],
  ])('says what is wrong with %s %s', (option, value) => {
    expect(readRequest([option, value])).toEqual(expect.stringContaining(value === '3' ? option : value))
  })
})
