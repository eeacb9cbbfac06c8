import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSigner } from '../../src/core/native-signature.ts'
import { formatOperationLine, parseOperationLine } from '../../src/core/operation/operation-line.ts'
import { signOperation } from '../../src/core/operation/operation.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { readKey } from '../../src/node/key-files.ts'
import { writeSmallHistory } from '../e2e/small-history.ts'
import { Machine } from './hanse.ts'
import { containing, matching } from './matchers.ts'

const machine = new Machine()
afterAll(async () => machine.remove())

const file = (name: string) => join(machine.folder, name)

interface Imported {
  readonly created: boolean
  readonly admitted: number
  readonly completed: number
  readonly duplicate: number
  readonly waiting: number
  readonly refused: number
  readonly lines: readonly { readonly line: number; readonly outcome: string; readonly code?: string }[]
}

/** The roots of the only space. */
async function rootsOf(data: string): Promise<unknown> {
  const { clockRoot, stateRoot, sound } = await machine.json<Record<string, unknown>>(data, 'verify')
  return { clockRoot, stateRoot, sound }
}

describe('two machines without a network', () => {
  let alice: string
  let bob: string
  let space: string

  beforeAll(async () => {
    alice = await machine.init('alice')
    bob = await machine.init('bob')
    space = (await machine.json<{ id: string }>(alice, 'space', 'create', 'Fleet')).id
    await machine.json(alice, 'put', 'docs/a', 'from alice')
    await machine.json(alice, 'put', 'notes/a', 'a note')
  })

  it('carry a space on a stick, both ways, until both are equal', async () => {
    const stick = file('fleet.jsonl.zst')
    expect(await machine.json(alice, 'ops', 'export', '--output', stick)).toMatchObject({
      operations: 3,
      bodies: 3,
      file: stick,
    })
    expect(await machine.hanse(bob, ['ops', 'import', stick])).toMatchObject({
      code: 2,
      stderr: containing('--new takes it up'),
    })
    expect(await machine.json<Imported>(bob, 'ops', 'import', stick, '--new')).toMatchObject({
      created: true,
      admitted: 3,
      refused: 0,
    })
    expect(await machine.json(bob, 'get', 'docs/a')).toMatchObject({ value: 'from alice' })

    const { did } = await machine.json<{ did: string }>(bob, 'whoami')
    await machine.json(alice, 'grant', did, '--role', 'writer')
    const clock = JSON.stringify(await machine.json(bob, 'ops', 'clock'))
    const { code, stdout } = await machine.hanse(alice, ['ops', 'export', '--since', clock])
    expect([code, stdout.trim().split('\n')]).toEqual([0, [matching(/^\{"id":"[0-9a-f]{64}".*"cap\.put"/)]])
    expect((await machine.hanse(bob, ['ops', 'import', '-'], { input: stdout })).stdout).toMatch(
      /^Fleet: 1 operation admitted, 0 here already\n$/,
    )

    await machine.json(bob, 'put', 'docs/b', 'from bob')
    await machine.json(alice, 'put', 'docs/a', 'again')
    const back = file('back.jsonl')
    const seq = JSON.stringify(await machine.json(alice, 'ops', 'clock'))
    writeFileSync(file('clock.json'), seq)
    await machine.json(bob, 'ops', 'export', '--since', file('clock.json'), '--output', back)
    expect(readFileSync(back, 'utf8').trim().split('\n')).toHaveLength(1)
    expect(await machine.json<Imported>(alice, 'ops', 'import', back)).toMatchObject({ admitted: 1 })
    await machine.json(alice, 'ops', 'export', '--output', stick)
    expect(await machine.json<Imported>(bob, 'ops', 'import', stick)).toMatchObject({
      admitted: 1,
      duplicate: 5,
    })
    expect(await rootsOf(bob)).toEqual(await rootsOf(alice))
    expect(await machine.json(bob, 'get', 'docs/a')).toMatchObject({ value: 'again' })
  })

  it('report every line, and one bad line stops no other', async () => {
    const lines = (await machine.hanse(alice, ['ops', 'export'])).stdout.trim().split('\n')
    const doctored = file('doctored.jsonl')
    const changed = (lines.at(-1) as string).replace('"path":"docs/b"', '"path":"docs"')
    writeFileSync(doctored, ['nonsense', ...lines, changed, ''].join('\n'))
    const { code, stdout } = await machine.hanse(bob, ['ops', 'import', doctored, '--json'])
    const imported = JSON.parse(stdout) as Imported
    expect([code, imported]).toMatchObject([1, { admitted: 0, duplicate: lines.length, refused: 2 }])
    expect(imported.lines).toHaveLength(lines.length + 2)
    expect(
      imported.lines.filter(({ outcome }) => outcome === 'refused').map(({ line, code: why }) => [line, why]),
    ).toEqual([
      [1, 'BAD_JSON'],
      [lines.length + 2, 'BAD_ID'],
    ])
    const text = await machine.hanse(bob, ['ops', 'import', doctored])
    expect(text).toMatchObject({
      code: 1,
      stdout: matching(/^line 1 {2}refused {2}BAD_JSON: [^]*2 refused\n$/),
    })
  })

  it('refuse what its author had no right to, with the code', async () => {
    const mallory = await machine.init('mallory')
    const stick = file('mallory.jsonl')
    await machine.json(alice, 'ops', 'export', '--output', stick)
    await machine.json(mallory, 'ops', 'import', stick, '--space', space)
    expect(await machine.hanse(mallory, ['put', 'docs/a', 'mine'])).toMatchObject({ code: 1 })
    const last = parseOperationLine(readFileSync(stick, 'utf8').trim().split('\n').at(-1) as string)
    const seed = readKey(join(mallory, 'keys', 'author.key'))
    if (!last.ok || !seed.ok) throw new Error('no operation, or no key')
    const signer = createSigner(seed.value)
    const { header, id } = last.value
    const forged = signOperation(
      { ...header, author: signer.publicKey, seq: 0, prev: null, deps: [id], lamport: header.lamport + 1 },
      [setRegister('docs/a', 'mine')],
      signer.sign,
    )
    writeFileSync(stick, formatOperationLine(forged))
    const { code, stdout } = await machine.hanse(alice, ['ops', 'import', stick, '--json'])
    expect([code, JSON.parse(stdout)]).toMatchObject([1, { refused: 1, lines: [{ code: 'CAP_CHAIN' }] }])
  })

  it('take a whole space from a snapshot, also into a running node, and again', async () => {
    const snapshot = file('fleet.snapshot')
    expect(await machine.json(alice, 'snapshot', 'export', snapshot)).toMatchObject({
      operations: 6,
      bodies: 6,
    })
    const carol = await machine.init('carol')
    const running = await machine.up(carol)
    const taken = await machine.json(carol, 'snapshot', 'import', snapshot)
    expect(taken).toMatchObject({ space, created: true, operations: 6, admitted: 6 })
    expect(await machine.json(carol, 'snapshot', 'import', snapshot)).toMatchObject({
      created: false,
      admitted: 0,
    })
    expect(await machine.json(carol, 'ops', 'export', '--output', file('from-running.jsonl'))).toMatchObject({
      operations: 6,
    })
    const { stdout } = await machine.hanse(carol, ['ops', 'export'])
    expect(stdout).toBe(readFileSync(file('from-running.jsonl'), 'utf8'))
    await running.stop()
    expect(await rootsOf(carol)).toEqual(await rootsOf(alice))
  })

  it('take a subtree, and complete it later', async () => {
    const part = file('docs.snapshot')
    const dave = await machine.init('dave')
    await machine.json(alice, 'snapshot', 'export', part, '--path', 'docs')
    expect(await machine.json(dave, 'snapshot', 'import', part)).toMatchObject({
      path: 'docs',
      operations: 6,
    })
    const list = await machine.json<readonly { path: string }[]>(dave, 'list')
    expect(list.map(({ path }) => path)).toEqual(['docs/a', 'docs/b'])
    const rest = file('rest.jsonl')
    await machine.json(alice, 'ops', 'export', '--output', rest)
    expect(await machine.json<Imported>(dave, 'ops', 'import', rest)).toMatchObject({
      completed: 1,
      duplicate: 5,
    })
    expect(await rootsOf(dave)).toEqual(await rootsOf(alice))
  })

  it('take nothing from a damaged snapshot, and say where the damage is', async () => {
    const snapshot = file('fleet.snapshot')
    const damaged = file('damaged.snapshot')
    copyFileSync(snapshot, damaged)
    const bytes = readFileSync(damaged)
    bytes[bytes.length - 200] = (bytes[bytes.length - 200] as number) ^ 1
    writeFileSync(damaged, bytes)
    const erin = await machine.init('erin')
    expect(await machine.hanse(erin, ['snapshot', 'import', damaged])).toMatchObject({
      code: 2,
      stderr: matching(/^hanse: the file is damaged at byte \d+: .*\n$/),
    })
    writeFileSync(damaged, bytes.subarray(0, 100))
    expect(await machine.hanse(erin, ['snapshot', 'import', damaged])).toMatchObject({ code: 2 })
    expect(await machine.hanse(erin, ['snapshot', 'import', file('missing')])).toMatchObject({
      code: 2,
      stderr: containing('cannot be read'),
    })
    expect(await machine.hanse(erin, ['snapshot', 'export', file('no/where')])).toMatchObject({ code: 2 })
    expect(existsSync(file('no'))).toBe(false)
  })

  it('say what is wrong with what was given', async () => {
    expect(await machine.hanse(alice, ['ops', 'export', '--since', '{"billy":100}'])).toMatchObject({
      code: 2,
      stderr: containing('"billy" is not a did:key'),
    })
    expect(await machine.hanse(alice, ['ops', 'export', '--path', '/docs'])).toMatchObject({ code: 2 })
    const frank = await machine.init('frank')
    const since = file('since.jsonl')
    await machine.json(alice, 'ops', 'export', '--since', `{"${await didOf(alice)}":0}`, '--output', since)
    expect(await machine.hanse(frank, ['ops', 'import', since, '--new'])).toMatchObject({
      code: 2,
      stderr: containing('does not begin with the genesis'),
    })
    await machine.json(frank, 'space', 'create', 'Other')
    expect(await machine.hanse(frank, ['ops', 'import', since, '--space', 'Other'])).toMatchObject({
      code: 2,
      stderr: containing('the file is of space'),
    })
  })
})

const didOf = async (data: string) => (await machine.json<{ did: string }>(data, 'whoami')).did

describe('hanse import', () => {
  it('writes a recorded history, and goes on where it was', async () => {
    const data = await machine.init('historian')
    const { history, expected, commits, people } = writeSmallHistory(machine.folder)
    expect(await machine.json(data, 'import', 'history', history, '--create', 'Commits')).toMatchObject({
      name: 'Commits',
      commits,
      people,
      written: commits,
    })
    expect(await machine.json(data, 'import', 'history', history)).toMatchObject({ written: 0 })
    const items = await machine.json<readonly { path: string; value: string }[]>(data, 'list')
    const bytes = readFileSync(expected)
    const end = JSON.parse((expected.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()) as object
    expect(Object.fromEntries(items.map(({ path, value }) => [path, value]))).toEqual(end)
    expect(await rootsOf(data)).toMatchObject({ sound: true })
  })

  it('writes rows of CSV and objects of JSON, says what it would, and refuses only bad ones', async () => {
    const data = await machine.init('clerk')
    await machine.json(data, 'space', 'create', 'People')
    const csv = file('people.csv')
    writeFileSync(csv, 'id,name,born\nada,"Ada, Countess",1815\na/b,x,1\ngrace,Grace,1906\n')
    const take = ['import', 'csv', csv, '--path', 'people', '--key', 'id', '--json-cells']
    expect(await machine.hanse(data, [...take, '--dry-run'])).toMatchObject({
      code: 1,
      stdout: matching(
        /^line 3 {2}refused {2}BAD_KEY_VALUE: .*\nPeople: 2 items would be written in 1 operation/,
      ),
    })
    expect(await machine.json(data, 'list')).toEqual([])
    const { code, stdout } = await machine.hanse(data, [...take, '--json'])
    expect([code, JSON.parse(stdout)]).toMatchObject([1, { written: 2, refused: 1, operations: 1 }])
    expect(await machine.json(data, 'get', 'people/ada')).toMatchObject({
      value: { id: 'ada', name: 'Ada, Countess', born: 1815 },
    })
    const json = '[{"id":"ada","born":1815},{"id":"alan","born":1912}]'
    const more = ['import', 'json', '-', '--path', 'people', '--key', 'id']
    expect((await machine.hanse(data, more, { input: json })).stdout).toBe(
      'People: 1 item written in 1 operation, 1 there already\n',
    )
    const bad = '[{"id":"alan","born":1912},{"id":"a/b"}]'
    expect((await machine.hanse(data, more, { input: bad })).stdout).toMatch(
      /^object 2, line 1 {2}refused {2}BAD_KEY_VALUE: /,
    )
    expect(JSON.parse((await machine.hanse(data, [...more, '--json'], { input: bad })).stdout)).toMatchObject(
      {
        lines: [
          { line: 1, index: 1, outcome: 'unchanged' },
          { line: 1, index: 2, outcome: 'refused' },
        ],
      },
    )
    const noKey = ['import', 'csv', csv, '--path', 'people', '--key', 'nokey']
    expect(await machine.hanse(data, noKey)).toMatchObject({
      code: 2,
      stderr: containing('no column "nokey" to name the items by: the columns are "id", "name", "born"'),
    })
    expect(await machine.hanse(data, ['import', 'json', csv, '--path', 'x', '--type', 'set'])).toMatchObject({
      code: 2,
      stderr: containing('--type must be map or register'),
    })
  })
})
