import { createReadStream, createWriteStream } from 'node:fs'
import { open, realpath, rename, rm, stat } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createZstdCompress } from 'node:zlib'
import { FaultError } from '../fault-error.ts'
import { ByteReader } from './byte-reader.ts'
import { isZstd, PACK_OPTIONS, unpackStream } from './zstd-frames.ts'

/** Bytes read from a file at a time. */
const CHUNK_BYTES = 256 * 1024

/** A reader of a file's bytes. Throws `BAD_FILE` where it cannot be read. `onBytes`: told how many have been read so far. */
export function readFileBytes(
  file: string,
  onBytes: (read: number) => void = () => {},
): AsyncIterable<Uint8Array> {
  return chunksOf(file, onBytes)
}

async function* chunksOf(file: string, onBytes: (read: number) => void): AsyncGenerator<Uint8Array> {
  const stream = createReadStream(file, { highWaterMark: CHUNK_BYTES })
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      onBytes(stream.bytesRead)
      yield chunk
    }
  } catch (error) {
    throw cannot('read', file, error)
  } finally {
    stream.destroy()
  }
}

/** Bytes of a file; 0 where that cannot be told (a pipe). Throws `BAD_FILE` where there is none, or it is a folder. */
export async function fileBytes(file: string): Promise<number> {
  try {
    const stats = await stat(file)
    if (stats.isDirectory()) throw new Error('it is a folder')
    return stats.isFile() ? stats.size : 0
  } catch (error) {
    throw cannot('read', file, error)
  }
}

/** The bytes of a file, unpacked where it is packed with zstd: by what it holds, whatever its name. */
export function readUnpacked(file: string, onBytes?: (read: number) => void): AsyncGenerator<Uint8Array> {
  return unpackedStream(readFileBytes(file, onBytes))
}

/** Bytes from anywhere, unpacked where they are packed with zstd. Throws `BAD_FILE` where they are damaged. */
export async function* unpackedStream(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = new ByteReader(source)
  if (isZstd(await reader.peek(4))) {
    yield* unpackStream(reader)
    return
  }
  const next = async () => await reader.takeSome(CHUNK_BYTES)
  for (let chunk = await next(); chunk !== null; chunk = await next()) yield chunk
}

/**
 * Writes a file that only its owner can read, whole or not at all: into a file beside it, which is synced to disk and takes its name at the
 * end. What is there and is no ordinary file (a pipe, a device) is written to as it is. Returns the bytes written. `BAD_FILE`.
 */
export async function writeWholeFile(
  file: string,
  content: AsyncIterable<Uint8Array | string>,
  isPacked: boolean,
): Promise<number> {
  const target = await realpath(file).catch(() => file)
  const stats = await stat(target).catch(() => null)
  if (stats?.isDirectory() === true) throw cannot('write', file, new Error('it is a folder'))
  const isReplaced = stats === null || stats.isFile()
  const partial = isReplaced ? join(dirname(target), `.${basename(target)}.${randomUUID()}`) : target
  try {
    const written = await writeStream(partial, content, isPacked, isReplaced ? 'wx' : 'w')
    if (isReplaced) await rename(partial, target)
    return written
  } catch (error) {
    if (isReplaced) await rm(partial, { force: true })
    throw error instanceof Error && 'syscall' in error ? cannot('write', file, error) : error
  }
}

async function writeStream(
  file: string,
  content: AsyncIterable<Uint8Array | string>,
  isPacked: boolean,
  flags: 'wx' | 'w',
): Promise<number> {
  const sink = createWriteStream(file, { flags, mode: 0o600 })
  const source = Readable.from(content, { objectMode: false })
  if (isPacked) await pipeline(source, createZstdCompress(PACK_OPTIONS), sink)
  else await pipeline(source, sink)
  if (flags === 'wx') await sync(file)
  return sink.bytesWritten
}

async function sync(file: string): Promise<void> {
  const handle = await open(file, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function cannot(what: 'read' | 'write', file: string, error: unknown): unknown {
  if (error instanceof FaultError) return error
  if (error instanceof Error && error.name === 'AbortError') return error
  const why = error instanceof Error ? error.message : String(error)
  const done = what === 'read' ? 'read' : 'written'
  return new FaultError({ code: 'BAD_FILE', detail: `${file} cannot be ${done}: ${why}` })
}
