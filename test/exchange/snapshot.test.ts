import { readFileSync, writeFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { concatBytes, toHex } from '../../src/core/bytes.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import {
  encodeSnapshotRecord,
  type SnapshotCell,
  type SnapshotRecord,
} from '../../src/core/snapshot-record.ts'
import { editMap } from '../../src/core/types/map/change.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { ByteReader } from '../../src/node/exchange/byte-reader.ts'
import { exportSnapshot } from '../../src/node/exchange/export-snapshot.ts'
import { importSnapshot } from '../../src/node/exchange/import-snapshot.ts'
import { openSnapshot, packSnapshot } from '../../src/node/exchange/snapshot-file.ts'
import { unpackStream } from '../../src/node/exchange/zstd-frames.ts'
import { SpaceExchange } from '../../src/node/exchange/space-exchange.ts'
import type { HostedSpace } from '../../src/node/space/hosted-space.ts'
import { type Event, makeHistory, plans } from '../random-history.ts'
import { alice, bob, carol, createEmptyHome, createHome, forge, NOW_MS, verifier } from '../cast.ts'
import { temporaryFolder } from './temporary-folder.ts'

const folder = temporaryFolder()
const rootsOf = ({ replica }: HostedSpace) => [toHex(replica.clockRoot()), toHex(replica.stateRoot())]
const exchangeOf = (hosted: HostedSpace) => new SpaceExchange(hosted, () => NOW_MS)

/** A snapshot of the space in a file. */
async function snapshotOf(
  hosted: HostedSpace,
  options: { readonly path?: string; readonly includeAbove?: boolean } = {},
): Promise<string> {
  const file = folder.file('space.snapshot')
  await exchangeOf(hosted).exportSnapshot({ file, ...options })
  return file
}

async function importInto(hosted: HostedSpace, file: string) {
  const isEmpty = hosted.store.count() === 0
  return await importSnapshot(hosted.replica, { file, isEmpty, verifier, now: () => NOW_MS })
}

/** A file of these records. */
async function fileOf(records: readonly SnapshotRecord[]): Promise<string> {
  const file = folder.file('made.snapshot')
  async function* all() {
    yield* records
  }
  writeFileSync(file, concatBytes(...(await Array.fromAsync(packSnapshot(all())))))
  return file
}

async function recordsOf(hosted: HostedSpace, path = ''): Promise<SnapshotRecord[]> {
  return await Array.fromAsync(exportSnapshot(hosted, { path, nowMs: NOW_MS }))
}

async function someSpace(): Promise<HostedSpace> {
  const first = forge({ author: bob, body: [setRegister('docs/a', 1), setRegister('notes/a', 1)] })
  const second = forge({
    author: carol,
    body: [editMap('docs/b', { set: { x: 1, y: 'two' } })],
    header: { path: 'docs' },
  })
  const third = forge({
    author: bob,
    prev: first,
    body: [setRegister('notes/b', 'three')],
    header: { path: 'notes' },
  })
  return (await createHome([first, second, third])).hosted
}

const operationsOf = (events: readonly Event[]): readonly Operation[] =>
  events.map(({ operation }) => operation)

describe('a snapshot', () => {
  it('makes the same space elsewhere, and merges with what is there', async () => {
    await fc.assert(
      fc.asyncProperty(plans(20), fc.nat(20), async (made, cut) => {
        const events = makeHistory(made)
        const whole = await createHome(operationsOf(events))
        const file = await snapshotOf(whole.hosted)
        const fresh = createEmptyHome()
        const report = await importInto(fresh.hosted, file)
        expect(report).toMatchObject({ operations: events.length + 2, admitted: events.length + 2 })
        expect(rootsOf(fresh.hosted)).toEqual(rootsOf(whole.hosted))
        const part = await createHome(operationsOf(events.slice(0, Math.min(cut, events.length))))
        const merged = await importInto(part.hosted, file)
        expect(merged.admitted).toBe(events.length - Math.min(cut, events.length))
        expect(rootsOf(part.hosted)).toEqual(rootsOf(whole.hosted))
      }),
      { numRuns: 15 },
    )
  })

  it('merges into a space that holds more, which it leaves there', async () => {
    const hosted = await someSpace()
    const file = await snapshotOf(hosted)
    const more = forge({ author: alice, prev: hosted.operation(1), body: [setRegister('more', 1)] })
    const other = await createHome([more])
    expect(await importInto(other.hosted, file)).toMatchObject({ operations: 5, admitted: 3 })
    expect(other.hosted.store.count()).toBe(6)
    await hosted.replica.receive([more], 'the test')
    expect(rootsOf(other.hosted)).toEqual(rootsOf(hosted))
  })

  it('is read with any zstd and any reader of CBOR', async () => {
    const hosted = await someSpace()
    const bytes = readFileSync(await snapshotOf(hosted))
    const records = await recordsOf(hosted)
    const reader = new ByteReader(Readable.from([bytes]))
    const unpacked = concatBytes(...(await Array.fromAsync(unpackStream(reader))))
    expect(unpacked).toEqual(concatBytes(...records.map(encodeSnapshotRecord)))
    expect(new Uint8Array(zstdDecompressSync(bytes))).toEqual(
      encodeSnapshotRecord(records[0] as SnapshotRecord),
    )
    expect(records.map(({ kind }) => kind)).toEqual(['manifest', 'operations', 'cells', 'end'])
    expect(records[0]).toMatchObject({
      manifest: {
        path: '',
        operations: 5,
        clockRoot: hosted.replica.clockRoot(),
        stateRoot: hosted.replica.stateRoot(),
        timeMs: NOW_MS,
      },
    })
    expect(records.at(-1)).toEqual({ kind: 'end', operations: 5, bodies: 5, cells: 5 })
  })

  it('is of the moment at which it begins, while the space goes on', async () => {
    const hosted = await someSpace()
    const before = rootsOf(hosted)
    const records = exportSnapshot(hosted, { nowMs: NOW_MS })
    const first = await records.next()
    const later = forge({ author: alice, prev: hosted.operation(1), body: [setRegister('docs/a', 'later')] })
    await hosted.replica.receive([later], 'the test')
    expect(rootsOf(hosted)).not.toEqual(before)
    const rest = await Array.fromAsync(records)
    const fresh = createEmptyHome()
    await importInto(fresh.hosted, await fileOf([first.value as SnapshotRecord, ...rest]))
    expect(rootsOf(fresh.hosted)).toEqual(before)
  })
})

describe('a snapshot of a subtree', () => {
  it('has every header and what the subtree follows from, and is checked against the selection root', async () => {
    const below = forge({ author: bob, body: [setRegister('docs/a', 1)], header: { path: 'docs/a' } })
    const beside = forge({ author: carol, body: [setRegister('notes/a', 1)], header: { path: 'notes' } })
    const { hosted } = await createHome([below, beside])
    const file = await snapshotOf(hosted, { path: 'docs' })
    const fresh = createEmptyHome()
    expect(await importInto(fresh.hosted, file)).toMatchObject({ operations: 4, admitted: 4, cells: 1 })
    expect(fresh.hosted.store.absentBodyCount()).toBe(1)
    expect(fresh.hosted.replica.stateRootAt('docs')).toEqual(hosted.replica.stateRootAt('docs'))
    expect(fresh.hosted.replica.stateRootAt('notes')).toBeNull()
    const whole = await importInto(fresh.hosted, await snapshotOf(hosted))
    expect(whole).toMatchObject({ admitted: 0, completed: 1 })
    expect(rootsOf(fresh.hosted)).toEqual(rootsOf(hosted))
  })

  it('is refused where an operation above changed something in it, unless such operations are taken along', async () => {
    const hosted = await someSpace()
    const written = snapshotOf(hosted, { path: 'docs' })
    await expect(written).rejects.toMatchObject({ code: 'ABOVE_PATH' })
    const fresh = createEmptyHome()
    await importInto(fresh.hosted, await snapshotOf(hosted, { path: 'docs', includeAbove: true }))
    expect(fresh.hosted.replica.stateRootAt('docs')).toEqual(hosted.replica.stateRootAt('docs'))
    expect(fresh.hosted.store.absentBodyCount()).toBe(1)
  })

  it('of a path where nothing is holds every header, and no cell', async () => {
    const hosted = await someSpace()
    const fresh = createEmptyHome()
    const report = await importInto(fresh.hosted, await snapshotOf(hosted, { path: 'nowhere' }))
    expect(report).toMatchObject({ operations: 5, cells: 0 })
    expect(fresh.hosted.replica.clockRoot()).toEqual(hosted.replica.clockRoot())
  })
})

describe('a snapshot that is not what it says', () => {
  async function tampered(change: (records: SnapshotRecord[]) => void) {
    const hosted = await someSpace()
    const records = await recordsOf(hosted)
    change(records)
    return await fileOf(records)
  }

  const manifestWith = (fields: object) => (records: SnapshotRecord[]) => {
    const [first] = records
    if (first?.kind !== 'manifest') throw new Error('no manifest')
    records[0] = { kind: 'manifest', manifest: { ...first.manifest, ...fields } }
  }
  const other = new Uint8Array(32)

  it.each<[string, (records: SnapshotRecord[]) => void, RegExp]>([
    [
      'another clock root',
      manifestWith({ clockRoot: other }),
      /its clock root is 0{64}, and [0-9a-f]{64} follows/,
    ],
    ['another state root', manifestWith({ stateRoot: other }), /its state root is 0{64}/],
    ['another count', manifestWith({ operations: 6 }), /says that it holds 6 operations, and holds 5/],
    [
      'an operation left out',
      (records) => {
        const record = records[1] as Extract<SnapshotRecord, { kind: 'operations' }>
        records[1] = { ...record, operations: record.operations.slice(0, -1) }
      },
      /holds 5 operations, and holds 4.*its clock root.*its state root.*"notes\/b" is carried, and does not follow/,
    ],
    [
      'an operation twice the wrong way round',
      (records) => {
        const record = records[1] as Extract<SnapshotRecord, { kind: 'operations' }>
        records[1] = { ...record, operations: record.operations.toSpliced(1, 1) }
      },
      /were not admitted \(MISSING_PARENT 3\)/,
    ],
    [
      'a signature that does not hold',
      (records) => {
        const record = records[1] as Extract<SnapshotRecord, { kind: 'operations' }>
        const operations = record.operations.map((one) => ({ ...one }))
        operations[4] = { ...(operations[4] as (typeof operations)[0]), signature: new Uint8Array(64) }
        records[1] = { ...record, operations }
      },
      /were not admitted \(BAD_SIGNATURE 1\), first [0-9a-f]{64}/,
    ],
    [
      'another value',
      (records) => {
        const record = records[2] as Extract<SnapshotRecord, { kind: 'cells' }>
        records[2] = {
          ...record,
          cells: record.cells.with(0, { ...(record.cells[0] as SnapshotCell), value: encodeCanonical(9) }),
        }
      },
      /the register at "docs\/a" has another value than follows/,
    ],
    [
      'a cell too few',
      (records) => {
        const record = records[2] as Extract<SnapshotRecord, { kind: 'cells' }>
        records[2] = { ...record, cells: record.cells.slice(0, -1) }
      },
      /holds 5 cells, and holds 4.*"notes\/b" follows from the operations, and is not carried/,
    ],
    [
      'a cell in the place of another',
      (records) => {
        const record = records[2] as Extract<SnapshotRecord, { kind: 'cells' }>
        records[2] = {
          ...record,
          cells: record.cells.with(1, { ...(record.cells[1] as SnapshotCell), field: 'z' }),
        }
      },
      /the map at "docs\/b", field "z", is carried, where the map at "docs\/b", field "x", follows/,
    ],
  ])('is a mismatch that says what: %s', async (_what, change, detail) => {
    const file = await tampered(change)
    const fresh = createEmptyHome()
    await expect(importInto(fresh.hosted, file)).rejects.toMatchObject({
      code: 'SNAPSHOT_MISMATCH',
      message: expect.stringMatching(detail) as unknown,
    })
    const { hosted: held } = await createHome()
    await expect(importInto(held, file)).rejects.toMatchObject({ code: 'SNAPSHOT_MISMATCH' })
    expect(held.store.count()).toBe(2)
  })

  it('is of the space it is of', async () => {
    const file = await tampered(manifestWith({ space: other }))
    await expect(importInto(createEmptyHome().hosted, file)).rejects.toMatchObject({ code: 'WRONG_SPACE' })
  })
})

describe('a damaged snapshot', () => {
  it('is found out at every byte, with its place, and never taken for something else', async () => {
    const hosted = await someSpace()
    const bytes = readFileSync(await snapshotOf(hosted))
    const file = folder.file('damaged.snapshot')
    const harmless: number[] = []
    for (let at = 0; at < bytes.length; at += 3) {
      const copy = Buffer.from(bytes)
      copy[at] = (copy[at] as number) ^ (1 << (at % 8))
      writeFileSync(file, copy)
      const fresh = createEmptyHome()
      const outcome = await importInto(fresh.hosted, file).catch((error: unknown) => error)
      if (outcome instanceof Error) {
        expect(outcome).toMatchObject({ code: 'BAD_FILE' })
        expect(outcome.message).toMatch(/at byte \d+/)
      } else {
        // Bits that zstd leaves unused, or that ask for another window.
        harmless.push(at)
        expect(rootsOf(fresh.hosted)).toEqual(rootsOf(hosted))
      }
    }
    expect(harmless.length).toBeLessThan(8)
  })

  it('is found out wherever it ends', async () => {
    const bytes = readFileSync(await snapshotOf(await someSpace()))
    const file = folder.file('cut.snapshot')
    for (let end = 0; end < bytes.length; end += 11) {
      writeFileSync(file, bytes.subarray(0, end))
      await expect(importInto(createEmptyHome().hosted, file)).rejects.toMatchObject({ code: 'BAD_FILE' })
    }
  })

  it('is refused with its records in another order, twice, or after the end', async () => {
    const [manifest, operations, cells, end] = (await recordsOf(await someSpace())) as [
      SnapshotRecord,
      SnapshotRecord,
      SnapshotRecord,
      SnapshotRecord,
    ]
    for (const records of [
      [operations, manifest, cells, end],
      [manifest, cells, operations, end],
      [manifest, manifest, operations, cells, end],
      [manifest, operations, cells, end, cells],
      [manifest, operations, cells, end, end],
      [manifest, operations, cells],
      [manifest],
    ]) {
      const file = await fileOf(records)
      await expect(importInto(createEmptyHome().hosted, file)).rejects.toMatchObject({ code: 'BAD_FILE' })
    }
    expect(manifest.kind).toBe('manifest')
  })

  it('is refused, with what to do, where a later version wrote it', async () => {
    const [manifest, ...rest] = (await recordsOf(await someSpace())).map(encodeSnapshotRecord) as [Uint8Array]
    const later = encodeCanonical(['manifest', { kind: 'hanse snapshot', format: 2 }])
    const section = encodeCanonical(['blobs', []])
    for (const [records, detail] of [
      [[later, ...rest], /has the format 2, this version of Hanse reads 1: import it with/],
      [[manifest, section, ...rest], /has a part "blobs", which this version of Hanse does not know/],
    ] as const) {
      const file = folder.file('later.snapshot')
      writeFileSync(file, concatBytes(...records.map((one) => zstdCompressSync(one))))
      await expect(importInto(createEmptyHome().hosted, file)).rejects.toMatchObject({
        code: 'FILE_VERSION',
        message: expect.stringMatching(detail) as unknown,
      })
    }
  })

  it('is opened for its manifest alone', async () => {
    const hosted = await someSpace()
    const { manifest, content } = await openSnapshot(await snapshotOf(hosted))
    await content.return(undefined)
    expect(toHex(manifest.space)).toBe(toHex(hosted.id))
    await expect(openSnapshot(folder.file('missing'))).rejects.toMatchObject({ code: 'BAD_FILE' })
  })
})
