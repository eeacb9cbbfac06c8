import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cruise, type ICruiseResult } from 'dependency-cruiser'
import extractDepcruiseOptions from 'dependency-cruiser/config-utl/extract-depcruise-options'

/** Folders whose imports have a direction. */
export const CHECKED_FOLDERS = ['src', 'protocols', 'bootstrap', 'simulation'] as const

/** An import that breaks a rule of `.dependency-cruiser.mjs`. Paths are relative to the checked root. */
export interface BadImport {
  readonly rule: string
  readonly from: string
  readonly to: string
  /** Why the rule exists, where it says so. */
  readonly reason: string
}

/** What was looked at, and what was wrong. */
export interface ImportReport {
  /** Own modules that were opened, sorted; neither packages nor built-ins. */
  readonly modules: readonly string[]
  readonly imports: number
  readonly badImports: readonly BadImport[]
}

const projectRoot = dirname(dirname(fileURLToPath(import.meta.url)))

/**
 * Judges every import below the checked folders of `root` by the rules of this project.
 * The caller compares `modules` with what it knows to exist: a cruiser without a TypeScript compiler that it can use finds no module and
 * no fault.
 */
export async function checkImports(root: string): Promise<ImportReport> {
  const options = await extractDepcruiseOptions(join(projectRoot, '.dependency-cruiser.mjs'))
  const folders = CHECKED_FOLDERS.filter((folder) => existsSync(join(root, folder)))
  const { output } = await cruise([...folders], {
    ...options,
    baseDir: root,
    validate: true,
    outputType: 'json',
  })
  const result = (typeof output === 'string' ? JSON.parse(output) : output) as ICruiseResult
  const modules = result.modules.filter((module) => isChecked(module.source))
  const reasons = new Map(result.summary.ruleSetUsed?.forbidden?.map((rule) => [rule.name, rule.comment]))
  return {
    modules: modules.map((module) => module.source).toSorted(),
    imports: modules.reduce((sum, module) => sum + module.dependencies.length, 0),
    badImports: result.summary.violations.map(({ rule, from, to }) => ({
      rule: rule.name,
      from,
      to,
      reason: reasons.get(rule.name) ?? '',
    })),
  }
}

/** TypeScript modules of the checked folders as git sees them: tracked, or new and not ignored. Sorted. */
export function modulesKnownToGit(root: string): readonly string[] {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', ...CHECKED_FOLDERS]
  const listed = execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\0')
  const modules = listed.filter((path) => /\.[cm]?ts$/.test(path) && existsSync(join(root, path)))
  return [...new Set(modules)].toSorted()
}

/** Those of `expected` that are not in `actual`. */
export function absentFrom(actual: readonly string[], expected: readonly string[]): readonly string[] {
  const present = new Set(actual)
  return expected.filter((path) => !present.has(path))
}

function isChecked(path: string): boolean {
  return CHECKED_FOLDERS.some((folder) => path.startsWith(`${folder}/`))
}

async function main(): Promise<void> {
  const report = await checkImports(projectRoot)
  const known = modulesKnownToGit(projectRoot)
  for (const { rule, from, to, reason } of report.badImports)
    console.error(`${rule}: ${from} → ${to}\n  ${reason}`)

  const unseen = absentFrom(report.modules, known)
  const unknown = absentFrom(known, report.modules)
  for (const path of unseen) console.error(`not looked at: ${path}`)
  for (const path of unknown) console.error(`not known to git: ${path}`)

  console.log(
    `${report.modules.length} of ${known.length} modules looked at, ${report.imports} imports, ${report.badImports.length} bad`,
  )
  const complete = known.length > 0 && unseen.length === 0 && unknown.length === 0
  process.exitCode = complete && report.badImports.length === 0 ? 0 : 1
}

if (import.meta.main) await main()
