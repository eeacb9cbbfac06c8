import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { constants, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SNAPSHOT_RECORD_BYTES_MAX, UNPACK_WINDOW_LOG_MAX } from '../../src/core/limits.ts'
import { ahead } from '../../src/node/exchange/ahead.ts'
import { ByteReader } from '../../src/node/exchange/byte-reader.ts'
import { fileBytes, readUnpacked, writeWholeFile } from '../../src/node/exchange/exchange-file.ts'
import { readTextLines, type TextLine } from '../../src/node/exchange/text-lines.ts'
import {
  isZstd,
  packFrame,
  takeFrame,
  unpackFrame,
  unpackStream,
} from '../../src/node/exchange/zstd-frames.ts'
import { WaitingSpool } from '../../src/storage/sqlite/waiting-spool.ts'
import { temporaryFolder } from './temporary-folder.ts'

const folder = temporaryFolder()

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const joined = async (chunks: AsyncIterable<Uint8Array>) => Buffer.concat(await Array.fromAsync(chunks))

/** A frame to be skipped, with so many bytes in it. */
function skippable(length: number): Buffer {
  const frame = Buffer.alloc(8 + length, 0x28)
  frame.writeUInt32LE(0x184d2a53, 0)
  frame.writeUInt32LE(length, 4)
  return frame
}

describe('zstd frames', () => {
  it('are unpacked one after the other, whatever lies between them and however the bytes come', async () => {
    const level = fc.constantFrom(1, 3, 19)
    const part = fc.record({
      content: fc.uint8Array({ maxLength: 400 }),
      repeat: fc.integer({ min: 1, max: 2_000 }),
      level,
      checksum: fc.boolean(),
      skip: fc.option(fc.nat(20)),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(part, { maxLength: 4 }),
        fc.integer({ min: 1, max: 999 }),
        async (parts, size) => {
          const contents = parts.map(({ content, repeat }) =>
            Buffer.concat(Array(repeat).fill(content) as Buffer[]),
          )
          const frames = parts.map(({ level, checksum, skip }, i) => {
            const params = {
              [constants.ZSTD_c_compressionLevel]: level,
              [constants.ZSTD_c_checksumFlag]: checksum ? 1 : 0,
            }
            const packed = zstdCompressSync(contents[i] as Buffer, { params })
            return skip === null ? packed : Buffer.concat([skippable(skip), packed])
          })
          const file = Buffer.concat(frames)
          const stream = unpackStream(new ByteReader(chunksOf(file, size)))
          expect((await joined(stream)).equals(Buffer.concat(contents))).toBe(true)
          const reader = new ByteReader(chunksOf(file, size))
          for (const content of contents) {
            const frame = await takeFrame(reader, 1 << 24)
            if (frame === null) throw new Error('a frame is missing')
            expect(Buffer.from(await unpackFrame(frame, 1 << 24)).equals(content)).toBe(true)
          }
          expect(await takeFrame(reader, 1 << 24)).toBeNull()
        },
      ),
      { numRuns: 60 },
    )
  })

  it('that end in the middle, are damaged, or are none are found out with their place', async () => {
    const packed = zstdCompressSync(Buffer.from('some text '.repeat(50)), {
      params: { [constants.ZSTD_c_checksumFlag]: 1 },
    })
    const unpack = async (bytes: Uint8Array) =>
      await joined(unpackStream(new ByteReader(chunksOf(bytes, 10))))
    for (let end = 1; end < packed.length; end++)
      await expect(unpack(packed.subarray(0, end))).rejects.toMatchObject({ code: 'BAD_FILE' })
    await expect(unpack(Buffer.concat([packed, Buffer.from('x')]))).rejects.toMatchObject({
      message: expect.stringContaining(`at byte ${packed.length}`) as unknown,
    })
    await expect(unpack(Buffer.concat([packed, skippable(9).subarray(0, 12)]))).rejects.toMatchObject({
      code: 'BAD_FILE',
    })
    const flipped = Buffer.from(packed)
    flipped[packed.length - 1] = (flipped[packed.length - 1] as number) ^ 1
    await expect(unpack(flipped)).rejects.toMatchObject({ code: 'BAD_FILE' })
    expect([
      isZstd(packed),
      isZstd(skippable(0)),
      isZstd(Buffer.from('{"id"')),
      isZstd(packed.subarray(0, 3)),
    ]).toEqual([true, true, false, false])
  })

  it('are bounded, packed and unpacked, and in their window', async () => {
    const bomb = { position: 7, packed: zstdCompressSync(Buffer.alloc(SNAPSHOT_RECORD_BYTES_MAX + 1)) }
    await expect(unpackFrame(bomb, SNAPSHOT_RECORD_BYTES_MAX)).rejects.toMatchObject({
      code: 'BAD_FILE',
      message: expect.stringContaining('at byte 7') as unknown,
    })
    const most = { position: 0, packed: await packFrame(new Uint8Array(SNAPSHOT_RECORD_BYTES_MAX)) }
    expect(await unpackFrame(most, SNAPSHOT_RECORD_BYTES_MAX)).toHaveLength(SNAPSHOT_RECORD_BYTES_MAX)
    const packed = zstdCompressSync(Buffer.from('text'))
    const take = async (max: number) => await takeFrame(new ByteReader(chunksOf(packed, 3)), max)
    expect(await take(packed.length)).toMatchObject({ position: 0 })
    await expect(take(packed.length - 1)).rejects.toMatchObject({ code: 'BAD_FILE' })
    // A window descriptor of 2^27 is taken, and twice that is not.
    const frame = (exponent: number) =>
      Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, (exponent - 10) << 3, 0x09, 0x00, 0x00, 0x61])
    const unpack = async (bytes: Buffer) => await unpackFrame({ position: 0, packed: bytes }, 100)
    expect(await unpack(frame(UNPACK_WINDOW_LOG_MAX))).toEqual(Buffer.from('a'))
    await expect(unpack(frame(UNPACK_WINDOW_LOG_MAX + 1))).rejects.toMatchObject({ code: 'BAD_FILE' })
  })
})

describe('lines of a file', () => {
  const linesOf = async (bytes: Uint8Array, max = 20, size = 7): Promise<readonly TextLine[]> =>
    await Array.fromAsync(readTextLines(chunksOf(bytes, size), max))

  it('come with their numbers, without empty ones, and the last needs no end', async () => {
    const lines = await linesOf(Buffer.from('one\r\n\n  \ntwo\nthree'))
    expect(lines.map(({ number, text }) => [number, text.ok ? text.value.trim() : null])).toEqual([
      [1, 'one'],
      [4, 'two'],
      [5, 'three'],
    ])
  })

  it('that are too long or no text are faults in their own place', async () => {
    const bytes = Buffer.concat([
      Buffer.from(`${'x'.repeat(20)}\n${'y'.repeat(21)}\n`),
      Buffer.from([0xff, 0x0a]),
      Buffer.from('end\n'),
    ])
    for (const size of [1, 7, 1_000]) {
      const lines = await linesOf(bytes, 20, size)
      expect(lines.map(({ text }) => (text.ok ? text.value.length : text.fault.code))).toEqual([
        20,
        'LIMIT',
        'BAD_TEXT',
        3,
      ])
    }
  })
})

describe('a file that is written', () => {
  async function* content(...parts: readonly string[]) {
    yield* parts
  }

  it('is whole, its owner’s alone, and replaces what was there', async () => {
    const file = folder.file('whole.jsonl')
    writeFileSync(file, 'before')
    expect(await writeWholeFile(file, content('one\n', 'two\n'), false)).toBe(8)
    expect(readFileSync(file, 'utf8')).toBe('one\ntwo\n')
    const packed = folder.file('whole.zst')
    await writeWholeFile(packed, content('one\n'), true)
    expect((await joined(readUnpacked(packed))).toString()).toBe('one\n')
    expect(statSync(packed).mode & 0o777).toBe(0o600)
    const link = folder.file('link')
    symlinkSync(file, link)
    await writeWholeFile(link, content('three'), false)
    expect(readFileSync(file, 'utf8')).toBe('three')
    expect(await fileBytes(file)).toBe(5)
  })

  it('leaves what was there where it cannot be finished', async () => {
    const inner = join(folder.path, 'inner')
    mkdirSync(inner)
    const file = join(inner, 'file')
    writeFileSync(file, 'before')
    async function* failing() {
      yield 'half'
      throw new Error('no more')
    }
    await expect(writeWholeFile(file, failing(), true)).rejects.toThrow('no more')
    expect(readFileSync(file, 'utf8')).toBe('before')
    expect(readdirSync(inner)).toEqual(['file'])
  })

  it.each(['', 'missing/file'])('says where it cannot be written: %j', async (name) => {
    await expect(writeWholeFile(join(folder.path, name), content('x'), false)).rejects.toMatchObject({
      code: 'BAD_FILE',
    })
    await expect(fileBytes(join(folder.path, name))).rejects.toMatchObject({ code: 'BAD_FILE' })
  })
})

describe('what waits', () => {
  it('comes out by rank and place, each once, a page at a time', () => {
    const spool = new WaitingSpool()
    const ranks = [5, 3, 5, 1, 2 ** 50]
    for (const [place, rank] of ranks.entries()) spool.add({ rank, place, bytes: Uint8Array.of(place) })
    expect(spool.size).toBe(5)
    const all: number[] = []
    for (let page = spool.after(null, 2); page.length > 0; page = spool.after(page.at(-1) ?? null, 2))
      all.push(...page.map(({ bytes }) => bytes[0] as number))
    expect(all).toEqual([3, 1, 0, 2, 4])
    spool.close()
  })
})

describe('reading ahead', () => {
  it('gives every item in order, and what goes wrong when its turn comes', async () => {
    async function* three() {
      yield 1
      yield 2
      throw new Error('three')
    }
    const seen: number[] = []
    const read = async () => {
      for await (const item of ahead(three())) seen.push(item)
    }
    await expect(read()).rejects.toThrow('three')
    expect(seen).toEqual([1, 2])
    let isReturned = false
    async function* endless() {
      try {
        for (let i = 0; ; i++) yield i
      } finally {
        isReturned = true
      }
    }
    for await (const item of ahead(endless())) if (item === 3) break
    expect(isReturned).toBe(true)
    expect(await Array.fromAsync(ahead(Readable.from([])))).toEqual([])
  })
})
