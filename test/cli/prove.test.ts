import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Machine, type RunningNode } from './hanse.ts'
import { containing, matching } from './matchers.ts'

const machine = new Machine()
afterAll(async () => machine.remove())

interface Proved {
  readonly stateRoot: string
  readonly proof: string
  readonly shows: Readonly<Record<string, unknown>>
}

describe('a proof made on one node and checked by somebody who has neither node nor space', () => {
  let alice: RunningNode
  /** From bob's `status`, after both were in sync. */
  let root: string
  const nowhere = join(machine.folder, 'nowhere')

  beforeAll(async () => {
    const [atAlice, atBob] = await Promise.all([machine.init('alice'), machine.init('bob')])
    await machine.json(atAlice, 'space', 'create', 'Fleet')
    await machine.json(atAlice, 'put', 'notes/today', 'buy milk')
    await machine.json(atAlice, 'put', 'people/ada', '--field', 'name=Ada', '--field', 'born=1815')
    await machine.json(atAlice, 'put', 'people/ada', 'a person')
    alice = await machine.up(atAlice)
    const { link } = await machine.json<{ link: string }>(alice.data, 'invite', '--role', 'reader')
    expect(await machine.json(atBob, 'join', link)).toMatchObject({ inSync: true })
    // What bob has published by joining reaches alice too before the root is taken.
    expect(await machine.json(atBob, 'sync', alice.listening.addresses[0] as string)).toMatchObject({
      inSync: true,
    })
    const status = await machine.json<{ spaces: readonly { stateRoot: string }[] }>(atBob, 'status')
    root = status.spaces[0]?.stateRoot as string
    mkdirSync(nowhere)
  })

  const check = async (proof: string | Uint8Array, ...flags: readonly string[]) =>
    machine.hanse(nowhere, ['check', '-', '--root', root, ...flags], { input: proof })

  it('shows a whole item from a file, to people and programs, and leaves no trace', async () => {
    const file = join(machine.folder, 'today.proof')
    const made = await machine.hanse(alice.data, ['prove', 'notes/today', '--output', file])
    expect(made).toMatchObject({ code: 0, stdout: matching(/path +notes\/today\n.*value +"buy milk"/s) })
    expect(statSync(file).size).toBeLessThan(500)
    const told = await machine.hanse(nowhere, ['check', file, '--root', root])
    expect(told).toMatchObject({ code: 0, stdout: matching(/^The proof holds.*value +"buy milk"\n/s) })
    expect(told.stdout).toContain('does not show whose state that is')
    expect(await machine.json(nowhere, 'check', file, '--root', root)).toEqual({
      proven: true,
      stateRoot: root,
      shows: {
        kind: 'item',
        path: 'notes/today',
        type: 'register',
        fields: [{ field: '', value: 'buy milk' }],
      },
    })
    expect(readdirSync(nowhere)).toEqual([])
  })

  it('shows one field, all fields, a subtree, and the absence of each', async () => {
    const shown = async (...args: readonly string[]) => {
      const { proof, stateRoot, shows } = await machine.json<Proved>(alice.data, 'prove', ...args)
      expect(stateRoot).toBe(root)
      const { code, stdout } = await check(proof, '--json')
      expect(code).toBe(0)
      expect(JSON.parse(stdout)).toEqual({ proven: true, stateRoot: root, shows })
      return shows
    }
    const ada = { path: 'people/ada', type: 'map' }
    expect(await shown('people/ada', '--type', 'map', '--field', 'name')).toEqual({
      ...ada,
      kind: 'field',
      field: 'name',
      value: 'Ada',
    })
    expect(await shown('people/ada', '--type', 'map')).toEqual({
      ...ada,
      kind: 'item',
      fields: [
        { field: 'born', value: 1815 },
        { field: 'name', value: 'Ada' },
      ],
    })
    expect(await shown('people/ada', '--type', 'map', '--field', 'died')).toEqual({
      ...ada,
      kind: 'no-field',
      field: 'died',
    })
    expect(await shown('people/ada', '--type', 'counter')).toEqual({
      ...ada,
      kind: 'no-item',
      type: 'counter',
    })
    expect(await shown('people')).toEqual({ kind: 'no-item', path: 'people', type: null })
    expect(await shown('people/bob/x')).toEqual({
      kind: 'nothing',
      path: 'people/bob/x',
      missing: 'people/bob',
    })
    expect(await shown('people', '--subtree')).toEqual({
      kind: 'subtree',
      path: 'people',
      subtreeRoot: matching(/^[0-9a-f]{64}$/),
    })
  })

  it('is printed as one line of base64url where no file is named, and told in words', async () => {
    const { stdout, stderr, code } = await machine.hanse(alice.data, ['prove', 'people/nobody'])
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: matching(/^[\w-]+\n$/),
      stderr: containing(root),
    })
    expect(await check(stdout)).toMatchObject({
      code: 0,
      stdout: matching(/shows +nothing at or below people\/nobody/),
    })
  })

  it('is not proved, with exit code 1, by another root, a changed byte, or another file', async () => {
    const { proof } = await machine.json<Proved>(alice.data, 'prove', 'notes/today')
    const bytes = Buffer.from(proof, 'base64url')
    const other = `${root.startsWith('0') ? '1' : '0'}${root.slice(1)}`
    const wrongRoot = await machine.hanse(nowhere, ['check', '-', '--root', other], { input: proof })
    expect(wrongRoot).toMatchObject({
      code: 1,
      stdout: '',
      stderr: containing('does not lead to this state root'),
    })
    const at = bytes.indexOf('milk')
    expect(at).toBeGreaterThan(0)
    const changed = Buffer.concat([bytes.subarray(0, at), Buffer.from('silk'), bytes.subarray(at + 4)])
    const file = join(machine.folder, 'changed.proof')
    writeFileSync(file, changed)
    const { code, stderr } = await machine.hanse(nowhere, ['check', file, '--root', root, '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'NOT_PROVEN' } })
    expect((await check(bytes.subarray(0, -1))).code).toBe(1)
    expect(readFileSync(file)).toEqual(changed)
  })

  it('says what cannot be used, with exit code 2', async () => {
    expect(await check('not base64url!')).toMatchObject({ code: 2, stderr: containing('not a proof') })
    expect(await check('')).toMatchObject({ code: 2 })
    expect(await check('A'.repeat(1_500_000))).toMatchObject({
      code: 2,
      stderr: containing('more than any proof'),
    })
    const short = await machine.hanse(nowhere, ['check', '-', '--root', 'abc'], { input: 'AA' })
    expect(short).toMatchObject({ code: 2, stderr: containing('not a state root') })
    expect(await machine.hanse(nowhere, ['check', '-'], { input: 'AA' })).toMatchObject({ code: 2 })
    const prove = async (...args: readonly string[]) => machine.hanse(alice.data, ['prove', ...args])
    expect(await prove('people/ada')).toMatchObject({
      code: 2,
      stderr: containing('map, register with --type'),
    })
    expect(await prove('people/ada', '--type', 'mop')).toMatchObject({
      code: 2,
      stderr: containing('no type'),
    })
    expect(await prove('people//ada')).toMatchObject({ code: 2 })
    expect(await prove('people', '--subtree', '--field', 'x')).toMatchObject({ code: 2 })
  })
})
