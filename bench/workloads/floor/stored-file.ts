import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { BATCH_BYTES_TARGET, BATCH_OPERATIONS_MAX } from '../../../src/core/limits.ts'

/** What a source has of one operation: the three blobs as Hanse stores them. */
export type StoredBlobs = [header: Uint8Array, signature: Uint8Array, body: Uint8Array]

/** Bytes in front of the blobs of an operation in a frame: the lengths of header and body. */
export const FRAME_HEAD_BYTES = 8

/** The operations of the space that Hanse's source was prepared with (sync/hanse-party.ts), read as they lie in its file. */
export class StoredFile {
  readonly #database: DatabaseSync
  readonly #page
  #next = 0

  constructor(folder: string) {
    const spaces = join(folder, 'source', 'spaces')
    const [file] = readdirSync(spaces).filter((name) => name.endsWith('.sqlite'))
    this.#database = new DatabaseSync(join(spaces, file ?? ''), { readOnly: true })
    this.#page = this.#database.prepare(
      'SELECT header, signature, body FROM operation_log WHERE ordinal >= ? ORDER BY ordinal LIMIT ?',
      { returnArrays: true },
    )
  }

  /** The space's id. */
  get spaceId(): Uint8Array {
    return (this.#database.prepare('SELECT id FROM space').get() as { readonly id: Uint8Array }).id
  }

  get operations(): number {
    const row = this.#database.prepare('SELECT count(*) AS n FROM operation_log').get()
    return (row as { readonly n: number }).n
  }

  /** The next operations, as many as one batch of Hanse's has; none at the end. */
  nextBatch(): readonly StoredBlobs[] {
    const page = this.#page.all(this.#next, BATCH_OPERATIONS_MAX) as unknown as readonly StoredBlobs[]
    const batch: StoredBlobs[] = []
    let bytes = 0
    for (const blobs of page) {
      if (bytes >= BATCH_BYTES_TARGET) break
      bytes += blobs[0].length + blobs[2].length
      batch.push(blobs)
    }
    this.#next += batch.length
    return batch
  }

  close(): void {
    this.#database.close()
  }
}

/** The blobs one after the other, each operation's with their lengths in front: nothing is taken apart or put together. */
export function joinBlobs(batch: readonly StoredBlobs[]): Uint8Array<ArrayBuffer> {
  let bytes = 0
  for (const [header, signature, body] of batch)
    bytes += FRAME_HEAD_BYTES + header.length + signature.length + body.length
  const frame = new Uint8Array(bytes)
  const view = new DataView(frame.buffer)
  let at = 0
  for (const [header, signature, body] of batch) {
    view.setUint32(at, header.length)
    view.setUint32(at + 4, body.length)
    at += FRAME_HEAD_BYTES
    frame.set(header, at)
    frame.set(signature, at + header.length)
    frame.set(body, at + header.length + signature.length)
    at += header.length + signature.length + body.length
  }
  return frame
}
