import type { CodePoints } from './code-points.ts'
import { DeltaWriter, type TextDelta } from './delta.ts'
import type { SpanTree } from './span-tree.ts'

/** A run of characters that may show otherwise than before. */
interface Noted {
  readonly start: number
  readonly length: number
  readonly wasVisible: boolean
}

/**
 * What showed before a batch of changes, so that one delta can be given for the batch. Only characters that were there at the beginning
 * are noted; the newer ones are new.
 */
export class DeltaJournal {
  readonly #noted: Noted[] = []
  readonly #begin: number

  /** `begin`: how many characters the document has now. */
  constructor(begin: number) {
    this.#begin = begin
  }

  /** Takes down a span whose visibility is about to change. */
  note(tree: SpanTree, span: number): void {
    const start = tree.start(span)
    const length = Math.min(tree.length(span), this.#begin - start)
    if (length > 0) this.#noted.push({ start, length, wasVisible: tree.isVisible(span) })
  }

  /** What shows otherwise than at the beginning. */
  finish(tree: SpanTree, points: CodePoints): TextDelta {
    const pieces = this.#pieces(tree).sort((a, b) => a.place - b.place)
    const writer = new DeltaWriter()
    let at = 0
    for (const { start, length, wasVisible, isVisible, visibleBefore } of pieces) {
      if (wasVisible === isVisible) continue
      writer.retain(visibleBefore - at)
      at = visibleBefore
      if (isVisible) {
        writer.insert(points.join([start, length]))
        at += length
      } else writer.delete(length)
    }
    return writer.finish()
  }

  #pieces(tree: SpanTree) {
    const pieces = []
    for (const { start, length, wasVisible } of this.#runs(tree)) {
      for (let at = start; at < start + length; ) {
        const span = tree.spanOf(at)
        const offset = at - tree.start(span)
        const count = Math.min(tree.length(span) - offset, start + length - at)
        const isVisible = tree.isVisible(span)
        pieces.push({
          start: at,
          length: count,
          wasVisible,
          isVisible,
          place: tree.allBefore(span) + offset,
          visibleBefore: tree.visibleBefore(span) + (isVisible ? offset : 0),
        })
        at += count
      }
    }
    return pieces
  }

  /** Each character once, as it was noted first; spans are only ever split, so a later note lies within an earlier one or apart from it. */
  *#runs(tree: SpanTree): Generator<Noted> {
    let end = 0
    // The sort is stable, so of two that begin alike the one noted first comes first.
    for (const noted of this.#noted.sort((a, b) => a.start - b.start)) {
      if (noted.start < end) continue
      end = noted.start + noted.length
      yield noted
    }
    if (tree.all > this.#begin)
      yield { start: this.#begin, length: tree.all - this.#begin, wasVisible: false }
  }
}
