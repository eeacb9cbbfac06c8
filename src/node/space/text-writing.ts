import type { Entry } from '../../core/graph.ts'
import { TEXT_EDITS_MAX } from '../../core/limits.ts'
import { deleteText, editText } from '../../core/types/text/change.ts'
import { CREATE_EMPTY, type TextEdit } from '../../core/types/text/edit.ts'
import { composeSplices, type TextDelta, type TextSplice } from '../../core/types/text/delta.ts'
import type { WireEdits } from '../../core/types/text/wire-edits.ts'
import type { SpaceStore } from '../../storage/space-store.ts'
import { FaultError } from '../fault-error.ts'
import { isIncomplete, type OpenText } from '../replica/open-text.ts'
import type { Texts } from '../replica/texts.ts'

/** Who writes: on top of what, and over which text. */
export interface TextAuthor {
  /** What the operation will follow. */
  readonly parents: readonly Entry[]
  /** True where the author looks at all that shows here now; false for one who has seen only `parents`. */
  readonly seesAll: boolean
}

/** Makes the changes of texts that users ask for: positions in what they see become positions on the wire. */
export class TextWriting {
  readonly #texts: Texts
  readonly #store: SpaceStore
  readonly #author: TextAuthor

  constructor(texts: Texts, store: SpaceStore, author: TextAuthor) {
    this.#texts = texts
    this.#store = store
    this.#author = author
  }

  /**
   * The changes that make these splices, one after the other; none where nothing changes. A text that is not there begins empty, and comes
   * to be whatever is asked. Throws `TEXT_INCOMPLETE` and `BAD_POSITION`.
   */
  encode(path: string, splices: readonly TextSplice[]): readonly Uint8Array[] {
    const { text, parents } = this.#open(path)
    const { document } = text
    const translate = (length: number, toWire: (delta: TextDelta) => WireEdits): readonly TextEdit[] => {
      const delta = composeSplices(length, splices)
      if (delta !== null) return toWire(delta).edits
      const detail = `the edit goes beyond the text at ${JSON.stringify(path)}, which has ${length} characters (Unicode code points): read it again`
      throw new FaultError({ code: 'BAD_POSITION', detail }, path)
    }
    const edits = this.#author.seesAll
      ? translate(document.length, (delta) => document.translate(delta, parents))
      : document.asOf(parents, translate)
    if (edits.length === 0) return document.exists ? [] : [editText(path, [CREATE_EMPTY])]
    return Array.from({ length: Math.ceil(edits.length / TEXT_EDITS_MAX) }, (_, i) =>
      editText(path, edits.slice(i * TEXT_EDITS_MAX, (i + 1) * TEXT_EDITS_MAX)),
    )
  }

  /** The change that deletes the text as far as the author builds on it; none where there is no text. */
  encodeDeletion(path: string): readonly Uint8Array[] {
    return this.#open(path).text.document.exists ? [deleteText(path)] : []
  }

  #open(path: string): { readonly text: OpenText; readonly parents: readonly number[] } {
    const text = this.#texts.open(path)
    const parents = isIncomplete(path, this.#store) ? null : text.parentsFor(this.#author.parents)
    if (parents !== null) return { text, parents }
    const detail = `the text at ${JSON.stringify(path)} lacks operations whose content has not arrived, so it cannot be edited yet: "hanse sync" fetches what this node may read, "hanse status" says what is missing`
    throw new FaultError({ code: 'TEXT_INCOMPLETE', detail }, path)
  }
}
