import { expect, test } from 'vitest'
import { TEXT_DELETED_RUNS_MAX } from '../../src/core/limits.ts'
import { TextDocument } from '../../src/core/types/text/document.ts'
import type { TextEdit } from '../../src/core/types/text/edit.ts'

/** A document to which nodes are added one after the other; each node is an operation. */
function createDocument() {
  const document = new TextDocument((operation) => new Uint8Array(32).fill(operation % 256))
  const add = (parents: readonly number[], edits: readonly TextEdit[], isMasked = false): number =>
    document.add({ operation: document.nodes, parents, action: { kind: 'edit', edits }, isMasked })
  return { document, add }
}

/** As many characters, each a run of its own. */
const apart = (count: number): readonly TextEdit[] =>
  Array.from({ length: count }, (_, i) => [0, 0, String.fromCodePoint(0x4e00 + i)] as const)

test('a deletion of one run more than are kept deletes the same, and gives it back', () => {
  for (const count of [TEXT_DELETED_RUNS_MAX, TEXT_DELETED_RUNS_MAX + 1, 3 * TEXT_DELETED_RUNS_MAX]) {
    for (const isMasked of [false, true]) {
      const { document, add } = createDocument()
      const root = add([], apart(count))
      const before = document.toString()
      // Typed at the same time, in the middle of what is deleted, before and after the deletion came; and by the deletion's own operation.
      const early = add([root], [[5, 0, '<early>']])
      const deletion = add(
        [root],
        [
          [1, count - 2, ''],
          [count - 3, 0, '<own>'],
        ],
        isMasked,
      )
      const late = add([early], [[9, 0, '<late>']])
      const after = add([deletion, late], [[3, 0, '<after>']])
      const members = (...nodes: number[]) => {
        const set = new Uint8Array(document.nodes)
        for (const node of nodes) set[node] = 1
        return document.textOf(set)
      }
      document.setMasked(deletion, false)
      const characters = Array.from(before)
      const shown = document.toString()
      expect(shown.startsWith(characters[0] as string) && shown.endsWith(characters.at(-1) as string)).toBe(
        true,
      )
      for (const inner of characters.slice(1, -1)) expect(shown).not.toContain(inner)
      for (const typed of ['<early>', '<late>', '<own>', '<after>'])
        expect(Array.from(shown).filter((one) => typed.includes(one)).length).toBeGreaterThanOrEqual(
          typed.length,
        )
      expect(members(root, early, deletion, late, after)).toBe(shown)
      expect(document.at([deletion])).toBe(`${characters[0]}<own>${characters.at(-1)}`)
      document.setMasked(deletion, true)
      for (const one of characters) expect(document.toString()).toContain(one)
      expect(document.toString()).not.toContain('<own>')
      document.setMasked(deletion, false)
      expect(document.toString()).toBe(shown)
    }
  }
})

test('deletions of everything, one after the other, take memory as they are many, and not by what they delete', () => {
  const weights = [100, 200, 400].map((count) => {
    const { document, add } = createDocument()
    let last = add([], apart(count))
    document.beginDelta()
    for (let i = 0; i < count; i++) last = add([last], [[0, count, '']])
    expect(document.finishDelta()).toEqual([{ delete: count }])
    return document.weightBytes
  })
  expect(weights[2]).toBeLessThan(6 * (weights[0] as number))
})
