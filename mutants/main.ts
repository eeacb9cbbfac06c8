import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { MUTANTS } from './list/all.ts'
import { writeTable } from './report.ts'
import { failingWithout, type MutantResult, runMutants } from './run-mutants.ts'
import { createWorkspace } from './workspace.ts'

const HELP = `npm run mutants -- [--only NAME]... [--write] [--json]

Breaks one rule at a time in a copy of the project and runs the tests named for it, which must notice.

  --only NAME   only mutants whose name contains this; may be given several times
  --write       put the table into docs/assurance.md
  --json        the results as JSON

Exit code 1 where a mutant survives, or its text is no longer in the code exactly once.`

/** Copies of the project in which mutants run at the same time. */
const WORKSPACES = 2

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      write: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const { only } = values
  const mutants = MUTANTS.filter(({ name }) => only?.some((part) => name.includes(part)) ?? true)
  if (values.help || mutants.length === 0) {
    console.error(values.help ? HELP : `no mutant of that name\n\n${HELP}`)
    return values.help ? 0 : 2
  }
  const root = dirname(import.meta.dirname)
  const startedMs = performance.now()
  const workspaces = Array.from({ length: WORKSPACES }, () => createWorkspace(root))
  try {
    const failing = await failingWithout(mutants, workspaces)
    if (failing.length > 0) {
      console.error(`these tests fail without any mutant, so nothing can be learned:\n${failing.join('\n')}`)
      return 1
    }
    const tell = (result: MutantResult): void => {
      if (!values.json) console.log(line(result))
    }
    const results = await runMutants(mutants, workspaces, tell)
    const uncaught = results.filter(({ caughtBy }) => caughtBy === null)
    const seconds = Math.round((performance.now() - startedMs) / 1_000)
    if (values.write && only === undefined) writeTable(join(root, 'docs/assurance.md'), results)
    if (values.json) {
      const survivors = uncaught.map(({ name }) => name)
      console.log(JSON.stringify({ mutants: results.length, survivors, seconds, results }, null, 2))
    } else
      console.log(`${results.length - uncaught.length} of ${results.length} mutants caught, in ${seconds} s`)
    return uncaught.length === 0 ? 0 : 1
  } finally {
    for (const workspace of workspaces) workspace.remove()
  }
}

function line({ name, caughtBy, problem, seconds }: MutantResult): string {
  if (caughtBy !== null) return `caught   ${name} (${seconds} s): ${caughtBy}`
  return problem === null ? `SURVIVED ${name} (${seconds} s)` : `INVALID  ${name}: ${problem}`
}

process.exitCode = await main()
