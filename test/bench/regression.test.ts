import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { judge, type Measured, RATIOS } from '../../bench/regression/ratios.ts'

const root = join(import.meta.dirname, '../..')
const cost = (cpuUs: number, wallMs = cpuUs / 1000) => ({ cpuUs, wallMs })

/** A run in which everything costs what it did when the bounds were set, nearly: made up, as no figure of a real run is. */
function run(changes: { readonly codecUs?: readonly number[] } = {}): Measured {
  const received = {
    ...cost(3_000_000),
    operations: 3_000,
    bytes: 240_000,
    bytesAgain: 400,
    idleMb: 150,
    peakMb: 200,
  }
  const codec = (changes.codecUs ?? [2_000, 2_000, 2_000]).map((us) => cost(us))
  const others = (us: number) => [cost(us), cost(us), cost(us)]
  return {
    core: {
      verify: others(1_000),
      json: others(1_000),
      codec,
      rows: others(100),
      admit: others(500),
      durableRows: others(1_000),
      durableWrites: others(2_000),
    },
    sync: {
      rounds: [{ floor: cost(1_000_000), cold: received, storedBytes: 3_000_000 }],
      back: received,
      backAfterMore: { ...received, bytes: 10_000 },
    },
  }
}

const CODEC = 'codec: CPU / of JSON'

describe('the regression check', () => {
  it('passes what is within its bounds', () => {
    expect(judge(run()).filter(({ isWithin }) => !isWithin)).toEqual([])
  })

  it('fails what is beyond, and names the ratio, the bound, what it was, and where to look', () => {
    const beyond = judge(run({ codecUs: [20_000, 20_000, 20_000] })).filter(({ isWithin }) => !isWithin)
    expect(beyond.map(({ name }) => name)).toEqual([CODEC])
    const ratio = RATIOS.find(({ name }) => name === CODEC)
    expect(beyond[0]?.message).toContain(`${CODEC} is 20.00`)
    expect(beyond[0]?.message).toContain(`at most ${ratio?.most.toFixed(2)} is allowed`)
    expect(beyond[0]?.message).toContain(`it was ${ratio?.measured.toFixed(2)}`)
    expect(beyond[0]?.message).toContain('src/core/operation')
  })

  it('is not failed by one bad round of three', () => {
    const judged = judge(run({ codecUs: [2_000, 90_000, 2_000] }))
    expect(judged.every(({ isWithin }) => isWithin)).toBe(true)
  })

  it('fails where something was not measured', () => {
    const { core, sync } = run()
    const { codec: _, ...rest } = core
    const judged = judge({ core: rest, sync })
    expect(judged.filter(({ isWithin }) => !isWithin).map(({ name }) => name)).toEqual([CODEC])
  })

  it.for(RATIOS.map((ratio) => [ratio.name, ratio] as const))(
    'has a bound above what was measured, and not far: %s',
    ([, ratio]) => {
      expect(ratio.most).toBeGreaterThan(ratio.measured)
      expect(ratio.most).toBeLessThanOrEqual(3 * ratio.measured)
      const files = [...ratio.look.matchAll(/(?:src|protocols|docs|bench)\/[\w./-]*\w/g)].map(
        ([path]) => path,
      )
      expect(files.filter((path) => !existsSync(join(root, path)))).toEqual([])
    },
  )

  it('is a check of .ci/run', () => {
    expect(readFileSync(join(root, '.ci/run'), 'utf8')).toMatch(
      /^check '[\w ]+' npm run --silent bench:regression$/m,
    )
  })
})
