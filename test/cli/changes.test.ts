import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, describe, expect, it } from 'vitest'
import { endOf, Machine } from './hanse.ts'

const machine = new Machine()
afterAll(async () => machine.remove())

interface Told {
  readonly path: string
  readonly type: string
  readonly cause: string
  readonly cursor: string
  readonly changes: readonly { readonly action: string; readonly value?: unknown }[]
}

describe('hanse changes', () => {
  it('follows what another node writes, and goes on from a cursor after a restart without losing anything', async () => {
    const [atAlice, atBob] = await Promise.all([machine.init('alice'), machine.init('bob')])
    await machine.json(atAlice, 'space', 'create', 'Fleet')
    await machine.json(atAlice, 'put', 'notes/first', 'one')
    const [alice, bob] = await Promise.all([machine.up(atAlice), machine.up(atBob)])
    const { link } = await machine.json<{ link: string }>(atAlice, 'invite', '--role', 'writer')
    await machine.json(atBob, 'join', link)

    const follower = machine.start(atBob, ['changes', 'notes', '--follow', '--json'])
    const ended = endOf(follower)
    const lines = createInterface({ input: follower.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]()
    const next = async () => JSON.parse((await lines.next()).value as string) as Told
    const first = await next()
    expect(first).toMatchObject({ path: 'notes/first', cause: 'written', changes: [{ value: 'one' }] })
    await machine.json(atAlice, 'put', 'elsewhere', 'not asked for')
    await machine.json(atAlice, 'put', 'people/ada', '--field', 'name=Ada')
    await machine.json(atAlice, 'put', 'notes/second', 'two')
    expect(await next()).toMatchObject({ path: 'notes/second', changes: [{ value: 'two' }] })

    // A follower ends with its node, or when it is told to; what came meanwhile is told from the cursor on.
    follower.kill('SIGINT')
    expect((await ended).code).not.toBe(0)
    await machine.json(atAlice, 'put', 'notes/third', 'three')
    await machine.json(atBob, 'sync')
    await Promise.all([alice.stop(), bob.stop()])
    const { stdout } = await machine.hanse(atBob, ['changes', 'notes', '--since', first.cursor, '--json'])
    const told = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Told)
    expect(told.map(({ path }) => path)).toEqual(['notes/second', 'notes/third'])
  })

  it('gives what is new, changed and gone since a clock: hanse delta', async () => {
    const data = await machine.init('dora')
    await machine.json(data, 'space', 'create', 'Log')
    await machine.json(data, 'put', 'notes/kept', 'as it is')
    await machine.json(data, 'put', 'notes/changed', 'old')
    await machine.json(data, 'put', 'notes/gone', 'soon')
    const clock = JSON.stringify(await machine.json(data, 'ops', 'clock'))
    await machine.json(data, 'put', 'notes/changed', 'new')
    await machine.json(data, 'delete', 'notes/gone')
    await machine.json(data, 'put', 'notes/added', 'here')
    await machine.json(data, 'put', 'elsewhere', 'not asked for')
    const { code, stdout } = await machine.hanse(data, ['delta', '-', 'notes', '--json'], { input: clock })
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      added: [{ path: 'notes/added', type: 'register' }],
      updated: [{ path: 'notes/changed', type: 'register' }],
      deleted: [{ path: 'notes/gone', type: 'register' }],
      clock: await machine.json(data, 'ops', 'clock'),
    })
    const file = join(data, 'clock.json')
    writeFileSync(file, clock)
    expect((await machine.hanse(data, ['delta', file, 'notes'])).stdout).toBe(
      '+ notes/added  register\n~ notes/changed  register\n- notes/gone  register\n',
    )
    for (const none of ['monday', '{"did:key:z": 1}'])
      expect((await machine.hanse(data, ['delta', none])).stderr).toContain('hanse ops clock')
  })

  it('says what to do where it cannot follow, and where the cursor is none', async () => {
    const data = await machine.init('carol')
    await machine.json(data, 'space', 'create', 'Alone')
    const follow = await machine.hanse(data, ['changes', '--follow'])
    expect(follow).toMatchObject({ code: 1 })
    expect(follow.stderr).toContain('start "hanse up"')
    const since = await machine.hanse(data, ['changes', '--since', 'yesterday'])
    expect(since.code).not.toBe(0)
    expect(since.stderr).toContain('leave it out to begin from the start')
    expect((await machine.hanse(data, ['changes', '--type', 'table'])).code).toBe(2)
  })
})
