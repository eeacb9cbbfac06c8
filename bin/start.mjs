// Starts a program of this package with a Node that can run it: this one, or one that was installed beside it.
// Plain JavaScript, because an old Node cannot read anything else.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'

const NODE_MAJOR_MIN = 24
const EXIT_BAD_INPUT = 2
/** When what was read is written to disk, for a program that goes on and may never end in order, in ms. */
const FLUSH_AFTER_MS = 10_000
/**
 * One C heap for all threads: of one for each, 15 MB and more of a running node lie free in them. glibc reads this once, when a process begins,
 * and others do not know it.
 */
const ONE_HEAP = { MALLOC_ARENA_MAX: '1' }
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 }

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))

/**
 * Runs `sources` in a checkout, which needs no build, and `built` where the package is installed. `isLasting`: whether it is going to run for
 * long, which is worth beginning once more with the right environment: in the same process, with everything it was given.
 * @param {{ readonly name: string, readonly sources: string, readonly built: string, readonly isLasting: boolean }} program
 */
export async function start({ name, sources, built, isLasting }) {
  const fail = (message) => {
    console.error(`${name}: ${message}`)
    process.exitCode = EXIT_BAD_INPUT
  }
  const isCheckout = existsSync(at(sources))
  const main = at(isCheckout ? sources : built)
  if (!existsSync(main)) return fail(`${main} is not there: install the package again`)
  // What takes the types out of a program is some 20 MB of every process and thread that needs it: in a checkout, what has been read once is
  // kept beside the packages. The environment is how threads, and the other Node, are told.
  if (isCheckout) process.env.NODE_COMPILE_CACHE ??= at('node_modules/.cache/hanse')
  if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR_MIN) {
    const { env, execPath, execArgv, argv } = process
    if (isLasting && process.platform === 'linux' && env.MALLOC_ARENA_MAX === undefined)
      process.execve(execPath, [execPath, ...execArgv, ...argv.slice(1)], { ...env, ...ONE_HEAP })
    process.argv[1] = main
    if (isCheckout) {
      module.enableCompileCache(process.env.NODE_COMPILE_CACHE)
      setTimeout(() => module.flushCompileCache(), FLUSH_AFTER_MS).unref()
    }
    await import(pathToFileURL(main).href)
    return
  }
  // `npm ci` in a checkout brings a Node; `npm install node@24` puts one beside an installed package.
  const node = ['node_modules/node/bin/node', '../node/bin/node'].map(at).find((path) => existsSync(path))
  if (node === undefined) {
    const remedy = isCheckout
      ? 'run "npm ci" in its folder, which brings one'
      : `install it from https://nodejs.org, or run "npm install node@${NODE_MAJOR_MIN}" where Hanse is installed`
    return fail(`Hanse needs Node ${NODE_MAJOR_MIN} or newer, and this is ${process.version}; ${remedy}`)
  }
  const env = { ...ONE_HEAP, ...process.env }
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit', env })
  for (const signal of Object.keys(SIGNALS)) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => fail(`${node} cannot be started: ${error.message}`))
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? SIGNALS[signal] ?? 1
  })
}
