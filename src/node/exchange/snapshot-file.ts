import { SNAPSHOT_RECORD_BYTES_MAX } from '../../core/limits.ts'
import {
  decodeSnapshotRecord,
  encodeSnapshotRecord,
  type SnapshotManifest,
  type SnapshotRecord,
} from '../../core/snapshot-record.ts'
import { FaultError } from '../fault-error.ts'
import { ahead } from './ahead.ts'
import { ByteReader, damaged } from './byte-reader.ts'
import { readFileBytes } from './exchange-file.ts'
import { packFrame, takeFrame, unpackFrame } from './zstd-frames.ts'

/** The bytes of a snapshot's file: each record is a zstd frame of its own, packed off this thread while the next is made. */
export async function* packSnapshot(records: AsyncIterable<SnapshotRecord>): AsyncGenerator<Uint8Array> {
  const frames = async function* () {
    for await (const record of records) yield await packFrame(encodeSnapshotRecord(record))
  }
  yield* ahead(frames())
}

type Content = Exclude<SnapshotRecord, { readonly kind: 'manifest' }>

/** A snapshot that is being read. */
export interface OpenSnapshot {
  readonly manifest: SnapshotManifest
  /** Operations, then cells, then the end: each once, and nothing after it. To be read once. */
  readonly content: AsyncGenerator<Content>
}

/**
 * Opens a snapshot and reads its manifest. Every record is bounded, and read and unpacked while the one before is used. Throws `BAD_FILE`
 * with the place where the file is damaged, truncated or not in its order, `FILE_VERSION` where a newer version wrote it.
 */
export async function openSnapshot(file: string): Promise<OpenSnapshot> {
  const reader = new ByteReader(readFileBytes(file))
  const records = ahead(recordsOf(reader))
  const first = await records.next()
  if (first.done === true) throw new FaultError({ code: 'BAD_FILE', detail: `${file} is empty` })
  const { record, position } = first.value
  if (record.kind !== 'manifest') throw damaged(position, 'it does not begin with a manifest')
  return { manifest: record.manifest, content: contentOf(records) }
}

interface PlacedRecord {
  readonly record: SnapshotRecord
  readonly position: number
}

async function* recordsOf(reader: ByteReader): AsyncGenerator<PlacedRecord> {
  for (;;) {
    const frame = await takeFrame(reader, SNAPSHOT_RECORD_BYTES_MAX)
    if (frame === null) return
    const { position } = frame
    const record = decodeSnapshotRecord(await unpackFrame(frame, SNAPSHOT_RECORD_BYTES_MAX))
    if (!record.ok) {
      const { code, detail } = record.fault
      if (code !== 'VERSION') throw damaged(position, detail)
      throw new FaultError({ code: 'FILE_VERSION', detail: `the file cannot be read here: ${detail}` })
    }
    yield { record: record.value, position }
  }
}

const ORDER: Readonly<Record<Content['kind'], number>> = { operations: 0, cells: 1, end: 2 }

async function* contentOf(records: AsyncGenerator<PlacedRecord>): AsyncGenerator<Content> {
  let reached = 0
  let end = 0
  for await (const { record, position } of records) {
    if (record.kind === 'manifest' || ORDER[record.kind] < reached || reached === ORDER.end)
      throw damaged(position, `${record.kind} are not in their place`)
    reached = ORDER[record.kind]
    end = position
    yield record
  }
  if (reached !== ORDER.end) throw damaged(end, 'it ends after this part, and what comes then is missing')
}
