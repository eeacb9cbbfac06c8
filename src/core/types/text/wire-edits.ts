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
export interface Doomed {
  readonly position: number
  count: number
}

/** What shows to an author, over the characters of the version that they build on: the prepared ones. */
export interface WrittenView {
  /** The prepared position right behind the visible character before visible position `visible`. */
  behindVisible(visible: number): number
  /**
   * The prepared runs of the `count` visible characters from visible position `visible` on, and how many of these are not prepared.
   * `isCoarse`: one run, with what lies between.
   */
  doomed(
    visible: number,
    count: number,
    isCoarse: boolean,
  ): { readonly runs: readonly Doomed[]; readonly unreachable: number }
}

/**
 * Turns positions in what shows into positions on the wire. An insertion goes right behind the visible character before it; a deletion
 * names no character that does not show, unless that would take more than TEXT_EDITS_MAX edits. The delta must fit the text.
 */
export function toWireEdits(view: WrittenView, delta: TextDelta): WireEdits {
  const exact = translate(view, delta, false)
  return exact.edits.length <= TEXT_EDITS_MAX ? exact : translate(view, delta, true)
}

function translate(view: WrittenView, delta: TextDelta, isCoarse: boolean): WireEdits {
  const edits: TextEdit[] = []
  let unreachable = 0
  /** Visible characters passed, and characters inserted by the edits so far, which all lie to the left. */
  let passed = 0
  let shift = 0
  let inserted = ''
  const flush = (doomed: readonly Doomed[]) => {
    let rest = doomed
    if (inserted !== '') {
      const position = view.behindVisible(passed)
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
      const doomed = view.doomed(passed, part.delete, isCoarse)
      unreachable += doomed.unreachable
      flush(doomed.runs)
      passed += part.delete
    }
  }
  flush([])
  return { edits, unreachable }
}

/** Everything that shows now, over the version that a tree is prepared for. O(log spans), and each span that is deleted. */
export function viewOfTree(tree: SpanTree): WrittenView {
  return {
    behindVisible(visible) {
      if (visible === 0) return 0
      const { span, offset } = tree.findVisible(visible - 1)
      return tree.preparedBefore(span) + (tree.isPrepared(span) ? offset + 1 : 0)
    },
    doomed(visible, count, isCoarse) {
      const runs: Doomed[] = []
      let unreachable = 0
      let { span, offset } = tree.findVisible(visible)
      let prepared = tree.preparedBefore(span)
      for (let left = count; left > 0; span = tree.next(span), offset = 0) {
        const isPrepared = tree.isPrepared(span)
        if (tree.isVisible(span)) {
          const taken = Math.min(tree.length(span) - offset, left)
          left -= taken
          if (isPrepared) doom(runs, prepared + offset, taken, isCoarse)
          else unreachable += taken
        }
        if (isPrepared) prepared += tree.length(span)
      }
      return { runs, unreachable }
    },
  }
}

/** A version as a list of its runs, each of which shows or does not. */
export class ListedView implements WrittenView {
  readonly #runs: { readonly length: number; readonly isVisible: boolean }[] = []
  /** Characters that show. */
  visible = 0

  /** Adds the next run. */
  add(length: number, isVisible: boolean): void {
    this.#runs.push({ length, isVisible })
    if (isVisible) this.visible += length
  }

  behindVisible(visible: number): number {
    if (visible === 0) return 0
    let left = visible
    let prepared = 0
    for (const { length, isVisible } of this.#runs) {
      if (isVisible && left <= length) return prepared + left
      if (isVisible) left -= length
      prepared += length
    }
    throw new Error(`bug: the version has no character ${visible - 1}`)
  }

  doomed(visible: number, count: number, isCoarse: boolean) {
    const runs: Doomed[] = []
    let passed = 0
    let prepared = 0
    for (const { length, isVisible } of this.#runs) {
      if (passed >= visible + count) break
      if (isVisible) {
        const from = Math.max(visible - passed, 0)
        const taken = Math.min(visible + count - passed, length) - from
        if (taken > 0) doom(runs, prepared + from, taken, isCoarse)
        passed += length
      }
      prepared += length
    }
    return { runs, unreachable: 0 }
  }
}

/** Adds a run to those that are deleted, to the last one where it goes on there, or where a coarse answer will do. */
function doom(runs: Doomed[], position: number, count: number, isCoarse: boolean): void {
  const last = runs.at(-1)
  if (last !== undefined && (isCoarse || last.position + last.count === position))
    last.count = position + count - last.position
  else runs.push({ position, count })
}
