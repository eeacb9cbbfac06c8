import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makePage, makeReadmeTable, README_MARKS, replaceMarked } from '../../bench/page.ts'
import { keepResult, type KeptResult, readNotes, readResults } from '../../bench/results.ts'
import { WORKLOADS } from '../../bench/workloads/index.ts'
import { makeDocuments } from '../../bench/write-page.ts'

const root = join(import.meta.dirname, '../..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')

const one = (median: number) => ({ median, least: median, most: median })
const RESULT: KeptResult = {
  workload: 'errands',
  question: 'How many errands a second?',
  sizes: { errands: 5_000 },
  rounds: 5,
  hanse: {
    Hanse: {
      name: 'Hanse',
      without: '',
      figures: { errandsPerSecond: { median: 1_234.567_89, least: 1_200, most: 1_300 } },
    },
  },
  peers: { Cog: { name: 'Cog', without: 'come back', figures: { errandsPerSecond: one(2_000) } } },
  floors: {
    Wind: {
      name: 'Wind',
      without: 'carry anything',
      isFloor: true,
      figures: { errandsPerSecond: one(9_000) },
    },
  },
  ratioToBestPeer: { errandsPerSecond: 0.617 },
  compared: [{ figure: 'errandsPerSecond', ratio: 0.617, hanse: 'Hanse', peer: 'Cog' }],
  targets: [
    {
      subject: 'Hanse',
      figure: 'errandsPerSecond',
      is: 'at least',
      bound: 2_000,
      of: '1 × Cog',
      measured: 1_234.567_89,
      verdict: 'not met',
    },
  ],
  machine: '2 cores, a mill',
  node: 'v24.0.0',
  commit: 'abc1234',
  date: '2026-11-21',
  stolen: 0.125,
}
const results = new Map([['errands', RESULT]])

describe('the page of benchmarks', () => {
  it('is what the generator makes of the kept results, and so is the table of the README', () => {
    const { page, readme: made } = makeDocuments()
    // Where they differ: npm run bench:page.
    expect(readFileSync(join(root, 'docs/benchmarks.md'), 'utf8')).toBe(page)
    expect(readme).toBe(made)
  })

  it('keeps results of workloads that there are, and a reason wherever a target is not met', () => {
    const names = WORKLOADS.map(({ name }) => name)
    const kept = readResults()
    const notes = readNotes()
    expect([...kept.keys(), ...notes.keys()].filter((name) => !names.includes(name))).toEqual([])
    const isMissed = ({ targets }: KeptResult) => targets.some(({ verdict }) => verdict === 'not met')
    const missed = [...kept.values()].filter(isMissed).map(({ workload }) => workload)
    expect(missed.filter((name) => !notes.has(name))).toEqual([])
  })

  it('quotes no rate, size or ratio in the README but between the marks', () => {
    const rest = replaceMarked(readme, '')
    const quoted =
      /\d[\d.,]*\s*(?:(?:operations|changes|writes|reads|messages)\s*(?:\/|per|a)\s*s|\/s\b|bytes per|[MK]i?B\b|× )|\d[\d.,]* times (?:faster|slower|as|more|less)/i
    expect(quoted.exec(rest)?.[0]).toBeUndefined()
    expect('3,000 operations/s').toMatch(quoted)
    expect('is 3 times faster').toMatch(quoted)
  })

  it('shows figures with their spread, what is left out, ratios, targets, circumstances and notes', () => {
    const page = makePage(results, new Map([['errands', 'The wind was against us.']]), ['errands'])
    for (const shown of [
      '| errandsPerSecond | 1,235 (1,200 to 1,300) | 2,000 | 9,000 |',
      '- Cog does not come back',
      'Wind (floor)',
      'errandsPerSecond 0.617 (Hanse / Cog)',
      '| Hanse: errandsPerSecond | at least 2,000 (1 × Cog) | 1,235 | **not met** |',
      "errands 5,000; 5 rounds; 2 cores, a mill, Node v24.0.0, commit abc1234, 2026-11-21; others had 12.5 % of the cores' time.",
      'The wind was against us.',
      '1 targets: 0 met, 1 not met, 0 not measured.',
    ])
      expect(page).toContain(shown)
    const errands = { name: 'errands', compared: { errandsPerSecond: 'more' } } as const
    expect(makeReadmeTable(results, [errands])).toContain(
      '| errands | errandsPerSecond | 1,235 | 2,000 (Cog) | 0.617 | 2,000 (Cog) | 0.617 | come back |',
    )
    const figures = { errandsPerSecond: one(4_000) }
    const Hare = { name: 'Hare', without: 'sign, authorise or keep on disk', figures }
    const compared = [{ figure: 'errandsPerSecond', ratio: 0.309, hanse: 'Hanse', peer: 'Hare' }]
    const withHare = new Map([['errands', { ...RESULT, peers: { ...RESULT.peers, Hare }, compared }]])
    expect(makeReadmeTable(withHare, [errands])).toContain(
      '| 1,235 | 2,000 (Cog) | 0.617 | 4,000 (Hare) | 0.309 | sign, authorise or keep on disk |',
    )
  })

  it('keeps a result in place of the one before, in six digits', () => {
    const folder = mkdtempSync(join(tmpdir(), 'hanse-results-'))
    try {
      keepResult({ ...RESULT, commit: 'older' }, folder)
      keepResult(RESULT, folder)
      const kept = readResults(folder).get('errands')
      expect(kept?.commit).toBe('abc1234')
      expect(kept?.hanse['Hanse']?.figures['errandsPerSecond']?.median).toBe(1_234.57)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('refuses a text without the marks', () => {
    expect(() => replaceMarked('# Hanse', '')).toThrow(README_MARKS[0])
  })
})
