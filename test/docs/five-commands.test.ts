import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const [, section = ''] = /^## Two machines, five commands$([^]*?)^## /m.exec(readme) ?? []
/** The commands of each machine, as they stand. */
const blocks = [...section.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block]) =>
  (block as string).trim().split('\n'),
)
const LINK = 'hanse://join/...'
const WAIT_MS = 30_000

let folder: string
const running = new Set<ChildProcess>()
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hanse-five-'))
  mkdirSync(join(folder, 'bin'))
  symlinkSync(join(root, 'bin', 'hanse.mjs'), join(folder, 'bin', 'hanse'))
})
afterAll(async () => {
  for (const child of running) {
    if (child.exitCode !== null) continue
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  rmSync(folder, { recursive: true, force: true })
})

/** A machine is a home of its own; nothing else is set. */
function machine(name: string): NodeJS.ProcessEnv {
  const home = join(folder, name)
  mkdirSync(home)
  return { HOME: home, PATH: `${join(folder, 'bin')}:${dirname(process.execPath)}:${process.env['PATH']}` }
}

const run = async (env: NodeJS.ProcessEnv, command: string) =>
  (await promisify(execFile)('bash', ['-c', command], { env, timeout: WAIT_MS })).stdout

describe('the README: from the first run to the first shared value', () => {
  it('takes five commands', () => {
    expect(blocks.map((block) => block.length)).toEqual([3, 2])
  })

  it(
    'is what happens when they are run as they stand',
    async () => {
      const [[init, put, up], [join, get]] = blocks as [[string, string, string], [string, string]]
      const first = machine('first')
      await run(first, init)
      await run(first, put)
      const node = spawn('bash', ['-c', `exec ${up}`], { env: first, stdio: ['ignore', 'pipe', 'inherit'] })
      running.add(node)
      let printed = ''
      node.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
      const linkIn = () => /hanse:\/\/join\/\S+/.exec(printed)?.[0]
      while (linkIn() === undefined) await once(node.stdout, 'data', { signal: AbortSignal.timeout(WAIT_MS) })
      const second = machine('second')
      expect(join).toContain(LINK)
      await run(second, join.replace(LINK, linkIn() as string))
      expect(await run(second, get)).toBe('hello from the first machine\n')
    },
    4 * WAIT_MS,
  )
})
