import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

const root = new URL('../../', import.meta.url).pathname
const bin = join(root, 'bin', 'hanse.mjs')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly version: string
}
const folder = mkdtempSync(join(tmpdir(), 'hanse-bin-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Makes a Node say that it is an old one. */
const PRETEND = `data:text/javascript,${encodeURIComponent(
  "Object.defineProperty(process, 'versions', { value: { node: '20.0.0' } }); Object.defineProperty(process, 'version', { value: 'v20.0.0' })",
)}`

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function run(...args: readonly string[]): Promise<Ended> {
  return await runWith({}, ...args)
}

/** With the id of the process. */
function runWith(more: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<Ended> & { pid?: number } {
  const { promise, resolve } = Promise.withResolvers<Ended>()
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('HANSE_')))
  const { pid } = execFile(process.execPath, args, { env: { ...env, ...more } }, (error, stdout, stderr) => {
    resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
  })
  return Object.assign(promise, pid === undefined ? {} : { pid })
}

describe('bin/hanse.mjs', () => {
  it('runs the command line', async () => {
    expect(await run(bin, '--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
    expect(await run(bin, 'whomai')).toMatchObject({ code: 2, stdout: '' })
  })

  it('keeps what it has read ready to run, and runs where it may not', async () => {
    const cache = join(folder, 'cache')
    const fromCache = async (directory: string) =>
      await runWith({ NODE_COMPILE_CACHE: directory }, bin, '--version')
    const done = { code: 0, stdout: `${version}\n`, stderr: '' }
    expect(await fromCache(cache)).toEqual(done)
    expect(readdirSync(cache, { recursive: true }).length).toBeGreaterThan(100)
    expect(await fromCache(cache)).toEqual(done)
    expect(await fromCache(join(bin, 'no folder'))).toEqual(done)
  })

  it('prefers the Node of the project where its own is too old, and passes on how that ended', async () => {
    expect(await run('--import', PRETEND, bin, '--version')).toEqual({
      code: 0,
      stdout: `${version}\n`,
      stderr: '',
    })
    expect(await run('--import', PRETEND, bin, 'whomai')).toMatchObject({ code: 2, stdout: '' })
  })

  it.runIf(process.platform === 'linux')(
    'has one C heap in what runs for long, in the process that was started',
    async () => {
      const own = join(folder, 'lasting', 'bin', 'hanse.mjs')
      cpSync(join(root, 'bin'), dirname(own), { recursive: true })
      mkdirSync(join(folder, 'lasting', 'dist'))
      writeFileSync(
        join(folder, 'lasting', 'dist', 'hanse.js'),
        'console.log(process.pid, process.env.MALLOC_ARENA_MAX, ...process.execArgv, ...process.argv.slice(2))',
      )
      const said = async (env: NodeJS.ProcessEnv, ...args: readonly string[]) => {
        const ended = runWith({ MALLOC_ARENA_MAX: undefined, ...env }, '--no-warnings', own, ...args)
        const { code, stdout, stderr } = await ended
        expect([code, stderr]).toEqual([0, ''])
        return stdout.trim().replace(/^\d+/, (pid) => (Number(pid) === ended.pid ? 'same' : 'another'))
      }
      expect(await said({}, 'up', '--port', '1')).toBe('same 1 --no-warnings up --port 1')
      expect(await said({ MALLOC_ARENA_MAX: '4' }, 'up')).toBe('same 4 --no-warnings up')
      expect(await said({}, 'list')).toBe('same undefined --no-warnings list')
    },
  )

  it('says in one line that it needs a newer Node where there is none', async () => {
    const own = join(folder, 'bin', 'hanse.mjs')
    cpSync(join(root, 'bin'), join(folder, 'bin'), { recursive: true })
    mkdirSync(join(folder, 'src', 'cli'), { recursive: true })
    writeFileSync(join(folder, 'src', 'cli', 'main.ts'), '')
    const { code, stdout, stderr } = await run('--import', PRETEND, own, 'list')
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^hanse: Hanse needs Node 24 or newer, and this is v20\.0\.0; run "npm ci".*\n$/)
    rmSync(join(folder, 'src'), { recursive: true })
    expect(await run(own, 'list')).toMatchObject({
      code: 2,
      stderr: `hanse: ${join(folder, 'dist', 'hanse.js')} is not there: install the package again\n`,
    })
    mkdirSync(join(folder, 'dist'))
    writeFileSync(join(folder, 'dist', 'hanse.js'), '')
    expect((await run('--import', PRETEND, own, 'list')).stderr).toMatch(/"npm install node@24"/)
  })
})
