import { describe, expect, it } from 'vitest'
import { chooseWorkloads, compare, compareWithFloors, judge, summariseAll } from '../../bench/compare.ts'
import { type SubjectSummary, summarise, type Target, type Workload } from '../../bench/measure.ts'

const subject = (name: string, figures: Readonly<Record<string, number>>): SubjectSummary => ({
  name,
  without: '',
  figures: summariseAll([figures]),
})
const floor = (name: string, figures: Readonly<Record<string, number>>): SubjectSummary => ({
  ...subject(name, figures),
  isFloor: true,
})

describe('summaries', () => {
  it('have the middle one of an odd number of runs, and the mean of the two in the middle of an even number', () => {
    expect(summarise([3, 1, 2])).toEqual({ median: 2, least: 1, most: 3 })
    expect(summarise([4, 1, 2, 30])).toEqual({ median: 3, least: 1, most: 30 })
    expect(summarise([7])).toEqual({ median: 7, least: 7, most: 7 })
  })

  it('order numbers by value, not as texts', () => {
    expect(summarise([10, 9, 100]).median).toBe(10)
  })

  it('take a figure over the runs that gave it', () => {
    const all = summariseAll([{ ms: 1 }, { ms: 3, bytes: 5 }])
    expect(all['ms']?.median).toBe(2)
    expect(all['bytes']).toEqual({ median: 5, least: 5, most: 5 })
  })
})

describe('the ratio to the best peer', () => {
  const summaries = [
    subject('Hanse, slow', { perSecond: 10, bytes: 4 }),
    subject('Hanse, fast', { perSecond: 20, bytes: 8 }),
    subject('OrbitDB', { perSecond: 5, bytes: 1_000 }),
    subject('Yjs', { perSecond: 40, bytes: 2 }),
    floor('verification alone', { perSecond: 80, bytes: 0 }),
  ]

  it('is of the best on both sides, by what is better of that figure', () => {
    expect(compare({ compared: { perSecond: 'more', bytes: 'less' } }, summaries)).toEqual([
      { figure: 'perSecond', ratio: 0.5, hanse: 'Hanse, fast', peer: 'Yjs' },
      { figure: 'bytes', ratio: 2, hanse: 'Hanse, slow', peer: 'Yjs' },
    ])
  })

  it('is left out where nobody else has the figure, or a floor alone', () => {
    expect(compare({ compared: { missing: 'more' } }, summaries)).toEqual([])
    const alone = summaries.filter(({ name, isFloor }) => name.startsWith('Hanse') || isFloor === true)
    expect(compare({ compared: { perSecond: 'more' } }, alone)).toEqual([])
  })
})

describe('the ratio to a floor', () => {
  it('is of the best of Hanse to each floor that has the figure, and to no peer', () => {
    const summaries = [
      subject('Hanse', { perSecond: 20, bytes: 8 }),
      subject('Yjs', { perSecond: 40, bytes: 2 }),
      floor('verification alone', { perSecond: 80 }),
      floor('pipeline', { perSecond: 50, bytes: 4 }),
    ]
    expect(compareWithFloors({ compared: { perSecond: 'more', bytes: 'less' } }, summaries)).toEqual([
      { figure: 'perSecond', ratio: 0.25, hanse: 'Hanse', peer: 'verification alone' },
      { figure: 'perSecond', ratio: 0.4, hanse: 'Hanse', peer: 'pipeline' },
      { figure: 'bytes', ratio: 2, hanse: 'Hanse', peer: 'pipeline' },
    ])
  })
})

describe('targets', () => {
  const summaries = [
    subject('Hanse', { perSecond: 30, bytes: 150 }),
    subject('Hypercore', { perSecond: 10 }),
    floor('verification alone', { perSecond: 40 }),
  ]
  const verdict = (target: Partial<Target>, sizes = { operations: 100 }) =>
    judge(
      { targets: [{ subject: 'Hanse', figure: 'perSecond', is: 'at least', bound: 30, ...target }] },
      sizes,
      summaries,
    )[0]

  it('are met at the bound and not one past it, from either side', () => {
    expect(verdict({})?.verdict).toBe('met')
    expect(verdict({ bound: 30.1 })?.verdict).toBe('not met')
    expect(verdict({ figure: 'bytes', is: 'at most', bound: 150 })?.verdict).toBe('met')
    expect(verdict({ figure: 'bytes', is: 'at most', bound: 149.9 })?.verdict).toBe('not met')
  })

  it('may be a multiple of what another subject has in the same run', () => {
    expect(verdict({ bound: 2.5, times: 'Hypercore' })).toMatchObject({
      verdict: 'met',
      bound: 25,
      of: '2.5 × Hypercore',
      measured: 30,
    })
    expect(verdict({ bound: 3.1, times: 'Hypercore' })?.verdict).toBe('not met')
    expect(verdict({ bound: 0.7, times: 'verification alone' })?.verdict).toBe('met')
  })

  it('are never met by what was not measured', () => {
    expect(verdict({ figure: 'ms' })).toMatchObject({ verdict: 'not measured', measured: null })
    expect(verdict({ subject: 'Hanse, grouped' })?.verdict).toBe('not measured')
    expect(verdict({ bound: 1, times: 'OrbitDB' })).toMatchObject({ verdict: 'not measured', bound: null })
  })

  it('are judged at their own sizes only', () => {
    expect(verdict({ at: { operations: 100 } })?.verdict).toBe('met')
    expect(verdict({ at: { operations: 1_000 } })).toBeUndefined()
    expect(verdict({ at: { operations: 100, authors: 1 } })).toBeUndefined()
  })
})

describe('choosing workloads', () => {
  const workloads = ['cold-sync', 'cold-sync-grouped', 'live'].map((name) => ({ name }) as Workload)
  const names = (asked: readonly string[] | undefined) =>
    chooseWorkloads(workloads, asked)?.map(({ name }) => name)

  it('takes all, one, or those that begin alike, in their own order', () => {
    expect(names(undefined)).toHaveLength(3)
    expect(names(['cold-sync'])).toEqual(['cold-sync'])
    expect(names(['live', 'cold*'])).toEqual(['cold-sync', 'cold-sync-grouped', 'live'])
  })

  it('refuses a name that fits none', () => {
    expect(chooseWorkloads(workloads, ['live', 'dead*'])).toBeNull()
  })
})
