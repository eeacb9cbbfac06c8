import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BlamedRange } from '../../src/node/space/space-text.ts'
import { Machine, type RunningNode } from './hanse.ts'
import { matching } from './matchers.ts'

const machine = new Machine()
afterAll(async () => machine.remove())

const PATH = 'notes/basket'

interface Logged {
  readonly id: string
  readonly author: string
  readonly edits: readonly { readonly words: string }[]
}

describe('two people who type into one text at once', () => {
  let alice: RunningNode
  let bob: RunningNode
  let first: string
  let cut: string
  let together: string
  let ranges: readonly BlamedRange[]

  const invite = async () =>
    (await machine.json<{ link: string }>(alice.data, 'invite', '--role', 'writer')).link
  const show = async (data: string) => (await machine.json<{ text: string }>(data, 'text', 'show', PATH)).text
  const blame = async (data: string) =>
    (await machine.json<{ ranges: readonly BlamedRange[] }>(data, 'text', 'blame', PATH)).ranges
  const insert = async (data: string, position: number, inserted: string) =>
    (await machine.json<{ id: string }>(data, 'text', 'insert', PATH, String(position), inserted)).id

  beforeAll(async () => {
    const [atAlice, atBob] = await Promise.all([machine.init('alice'), machine.init('bob')])
    await machine.json(atAlice, 'space', 'create', 'Kitchen')
    first = await insert(atAlice, 0, 'apples and pears')
    ;[alice, bob] = await Promise.all([machine.up(atAlice), machine.up(atBob)])
    await machine.json(bob.data, 'join', await invite())
  })

  it('both see what both typed, word by word, while their nodes are connected', async () => {
    // At the beginning, so that it is the same place whether or not the one has heard of the other.
    await Promise.all([insert(alice.data, 0, 'alice: '), insert(bob.data, 0, 'bob: ')])
    const both = matching(/^(alice: bob: |bob: alice: )apples and pears$/)
    await expect.poll(async () => show(alice.data), { timeout: 20_000 }).toEqual(both)
    await expect.poll(async () => show(bob.data), { timeout: 20_000 }).toBe(await show(alice.data))
  })

  it('both see the same with nobody’s words torn apart, after typing at one place without each other', async () => {
    await bob.stop()
    const at = 'alice: bob: apples'.length
    const alone = async () => {
      // Bob forwards, at the end of what alice deletes too; his commands open his directory themselves.
      await insert(bob.data, at, ', ')
      await insert(bob.data, at + 2, 'plums')
      await insert(bob.data, at + 7 + ' and pears'.length, ' today')
    }
    const connected = async () => {
      // Alice backwards.
      await insert(alice.data, at, 'figs')
      await insert(alice.data, at, ', ')
      cut = (await machine.json<{ id: string }>(alice.data, 'text', 'delete', PATH, String(at + 6), '10')).id
    }
    await Promise.all([alone(), connected()])
    bob = await machine.up(bob.data)
    expect(await machine.json(bob.data, 'sync')).toMatchObject({ inSync: true })
    together = await show(alice.data)
    expect(together).toMatch(/: apples(, figs, plums|, plums, figs) today$/)
    expect(await show(bob.data)).toBe(together)
  })

  it('both see who wrote which words, and what was typed when', async () => {
    ranges = await blame(alice.data)
    expect(await blame(bob.data)).toEqual(ranges)
    const by = (did: string) => ranges.filter(({ author }) => author === did).map(({ text }) => text)
    expect(by(alice.listening.did).toSorted()).toEqual([', ', 'alice: ', 'apples', 'figs'])
    expect(by(bob.listening.did).toSorted()).toEqual([' today', ', ', 'bob: ', 'plums'])

    const log = await machine.json<readonly Logged[]>(bob.data, 'log', PATH)
    expect(log).toHaveLength(9)
    expect(new Set(log.map(({ author }) => author))).toEqual(
      new Set([alice.listening.did, bob.listening.did]),
    )
    expect(log.at(-1)).toMatchObject({ id: first })
    expect(await machine.json(bob.data, 'get', PATH, '--at', first.slice(0, 12))).toMatchObject({
      type: 'text',
      value: 'apples and pears',
      at: first,
    })
    // As alice saw it then, who had not heard of what bob typed alone.
    expect(await machine.json(bob.data, 'get', PATH, '--at', cut)).toMatchObject({
      value: matching(/: apples, figs$/),
    })
    const { stdout } = await machine.hanse(alice.data, ['diff', PATH, `${cut}^`, cut])
    expect(stdout).toMatch(/\n- ".*: apples, figs and pears"\n\+ ".*: apples, figs"\n$/)
  })

  it('a third who joins later sees the same', async () => {
    const carol = await machine.up(await machine.init('carol'))
    expect(await machine.json(carol.data, 'join', await invite())).toMatchObject({ inSync: true })
    expect(await show(carol.data)).toBe(together)
    expect(await blame(carol.data)).toEqual(ranges)
    expect(await machine.json(carol.data, 'get', PATH, '--at', cut)).toMatchObject({
      value: matching(/: apples, figs$/),
    })
  })
})
