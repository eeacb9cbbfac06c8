import { copyFileSync, cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runProgram } from '../../src/cli/program.ts'
import { Shell } from '../../src/cli/shell.ts'
import { Machine } from './hanse.ts'
import { containing, matching } from './matchers.ts'

const machine = new Machine()
let data: string

beforeAll(async () => {
  data = await machine.init('alice')
  await machine.json(data, 'space', 'create', 'Fleet')
  await machine.json(data, 'append', 'j', 'an entry')
  await machine.json(data, 'put', 'r', '1')
})
afterAll(async () => machine.remove())

class Collected extends Writable {
  text = ''

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

/** Runs one command line in this process: quick enough for a long table. */
async function run(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const [stdout, stderr] = [new Collected(), new Collected()]
  const shell = new Shell({
    stdin: process.stdin,
    // The program writes to these two and asks whether they are terminals, nothing else.
    stdout: stdout as unknown as NodeJS.WriteStream,
    stderr: stderr as unknown as NodeJS.WriteStream,
    environment: { HANSE_DATA: data, ...environment },
    isJson: args.includes('--json'),
  })
  await runProgram(args, shell)
  return { code: shell.exitCode, stdout: stdout.text, stderr: stderr.text }
}

/** What is wrong, and a part of the line that must say so. */
const TABLE: readonly (readonly [string, readonly string[], string])[] = [
  ['an unknown command', ['fetch'], "unknown command 'fetch'"],
  ['a mistyped command', ['statsu'], 'did you mean status?'],
  ['an unknown flag', ['up', '--lissen', 'x'], 'did you mean --listen?'],
  ['a flag without its value', ['up', '--listen'], 'argument missing'],
  ['an argument too many', ['whoami', 'me'], 'too many arguments'],
  ['a missing argument', ['get'], "missing required argument 'path'"],
  [
    'an address to listen on that is none',
    ['up', '--listen', 'localhost:4001'],
    '--listen: "localhost:4001" is not an address',
  ],
  ['a peer without its id', ['up', '--peers', '/ip4/192.0.2.1/tcp/4001'], 'lacks its peer id'],
  ['a number that is none', ['up', '--anti-entropy-interval-ms', 'often'], 'must be a whole number'],
  ['a number out of range', ['up', '--discovery-interval-ms', '1'], 'must be a whole number'],
  ['an empty data directory name', ['list', '--data', ''], '--data must name a folder'],
  [
    'a data directory that does not exist',
    ['list', '--data', '/nonexistent/hanse'],
    'run "hanse init" first',
  ],
  ['an unknown space', ['list', '--space', 'Atlantis'], 'there is no space "Atlantis" here'],
  ['an empty name for a space', ['space', 'create', ''], 'the name of a space has 1 to 128 bytes'],
  [
    'a name for a space that is too long',
    ['space', 'create', 'x'.repeat(129)],
    'the name of a space has 1 to 128 bytes',
  ],
  [
    'an unknown profile',
    ['space', 'create', 'x', '--profile', 'anarchic'],
    'use one of local, coordinated, federated',
  ],
  ['a path with a slash too many', ['put', '/notes', '1'], 'slash too many'],
  ['a path with dots', ['get', 'a/../b'], 'has the segment ".."'],
  ['a path that is too long', ['put', 'x'.repeat(1025), '1'], 'at most 1024 are allowed'],
  ['a path that is not in normal form', ['put', 'e\u0301', '1'], 'normal form NFC'],
  ['a path with a line end, in one line all the same', ['get', 'a\n/'], 'path'],
  ['nothing to write', ['put', 'a'], 'there is nothing to write'],
  ['a value and fields', ['put', 'a', '1', '--field', 'b=2'], 'give one of'],
  ['a field without a value', ['put', 'a', '--field', 'b'], 'name=value'],
  ['a field that is set twice', ['put', 'a', '--field', 'b=1', '--field', 'b=2'], 'is set twice'],
  [
    'a field that is set and removed',
    ['put', 'a', '--field', 'b=1', '--remove', 'b'],
    'both set and removed',
  ],
  ['a field name that is too long', ['put', 'a', '--field', `${'x'.repeat(257)}=1`], 'field name'],
  ['a number beyond all bounds', ['put', 'a', '1e999'], 'not finite'],
  ['an integer of more than 64 bits', ['put', 'a', '99999999999999999999999'], 'more than 64 bits'],
  ['a value that is nested too deep', ['put', 'a', '['.repeat(40) + ']'.repeat(40)], 'nested'],
  ['a key that cannot be stored', ['put', 'a', '{"__proto__":1}'], '__proto__'],
  ['bytes that are none', ['put', 'a', '{"/":{"bytes":3}}'], 'base64'],
  ['a file that is not there', ['put', 'a', '--file', '/nonexistent'], 'cannot be read'],
  ['a folder for a file', ['put', 'a', '--file', '/'], 'cannot be read'],
  ['an unknown type', ['get', 'a', '--type', 'thing'], '--type must be one of register, map, edge, log'],
  ['an unknown type to delete', ['delete', 'a', '--type', 'maps'], '--type must be one of register, map'],
  ['an unknown type to list', ['list', '--type', ''], '--type must be one of register, map'],
  ['a label with a slash', ['link', 'a', 'b/c', 'd'], 'the label of an edge is one path segment'],
  ['an empty label', ['link', 'a', '', 'd'], 'the label of an edge is one path segment'],
  ['an edge to the root', ['link', 'a', 'b', ''], 'the target of an edge is the path of an item'],
  ['an edge that is none', ['unlink', 'a', 'b', '/d'], 'the target of an edge is the path of an item'],
  ['an empty tag', ['tag', 'a', 'b', ''], 'the tag "" has 0 bytes'],
  ['an empty tag to remove', ['untag', 'a', ''], 'the tag "" has 0 bytes'],
  ['a tag that is too long', ['tag', 'a', 'x'.repeat(257)], 'has 257 bytes'],
  ['a tag that cannot be stored', ['tag', 'a', '__proto__'], 'cannot be stored'],
  ['no tag at all', ['tag', 'a'], "missing required argument 'tags'"],
  ['half a count', ['count', 'a', '0.5'], 'a counter takes whole numbers'],
  ['a count that is none', ['count', 'a', 'many'], 'a counter takes whole numbers'],
  ['a negative count that is none', ['count', 'a', '-x'], "unknown option '-x'"],
  ['no point to go back to', ['revert', 'a'], 'see "hanse revert --help"'],
  ['nothing to declare', ['kind', 'add'], 'see "hanse kind add --help"'],
  ['a count beyond all bounds', ['count', 'a', '9007199254740992'], 'a counter takes whole numbers'],
  [
    'an entry that is none',
    ['get', 'j', '--type', 'log', '--after', 'xyz'],
    '--after takes the id of an entry',
  ],
  ['two places in a log', ['get', 'j', '--last', '1', '--after', 'xyz'], 'give one of --last and --after'],
  ['the last entries of no log', ['get', 'r', '--last', '1'], 'are for logs, and this is a register'],
  ['no last entries', ['get', 'j', '--last', '0'], '--last must be a whole number from 1'],
  ['a file of edits that is not there', ['write', '/nonexistent'], 'cannot be read'],
  ['a limit of nothing', ['log', '--limit', '0'], '--limit must be a whole number from 1'],
  ['a limit beyond the bound', ['log', '--limit', '100001'], '--limit must be at most 100000'],
  ['a link of another kind', ['join', 'https://example.org'], 'begins with hanse://join/'],
  ['a damaged link', ['join', 'hanse://join/hgFYIC!'], 'the link is damaged'],
  ['an empty link', ['join', 'hanse://join/'], 'the link'],
  ['a link that is too long', ['join', `hanse://join/${'A'.repeat(40_000)}`], 'too long'],
  ['a did that is none', ['grant', 'did:web:example.org', '--role', 'reader'], 'did:key'],
  [
    'a grant without a role',
    ['grant', 'did:key:z6MkuTbSoDxw5CmCpB9Wc4viqd2nUDF3XCakBmmBvBE9oBmG'],
    "required option '--role <role>'",
  ],
  ['an unknown role', ['invite', '--role', 'king'], 'use one of reader, writer, admin'],
  ['a path for a role that takes none', ['invite', '--role', 'admin', '--path', 'x'], 'for the whole space'],
  ['a duration that is none', ['invite', '--expires', 'soon'], '--expires must be a duration'],
  ['a timeout that is none', ['sync', '--timeout', '0s'], '--timeout must be a duration'],
  ['an id that is none', ['explain', 'xyz'], 'is not an operation'],
]

describe('bad input', () => {
  it.each(TABLE)('is refused in one line with exit code 2: %s', async (_what, args, part) => {
    const { code, stdout, stderr } = await run(args)
    expect(stderr).toMatch(/^hanse: [^\n]+\n$/)
    expect(stderr.toLowerCase()).toContain(part.toLowerCase())
    expect(stderr).not.toMatch(/\bat .*:\d+:\d+|internal error/)
    expect([code, stdout]).toEqual([2, ''])
  })

  it.each(TABLE)('is refused as JSON where that is asked for: %s', async (_what, args) => {
    const { code, stdout, stderr } = await run([...args, '--json'])
    expect(JSON.parse(stderr)).toEqual({ error: { code: matching(/^[A-Z_]+$/), message: matching(/./) } })
    expect(JSON.parse(stderr)).not.toMatchObject({ error: { code: 'BUG' } })
    expect([code, stdout]).toEqual([2, ''])
  })

  it('is refused by the program as by this process, also under a debugger’s eye', async () => {
    const { code, stdout, stderr } = await machine.hanse(data, ['put', '/notes', '1'], {
      env: { HANSE_DEBUG: '1' },
    })
    expect([code, stdout, stderr]).toEqual([
      2,
      '',
      'hanse: path "/notes" has an empty segment (a slash too many)\n',
    ])
  })

  it('is more than one operation can hold', async () => {
    const { code, stderr } = await machine.hanse(data, ['put', 'a', '-'], {
      input: 'x'.repeat(256 * 1024 + 1),
    })
    expect([code, stderr]).toEqual([
      2,
      'hanse: standard input has more than 262144 bytes, which is the most one operation holds: split it\n',
    ])
    expect((await machine.hanse(data, ['put', 'a', '-'], { input: 'x'.repeat(256 * 1024) })).stderr).toMatch(
      /^hanse: the write has \d+ bytes in 1 changes, at most 262144/,
    )
  })

  it('is a mistyped variable or key of the configuration', async () => {
    expect(await run(['whoami'], { HANSE_MDSN: 'true' })).toMatchObject({
      code: 2,
      stderr: 'hanse: unknown environment variable HANSE_MDSN; did you mean HANSE_MDNS?\n',
    })
    const broken = join(machine.folder, 'misconfigured')
    cpSync(data, broken, { recursive: true })
    writeFileSync(join(broken, 'config.toml'), 'boostrap = []\n')
    for (const command of ['whoami', 'up', 'sync', 'init']) {
      const { code, stderr } = await run([command, '--data', broken])
      expect([code, stderr]).toEqual([
        2,
        `hanse: unknown key "boostrap" in ${join(broken, 'config.toml')}; did you mean bootstrap?\n`,
      ])
    }
  })
})

describe('a file that is not what it should be', () => {
  let space: string
  let copies = 0

  beforeAll(() => {
    const [file] = readdirSync(join(data, 'spaces')).filter((name) => name.endsWith('.sqlite'))
    space = file ?? ''
  })

  function copyOfData(): string {
    const copy = join(machine.folder, `copy-${copies++}`)
    cpSync(data, copy, { recursive: true })
    rmSync(join(copy, 'hanse.sock'), { force: true })
    return copy
  }

  const DAMAGES: readonly (readonly [string, (bytes: Buffer) => Uint8Array])[] = [
    ['text', () => Buffer.from('not a database, but a letter to grandmother\n'.repeat(100))],
    ['empty', () => new Uint8Array()],
    ['damaged inside', (bytes) => bytes.fill(0xa5, 4096, 12_288)],
    ['cut off', (bytes) => bytes.subarray(0, bytes.length / 2)],
  ]

  it.each(DAMAGES)('is refused as a space and left untouched: %s', async (_what, damage) => {
    const copy = copyOfData()
    const file = join(copy, 'spaces', space)
    const bad = damage(readFileSync(file))
    writeFileSync(file, bad)
    for (const command of [
      ['list'],
      ['put', 'a', '1'],
      ['status'],
      ['space', 'list'],
      ['up', '--no-mdns', '--listen', 'none'],
    ]) {
      const { code, stderr } = await run([...command, '--data', copy])
      expect([command, code]).toEqual([command, 2])
      expect(stderr).toMatch(/^hanse: [^\n]*\n$/)
      expect(stderr).toContain(file)
      expect(readFileSync(file).equals(bad)).toBe(true)
    }
    expect(readdirSync(join(copy, 'spaces'))).toEqual([space])
  })

  it('does not keep a running node from serving the spaces that are whole', async () => {
    const copy = copyOfData()
    await machine.json(copy, 'space', 'create', 'Whole')
    writeFileSync(join(copy, 'spaces', space), 'garbage')
    const node = await machine.up(copy)
    expect(await node.event(({ event }) => event === 'unreadable')).toMatchObject({ code: 'STORE_FOREIGN' })
    await machine.json(copy, 'put', 'a', '1', '--space', 'Whole')
    const { code, stdout, stderr } = await machine.hanse(copy, ['status'])
    expect([code, stdout.includes('Whole'), stderr.includes(space)]).toEqual([2, true, true])
    await node.stop()
    expect(readFileSync(join(copy, 'spaces', space), 'utf8')).toBe('garbage')
  })

  it.each(['node.sqlite', 'lock.sqlite', 'keys/author.key', 'keys/peer.key', 'config.toml'])(
    'is refused: %s',
    async (name) => {
      const copy = copyOfData()
      writeFileSync(join(copy, name), '{ garbage '.repeat(200))
      const { code, stdout, stderr } = await run(['whoami', '--data', copy])
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toMatch(/^hanse: [^\n]*\n$/)
      expect(stderr).toContain(join(copy, name))
      expect(readFileSync(join(copy, name), 'utf8')).toBe('{ garbage '.repeat(200))
    },
  )

  it('is refused: the file of another space under this name', async () => {
    const copy = copyOfData()
    const other = '0'.repeat(64)
    copyFileSync(join(copy, 'spaces', space), join(copy, 'spaces', `${other}.sqlite`))
    const { code, stderr } = await run(['space', 'list', '--data', copy])
    // Two files that say they are the same space: whichever is wrong, it is not used.
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: containing(other) })
  })

  it('is refused: a folder where configuration or a data directory should be', async () => {
    const copy = copyOfData()
    rmSync(join(copy, 'config.toml'))
    mkdirSync(join(copy, 'config.toml'))
    expect(await run(['whoami', '--data', copy])).toMatchObject({
      code: 2,
      stderr: matching(/^hanse: .*config\.toml cannot be read: .*\n$/),
    })
    for (const command of ['whoami', 'init', 'up']) {
      const { code, stderr } = await run([command, '--data', join(data, 'keys', 'author.key')])
      expect([command, code, stderr.split('\n').length]).toEqual([command, 2, 2])
    }
  })
})
