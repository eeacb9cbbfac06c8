import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const { version, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
}
/** What npm says where it reaches no registry. */
const UNREACHABLE = /EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED/
const PACK_TIMEOUT_MS = 240_000
const INSTALL_TIMEOUT_MS = 120_000
const EVENT_TIMEOUT_MS = 30_000

/** An empty folder outside the checkout: somebody else's machine. */
const away = mkdtempSync(join(tmpdir(), 'hanse-away-'))
const installed = join(away, 'node_modules', 'hanse')
const children = new Set<ChildProcess>()
const env = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(HANSE|npm|NODE)_/.test(name))),
  PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
  NO_COLOR: '1',
  HANSE_DATA: join(away, 'data'),
}

async function run(command: string, args: readonly string[], timeout = 60_000, cwd = away) {
  return await promisify(execFile)(command, args, { cwd, env, timeout, maxBuffer: 2 ** 26 })
}

const hanse = async (...args: readonly string[]) =>
  (await run(join(away, 'node_modules', '.bin', 'hanse'), args)).stdout.trim()

/** Starts a program of the package, and gives its first event. */
async function first(bin: string, args: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const child = spawn(join(away, 'node_modules', '.bin', bin), args, {
    env,
    cwd: away,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.add(child)
  const lines = createInterface({ input: child.stdout })
  const [line] = (await once(lines, 'line', { signal: AbortSignal.timeout(EVENT_TIMEOUT_MS) })) as [string]
  return JSON.parse(line) as Readonly<Record<string, unknown>>
}

/** With npm from the registry, as anybody would; where there is none or it does not answer, beside the packages of the checkout. */
async function install(file: string): Promise<void> {
  writeFileSync(join(away, 'package.json'), '{"name":"away","private":true,"type":"module"}')
  const flags = ['--no-audit', '--no-fund', '--prefer-offline', '--fetch-retries=1', '--fetch-timeout=30000']
  try {
    await run('npm', ['install', ...flags, join(away, file)], INSTALL_TIMEOUT_MS)
    return
  } catch (error) {
    const hangs = (error as { readonly killed?: boolean }).killed === true
    if (!hangs && !UNREACHABLE.test(String(error))) throw error
    console.warn('no registry can be reached: the packages of the checkout stand in for those npm would get')
  }
  rmSync(join(away, 'node_modules'), { recursive: true, force: true })
  mkdirSync(installed, { recursive: true })
  await run('tar', ['-xzf', join(away, file), '-C', installed, '--strip-components=1'])
  for (const name of Object.keys(dependencies)) {
    const link = join(away, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), link)
  }
  mkdirSync(join(away, 'node_modules', '.bin'))
  for (const bin of ['hanse', 'hanse-bootstrap'])
    symlinkSync(join(installed, 'bin', `${bin}.mjs`), join(away, 'node_modules', '.bin', bin))
}

beforeAll(async () => {
  await run('npm', ['pack', '--pack-destination', away], PACK_TIMEOUT_MS, root)
  const [file] = readdirSync(away).filter((name) => name.endsWith('.tgz'))
  expect(file).toBeDefined()
  await install(file as string)
}, PACK_TIMEOUT_MS + INSTALL_TIMEOUT_MS)
afterAll(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  rmSync(away, { recursive: true, force: true })
})

describe('the package that npm packs, installed elsewhere', () => {
  it('holds programs, declarations and licences, and no sources', () => {
    const names = readdirSync(installed, { recursive: true }).map(String)
    const own = names.filter((name) => !name.startsWith('node_modules'))
    expect(own.filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))).toEqual([])
    expect(own).toEqual(
      expect.arrayContaining([
        ...['README.md', 'LICENSE-MIT', 'dist/index.js', 'bin/hanse.mjs'],
        // What messages and the README send a reader to.
        ...['docs/http.md', 'docs/mcp.md', 'examples/python/hanse.py'],
      ]),
    )
    expect(own.filter((name) => /^(src|test|node_modules)\//.test(name))).toEqual([])
    // As it is run from there, nothing of the checkout is named in it.
    const code = own.filter((name) => /^dist\/[\w-]+\.js$/.test(name))
    expect(code.length).toBeGreaterThan(5)
    for (const name of code) expect(readFileSync(join(installed, name), 'utf8')).not.toContain(root)
  })

  it('runs commands, alone and beside a running node, with workers and children of its own', async () => {
    expect(await hanse('--version')).toContain(version)
    await hanse('init')
    await hanse('space', 'create', 'team')
    const flags = ['--listen', '/ip4/127.0.0.1/tcp/0', '--no-mdns', '--http', '127.0.0.1:0']
    const listening = await first('hanse', ['up', '--json', ...flags])
    expect(listening).toMatchObject({ event: 'listening', spaces: [{ name: 'team' }] })
    await hanse('put', 'notes/hello', 'from elsewhere')
    expect(await hanse('get', 'notes/hello')).toBe('from elsewhere')
    // A process with a watchdog, found by its file.
    expect(await hanse('sql', 'select path from items')).toContain('notes/hello')
    expect(await hanse('verify')).toContain('nothing is wrong')
    const { agentToken, url } = JSON.parse(
      await hanse('agent', 'add', 'scribe', '--can', 'write', '--json'),
    ) as { readonly agentToken: string; readonly url: string }
    const answer = await fetch(`${url}/v1/whoami`, { headers: { authorization: `Bearer ${agentToken}` } })
    expect(answer.status).toBe(200)
    // The page comes from files of the package.
    const page = await fetch(url)
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<html') as string])
  })

  it('is a library, with types', async () => {
    writeFileSync(
      join(away, 'main.mjs'),
      `import { createNode } from 'hanse'
       const node = await createNode({ online: false, dataDirectory: './library' })
       const space = node.createSpace({ name: 'x' })
       space.put('a', 'b')
       console.log(space.get('a').value, (await space.sql('select path from items')).rows)
       await node.stop()`,
    )
    expect((await run(process.execPath, ['main.mjs'])).stdout).toMatch(/^b .*a/)
    writeFileSync(
      join(away, 'main.ts'),
      `import { createNode, type Space } from 'hanse'
       const node = await createNode({ online: false })
       const space: Space = node.createSpace({ name: 'x' })
       const id: string = space.put('a', 1)
       // @ts-expect-error a path is a text
       space.put(1, id)`,
    )
    const tsc = join(root, 'node_modules', 'typescript-7', 'bin', 'tsc')
    const flags = ['--noEmit', '--strict', '--target', 'es2024', '--module', 'nodenext', '--skipLibCheck']
    const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules', '@types')]
    await run(process.execPath, [tsc, ...flags, ...types, 'main.ts'], PACK_TIMEOUT_MS)
  })

  it('has the introduction node', async () => {
    const flags = ['--listen', '/ip4/127.0.0.1/tcp/0', '--data', join(away, 'bootstrap'), '--json']
    expect(await first('hanse-bootstrap', flags)).toMatchObject({ event: 'listening' })
    expect(existsSync(join(away, 'bootstrap'))).toBe(true)
  })
})
