import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { formatDid } from '../../src/core/principal.ts'
import { createNode, type HanseNode } from '../../src/node/node.ts'
import type { Space } from '../../src/node/space/space.ts'
import { bob } from '../cast.ts'

let alice: HanseNode
let space: Space

beforeEach(async () => {
  alice = await createNode({ online: false })
  space = alice.createSpace({ name: 'home' })
  space.grant({ to: formatDid(bob.publicKey), role: 'writer' })
})

afterEach(async () => {
  await alice.stop()
})

describe('a deletion names what it saw', () => {
  test('so a write made at the same time survives it', () => {
    const seen = space.put('notes/a', 'old')
    space.delete('notes/a')
    expect(space.get('notes/a')).toBeUndefined()
    space.put('notes/a', 'new', { author: bob, after: [seen] })
    expect(space.get('notes/a')?.value).toBe('new')
  })

  test('so a field written at the same time survives the deletion of its map', () => {
    const seen = space.edit('people/ada', { name: 'Ada', born: 1815 }) as string
    space.delete('people/ada')
    space.edit('people/ada', { born: 1816 }, [], { author: bob, after: [seen] })
    expect(space.get('people/ada')?.value).toEqual({ born: 1816 })
  })

  test('so what lost to the deleted write does not come back', () => {
    const base = space.put('notes/a', 'first')
    space.put('notes/a', 'second', { author: bob, after: [base], timeMs: Date.now() + 5_000 })
    space.put('notes/a', 'third', { after: [base] })
    expect(space.get('notes/a')?.value).toBe('second')
    space.delete('notes/a')
    expect(space.get('notes/a')).toBeUndefined()
  })

  test('and it is written anew as if it had never been there', () => {
    space.put('notes/a', 'old')
    space.delete('notes/a')
    space.put('notes/a', 'again')
    expect(space.get('notes/a')?.value).toBe('again')
  })
})
