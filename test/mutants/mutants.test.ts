import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MUTANTS } from '../../mutants/list/all.ts'
import { mutate, type Mutant } from '../../mutants/mutant.ts'
import { formatTable } from '../../mutants/report.ts'
import { failingWithout, runMutants } from '../../mutants/run-mutants.ts'
import { createWorkspace, type Workspace } from '../../mutants/workspace.ts'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/assurance.md'), 'utf8')

describe('the list of mutants', () => {
  test('has each rule once, and tests that exist', () => {
    expect(MUTANTS.length).toBeGreaterThanOrEqual(40)
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length)
    const files = MUTANTS.flatMap(({ tests }) => tests)
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([])
    expect(MUTANTS.filter(({ tests, simulation }) => tests.length === 0 && simulation === undefined)).toEqual(
      [],
    )
  })

  test('changes code that is there, each text exactly once', () => {
    const stale = MUTANTS.flatMap((mutant) => {
      const source = readFileSync(join(root, mutant.file), 'utf8')
      const mutated = mutate(source, mutant)
      if ('stale' in mutated) return [`${mutant.name}: ${mutated.stale} in ${mutant.file}`]
      return mutated.text === source ? [`${mutant.name} changes nothing`] : []
    })
    expect(stale).toEqual([])
  })

  test('is in the table of the assurance page, each caught', () => {
    const missing = MUTANTS.filter(({ name }) => !page.includes(`| \`${name}\` |`))
    expect(missing.map(({ name }) => name)).toEqual([])
    expect(page).not.toContain('it survives')
  })
})

describe('a run of mutants', () => {
  const BUCKET = { file: 'src/core/token-bucket.ts', tests: ['test/core/token-bucket.test.ts'] }
  const edit = 'if (bucket.tokens < tokens) return false'
  const bitten: Mutant = {
    ...BUCKET,
    name: 'bitten',
    rule: 'a bucket is never empty',
    edits: [[edit, 'if (bucket.tokens < 0) return false']],
  }
  const survivor: Mutant = { ...BUCKET, name: 'survivor', rule: 'none', edits: [[edit, `${edit} // `]] }
  const stale: Mutant = { ...BUCKET, name: 'stale', rule: 'none', edits: [['what is not there', '']] }
  const broken: Mutant = { ...BUCKET, name: 'broken', rule: 'none', edits: [[edit, `${edit} }}}`]] }
  let workspace: Workspace

  beforeAll(() => {
    workspace = createWorkspace(root)
  })
  afterAll(() => workspace.remove())

  test('names the test that caught one, and tells survivors, stale ones and those that prove nothing', async () => {
    expect(await failingWithout([bitten], [workspace])).toEqual([])
    const told: string[] = []
    const mutants = [bitten, survivor, stale, broken]
    const results = await runMutants(mutants, [workspace], ({ name }) => told.push(name))
    expect(told).toEqual(['bitten', 'survivor', 'stale', 'broken'])
    expect(results.map(({ caughtBy }) => caughtBy?.split(':')[0] ?? null)).toEqual([
      'test/core/token-bucket.test.ts',
      null,
      null,
      null,
    ])
    expect(results.map(({ problem }) => problem === null)).toEqual([true, true, false, false])
    expect(formatTable(results)).toContain('1 of 4 mutants caught.')
    expect(formatTable(results)).toContain('nothing: it survives')
    expect(readFileSync(join(workspace.folder, BUCKET.file), 'utf8')).toBe(
      readFileSync(join(root, BUCKET.file), 'utf8'),
    )
  })
})
