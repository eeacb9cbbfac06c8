import { compareBytes } from '../../src/core/bytes.ts'
import type { TextAction } from '../../src/core/types/text/edit.ts'
import { TEXT_CHARACTERS_MAX } from '../../src/core/limits.ts'

/** A node of a text, named by its place in a list in which parents come first. */
export interface NaiveNode {
  readonly id: Uint8Array
  readonly parents: readonly number[]
  readonly action: TextAction
}

/** One character, as a node of the tree of "The Art of the Fugue" (Weidner and Kleppmann, 2023), algorithm FugueMax. */
interface Element {
  readonly node: number
  readonly character: string
  /** Null: the root, which stands before the first character. */
  readonly parent: Element | null
  readonly side: 'left' | 'right'
  /** What stood to the right when it was inserted; null: the end. */
  readonly rightOrigin: Element | null
}

/** What all the nodes come to. */
export interface NaiveText {
  readonly isVoid: readonly boolean[]
  /** Ids and characters in document order. */
  readonly order: readonly { readonly node: number; readonly character: string }[]
  /** What shows with that set of nodes, none of them masked, and whether the item is there. */
  show(isEffective: (node: number) => boolean): { readonly text: string; readonly exists: boolean }
}

/**
 * The stupid oracle: one object a character, the tree of FugueMax built and listed by its definition, every position looked up in a list
 * of the characters in the node's past made for it alone. Shares nothing with the walker but the types.
 */
export function foldNaively(nodes: readonly NaiveNode[]): NaiveText {
  const pasts = nodes.map((_, node) => pastOf(nodes, node))
  /** All characters so far, in document order. */
  const placed: Element[] = []
  const doomed: Element[][] = []
  const isVoid: boolean[] = []
  nodes.forEach((node, index) => {
    const deleted: Element[] = []
    let fits = true
    let deletions = 0
    const viewNow = () => placed.filter((e) => pasts[index]?.has(e.node) || e.node === index)
    if (node.action.kind === 'delete') deleted.push(...viewNow())
    else {
      for (const [position, count, text] of node.action.edits) {
        const view = viewNow()
        if (position + count > view.length) {
          fits = false
          break
        }
        deletions += count
        deleted.push(...view.slice(position, position + count))
        let left = view[position - 1] ?? null
        const right = view[position] ?? null
        for (const character of Array.from(text)) {
          const element: Element =
            right !== null && isBelow(right, left)
              ? { node: index, character, parent: right, side: 'left', rightOrigin: right }
              : { node: index, character, parent: left, side: 'right', rightOrigin: right }
          place(element, placed, nodes)
          left = element
        }
      }
    }
    const { length } = viewNow()
    if (length > TEXT_CHARACTERS_MAX || deletions > length) fits = false
    if (!fits) placed.splice(0, placed.length, ...placed.filter((e) => e.node !== index))
    isVoid.push(!fits)
    doomed.push(fits ? deleted : [])
  })
  const order = placed
  return {
    isVoid,
    order,
    show(isEffective) {
      const gone = new Set(doomed.flatMap((some, node) => (isEffective(node) ? some : [])))
      const exists = nodes.some(
        ({ action }, node) =>
          isEffective(node) &&
          isVoid[node] === false &&
          action.kind === 'edit' &&
          action.edits.some(([, deleted, inserted]) => inserted !== '' || deleted === 0) &&
          !nodes.some(
            (other, after) => other.action.kind === 'delete' && isEffective(after) && pasts[after]?.has(node),
          ),
      )
      const shown = order.filter((element) => isEffective(element.node) && !gone.has(element))
      return { text: shown.map(({ character }) => character).join(''), exists }
    },
  }
}

/** A node's ancestors. */
export function pastOf(nodes: readonly { readonly parents: readonly number[] }[], node: number): Set<number> {
  const past = new Set<number>()
  const open = [...(nodes[node]?.parents ?? [])]
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (past.has(at)) continue
    past.add(at)
    open.push(...(nodes[at]?.parents ?? []))
  }
  return past
}

/** True where `element` is to the right below `ancestor` in the tree. */
function isBelow(element: Element, ancestor: Element | null): boolean {
  for (let at: Element | null = element; at !== null; at = at.parent) {
    if (at.parent === ancestor) return at.side === 'right'
    if (at.parent === null) return false
  }
  return false
}

/** Puts a character in its place among those that are there already, its ancestors in the tree among them. */
function place(element: Element, placed: Element[], nodes: readonly NaiveNode[]): void {
  const idOf = ({ node }: Element) => (nodes[node] as NaiveNode).id
  const siblings = placed.filter((e) => e.parent === element.parent && e.side === element.side)
  const rank = (e: Element | null) => (e === null ? placed.length : placed.indexOf(e))
  const comesBefore = (other: Element) => {
    const byOrigin = element.side === 'right' ? rank(other.rightOrigin) - rank(element.rightOrigin) : 0
    return byOrigin !== 0 ? byOrigin < 0 : compareBytes(idOf(element), idOf(other)) < 0
  }
  const next = siblings.find(comesBefore)
  const isWithin = (e: Element, ancestor: Element | null): boolean => {
    for (let at: Element | null = e; at !== null; at = at.parent) if (at === ancestor) return true
    return ancestor === null
  }
  let at: number
  if (next !== undefined) at = placed.findIndex((e) => isWithin(e, next))
  else if (element.side === 'left') at = placed.indexOf(element.parent as Element)
  else {
    // Behind everything to the right below its parent.
    at = element.parent === null ? placed.length : placed.indexOf(element.parent) + 1
    while (at < placed.length && element.parent !== null && isWithin(placed[at] as Element, element.parent))
      at++
  }
  placed.splice(at, 0, element)
}
