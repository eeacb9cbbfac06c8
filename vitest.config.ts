import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import type { Reporter, TestModule } from 'vitest/node'

/** Says by name which tests did not run: a skipped test is a claim nobody checked. */
const skippedTests: Reporter = {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const names = modules.flatMap((module) =>
      [...module.children.allTests('skipped')].map((test) => `${module.relativeModuleId} > ${test.fullName}`),
    )
    if (names.length > 0)
      console.log(`\n${names.length} SKIPPED:\n${names.map((name) => `  ${name}`).join('\n')}\n`)
  },
}

/** Where to write the results as JSON (vitest's own format), for a script that counts them. */
const reportFile = process.env['HANSE_TEST_REPORT']

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // One process per file: a test that leaks a socket or a listener harms nobody else. Two at a time: timings stay honest on two cores.
    pool: 'forks',
    maxWorkers: 2,
    // Programs that tests start read what has been compiled before, as bin/hanse.mjs has it in a checkout: half of the time that a command takes.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/hanse') },
    // Far above what any test needs, also one that starts a dozen programs on a machine with other work; a hung peer ends as a failure with a
    // name, not as a stuck run.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 10_000,
    // `.only` left behind would hide the rest of the file.
    allowOnly: false,
    passWithNoTests: false,
    reporters:
      reportFile === undefined
        ? ['default', skippedTests]
        : ['default', skippedTests, ['json', { outputFile: reportFile }]],
  },
})
