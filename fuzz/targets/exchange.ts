import { constants, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { equalBytes } from '../../src/core/bytes.ts'
import { parseClockText } from '../../src/core/clock-text.ts'
import { formatOperationLine, parseOperationLine } from '../../src/core/operation/operation-line.ts'
import {
  decodeSnapshotRecord,
  encodeSnapshotRecord,
  type SnapshotRecord,
} from '../../src/core/snapshot-record.ts'
import { formatDid } from '../../src/core/principal.ts'
import { ByteReader } from '../../src/node/exchange/byte-reader.ts'
import { readCsvRows } from '../../src/node/exchange/csv-rows.ts'
import { type EntityRow, parseEntity, readJsonRows } from '../../src/node/exchange/entity-row.ts'
import { parseHistory } from '../../src/node/exchange/history-file.ts'
import { readTextLines } from '../../src/node/exchange/text-lines.ts'
import { unpackedStream } from '../../src/node/exchange/exchange-file.ts'
import { isZstd, takeFrame, unpackFrame, unpackStream } from '../../src/node/exchange/zstd-frames.ts'
import { FaultError } from '../../src/node/fault-error.ts'
import { bytesOf, count, digest, operation, path, SIGNERS } from '../grammar.ts'
import { holds, type Target } from '../target.ts'

const text = (input: Uint8Array): string => Buffer.from(input).toString('utf8')

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 61) yield bytes.subarray(at, at + 61)
}

/** What the work gives, or null where it refuses the file; anything else it throws is a finding. */
async function acceptedOr<T>(work: () => T | Promise<T>): Promise<T | null> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof FaultError) return null
    throw error
  }
}

const operationLine: Target = {
  name: 'operation-line',
  form: 'text',
  inputBytesMax: 64 * 1024,
  words: [
    '"bytes":"',
    '"payload":',
    '{"/":{"bytes":"AA"}}',
    '{"/":"bafy"}',
    '"body":null',
    '"__proto__":1',
    '9007199254740993',
    '1e20',
    '-0',
    '"seq":',
    '[[[[',
  ],
  valid: operation.map((one) => Buffer.from(formatOperationLine(one))),
  run(input) {
    const parsed = parseOperationLine(text(input))
    if (!parsed.ok) return false
    const again = parseOperationLine(formatOperationLine(parsed.value))
    holds(
      again.ok && equalBytes(again.value.id, parsed.value.id),
      'a line that is read is written as one that is read',
    )
    holds(
      again.ok && JSON.stringify(again.value.body) === JSON.stringify(parsed.value.body),
      'a body that is read is written whole',
    )
    return true
  },
}

const head = fc.record({ seq: count, id: digest.map((id) => Buffer.from(id).toString('hex')) })
const did = fc.constantFrom(...SIGNERS.map(({ publicKey }) => formatDid(publicKey)))

const clock: Target = {
  name: 'clock-text',
  form: 'text',
  inputBytesMax: 16 * 1024,
  words: ['"did:key:z6Mk', '{"seq":1,"id":"', '[', '"id":', '-1', '1e9', 'null'],
  valid: fc
    .dictionary(
      did,
      fc.oneof(
        count,
        head,
        head.map(({ id }) => id),
        fc.array(head, { minLength: 1, maxLength: 3 }),
      ),
    )
    .map((json) => Buffer.from(JSON.stringify(json))),
  run(input) {
    const parsed = parseClockText(text(input))
    if (!parsed.ok) return false
    holds(
      parsed.value.every(({ seq, heads }) => (seq === null) !== (heads.length === 0)),
      'a log is known by a seq or by heads',
    )
    return true
  },
}

const record: fc.Arbitrary<SnapshotRecord> = fc.oneof(
  fc
    .record({
      space: digest,
      spaceKey: digest,
      path,
      operations: count,
      clockRoot: digest,
      stateRoot: digest,
      timeMs: count,
    })
    .map((manifest) => ({ kind: 'manifest', manifest }) as const),
  fc.array(operation, { maxLength: 2 }).map(
    (operations) =>
      ({
        kind: 'operations',
        operations: operations.map(({ headerBytes, signature, body }) => ({ headerBytes, signature, body })),
      }) as const,
  ),
  fc
    .array(fc.record({ path, type: fc.constantFrom('map', 'x'), field: path, value: bytesOf(3) }), {
      maxLength: 3,
    })
    .map((cells) => ({ kind: 'cells', cells }) as const),
  fc
    .record({ operations: count, bodies: count, cells: count })
    .map((counts) => ({ kind: 'end', ...counts }) as const),
)

const snapshotRecord: Target = {
  name: 'snapshot-record',
  form: 'cbor',
  inputBytesMax: 64 * 1024,
  valid: record.map(encodeSnapshotRecord),
  run(input) {
    const decoded = decodeSnapshotRecord(input)
    if (!decoded.ok) return false
    holds(equalBytes(encodeSnapshotRecord(decoded.value), input), 'a record has one encoding')
    return true
  },
}

const CONTENT_BYTES_MAX = 1 << 20

const frames: Target = {
  name: 'zstd-frames',
  form: 'bytes',
  inputBytesMax: 16 * 1024,
  valid: fc
    .array(fc.record({ content: fc.uint8Array({ maxLength: 300 }), checksum: fc.boolean() }), {
      maxLength: 3,
    })
    .map((parts) =>
      Buffer.concat(
        parts.map(({ content, checksum }) =>
          zstdCompressSync(content, { params: { [constants.ZSTD_c_checksumFlag]: checksum ? 1 : 0 } }),
        ),
      ),
    ),
  async run(input) {
    const whole = await acceptedOr(async () => {
      const parts: Uint8Array[] = []
      const reader = new ByteReader(chunksOf(input))
      for (;;) {
        const frame = await takeFrame(reader, CONTENT_BYTES_MAX)
        if (frame === null) return Buffer.concat(parts)
        parts.push(await unpackFrame(frame, CONTENT_BYTES_MAX))
      }
    })
    let size = 0
    const streamed = await acceptedOr(async () => {
      const parts: Uint8Array[] = []
      for await (const part of unpackStream(new ByteReader(chunksOf(input)))) {
        size += part.length
        if (size > CONTENT_BYTES_MAX) return null
        parts.push(part)
      }
      return Buffer.concat(parts)
    })
    holds(
      whole === null || streamed === null || whole.equals(streamed),
      'frames unpack to the same one by one and as a stream',
    )
    const asFile = await acceptedOr(async () => {
      let read = 0
      for await (const part of unpackedStream(chunksOf(input))) {
        read += part.length
        if (read > CONTENT_BYTES_MAX) return null
      }
      return read
    })
    holds(
      isZstd(input) ? streamed === null || asFile === size : asFile === input.length,
      'what is not packed is taken as it is',
    )
    return whole !== null
  },
}

/** How many rows are taken before the file is refused. */
async function countRows(rows: AsyncIterable<EntityRow>): Promise<number> {
  let taken = 0
  await acceptedOr(async () => {
    for await (const { line, fields } of rows) {
      holds(line >= 1, 'a row has a line')
      if (fields.ok) taken++
      else holds(fields.fault.detail !== '', 'a fault says why')
    }
  })
  return taken
}

const entities: Target = {
  name: 'entities',
  form: 'text',
  inputBytesMax: 16 * 1024,
  words: ['[', ']', '{', '}', ',', '"', '\\"', '\n', '""', '\r\n', '{"/":{"bytes":"AA"}}', '"__proto__":'],
  valid: fc
    .array(fc.dictionary(fc.string({ maxLength: 4 }), fc.jsonValue({ maxDepth: 2 })), { maxLength: 4 })
    .chain((rows) =>
      fc.constantFrom(
        JSON.stringify(rows),
        rows.map((row) => JSON.stringify(row)).join('\n'),
        `a,b\n${rows.map((_row, i) => `${i},"x ""${i}"""`).join('\n')}\n`,
      ),
    )
    .map((file) => Buffer.from(file)),
  async run(input) {
    const taken =
      (await countRows(readJsonRows(chunksOf(input)))) + (await countRows(readCsvRows(chunksOf(input))))
    for await (const { text: line } of readTextLines(chunksOf(input), 100)) {
      const entity = line.ok ? parseEntity(line.value) : line
      holds(!entity.ok || typeof entity.value === 'object', 'an entity has fields')
    }
    return taken > 0
  },
}

const commit = fc.record({
  parents: fc.array(fc.nat(3), { maxLength: 2 }),
  author: fc.nat(3),
  time: fc.nat(),
  changes: fc.array(fc.tuple(path, fc.option(fc.string())), { maxLength: 2 }),
})

const history: Target = {
  name: 'history',
  form: 'text',
  inputBytesMax: 16 * 1024,
  words: ['"parents":[', '"i":', '"time":1e300', '"changes":[["', 'null', '-1', '0.5'],
  valid: fc
    .array(commit, { minLength: 1, maxLength: 4 })
    .map((commits) =>
      Buffer.from(
        commits
          .map((one, i) => JSON.stringify({ i, ...one, parents: one.parents.filter((parent) => parent < i) }))
          .join('\n'),
      ),
    ),
  async run(input) {
    const parsed = await acceptedOr(() => parseHistory(text(input), 'the file'))
    if (parsed === null) return false
    for (const { index, parents, author, timeMs } of parsed.commits) {
      holds(
        parents.every((parent) => parent >= 0 && parent < index),
        'parents come before their children',
      )
      holds(author < parsed.people, 'authors are numbered')
      holds(Number.isSafeInteger(timeMs) && timeMs >= 0, 'a time is one that an operation can have')
    }
    return true
  },
}

export const EXCHANGE_TARGETS: readonly Target[] = [
  operationLine,
  clock,
  snapshotRecord,
  frames,
  entities,
  history,
]
