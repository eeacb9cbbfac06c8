import { readdirSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Machine } from './hanse.ts'
import { containing, matching } from './matchers.ts'

const machine = new Machine()
afterAll(async () => machine.remove())

interface Outcome {
  readonly sound: boolean
  readonly operations: number
  readonly clockRoot: string
  readonly findings: readonly { readonly what: string; readonly ordinal: number | null }[]
}

describe('hanse verify', () => {
  let alice: string
  beforeAll(async () => {
    alice = await machine.init('alice')
    await machine.json(alice, 'space', 'create', 'Fleet')
    for (const name of ['one', 'two']) await machine.json(alice, 'put', `notes/${name}`, name)
  })

  const fileOf = (data: string) =>
    join(data, 'spaces', readdirSync(join(data, 'spaces')).find((name) => name.endsWith('.sqlite')) ?? '')
  const damage = (data: string, sql: string, ...parameters: readonly SQLInputValue[]) => {
    const database = new DatabaseSync(fileOf(data))
    database.prepare(sql).run(...parameters)
    database.close()
  }

  it('says the same of a sound space with a running node and without', async () => {
    const alone = await machine.json<Outcome>(alice, 'verify', 'Fleet')
    expect(alone).toMatchObject({ sound: true, operations: 3, findings: [], name: 'Fleet', unjudged: 0 })
    const node = await machine.up(alice)
    const beside = await machine.json<Outcome>(alice, 'verify')
    expect(beside).toEqual({ ...alone, seconds: expect.any(Number) as number })
    const { code, stdout } = await machine.hanse(alice, ['verify'])
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: matching(/Fleet[^]*3 by 2 authors[^]*nothing is wrong/),
    })
    await node.stop()
  })

  it('names what is wrong, for people and programs, with exit code 1', async () => {
    const bob = await machine.init('bob')
    await machine.json(bob, 'space', 'create', 'Damaged')
    await machine.json(bob, 'put', 'notes/a', 'text')
    damage(bob, "UPDATE cells SET value = x'02' WHERE path = 'notes/a'")
    damage(bob, 'UPDATE operation_log SET signature = zeroblob(64) WHERE ordinal = 1')
    const { code, stdout } = await machine.hanse(bob, ['verify', '--json'])
    expect(code).toBe(1)
    const outcome = JSON.parse(stdout) as Outcome
    expect(outcome.sound).toBe(false)
    expect(outcome.findings.map(({ what, ordinal }) => [what, ordinal])).toEqual([
      ['signature', 1],
      ['cell register "notes/a"', null],
    ])
    const forPeople = await machine.hanse(bob, ['verify'])
    expect(forPeople).toMatchObject({
      code: 1,
      stdout: matching(/signature of operation 1[^]*2 things wrong/),
    })
  })

  it('opens what a node could not work with, and gives the fault where a file does not open', async () => {
    const carol = await machine.init('carol')
    const { id } = await machine.json<{ id: string }>(carol, 'space', 'create', 'Worse')
    damage(carol, 'UPDATE tokens SET bytes = zeroblob(100)')
    expect(await machine.hanse(carol, ['list'])).toMatchObject({
      code: 2,
      stderr: matching(/^hanse: the database holds a damaged row: .*"hanse verify" says what is wrong\n$/),
    })
    const { code, stdout } = await machine.hanse(carol, ['verify', '--json'])
    expect(code).toBe(1)
    expect((JSON.parse(stdout) as Outcome).findings[0]?.what).toMatch(/^delegation /)
    // Nor does it keep the node from another space.
    await machine.json(carol, 'space', 'create', 'Whole')
    await machine.json(carol, '--space', 'Whole', 'put', 'notes/a', '1')
    expect(await machine.json(carol, 'verify', 'Whole')).toMatchObject({ sound: true })
    expect((await machine.hanse(carol, ['verify'])).stderr).toContain('name one by its id')
    truncateSync(join(carol, 'spaces', `${id}.sqlite`), 3_000)
    expect(await machine.hanse(carol, ['verify', id])).toMatchObject({
      code: 2,
      stderr: containing('damaged'),
    })
    expect(await machine.hanse(carol, ['verify', 'nothing'])).toMatchObject({ code: 2 })
  })
})
