import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Machine, type RunningNode } from './hanse.ts'
import { including, matching } from './matchers.ts'

const machine = new Machine()
afterAll(async () => machine.remove())

interface Side {
  readonly operation: string
  readonly value?: unknown
}

interface Conflict {
  readonly path: string
  readonly winner: Side
  readonly losers: readonly (Side & { readonly rule: string })[]
}

describe('two people who wrote at the same time', () => {
  let alice: RunningNode
  let bob: string

  const atAlice = async <T = unknown>(...args: readonly string[]) =>
    await machine.json<T>(alice.data, ...args)
  const atBob = async <T = unknown>(...args: readonly string[]) => await machine.json<T>(bob, ...args)

  beforeAll(async () => {
    const [data, atBobs] = await Promise.all([machine.init('alice'), machine.init('bob')])
    bob = atBobs
    await machine.json(data, 'space', 'create', 'Fleet')
    await machine.json(data, 'put', 'people/ada', '--field', 'name=Ada', '--field', 'born=1815')
    alice = await machine.up(data)
    const { link } = await atAlice<{ link: string }>('invite', '--role', 'writer')
    await atBob('join', link)
    // Bob is on his own now: his commands open his directory themselves, and nobody hears of it.
    await atBob('put', 'people/ada', '--field', 'name="Countess of Lovelace"')
    await atBob('put', 'notes/today', 'one\ntwo\nthree')
    await atAlice('put', 'notes/today', 'one\nTWO\nthree')
    await atAlice('put', 'people/ada', '--field', 'name="Ada Lovelace"')
    await atBob('sync')
  })

  it('see the same conflicts on both sides: what shows, what lost, and by which rule', async () => {
    const conflicts = await atAlice<readonly Conflict[]>('conflicts')
    expect(conflicts).toMatchObject([
      {
        path: 'notes/today',
        type: 'register',
        field: '',
        kind: 'written twice',
        winner: { value: 'one\nTWO\nthree', deletes: false },
        losers: [{ value: 'one\ntwo\nthree', rule: 'later time' }],
      },
      {
        path: 'people/ada',
        type: 'map',
        field: 'name',
        winner: { value: 'Ada Lovelace' },
        losers: [{ value: 'Countess of Lovelace', rule: 'later time' }],
      },
    ])
    expect(await atBob('conflicts')).toEqual(conflicts)
    expect(await atBob('conflicts', 'people')).toEqual(conflicts.slice(1))
    const { stdout } = await machine.hanse(bob, ['conflicts', 'people/ada'])
    expect(stdout).toMatch(
      /^people\/ada {2}map {2}name {2}written twice\n {2}shows {2}[0-9a-f]{12} .*"Ada Lovelace"\n {2}lost {3}[0-9a-f]{12} .*"Countess of Lovelace" {2}\(to: later time\)\n$/,
    )
  })

  it('settle one by taking what lost, and another by keeping what shows', async () => {
    const [today] = await atBob<readonly Conflict[]>('conflicts', 'notes')
    const { stdout } = await machine.hanse(bob, [
      'conflicts',
      'take',
      'notes/today',
      today?.losers[0]?.operation.slice(0, 12) ?? '',
    ])
    expect(stdout).toMatch(/^notes\/today settled by operation [0-9a-f]{12}\n$/)
    await atBob('conflicts', 'keep', 'people/ada', '--field', 'name')
    await atBob('sync')
    expect(await atAlice('conflicts')).toEqual([])
    expect(await atAlice('get', 'notes/today')).toMatchObject({ value: 'one\ntwo\nthree' })
    expect(await atAlice('get', 'people/ada')).toMatchObject({ value: { name: 'Ada Lovelace', born: 1815 } })
    expect(await machine.hanse(bob, ['conflicts', 'keep', 'people/ada'])).toMatchObject({
      code: 1,
      stderr: matching(/no conflict at "people\/ada"/),
    })
  })

  it('can look back: what was done in words, and what it was then', async () => {
    const log = await atAlice<readonly { id: string; edits: readonly { words: string }[] }[]>(
      'log',
      'notes/today',
    )
    expect(log.map(({ edits }) => edits.map(({ words }) => words))).toEqual([
      ['= "one\\ntwo\\nthree"'],
      ['= "one\\ntwo\\nthree"'],
      ['= "one\\nTWO\\nthree"'],
    ])
    const [taken, , hers] = log.map(({ id }) => id) as [string, string, string]
    expect(await atAlice('get', 'notes/today', '--at', hers.slice(0, 12))).toMatchObject({
      value: 'one\nTWO\nthree',
      at: hers,
    })
    expect(await atAlice('get', 'notes/today', '--at', `${taken}^`)).toMatchObject({
      value: 'one\nTWO\nthree',
    })
    expect(await machine.hanse(alice.data, ['get', 'notes/today', '--at', '2020-01-01'])).toMatchObject({
      code: 1,
      stderr: matching(/there was nothing at "notes\/today" then/),
    })
    expect(await machine.hanse(alice.data, ['get', 'notes/today', '--at', 'yesterday'])).toMatchObject({
      code: 2,
      stderr: matching(/no point in history/),
    })
    const page = await atBob<readonly { id: string }[]>(
      'log',
      'notes/today',
      '--limit',
      '1',
      '--before',
      taken,
    )
    expect(page).toHaveLength(1)
    expect(page[0]?.id).not.toBe(taken)

    const { stdout } = await machine.hanse(alice.data, ['diff', 'notes/today', `${taken}^`, taken])
    expect(stdout.split('\n').slice(1)).toEqual([
      '@@ -1,3 +1,3 @@',
      ' one',
      '-TWO',
      '+two',
      ' three',
      '\\ No newline at end of file',
      '',
    ])
    expect(await atAlice('diff', 'people/ada', `${taken}^`)).toMatchObject({ differences: [] })
  })

  it('see of one item what each version had seen, and which were made at the same time', async () => {
    const { versions } = await atBob<{
      versions: readonly {
        operation: string
        author: string
        saw: readonly string[]
        concurrent: readonly string[]
        chain: readonly string[]
      }[]
    }>('log', 'people/ada', '--item', '--field', 'name')
    expect(versions).toHaveLength(4)
    const first = versions.at(-1)?.operation ?? ''
    const [kept, one, other] = versions as [(typeof versions)[0], (typeof versions)[0], (typeof versions)[0]]
    expect(kept.saw.toSorted()).toEqual([one.operation, other.operation].toSorted())
    expect([one.concurrent, other.concurrent]).toEqual([[other.operation], [one.operation]])
    expect([one.saw, other.saw]).toEqual([[first], [first]])
    // Space, owner, the key of the link, bob.
    expect(kept).toMatchObject({ shows: true, effective: true })
    expect(kept.chain).toHaveLength(3)
    const { stdout } = await machine.hanse(bob, [
      'log',
      'people/ada',
      '--item',
      '--field',
      'name',
      '--limit',
      '2',
    ])
    expect(stdout).toMatch(
      /\n {2}\(map\) name = "Ada Lovelace"\n {2}after [0-9a-f]{12}, [0-9a-f]{12}\n {2}under /,
    )
    expect(stdout).toMatch(/\n {2}at the same time as [0-9a-f]{12}\n/)
  })

  it('see who wrote what shows', async () => {
    const { did } = await atBob<{ did: string }>('whoami')
    expect(await atAlice('blame', 'people/ada')).toMatchObject([
      { type: 'map', field: 'born', value: 1815, author: alice.listening.did },
      { type: 'map', field: 'name', value: 'Ada Lovelace', author: did },
    ])
    const { stdout } = await machine.hanse(alice.data, ['blame', 'people/ada', '--field', 'born'])
    expect(stdout).toMatch(/^[0-9a-f]{12} {2}\d{4}-\d\d-\d\d \d\d:\d\d {2}….{8} {2}map {2}born {2}1815\n$/)
    expect(await machine.hanse(alice.data, ['blame', 'nowhere'])).toMatchObject({ code: 1 })
  })

  it('take something back by a new operation', async () => {
    const [last] = await atBob<readonly { id: string }[]>('log', 'notes/today', '--limit', '1')
    expect(await atBob('revert', 'notes/today', '--to', `${last?.id ?? ''}^`)).toEqual(
      including({ id: matching(/^[0-9a-f]{64}$/), path: 'notes/today' }),
    )
    expect(await atBob('get', 'notes/today')).toMatchObject({ value: 'one\nTWO\nthree' })
    expect(await machine.hanse(bob, ['revert', 'notes/today', '--to', 'now'])).toMatchObject({
      code: 0,
      stdout: 'notes/today is what it was then\n',
    })
  })

  it('see who claimed first, and may let the other have it', async () => {
    await atAlice('claim', 'releases/v1', 'alice')
    await atBob('claim', 'releases/v1', 'bob')
    await atBob('sync')
    const [conflict] = await atBob<readonly Conflict[]>('conflicts', 'releases')
    expect(conflict).toMatchObject({
      kind: 'claimed twice',
      winner: { value: 'alice' },
      losers: [{ value: 'bob', rule: 'earlier time' }],
    })
    await atBob('conflicts', 'take', 'releases/v1', conflict?.losers[0]?.operation ?? '')
    expect(await atBob('get', 'releases/v1')).toMatchObject({ type: 'claim', value: { value: 'bob' } })
    expect(await atBob('conflicts')).toEqual([])
  })
})
