#!/usr/bin/env node
import { runCommandLine } from './command-line.ts'

/**
 * `hanse-bootstrap`: the introduction node as a program. Exit codes: 0 done, 1 found unhealthy or broken, 2 bad flags,
 * configuration, key file or address.
 */
process.exit(await runCommandLine(process.argv.slice(2)))
