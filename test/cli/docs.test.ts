import { readFileSync } from 'node:fs'
import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { runProgram } from '../../src/cli/program.ts'
import { Shell } from '../../src/cli/shell.ts'
import { CONFIG_KEYS, flagOf, presetOf, variableOf } from '../../src/node/config/config-keys.ts'

const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8')

/** The help text of a command. */
async function helpOf(...command: readonly string[]): Promise<string> {
  let text = ''
  const collect = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString()
      done()
    },
  }) as unknown as NodeJS.WriteStream
  const shell = new Shell({
    stdin: process.stdin,
    stdout: collect,
    stderr: collect,
    environment: {},
    isJson: false,
  })
  await runProgram([...command, '--help'], shell)
  expect(shell.exitCode).toBe(0)
  return text.replaceAll(/\s+/g, ' ')
}

describe('docs/cli.md', () => {
  it('has one row for every configuration key, as the table of keys has it', () => {
    const rows = CONFIG_KEYS.map(
      (key) =>
        `| \`${key.name}\` | \`${flagOf(key)}\` | \`${variableOf(key)}\` | \`${presetOf(key)}\` | ${key.description} |`,
    )
    expect(page.split('\n').filter((line) => line.startsWith('| `') && line.includes('HANSE_'))).toEqual(rows)
  })

  it('names every command that help lists, and no other', async () => {
    const help = await helpOf()
    const documented = [...page.matchAll(/^\| `(\w+)/gm)].map(([, name]) => name ?? '')
    const commands = [
      'init',
      'up',
      'dashboard',
      'agent',
      'mcp',
      'whoami',
      'identity',
      'doctor',
      'top',
      'completion',
      'version',
      'space',
      'invite',
      'join',
      'grant',
      'delegations',
      'revoke',
      'contain',
      'endorse',
      'put',
      'get',
      'list',
      'delete',
      'link',
      'unlink',
      'append',
      'tag',
      'untag',
      'count',
      'text',
      'claim',
      'release',
      'write',
      'log',
      'changes',
      'delta',
      'diff',
      'blame',
      'revert',
      'conflicts',
      'blob',
      'sql',
      'search',
      'kind',
      'status',
      'peers',
      'sync',
      'clone',
      'remote',
      'pull',
      'explain',
      'forks',
      'prove',
      'check',
      'held',
      'table',
      'verify',
      'ops',
      'snapshot',
      'import',
    ]
    for (const command of commands) {
      expect(help).toContain(` ${command} `)
      expect(documented).toContain(command)
    }
    const keys = CONFIG_KEYS.map(({ name }) => name)
    expect(documented.filter((name) => !commands.includes(name) && !keys.includes(name))).toEqual([])
  })
})

describe('hanse up --help', () => {
  it('tells every configuration key with its flag, variable and default', async () => {
    const help = await helpOf('up')
    for (const key of CONFIG_KEYS) {
      expect(help).toContain(flagOf(key))
      expect(help).toContain(`(${variableOf(key)}; default ${presetOf(key)})`)
    }
  })
})

describe('hanse COMMAND --help', () => {
  it.each([
    'init',
    'up',
    'whoami',
    'identity',
    'doctor',
    'top',
    'completion',
    'version',
    'identity rotate',
    'identity recover',
    'space',
    'space create',
    'space list',
    'space show',
    'invite',
    'join',
    'grant',
    'delegations',
    'revoke',
    'contain',
    'endorse',
    'put',
    'get',
    'list',
    'delete',
    'link',
    'unlink',
    'append',
    'tag',
    'untag',
    'count',
    'claim',
    'release',
    'write',
    'log',
    'sql',
    'search',
    'kind',
    'kind add',
    'kind list',
    'kind remove',
    'status',
    'peers',
    'sync',
    'clone',
    'remote',
    'remote add',
    'remote set',
    'remote list',
    'remote show',
    'remote remove',
    'remote status',
    'remote stats',
    'remote nodes',
    'pull',
    'push',
    'explain',
    'forks',
    'forks check',
    'prove',
    'check',
    'held',
    'table',
    'table add',
    'table list',
    'table remove',
    'table sync',
    'table check',
    'verify',
    'ops',
    'ops clock',
    'ops export',
    'ops import',
    'snapshot',
    'snapshot export',
    'snapshot import',
    'import',
    'import history',
    'import json',
    'import csv',
  ])('tells the options of every command: %s', async (command) => {
    const help = await helpOf(...command.split(' '))
    for (const flag of ['--json', '--data <dir>', '--space <space>']) expect(help).toContain(flag)
  })
})
