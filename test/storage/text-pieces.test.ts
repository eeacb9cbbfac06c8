import { join } from 'node:path'
import { rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { TEXT_PIECE_UNITS_MAX } from '../../src/core/limits.ts'
import type { CellKey } from '../../src/core/types/cell.ts'
import type { SpaceStore } from '../../src/storage/space-store.ts'
import { alice, cellOf, idOf } from './fixtures.ts'
import { makeFolder, openStore } from './sqlite-harness.ts'

const key: CellKey = { path: 'note', type: 'text', field: '' }
const INIT = { spaceId: idOf('space'), spaceKey: alice.publicKey }

function inStore<T>(work: (store: SpaceStore, file: string) => T): T {
  const folder = makeFolder()
  const file = join(folder, 'space.sqlite')
  const store = openStore({ ...INIT, file, create: true })
  try {
    return work(store, file)
  } finally {
    store.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

const write = (store: SpaceStore, text: string) =>
  store.transaction('process', (writer) => writer.putCell(key, cellOf(idOf('1'), text)))

/** Splices of one text after another: where (of a thousand), how much goes, and what comes. */
const splices = fc.array(
  fc.tuple(
    fc.nat(999),
    fc.oneof(fc.nat(5), fc.nat(3 * TEXT_PIECE_UNITS_MAX)),
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 5 }).filter((text) => !text.includes('\0')),
      fc.nat(5 * TEXT_PIECE_UNITS_MAX).map((length) => '😀a'.repeat(length / 3)),
    ),
  ),
  { maxLength: 12 },
)

describe('a text on disk', () => {
  it('is read as it was written, whatever came before, also by another client and after a rollback', () => {
    fc.assert(
      fc.property(splices, (planned) => {
        inStore((store, file) => {
          let points: readonly string[] = []
          for (const [at, gone, come] of planned) {
            const from = Math.floor((at * points.length) / 1_000)
            points = [...points.slice(0, from), ...Array.from(come), ...points.slice(from + gone)]
            const text = points.join('')
            expect(() =>
              store.transaction('process', (writer) => {
                writer.putCell(key, cellOf(idOf('1'), `${text}x`))
                throw new Error('no')
              }),
            ).toThrow('no')
            write(store, text)
            expect(store.cell(key)?.value).toEqual(encodeCanonical(text))
            expect(store.cellsAt('note')[0]?.cell.value).toEqual(encodeCanonical(text))
          }
          const client = new DatabaseSync(file, { readOnly: true })
          const [row] = client.prepare('SELECT value FROM texts').all()
          const widest = client.prepare('SELECT max(length(text)) AS n FROM text_pieces').get()?.['n']
          client.close()
          expect(row?.['value']).toBe(planned.length === 0 ? undefined : points.join(''))
          expect(Number(widest ?? 0)).toBeLessThanOrEqual(TEXT_PIECE_UNITS_MAX)
        })
      }),
      { numRuns: 60 },
    )
  })

  it('takes an edit by the piece: one letter in the middle of a long text writes a small part of it', () => {
    inStore((store, file) => {
      const text = 'The quick brown fox jumps over the lazy dog. '.repeat(5_000)
      write(store, text)
      const pieces = () => {
        const reader = new DatabaseSync(file, { readOnly: true })
        const rows = reader.prepare('SELECT piece, text FROM text_pieces ORDER BY piece').all()
        reader.close()
        return new Map(rows.map((row) => [Number(row['piece']), String(row['text'])]))
      }
      const before = pieces()
      write(store, `${text.slice(0, 100_000)}!${text.slice(100_000)}`)
      const after = pieces()
      const changed = [...after].filter(([piece, content]) => before.get(piece) !== content)
      expect(changed.length).toBeGreaterThan(0)
      expect(changed.length).toBeLessThanOrEqual(3)
    })
  })

  it('keeps room between pieces, however often one place is written', () => {
    inStore((store) => {
      let text = 'ab'
      for (let i = 0; i < 120; i++) {
        text = `${text.slice(0, 1)}${String(i % 10).repeat(TEXT_PIECE_UNITS_MAX)}${text.slice(1)}`
        write(store, text)
      }
      expect(store.cell(key)?.value).toEqual(encodeCanonical(text))
    })
  })
})
