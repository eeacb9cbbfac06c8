import { keepHeapLean } from '../node/lean-heap.ts'
import { EXIT } from './exit-code.ts'

/** How long a second signal is taken for the first one come twice (from the terminal and from a parent), in ms. */
const SAME_SIGNAL_MS = 1_000

keepHeapLean()
const [{ runProgram }, { Shell }] = await Promise.all([import('./program.ts'), import('./shell.ts')])
const args = process.argv.slice(2)
const end = args.indexOf('--')
const { stdin, stdout, stderr, env } = process
const shell = new Shell({
  stdin,
  stdout,
  stderr,
  environment: env,
  isJson: (end === -1 ? args : args.slice(0, end)).includes('--json'),
})

// Whoever read the output has gone (`hanse log | head`): nothing is wrong, and nothing more is to be said. A node goes on.
stdout.on('error', () => {
  if (args.includes('up')) return
  process.exit(shell.exitCode)
})
stderr.on('error', () => {})

// An error that escaped from a library on the way must not end a command in a stack trace; every wait has its own bound.
const survive = (error: unknown) => shell.reportBug(error)
process.on('uncaughtException', survive)
process.on('unhandledRejection', survive)

let interruptedAtMs: number | null = null
const interrupt = () => {
  interruptedAtMs ??= Date.now()
  if (Date.now() - interruptedAtMs > SAME_SIGNAL_MS) process.exit(EXIT.interrupted)
  shell.interrupt()
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt)

await runProgram(args, shell)
// libp2p leaves timers behind; what was printed is flushed first.
await Promise.all([stdout, stderr].map(flushed))
process.exit(shell.exitCode)

async function flushed(stream: NodeJS.WriteStream): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  stream.write('', () => resolve())
  await promise
}
