import { setImmediate as breathe } from 'node:timers/promises'
import { encodeCanonical } from '../../core/canonical-cbor.ts'
import { equalBytes } from '../../core/bytes.ts'
import { BLOB_SCAN_CELLS_MAX } from '../../core/limits.ts'
import { BLOB, decodeBlobReference } from '../../core/types/blob/change.ts'
import type { BlobId } from '../../core/types/blob/piece.ts'
import type { Cell, CellKey } from '../../core/types/cell.ts'
import type { BlobStore } from '../../storage/blob-store.ts'
import type { SpaceStore } from '../../storage/space-store.ts'
import { orThrow } from '../fault-error.ts'

/** Turns read at a time, to find the last one. */
const TURNS_PAGE = 1_024

/**
 * Keeps what one space refers to in step with the space's own state, which is in another file. Invariants:
 * 1. the references say what the blob items show, whenever `ready` has resolved and no error was told;
 * 2. the mark beside them names the operations and turns they follow from; it is written when they change and when the space is closed,
 *    never in between, so that writing anything else costs nothing here;
 * 3. where the mark is not of the state that is there (a crash, a backup, a new file), all cells are looked at again, BLOB_SCAN_CELLS_MAX at a time.
 */
export class BlobIndex {
  readonly #space: SpaceStore
  readonly #blobs: BlobStore
  readonly #onReferenced: (ids: readonly BlobId[]) => void
  readonly #onError: (error: unknown) => void
  readonly ready: Promise<void>
  #isTrue: boolean
  #isClosed = false
  #turns = 0

  /** `onReferenced`: blobs that the space refers to, perhaps not for the first time. */
  constructor(
    space: SpaceStore,
    blobs: BlobStore,
    onReferenced: (ids: readonly BlobId[]) => void,
    onError: (error: unknown) => void,
  ) {
    this.#space = space
    this.#blobs = blobs
    this.#onReferenced = onReferenced
    this.#onError = onError
    const mark = blobs.mark(space.spaceId)
    this.#isTrue = mark !== undefined && equalBytes(mark, this.#position())
    this.ready = this.#isTrue ? Promise.resolve() : this.#collect()
  }

  /** True while the references are those of the space's state. */
  get isTrue(): boolean {
    return this.#isTrue
  }

  /** Cells have changed. */
  touched(keys: readonly CellKey[]): void {
    const paths = new Set(keys.filter(({ type }) => type === BLOB).map(({ path }) => path))
    if (paths.size === 0 || this.#isClosed) return
    try {
      const referenced: BlobId[] = []
      this.#blobs.transaction('process', (writer) => {
        for (const path of paths) {
          const id = idOf(this.#space.cell({ path, type: BLOB, field: '' }))
          writer.putReference(this.#space.spaceId, path, id)
          if (id !== null) referenced.push(id)
        }
        if (this.#isTrue) writer.putMark(this.#space.spaceId, this.#position())
      })
      this.#onReferenced(referenced)
    } catch (error) {
      // The mark stays behind, and the next start collects them again.
      this.#isTrue = false
      this.#onError(error)
    }
  }

  /** Before the space is closed. */
  close(): void {
    this.#isClosed = true
    if (!this.#isTrue) return
    const [mark, position] = [this.#blobs.mark(this.#space.spaceId), this.#position()]
    if (mark !== undefined && equalBytes(mark, position)) return
    this.#blobs.transaction('process', (writer) => writer.putMark(this.#space.spaceId, position))
  }

  async #collect(): Promise<void> {
    try {
      const { spaceId } = this.#space
      // An empty space is followed from its beginning; nothing has to be looked at.
      this.#blobs.transaction('process', (writer) => writer.clearReferences(spaceId))
      let after: CellKey | undefined
      for (let isLast = this.#space.count() === 0; !isLast; await breathe()) {
        if (this.#isClosed) return
        const page = this.#space.cells({
          prefix: '',
          limit: BLOB_SCAN_CELLS_MAX,
          ...(after === undefined ? {} : { after }),
        })
        const found = page.filter(({ key }) => key.type === BLOB)
        this.#blobs.transaction('process', (writer) => {
          for (const { key, cell } of found) writer.putReference(spaceId, key.path, idOf(cell))
        })
        this.#onReferenced(found.flatMap(({ cell }) => idOf(cell) ?? []))
        after = page.at(-1)?.key
        isLast = page.length < BLOB_SCAN_CELLS_MAX
      }
      this.#blobs.transaction('process', (writer) => {
        writer.dropStrayWants(spaceId)
        writer.putMark(spaceId, this.#position())
      })
      this.#isTrue = true
    } catch (error) {
      this.#onError(error)
    }
  }

  /** Which state of the space this is: number of operations, the last one's id, number of turns. */
  #position(): Uint8Array {
    const count = this.#space.count()
    for (;;) {
      const page = this.#space.turns(this.#turns, TURNS_PAGE)
      this.#turns += page.length
      if (page.length < TURNS_PAGE) break
    }
    return encodeCanonical([count, count === 0 ? null : this.#space.at(count - 1).id, this.#turns])
  }
}

/** What a blob item refers to; null where nothing shows. */
function idOf(cell: Cell | undefined): BlobId | null {
  if (cell === undefined || cell.removed) return null
  const { hash, size } = orThrow(decodeBlobReference(cell.value))
  return { hash, size }
}
