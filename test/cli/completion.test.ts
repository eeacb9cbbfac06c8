import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endOf, Machine } from './hanse.ts'

const machine = new Machine()
const root = new URL('../../', import.meta.url).pathname
let data: string
let env: NodeJS.ProcessEnv
beforeAll(async () => {
  data = await machine.init('alice')
  await machine.json(data, 'space', 'create', 'team one')
  for (const path of ['notes/today', 'notes/tomorrow', 'people/ada'])
    await machine.json(data, 'put', path, '1')
  await machine.json(data, 'agent', 'add', 'scribe', '--can', 'write')
  await machine.json(data, 'remote', 'add', 'usb', 'file:///media/usb')
  symlinkSync(join(root, 'bin', 'hanse.mjs'), join(machine.folder, 'hanse'))
  writeFileSync(join(machine.folder, 'edits.jsonl'), '')
  const PATH = `${machine.folder}:${dirname(process.execPath)}:${process.env['PATH']}`
  env = { ...process.env, PATH, HANSE_DATA: data, NO_COLOR: '1', PS1: '$ ', TERM: 'dumb' }
})
afterAll(async () => await machine.remove())

/** What may come in the place of the last word, with its description. */
async function after(...words: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const { code, stdout, stderr } = await machine.hanse(data, ['__complete', '--', ...words])
  expect([code, stderr]).toEqual([0, ''])
  const lines = stdout.split('\n').filter((line) => line !== '')
  return Object.fromEntries(lines.map((line) => line.split('\t') as [string, string]))
}
const names = async (...words: readonly string[]) => Object.keys(await after(...words))

describe('what comes next on a command line', () => {
  it('is a command, as help has them, with what it does', async () => {
    expect(await after('age')).toEqual({ agent: 'tokens for programs that use this node over HTTP or MCP' })
    expect(await names('agent', '')).toEqual(['add', 'allow', 'list', 'revoke', 'help'])
    expect(await names('')).toContain('completion')
    expect(await names('')).not.toContain('__complete')
    expect(await names('--json', '--data', data, 'stat')).toEqual(['status'])
  })

  it('is a flag of the command, or one that all have', async () => {
    expect(await names('agent', 'add', '--e')).toEqual(['--expires'])
    expect(await names('put', '--')).toEqual(
      expect.arrayContaining(['--field', '--json', '--space', '--help']),
    )
    expect(await names('put', '--', '--')).toEqual([])
  })

  it('is a value that a flag takes', async () => {
    expect(await names('agent', 'add', 'x', '--can', '')).toEqual(['read', 'write', 'admin'])
    expect(await names('invite', '--role', 'w')).toEqual(['writer'])
    expect(await names('invite', '--role=w')).toEqual(['--role=writer'])
    // As bash takes it apart.
    expect(await names('invite', '--role', '=', 'w')).toEqual(['writer'])
    expect(await names('get', '--type', 'te')).toEqual(['text'])
    expect(await names('completion', '')).toEqual(['bash', 'zsh', 'fish'])
  })

  it('is a name that the node knows: of a space, an agent, an item', async () => {
    expect(await names('--space', '')).toEqual(['team one'])
    expect(await names('agent', 'revoke', '')).toEqual(['scribe'])
    expect(await names('agent', 'add', '')).toEqual([])
    expect(await names('push', '')).toEqual(['usb'])
    expect(await names('remote', 'show', '')).toEqual(['usb'])
    expect(await names('get', 'notes/to')).toEqual(['notes/today', 'notes/tomorrow'])
    expect(await names('get', 'notes/today', '')).toEqual([])
    expect(await names('get', '--space', 'nowhere', '')).toEqual([])
  })

  it('asks a running node, and is quick to say nothing where there is none', async () => {
    const node = await machine.up(data, '--http', 'none')
    expect(await names('get', 'people/')).toEqual(['people/ada'])
    await node.stop()
    const { code, stdout } = await machine.hanse(join(machine.folder, 'nowhere'), [
      '__complete',
      '--',
      'get',
      '',
    ])
    expect([code, stdout]).toEqual([0, ''])
  })

  it('may be a file', async () => {
    expect(await names('write', '')).toEqual([':files'])
    expect(await names('put', 'a', '--file', '')).toEqual([':files'])
  })
})

describe('hanse completion bash', () => {
  /** What bash would put on the line. */
  async function reply(...words: readonly string[]): Promise<readonly string[]> {
    const program = `source <(hanse completion bash)
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _hanse hanse "" "" 2>/dev/null
      printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout } = await promisify(execFile)('bash', ['-c', program, 'bash', 'hanse', ...words], { env })
    return stdout.split('\n').filter((line) => line !== '')
  }

  it('completes commands and names, quoted where they need it', async () => {
    expect(await reply('stat')).toEqual(['status'])
    expect(await reply('get', 'notes/to')).toEqual(['notes/today', 'notes/tomorrow'])
    expect(await reply('--space', '')).toEqual(['team\\ one'])
  })

  it('does so on Tab, in a terminal', async (test) => {
    if (spawnSync('script', ['--version']).status !== 0)
      test.skip('there is no "script" (util-linux) here to make a terminal with')
    const shell = spawn('script', ['-qfec', 'bash --norc -i', '/dev/null'], {
      env,
      cwd: machine.folder,
      stdio: 'pipe',
    })
    let seen = ''
    shell.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()))
    const until = async (text: string) => {
      while (!seen.includes(text)) await once(shell.stdout, 'data', { signal: AbortSignal.timeout(20_000) })
    }
    const ended = endOf(shell)
    shell.stdin.write('source <(hanse completion bash); echo rea""dy\n')
    await until('\nready')
    shell.stdin.write('hanse agent rev\t')
    await until('hanse agent revoke ')
    shell.stdin.write('scr\t')
    await until('hanse agent revoke scribe ')
    shell.stdin.write('\u0015hanse write edi\t')
    await until('hanse write edits.jsonl ')
    shell.stdin.write('\u0015exit\n')
    expect((await ended).code).toBe(0)
  })
})

describe.each(['zsh', 'fish'] as const)('hanse completion %s', (name) => {
  it('is a program that the shell can read', async (test) => {
    const { stdout } = await machine.hanse(data, ['completion', name])
    expect(stdout).toContain(
      'hanse __complete'.replace('hanse', name === 'zsh' ? '"${words[1]}"' : '$words[1]'),
    )
    if (spawnSync(name, ['--version']).status !== 0) test.skip(`${name} is not installed here`)
    const file = join(machine.folder, `completion.${name}`)
    writeFileSync(file, stdout)
    await promisify(execFile)(name, ['-n', file])
  })
})
