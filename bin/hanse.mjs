#!/usr/bin/env node
// Starts the command line with a Node that can run it: this one, or the one that came with the project's packages.
// Plain JavaScript, because an old Node cannot read anything else.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const NODE_MAJOR_MIN = 24

const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))
const ownNode = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))

if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR_MIN) {
  process.argv[1] = main
  await import('../src/cli/main.ts')
} else if (existsSync(ownNode)) {
  const child = spawn(ownNode, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    console.error(`hanse: ${ownNode} cannot be started: ${error.message}`)
    process.exitCode = 2
  })
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1)
  })
} else {
  console.error(
    `hanse: Hanse needs Node ${NODE_MAJOR_MIN} or newer, and this is ${process.version}; run "npm ci" in its folder, which brings one`,
  )
  process.exitCode = 2
}
