import { toHex } from '../../core/bytes.ts'
import { TEXT_CHARACTERS_MAX } from '../../core/limits.ts'
import { parsePath } from '../../core/path.ts'
import { formatDid } from '../../core/principal.ts'
import { TEXT } from '../../core/types/text/change.ts'
import { countCodePoints } from '../../core/types/text/code-points.ts'
import { spliceDelta, type TextDelta, type TextSplice } from '../../core/types/text/delta.ts'
import type { TextDocument } from '../../core/types/text/document.ts'
import { FaultError, orThrow } from '../fault-error.ts'
import { isIncomplete, type OpenText } from '../replica/open-text.ts'
import { parseOperationId } from './operation-id.ts'
import type { Admission } from '../replica/admission-step.ts'
import type { HostedSpace } from './hosted-space.ts'
import type { ItemEdit } from './item-edit.ts'
import type { PutOptions } from './put-options.ts'
import { halveSplices } from './halve-splices.ts'
import { diffTexts } from './text-diff.ts'

/** A stretch of a text, and who wrote it. Positions are code points of what shows. */
export interface BlamedRange {
  readonly from: number
  /** One past the last character. */
  readonly to: number
  readonly text: string
  /** `did:key` of the author. */
  readonly author: string
  /** Id of the operation, hexadecimal. */
  readonly operation: string
  /** Milliseconds since 1970, as the author's clock said. */
  readonly time: number
}

/** A change of what shows, after it was stored. */
export interface TextEvent {
  /** What an editor that shows the text before does to show it now. */
  readonly delta: TextDelta
  /** Peer id of whom it came from, or `local` for this node's own writes. */
  readonly source: string
}

/** The space that a text is in. */
export interface TextOwner {
  readonly hosted: HostedSpace
  write(edits: readonly ItemEdit[], options: PutOptions): string
  addEventListener(
    type: 'change',
    listener: (event: CustomEvent<Admission>) => void,
    options: { readonly signal: AbortSignal },
  ): void
}

/**
 * One text of a space. It is read where it stands: there is nothing to open or close, and what comes from others shows at once. Positions
 * and counts are Unicode code points of what shows now (with `after`: of what showed to those operations). Every method that writes
 * returns the operation's id, or null where nothing changes, and throws a {@link FaultError} for what the caller can mend
 * (`BAD_POSITION`, `TEXT_INCOMPLETE`, `LIMIT` beyond TEXT_CHARACTERS_MAX). What one operation cannot hold (BODY_BYTES_MAX) goes into
 * several, each on top of the one before, and the id is that of the last.
 */
export class SpaceText {
  readonly path: string
  readonly #space: TextOwner

  constructor(space: TextOwner, path: string) {
    orThrow(parsePath(path))
    this.#space = space
    this.path = path
  }

  /** True where there is a text, be it empty. */
  get exists(): boolean {
    const cell = this.#space.hosted.store.cell({ path: this.path, type: TEXT, field: '' })
    return cell !== undefined && !cell.removed
  }

  /** True while the content of operations that may have changed it has not arrived: what shows is not final, and cannot be edited. */
  get isIncomplete(): boolean {
    return isIncomplete(this.path, this.#space.hosted.store)
  }

  /** Characters that show. */
  get length(): number {
    return this.exists ? this.#document.length : 0
  }

  /** What shows; empty where there is no text. */
  toString(): string {
    return this.exists ? this.#document.toString() : ''
  }

  /** The characters from `from` to before `to`, by default to the end; positions beyond the end are the end. */
  slice(from: number, to: number = this.length): string {
    const { length } = this
    return this.#document.slice(Math.min(from, length), Math.min(to, length))
  }

  /** Inserts text in front of the character at `position`. An empty insertion brings a text to be that is not there. */
  insert(position: number, text: string, options?: PutOptions): string | null {
    return this.apply([[position, 0, text]], options)
  }

  /** Deletes `count` characters from `position` on. */
  delete(position: number, count: number, options?: PutOptions): string | null {
    return this.apply([[position, count, '']], options)
  }

  /** Makes it say `text`, by the fewest insertions and deletions of words: what others type at the same time stays. */
  set(text: string, options?: PutOptions): string | null {
    return this.apply(spliceDelta(diffTexts(this.toString(), text)), options)
  }

  /**
   * Makes splices one after the other, each of the text that the ones before it leave: as one operation, or as several where one cannot
   * hold them. All are checked before the first is written; others may see the text between two operations.
   */
  apply(splices: readonly TextSplice[], options: PutOptions = {}): string | null {
    const isNothing = splices.every(([, deleted, inserted]) => deleted === 0 && inserted === '')
    if (isNothing && this.exists) return null
    const inserted = splices.reduce((sum, [, , text]) => sum + countCodePoints(text), 0)
    if (inserted > 0 && this.#document.characters + inserted > TEXT_CHARACTERS_MAX) {
      throw new FaultError({
        code: 'LIMIT',
        detail: `a text has at most ${TEXT_CHARACTERS_MAX} characters, deleted ones included: begin another, or store it as a blob`,
      })
    }
    return this.#write(splices, options)
  }

  /** One operation where they fit, else those of either half: an operation too large is refused before anything of it is kept. */
  #write(splices: readonly TextSplice[], options: PutOptions): string {
    try {
      return this.#space.write([{ kind: 'text', path: this.path, splices }], options)
    } catch (error) {
      const halves = error instanceof FaultError && error.code === 'LIMIT' ? halveSplices(splices) : null
      if (halves === null) throw error
      const first = this.#write(halves[0], options)
      // Whoever builds on exactly some operations goes on from there; all others build on all that is here, the first half among it.
      return this.#write(halves[1], options.after === undefined ? options : { ...options, after: [first] })
    }
  }

  /** Deletes the text as far as this node has seen it. What others type into it at the same time stays, and brings it back. */
  remove(options: PutOptions = {}): string | null {
    return this.exists ? this.#space.write([{ kind: 'delete', path: this.path, type: TEXT }], options) : null
  }

  /** Calls back after each change of what shows, whoever made it. Returns what ends that. */
  subscribe(listener: (event: TextEvent) => void): () => void {
    const controller = new AbortController()
    this.#space.addEventListener(
      'change',
      ({ detail: { texts, source } }) => {
        for (const { path, delta } of texts)
          if (path === this.path && delta.length > 0) listener({ delta, source })
      },
      { signal: controller.signal },
    )
    return () => controller.abort()
  }

  /** Who wrote what shows, stretch by stretch. */
  blame(): readonly BlamedRange[] {
    if (!this.exists) return []
    const { store } = this.#space.hosted
    let from = 0
    return this.#document.blame().map(({ node, length }): BlamedRange => {
      const to = from + length
      const { id, author, time } = store.at(this.#document.operation(node))
      const text = this.#document.slice(from, to)
      const range = { from, to, text, author: formatDid(author), operation: toHex(id), time }
      from = to
      return range
    })
  }

  /**
   * What it said after an operation (its id, hexadecimal), that is to whoever had seen that operation and its past; or at a time (ms since
   * 1970), as authors' clocks said. What has no effect any more is left out.
   */
  at(version: string | number): string {
    const { store } = this.#space.hosted
    if (typeof version === 'number') {
      const members = new Uint8Array(this.#document.nodes)
      for (let node = 0; node < members.length; node++) {
        const isThere = store.at(this.#document.operation(node)).time <= version
        members[node] = isThere && !this.#document.isMasked(node) ? 1 : 0
      }
      return this.#document.textOf(members)
    }
    const entry = store.find(parseOperationId(version))
    if (entry === undefined) {
      throw new FaultError({
        code: 'UNKNOWN_OPERATION',
        detail: `operation ${version} has not arrived here: sync first, or see "hanse log"`,
      })
    }
    return this.#document.at(this.#open.versionOf([entry]))
  }

  /** Asked for anew each time: what is open may be closed meanwhile. */
  get #open(): OpenText {
    return this.#space.hosted.replica.texts.open(this.path)
  }

  get #document(): TextDocument {
    return this.#open.document
  }
}
