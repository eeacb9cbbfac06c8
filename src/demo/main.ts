#!/usr/bin/env node
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, CommanderError, InvalidArgumentError } from '@commander-js/extra-typings'
import { FaultError } from '../node/fault-error.ts'
import { runDemo } from './demo.ts'
import { readExpected, readHistory } from '../node/exchange/history-file.ts'
import { createScreen, printResult } from './screen.ts'

const data = fileURLToPath(new URL('./data/', import.meta.url))

const program = new Command('demo')
  .description('A federation of processes on this machine replays a real history, with a liar among them.')
  .option(
    '--history <file>',
    'history to replay, JSON lines, gzipped if it ends in .gz',
    join(data, 'specs.jsonl.gz'),
  )
  .option('--expected <file>', 'recorded end state of that history', join(data, 'specs.expected.json.gz'))
  .option('--nodes <n>', 'nodes that write, 3 to 16', parseNodes, 5)
  .option('--json', 'end with one JSON object on the last line of standard output', false)
  .option('--keep <directory>', 'keep the data directories and logs of the nodes there')
  .exitOverride()
  .configureOutput({ writeErr: () => {} })

async function main(): Promise<number> {
  const options = program.parse().opts()
  if (options.keep !== undefined && existsSync(options.keep)) {
    throw new FaultError({
      code: 'BAD_OPTION',
      detail: `${options.keep} is there already: name a folder that is not`,
    })
  }
  // Read here once, so that a bad file is refused before anything is started.
  const { people, commits } = readHistory(options.history)
  readExpected(options.expected)
  const screen = createScreen(options.json ? process.stderr : process.stdout, {
    commits: commits.length,
    people,
    nodes: options.nodes,
  })
  const result = await runDemo({ ...options, keep: options.keep ?? null }, screen)
  screen.end()
  printResult(result, options.json ? process.stderr : process.stdout)
  if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`)
  return result.ok ? 0 : 1
}

function parseNodes(text: string): number {
  const nodes = Number(text)
  if (Number.isInteger(nodes) && nodes >= 3 && nodes <= 16) return nodes
  throw new InvalidArgumentError('It must be a whole number from 3 to 16.')
}

try {
  process.exitCode = await main()
} catch (error) {
  if (error instanceof CommanderError && error.exitCode === 0) process.exitCode = 0
  else if (error instanceof CommanderError || error instanceof FaultError) {
    process.stderr.write(`demo: ${error.message.replace(/^error: /, '')}; see npm run demo -- --help\n`)
    process.exitCode = 2
  } else {
    process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}
