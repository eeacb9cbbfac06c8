import { afterEach, describe, expect, test } from 'vitest'
import { toHex } from '../../src/core/bytes.ts'
import { decodeCanonical } from '../../src/core/canonical-cbor.ts'
import { STATE_PROOF_FIELDS_MAX } from '../../src/core/limits.ts'
import { decodeProof } from '../../src/core/state/proof-codec.ts'
import { checkProof, type Shown } from '../../src/core/state/proof.ts'
import { prove, type ProveOptions } from '../../src/node/space/prove.ts'
import type { Space } from '../../src/node/space/space.ts'
import { createFederation, until, WAIT_MS } from './federation.ts'

const federation = createFederation()
afterEach(async () => await federation.stopAll())

/** What a proof from a space shows to whoever has only its bytes and the state root of `status`. */
function shownBy(space: Space, path: string, options: ProveOptions = {}): Shown {
  const { bytes, stateRoot } = prove(space, path, options)
  expect(toHex(stateRoot)).toBe(space.status().stateRoot)
  const decoded = decodeProof(bytes)
  const checked = decoded.ok ? checkProof(decoded.value, stateRoot) : decoded
  if (!checked.ok) throw new Error(checked.fault.detail)
  return checked.value
}

/** The value of a shown field. */
function valueIn(shown: Shown): unknown {
  if (shown.kind !== 'field') throw new Error(`it shows ${shown.kind}`)
  const value = decodeCanonical(shown.value)
  return value.ok ? value.value : undefined
}

describe('a space proves', () => {
  test('items of every type, by the names that people have for their parts', async () => {
    const space = (await federation.start('alice')).createSpace({ name: 'the council' })
    space.put('a', 'a register')
    space.edit('a', { name: 'Ada', born: 1815 })
    space.link('a', 'knows', 'people/bob', 'well')
    space.tag('a', ['red', 'green'])
    space.increment('a', 7)
    space.claim('a', 'mine')
    const first = space.append('chat', 'hello')
    const second = space.write([
      { kind: 'append', path: 'chat', value: 'one' },
      { kind: 'append', path: 'chat', value: 'two' },
    ])
    expect(valueIn(shownBy(space, 'a', { type: 'register', field: '' }))).toBe('a register')
    expect(valueIn(shownBy(space, 'a', { type: 'map', field: 'name' }))).toBe('Ada')
    expect(valueIn(shownBy(space, 'a', { type: 'edge', field: 'knows/people/bob' }))).toBe('well')
    expect(shownBy(space, 'a', { type: 'set', field: 'red' }).kind).toBe('field')
    expect(shownBy(space, 'a', { type: 'set', field: 'blue' }).kind).toBe('no-field')
    expect(valueIn(shownBy(space, 'a', { type: 'counter', field: '' }))).toBe(7)
    expect(shownBy(space, 'a', { type: 'claim' }).kind).toBe('item')
    expect(shownBy(space, 'a', { type: 'log' }).kind).toBe('no-item')
    expect(valueIn(shownBy(space, 'chat', { field: first }))).toBe('hello')
    expect(valueIn(shownBy(space, 'chat', { field: `${second}/1` }))).toBe('two')
    expect(shownBy(space, 'chat', { field: `${second}/2` }).kind).toBe('no-field')
    expect(shownBy(space, 'chat')).toMatchObject({ kind: 'item', type: 'log', fields: { length: 3 } })
  })

  test('what shows now: a change, a deletion and what is left are proved, and the proof of before is of another root', async () => {
    const space = (await federation.start('alice')).createSpace({ name: 'the council' })
    space.edit('a/b', { one: 1, two: 2 })
    const before = prove(space, 'a/b', { field: 'one' })
    space.edit('a/b', { one: 'changed' })
    expect(valueIn(shownBy(space, 'a/b', { field: 'one' }))).toBe('changed')
    const decoded = decodeProof(before.bytes)
    if (!decoded.ok) throw new Error(decoded.fault.detail)
    expect(checkProof(decoded.value, prove(space, '').stateRoot).ok).toBe(false)
    expect(checkProof(decoded.value, before.stateRoot).ok).toBe(true)
    space.edit('a/b', {}, ['one'])
    expect(shownBy(space, 'a/b', { field: 'one' }).kind).toBe('no-field')
    expect(shownBy(space, 'a/b', { field: 'two' }).kind).toBe('field')
    space.delete('a/b')
    expect(shownBy(space, 'a/b', { field: 'two' })).toEqual({ kind: 'nothing', path: 'a/b', missing: 'a' })
  })

  test('of a large item each part, and says so where the whole is asked for', async () => {
    const space = (await federation.start('alice')).createSpace({ name: 'the council' })
    const members = Array.from({ length: STATE_PROOF_FIELDS_MAX + 1 }, (_, i) => `member ${i}`)
    for (let i = 0; i < members.length; i += 4_096) space.tag('many', members.slice(i, i + 4_096))
    expect(() => prove(space, 'many')).toThrow('prove its fields one by one, with --field')
    expect(shownBy(space, 'many', { field: 'member 7' }).kind).toBe('field')
    expect(prove(space, 'many', { field: 'member 7' }).bytes.length).toBeLessThan(4_096)
    space.tag('many', [], ['member 0'])
    expect(shownBy(space, 'many')).toMatchObject({ kind: 'item', fields: { length: STATE_PROOF_FIELDS_MAX } })
  })

  test('to a partial replica that what it has is all of its part of the whole, by the root of the subtree', async () => {
    const hers = (await federation.start('alice')).createSpace({ name: 'the council', openReading: false })
    hers.put('public/a', 'for bob')
    hers.put('private/a', 'for alice alone')
    const bob = await federation.start('bob')
    const his = bob.join(hers.invite({ role: 'reader', path: 'public' }))
    await until(his, () => his.get('public/a') !== undefined, 'bob reads what is for him')
    await until(hers, () => hers.hosted.store.heads(bob.author.publicKey).length === 1, 'bob has joined')
    await hers.sync(undefined, AbortSignal.timeout(WAIT_MS))
    const rootIn = (space: Space) => {
      const shown = shownBy(space, 'public', { subtree: true })
      return shown.kind === 'subtree' ? toHex(shown.root) : shown.kind
    }
    expect(his.status().stateRoot).not.toBe(hers.status().stateRoot)
    expect(rootIn(his)).toBe(rootIn(hers))
    hers.put('public/b', 'news')
    expect(rootIn(his)).not.toBe(rootIn(hers))
    await until(his, () => his.get('public/b') !== undefined, 'bob reads the news')
    expect(rootIn(his)).toBe(rootIn(hers))
  })
})
