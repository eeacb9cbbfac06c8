import { cpSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Machine, type RunningNode } from './hanse.ts'
import { containing, including, matching } from './matchers.ts'

const machine = new Machine()
afterAll(async () => machine.remove())

interface Identity {
  readonly did: string
  readonly state: string
  readonly previous: readonly { readonly did: string }[]
}

describe('a backup of a running node', () => {
  let alice: string
  let bob: string
  let restored: string
  let bobs: RunningNode
  let address: string

  // Alice writes, and goes on writing after somebody has copied her data directory.
  beforeAll(async () => {
    ;[alice, bob] = await Promise.all([machine.init('alice'), machine.init('bob')])
    restored = join(machine.folder, 'restored')
    await machine.json(alice, 'space', 'create', 'Fleet')
    await machine.json(alice, 'put', 'notes/before', 'there')
    const first = await machine.up(alice)
    const { link } = await machine.json<{ link: string }>(alice, 'invite', '--role', 'admin')
    await machine.json(bob, 'join', link)
    cpSync(alice, restored, { recursive: true, filter: (file) => !file.endsWith('.sock') })
    await first.stop()
    bobs = await machine.up(bob)
    address = bobs.listening.addresses.find((one) => one.includes('/tcp/')) ?? ''
    await machine.json(alice, 'put', 'notes/after', 'written after the copy')
    await machine.json(alice, 'sync', address)
  })

  it('is refused where it is restored, with what to do, and reads all the same', async () => {
    const { stderr, code } = await machine.hanse(restored, ['put', 'notes/forked', 'no'])
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: matching(/restored.*hanse identity recover/) })
    expect(await machine.json(restored, 'get', 'notes/before')).toMatchObject({ value: 'there' })
    expect(await machine.json(restored, 'whoami')).toMatchObject({ state: 'restored' })
    expect(await machine.json(restored, 'status')).toMatchObject({ spaces: [{ writing: 'RESTORED' }] })
    const shown = await machine.hanse(restored, ['identity'])
    expect(shown).toMatchObject({ code: 0, stdout: matching(/writing is stopped[^]*Fleet/) })
    expect(await machine.json<Identity>(alice, 'identity')).toMatchObject({ state: 'sound' })
  })

  it('is not recovered while nobody can be asked', async () => {
    const { code, stdout } = await machine.hanse(restored, ['identity', 'recover', '--timeout', '1s'])
    expect({ code, stdout }).toMatchObject({ code: 1, stdout: containing('not recovered') })
    expect((await machine.hanse(restored, ['put', 'notes/forked', 'no'])).code).toBe(1)
  })

  it('finds its own head at a peer, and writes on without a fork', async () => {
    const recovery = await machine.json(restored, 'identity', 'recover', address)
    expect(recovery).toMatchObject({ spaces: [{ isSound: true }], peers: [{ inSync: true }] })
    expect(await machine.json(restored, 'get', 'notes/after')).toMatchObject({
      value: 'written after the copy',
    })
    await machine.json(restored, 'put', 'notes/recovered', 'by the copy')
    await machine.json(restored, 'sync', address)
    expect(await machine.json(bob, 'get', 'notes/recovered')).toMatchObject({ value: 'by the copy' })
    expect(await machine.json(bob, 'status')).toMatchObject({ spaces: [{ forkedAuthors: [] }] })
  })

  it('stops the original, which did not write that, and a new key takes it on', async () => {
    await machine.json(alice, 'sync', address)
    const { stderr, code } = await machine.hanse(alice, ['put', 'notes/forked', 'no'])
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: matching(/own key.*hanse identity rotate/) })
    const before = (await machine.json<Identity>(alice, 'identity')).did
    const report = await machine.json<{ readonly did: string }>(alice, 'identity', 'rotate')
    expect(report).toMatchObject({ previous: before, spaces: [{ outcome: { step: 'delegated' } }] })
    await machine.json(alice, 'put', 'notes/rotated', 'by the new key')
    await machine.json(alice, 'sync', address)
    expect(await machine.json(bob, 'get', 'notes/rotated')).toMatchObject({ value: 'by the new key' })
    expect(await machine.json(bob, 'status')).toMatchObject({ spaces: [{ forkedAuthors: [] }] })
    expect(await machine.json<Identity>(alice, 'identity')).toMatchObject({
      did: report.did,
      state: 'sound',
      previous: [{ did: before }],
    })
    const key = join(alice, 'keys', 'author-1.key')
    expect(statSync(key).mode & 0o777).toBe(0o600)
    expect((await machine.hanse(alice, ['identity'])).stdout).toMatch(/previous +did:key:[^]*sound/)
  })

  it('is rotated in the running node too, which goes on with the new key', async () => {
    const before = bobs.listening.did
    const report = await machine.json<{ readonly did: string }>(bob, 'identity', 'rotate')
    expect(report).toMatchObject({ previous: before, spaces: [{ outcome: { step: 'announced' } }] })
    await machine.json(bob, 'put', 'notes/bob', 'by his new key')
    await machine.json(alice, 'sync', address)
    expect(await machine.json(alice, 'get', 'notes/bob')).toMatchObject({ value: 'by his new key' })
    expect(await machine.json(alice, 'delegations')).toContainEqual(
      including({ issuer: before, audience: report.did, rotation: true, state: 'active' }),
    )
    expect(await machine.hanse(alice, ['delegations'])).toMatchObject({ stdout: containing('rotation') })
    expect(await machine.json(bob, 'whoami')).toMatchObject({ did: report.did, state: 'sound' })
    expect(readdirSync(join(bob, 'keys')).length).toBe(3)
  })

  it('is vouched for where it was only moved', async () => {
    const moved = join(machine.folder, 'moved')
    cpSync(alice, moved, { recursive: true, filter: (file) => !file.endsWith('.sock') })
    expect((await machine.hanse(moved, ['put', 'x', '1'])).code).toBe(1)
    expect(await machine.hanse(moved, ['identity', 'recover', '--only-copy'])).toMatchObject({
      code: 0,
      stdout: containing('recovered'),
    })
    expect((await machine.hanse(moved, ['put', 'x', '1'])).code).toBe(0)
  })
})
