import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toHex } from '../../src/core/bytes.ts'
import { parseClockText } from '../../src/core/clock-text.ts'
import { CLOCK_TEXT_BYTES_MAX } from '../../src/core/limits.ts'
import { formatOperationLine } from '../../src/core/operation/operation-line.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { exportOperations } from '../../src/node/exchange/export-operations.ts'
import {
  importOperations,
  type LineCounts,
  type LineReport,
} from '../../src/node/exchange/import-operations.ts'
import { readTextLines, type TextLine } from '../../src/node/exchange/text-lines.ts'
import { SpaceExchange } from '../../src/node/exchange/space-exchange.ts'
import type { HostedSpace } from '../../src/node/space/hosted-space.ts'
import {
  beginning,
  bob,
  carol,
  createEmptyHome,
  createHome,
  forge,
  mallory,
  NOW_MS,
  stranger,
} from '../cast.ts'
import { makeHistory, plans } from '../random-history.ts'

/** The lines of an export. */
async function exported(hosted: HostedSpace, options: Parameters<typeof exportOperations>[1] = {}) {
  return await Array.fromAsync(exportOperations(hosted, options), ({ text }) => text)
}

async function imported(
  hosted: HostedSpace,
  lines: readonly string[],
): Promise<{ readonly counts: LineCounts; readonly reports: readonly LineReport[] }> {
  const reports: LineReport[] = []
  const counts = await importOperations(hosted, asFile(lines), {
    onReport: (report) => void reports.push(report),
  })
  return { counts, reports }
}

async function* asFile(lines: readonly string[]): AsyncGenerator<TextLine> {
  const bytes = Buffer.from(lines.map((line) => (line.endsWith('\n') ? line : `${line}\n`)).join(''))
  yield* readTextLines(chunksOf(bytes), 8 * 1024 * 1024)
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1_000) yield bytes.subarray(at, at + 1_000)
}

const rootsOf = ({ replica }: HostedSpace) => [toHex(replica.clockRoot()), toHex(replica.stateRoot())]

function note(
  author: typeof bob,
  prev: Operation | null,
  path: string,
  value: unknown,
  deps: Operation[] = [],
) {
  const rest = deps.length === 0 ? {} : { deps }
  return forge({ author, prev, body: [setRegister(path, value)], header: { path: 'mallory' }, ...rest })
}

describe('operations in a file', () => {
  it('make the same space elsewhere: shuffled, doubled, from two files', async () => {
    await fc.assert(
      fc.asyncProperty(plans(25), fc.infiniteStream(fc.nat(1_000)), async (made, numbers) => {
        const events = makeHistory(made)
        const home = await createHome(events.map(({ operation }) => operation))
        const lines = await exported(home.hosted)
        expect(lines).toHaveLength(home.hosted.store.count())
        const shuffled = [...lines, ...lines.slice(0, 5)]
          .map((line) => ({ line, at: numbers.next().value as number }))
          .toSorted((a, b) => a.at - b.at)
          .map(({ line }) => line)
        const middle = Math.floor(shuffled.length / 2)
        const elsewhere = createEmptyHome()
        await imported(elsewhere.hosted, shuffled.slice(middle))
        await imported(elsewhere.hosted, shuffled.slice(0, middle))
        // What waited for the first file and was dropped since is in the second run of the one or the other.
        const { counts } = await imported(elsewhere.hosted, shuffled.slice(middle))
        expect(counts.refused + counts.waiting).toBe(0)
        expect(rootsOf(elsewhere.hosted)).toEqual(rootsOf(home.hosted))
      }),
      { numRuns: 40 },
    )
  })

  it('are admitted from the last to the first, however many wait meanwhile', async () => {
    const chain: Operation[] = []
    for (let i = 0; i < 2_500; i++) chain.push(note(bob, chain.at(-1) ?? null, 'mallory/x', i))
    const lines = [...beginning, ...chain].map(formatOperationLine).toReversed()
    const home = createEmptyHome()
    const { counts, reports } = await imported(home.hosted, lines)
    expect(counts).toEqual({ admitted: 2_502, completed: 0, duplicate: 0, waiting: 0, refused: 0 })
    expect(new Set(reports.map(({ line }) => line)).size).toBe(2_502)
  })

  it('are reported line by line, and one bad line stops none', async () => {
    const first = note(bob, null, 'mallory/x', 1)
    const second = note(bob, first, 'mallory/x', 2)
    const outside = forge({ author: mallory, body: [setRegister('bob', 1)], header: { path: 'bob' } })
    const unknown = note(stranger, null, 'mallory/x', 3, [...beginning])
    const forged = { ...note(carol, null, 'mallory/x', 4), signature: new Uint8Array(64) }
    const orphan = note(carol, note(carol, null, 'mallory/x', 5), 'mallory/x', 6)
    const late = forge({ author: carol, header: { time: NOW_MS + 3_600_000 } })
    const lines = [
      ...beginning.map(formatOperationLine),
      'not JSON',
      '',
      formatOperationLine(outside),
      formatOperationLine(unknown),
      formatOperationLine(forged),
      formatOperationLine(orphan),
      formatOperationLine(late),
      formatOperationLine(second),
      formatOperationLine(first),
      formatOperationLine(first),
    ]
    const home = createEmptyHome()
    const { counts, reports } = await imported(home.hosted, lines)
    expect(counts).toEqual({ admitted: 4, completed: 0, duplicate: 1, waiting: 2, refused: 4 })
    const byLine = new Map(reports.map((report) => [report.line, report]))
    expect(byLine.get(3)).toMatchObject({ id: null, outcome: 'refused', code: 'BAD_JSON' })
    expect(byLine.has(4)).toBe(false)
    expect(byLine.get(5)).toMatchObject({ id: toHex(outside.id), outcome: 'refused', code: 'CAP_POLICY' })
    expect(byLine.get(6)).toMatchObject({ outcome: 'refused', code: 'CAP_MISSING' })
    expect(byLine.get(7)).toMatchObject({ outcome: 'refused', code: 'BAD_SIGNATURE' })
    expect(byLine.get(8)).toMatchObject({
      outcome: 'waiting',
      code: 'MISSING_PARENT',
      missing: [toHex(orphan.header.prev as Uint8Array)],
    })
    expect(byLine.get(9)).toMatchObject({ outcome: 'waiting', code: 'FUTURE' })
    expect(byLine.get(10)).toMatchObject({ outcome: 'admitted' })
    expect(byLine.get(11)).toMatchObject({ outcome: 'admitted' })
    expect(byLine.get(12)).toMatchObject({ outcome: 'duplicate' })
  })

  it('are all looked at, however many are forged', async () => {
    const forged = Array.from({ length: 40 }, (_, i) => ({
      ...note(carol, null, 'mallory/x', i),
      signature: new Uint8Array(64).fill(i),
    }))
    const home = createEmptyHome()
    const { counts } = await imported(home.hosted, [
      ...beginning.map(formatOperationLine),
      ...forged.map(formatOperationLine),
      formatOperationLine(note(bob, null, 'mallory/x', 1)),
    ])
    expect(counts).toEqual({ admitted: 3, completed: 0, duplicate: 0, waiting: 0, refused: 40 })
  })
})

describe('an export since a clock', () => {
  async function threeAuthors() {
    const b0 = note(bob, null, 'mallory/b', 0)
    const b1 = note(bob, b0, 'mallory/b', 1)
    const c0 = note(carol, null, 'mallory/c', 0, [b0])
    const c1 = note(carol, c0, 'mallory/c', 1)
    return { b0, b1, c0, c1, home: await createHome([b0, b1, c0, c1]) }
  }

  const idsOf = (lines: readonly string[]) => lines.map((line) => (JSON.parse(line) as { id: string }).id)
  const since = (clock: object) => {
    const parsed = parseClockText(JSON.stringify(clock))
    if (!parsed.ok) throw new Error(parsed.fault.detail)
    return { since: parsed.value }
  }
  const did = (operation: Operation) =>
    (JSON.parse(formatOperationLine(operation)) as { author: string }).author

  it('leaves out what is named and its past, by seq and by id', async () => {
    const { b0, b1, c0, c1, home } = await threeAuthors()
    const all = [...beginning, b0, b1, c0, c1].map(({ id }) => toHex(id))
    expect(idsOf(await exported(home.hosted))).toEqual(all)
    expect(idsOf(await exported(home.hosted, since({ [did(c0)]: 0 })))).toEqual([toHex(b1.id), toHex(c1.id)])
    expect(idsOf(await exported(home.hosted, since({ [did(c0)]: toHex(c1.id), [did(b0)]: 99 })))).toEqual([])
    expect(idsOf(await exported(home.hosted, since({ [did(b1)]: [toHex(b1.id)] })))).toEqual(
      [c0, c1].map(({ id }) => toHex(id)),
    )
    const whole = new SpaceExchange(home.hosted, () => NOW_MS).clock()
    expect(Object.keys(whole)).toHaveLength(4)
    expect(await exported(home.hosted, since(whole))).toEqual([])
  })

  it('takes a head that is not here for its seq, unless the author has forked here', async () => {
    const { b0, b1, c0, c1, home } = await threeAuthors()
    const ahead = { [did(b0)]: { seq: 7, id: '11'.repeat(32) } }
    expect(idsOf(await exported(home.hosted, since(ahead)))).toEqual([c0, c1].map(({ id }) => toHex(id)))
    const fork = note(bob, b0, 'mallory/b', 'other')
    await home.hosted.replica.receive([fork], 'the test')
    expect(idsOf(await exported(home.hosted, since(ahead)))).toHaveLength(7)
    const heads = new SpaceExchange(home.hosted, () => NOW_MS).clock()[did(b0)]
    expect(heads).toHaveLength(2)
    expect(idsOf(await exported(home.hosted, since({ [did(b0)]: [toHex(b1.id)] })))).toEqual(
      [c0, c1, fork].map(({ id }) => toHex(id)),
    )
  })

  it.each(['', '[]', '{"x":1}', '{"did:key:z6Mk":1}', 'null'])(
    'is refused with a clock that is none: %s',
    (text) => {
      expect(parseClockText(text)).toMatchObject({ ok: false, fault: { code: 'BAD_CLOCK' } })
    },
  )

  it('is refused with a clock one character past its bound', () => {
    expect(parseClockText('{}'.padEnd(CLOCK_TEXT_BYTES_MAX))).toEqual({ ok: true, value: [] })
    expect(parseClockText('{}'.padEnd(CLOCK_TEXT_BYTES_MAX + 1))).toMatchObject({
      fault: { code: 'BAD_CLOCK' },
    })
  })

  it('carries what two nodes lack of each other, both ways, and nothing else', async () => {
    const { b1, c1, home } = await threeAuthors()
    const other = await createHome(
      home.hosted.store.entriesFrom(2, 4).map(({ ordinal }) => home.hosted.operation(ordinal)),
    )
    await home.hosted.replica.receive([note(bob, b1, 'mallory/b', 2)], 'the test')
    await other.hosted.replica.receive([note(carol, c1, 'mallory/c', 2)], 'the test')
    const clockOf = (hosted: HostedSpace) => new SpaceExchange(hosted, () => NOW_MS).clock()
    const there = await exported(home.hosted, since(clockOf(other.hosted)))
    const back = await exported(other.hosted, since(clockOf(home.hosted)))
    expect([there.length, back.length]).toEqual([1, 1])
    expect((await imported(other.hosted, there)).counts.admitted).toBe(1)
    expect((await imported(home.hosted, back)).counts.admitted).toBe(1)
    expect(rootsOf(home.hosted)).toEqual(rootsOf(other.hosted))
  })
})

describe('an export of a subtree', () => {
  it('has every header, and bodies only below the path; the rest completes it later', async () => {
    const above = forge({ author: bob, body: [setRegister('a', 1)] })
    const below = forge({
      author: bob,
      prev: above,
      body: [setRegister('docs/x', 2)],
      header: { path: 'docs/x' },
    })
    const beside = forge({ author: carol, body: [setRegister('docsy', 3)], header: { path: 'docsy' } })
    const home = await createHome([above, below, beside])
    const lines = await exported(home.hosted, { path: 'docs' })
    expect(lines.map((line) => (JSON.parse(line) as { body: unknown }).body !== null)).toEqual([
      true,
      true,
      false,
      true,
      false,
    ])
    const part = createEmptyHome()
    expect((await imported(part.hosted, lines)).counts.admitted).toBe(5)
    expect(part.hosted.store.absentBodyCount()).toBe(2)
    expect(part.hosted.replica.stateRootAt('docs')).toEqual(home.hosted.replica.stateRootAt('docs'))
    const { counts } = await imported(part.hosted, await exported(home.hosted))
    expect(counts).toEqual({ admitted: 0, completed: 2, duplicate: 3, waiting: 0, refused: 0 })
    expect(rootsOf(part.hosted)).toEqual(rootsOf(home.hosted))
  })

  it('is of the moment at which it begins', async () => {
    const home = await createHome([note(bob, null, 'mallory/x', 1)])
    const lines = exportOperations(home.hosted)
    const first = await lines.next()
    await home.hosted.replica.receive([note(carol, null, 'mallory/x', 2)], 'the test')
    expect(first.done).toBe(false)
    expect(await Array.fromAsync(lines)).toHaveLength(2)
    expect(await exported(home.hosted)).toHaveLength(4)
  })
})
