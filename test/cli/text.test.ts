import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Machine } from './hanse.ts'
import { containing, matching } from './matchers.ts'

const machine = new Machine()
afterAll(async () => machine.remove())

describe('hanse text', () => {
  let data: string
  beforeAll(async () => {
    data = await machine.init('alice')
    await machine.json(data, 'space', 'create', 'Texts')
  })
  const run = async (...args: readonly string[]) => await machine.hanse(data, ['text', ...args])

  it('sets a text from a file or standard input, edits and shows it to the last byte', async () => {
    const file = join(machine.folder, 'plan.md')
    writeFileSync(file, '# Plan\nzwei 😀')
    expect(await machine.json(data, 'text', 'set', 'notes/plan', file)).toEqual({
      path: 'notes/plan',
      id: matching(/^[0-9a-f]{64}$/),
      length: 13,
    })
    expect(await run('set', 'notes/plan', file)).toMatchObject({
      code: 0,
      stdout: 'notes/plan says that already\n',
    })
    expect((await run('insert', 'notes/plan', '13', '!')).stdout).toMatch(
      /^notes\/plan has 14 characters now, by operation [0-9a-f]{12}\n$/,
    )
    await run('delete', 'notes/plan', '0', '2')
    expect((await run('show', 'notes/plan')).stdout).toBe('Plan\nzwei 😀!')
    await machine.hanse(data, ['text', 'set', 'notes/plan', '-'], { input: 'Plan\ndrei 😀!\n' })
    expect(await machine.json(data, 'text', 'show', 'notes/plan')).toEqual({
      path: 'notes/plan',
      text: 'Plan\ndrei 😀!\n',
      length: 13,
      incomplete: false,
    })
    expect(await machine.json(data, 'get', 'notes/plan')).toMatchObject({ type: 'text' })
  })

  it('shows who wrote what', async () => {
    const { ranges } = await machine.json<{ ranges: readonly unknown[] }>(data, 'text', 'blame', 'notes/plan')
    expect(ranges[0]).toMatchObject({ from: 0, text: 'Plan\n', author: matching(/^did:key:/) })
    expect((await run('blame', 'notes/plan')).stdout).toContain('0–5  "Plan\\n"')
  })

  it('sets a text that is larger than one operation', async () => {
    const input = 'one line of many\n'.repeat(40_000)
    const set = await machine.hanse(data, ['text', 'set', 'notes/long', '-', '--json'], { input })
    expect(JSON.parse(set.stdout)).toMatchObject({ id: matching(/^[0-9a-f]{64}$/), length: input.length })
    expect((await run('show', 'notes/long')).stdout === input).toBe(true)
  })

  it('is edited by "hanse write" beside other items, in one operation', async () => {
    const edits = [
      { text: 'notes/list', splices: [[0, 0, 'two']] },
      { put: 'notes/other', value: 1 },
      {
        text: 'notes/list',
        splices: [
          [0, 0, 'one '],
          [7, 0, '!'],
        ],
      },
    ]
    await machine.hanse(data, ['write', '-'], { input: JSON.stringify(edits) })
    expect((await run('show', 'notes/list')).stdout).toBe('one two!')
    const bad = JSON.stringify([{ text: 'notes/list', splices: [[0, 'x']] }])
    expect(await machine.hanse(data, ['write', '-'], { input: bad })).toMatchObject({
      code: 2,
      stderr: containing('"splices" is a list of'),
    })
  })

  it('says what is wrong, and what to do', async () => {
    expect(await run('show', 'notes/none')).toMatchObject({
      code: 1,
      stderr: containing('there is no text at "notes/none"'),
    })
    expect(await run('insert', 'notes/plan', '99', 'x')).toMatchObject({
      code: 2,
      stderr: containing('has 13 characters'),
    })
    expect(await run('insert', 'notes/plan', 'x', 'x')).toMatchObject({
      code: 2,
      stderr: containing('must be a whole number from 0'),
    })
    const file = join(machine.folder, 'binary')
    writeFileSync(file, Uint8Array.of(0xff, 0xfe))
    expect(await run('set', 'notes/plan', file)).toMatchObject({
      code: 2,
      stderr: containing('no UTF-8 text'),
    })
  })
})
