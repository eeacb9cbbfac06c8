import { readFileSync } from 'node:fs'

/** What this script reads of a report in the format of vitest's `json` reporter. */
interface TestReport {
  readonly numPassedTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
  }[]
}

/**
 * Counts the tests of a run, for `.ci/run`: prints `PASSED FAILED` on standard output, and what did not run on standard error.
 * A file that could not be loaded has no tests to fail, and counts as one failure.
 */
function main(reportPath: string | undefined): void {
  if (reportPath === undefined) throw new Error('Usage: node scripts/count-tests.ts REPORT.json')
  const report = JSON.parse(readFileSync(reportPath, 'utf8')) as TestReport
  const results = report.testResults.flatMap((file) => file.assertionResults)
  const notLoaded = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  )
  const notRun = results.filter((test) => test.status !== 'passed' && test.status !== 'failed')

  for (const file of notLoaded) console.error(`NOT LOADED: ${file.name}`)
  for (const test of notRun) console.error(`SKIPPED: ${test.fullName}`)
  const failed = results.filter((test) => test.status === 'failed').length
  console.log(`${report.numPassedTests} ${failed + notLoaded.length}`)
}

main(process.argv[2])
