import { TEXT_EDITS_MAX } from '../../limits.ts'
import type { TextEdit } from './edit.ts'
import { countCodePoints } from './code-points.ts'
import type { TextDelta } from './delta.ts'
import type { SpanTree } from './span-tree.ts'

/** What an operation prepared for `tree`'s version says to change the visible text by a delta. */
export interface WireEdits {
  readonly edits: readonly TextEdit[]
  /** Visible characters that the delta deletes and the version does not have; they stay. */
  readonly unreachable: number
}

/** A run of the prepared version that is deleted. */
interface Doomed {
  readonly position: number
  count: number
}

/**
 * Turns positions in what shows into positions on the wire. An insertion goes right behind the visible character before it; a deletion
 * names no character that does not show, unless that would take more than TEXT_EDITS_MAX edits. The delta must fit the text.
 */
export function toWireEdits(tree: SpanTree, delta: TextDelta): WireEdits {
  const exact = translate(tree, delta, false)
  return exact.edits.length <= TEXT_EDITS_MAX ? exact : translate(tree, delta, true)
}

function translate(tree: SpanTree, delta: TextDelta, isCoarse: boolean): WireEdits {
  const edits: TextEdit[] = []
  let unreachable = 0
  /** Visible characters passed, and characters inserted by the edits so far, which all lie to the left. */
  let passed = 0
  let shift = 0
  let inserted = ''
  const flush = (doomed: readonly Doomed[]) => {
    let rest = doomed
    if (inserted !== '') {
      const position = behindVisible(tree, passed)
      const [first] = doomed
      const isAtOnce = first !== undefined && first.position === position
      edits.push([position + shift, isAtOnce ? first.count : 0, inserted])
      shift += countCodePoints(inserted)
      inserted = ''
      if (isAtOnce) rest = doomed.slice(1)
    }
    for (const { position, count } of rest) edits.push([position + shift, count, ''])
  }
  for (const part of delta) {
    if ('insert' in part) inserted += part.insert
    else if ('retain' in part) {
      flush([])
      passed += part.retain
    } else {
      const doomed = findDoomed(tree, passed, part.delete, isCoarse)
      unreachable += doomed.unreachable
      flush(doomed.runs)
      passed += part.delete
    }
  }
  flush([])
  return { edits, unreachable }
}

/** The prepared position right behind the visible character before visible position `visible`. */
function behindVisible(tree: SpanTree, visible: number): number {
  if (visible === 0) return 0
  const { span, offset } = tree.findVisible(visible - 1)
  return tree.preparedBefore(span) + (tree.isPrepared(span) ? offset + 1 : 0)
}

/**
 * The prepared runs of the `count` visible characters from visible position `visible` on, and how many of these are not prepared. `isCoarse`:
 * one run, with what lies between.
 */
function findDoomed(tree: SpanTree, visible: number, count: number, isCoarse: boolean) {
  const runs: Doomed[] = []
  let unreachable = 0
  let { span, offset } = tree.findVisible(visible)
  let prepared = tree.preparedBefore(span)
  for (let left = count; left > 0; span = tree.next(span), offset = 0) {
    const isPrepared = tree.isPrepared(span)
    if (tree.isVisible(span)) {
      const taken = Math.min(tree.length(span) - offset, left)
      left -= taken
      const position = prepared + offset
      const last = runs.at(-1)
      if (!isPrepared) unreachable += taken
      else if (last !== undefined && (isCoarse || last.position + last.count === position))
        last.count = position + taken - last.position
      else runs.push({ position, count: taken })
    }
    if (isPrepared) prepared += tree.length(span)
  }
  return { runs, unreachable }
}
