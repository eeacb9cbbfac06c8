import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { equalBytes } from '../../src/core/bytes.ts'
import { REFUSALS_REMEMBERED_MAX } from '../../src/core/limits.ts'
import type { Entry } from '../../src/core/graph.ts'
import type { Cell, CellKey } from '../../src/core/types/cell.ts'
import type { CellRow, Refusal, SpaceStore, SpaceWriter } from '../../src/storage/space-store.ts'
import {
  alice,
  append,
  bob,
  carol,
  cellOf,
  commit,
  delegationOf,
  field,
  idOf,
  makeOperation,
  mallory,
  register,
  setRegister,
} from './fixtures.ts'
import { expectSameAsModel } from './model.ts'
import { keysOf, pagesOf } from './snapshot.ts'

/** One adapter under test. */
export interface StoreHarness {
  /** A store of the same space with nothing in it. */
  open(): SpaceStore
  /** Closes and opens again, where the adapter keeps anything; else the same store. */
  reopen(store: SpaceStore): SpaceStore
  dispose(): void
}

/** The port's promises, each as a test. Every adapter passes all of them. */
export function describeSpaceStore(name: string, createHarness: () => StoreHarness): void {
  describe(`${name} as a space store`, () => {
    let harness: StoreHarness
    let store: SpaceStore
    beforeEach(() => {
      harness = createHarness()
      store = harness.open()
    })
    afterEach(() => {
      store.close()
      harness.dispose()
    })
    /** Says the same before and after the store was closed and opened. */
    const both = (look: () => void) => {
      look()
      store = harness.reopen(store)
      look()
    }
    const write = <T>(work: (writer: SpaceWriter) => T): T => store.transaction('process', work)

    describe('edits of texts', () => {
      const row = (ordinal: number, index: number, isWaiting: boolean) => ({
        ordinal,
        index,
        parents: ordinal === 0 ? [] : [ordinal - 1],
        isWaiting,
        payload: Uint8Array.of(ordinal, index),
      })

      it('are kept in order, replaced, and listed by their texts while they wait', () => {
        write((writer) => {
          for (const path of ['\u{1F600}', '\uFB01']) {
            writer.putTextEdit(path, row(1, 1, false))
            writer.putTextEdit(path, row(1, 0, true))
            writer.putTextEdit(path, row(0, 0, false))
          }
        })
        both(() => {
          expect(store.textEdits('\uFB01')).toEqual([row(0, 0, false), row(1, 0, true), row(1, 1, false)])
          expect(store.waitingTexts()).toEqual(['\uFB01', '\u{1F600}'])
          expect(store.textEdits('elsewhere')).toEqual([])
        })
        write((writer) => writer.putTextEdit('\uFB01', row(1, 0, false)))
        both(() => expect(store.waitingTexts()).toEqual(['\u{1F600}']))
      })

      it('may lack operations at their path, whether these are masked or not', () => {
        const genesis = commit(store, { author: alice })
        const one = commit(store, { author: bob, deps: [genesis], isBodyAbsent: true, path: 'docs' })
        const two = commit(store, { author: bob, isBodyAbsent: true, path: 'docs/a' })
        write((writer) => writer.putMask(two.ordinal, { isSevered: true }))
        both(() => {
          expect(store.absentAt(['docs/a', 'docs']).toSorted((a, b) => a - b)).toEqual([
            one.ordinal,
            two.ordinal,
          ])
          expect(store.absentAt(['', 'docs2'])).toEqual([])
        })
        write((writer) => writer.putBody(one.ordinal, []))
        both(() => expect(store.absentAt(['docs/a', 'docs'])).toEqual([two.ordinal]))
      })
    })

    describe('operations', () => {
      it('begins empty', () => {
        both(() => {
          expect(store.count()).toBe(0)
          expect([...store.authors()]).toEqual([])
          expect(store.frontier()).toEqual([])
          expect(store.heads(alice.publicKey)).toEqual([])
          expect(store.find(idOf('nothing'))).toBeUndefined()
          expect(store.absentBodyCount()).toBe(0)
          expect([...store.tokens()]).toEqual([])
          expect(store.cells({ prefix: '', limit: 10 })).toEqual([])
          expect(store.changedBelow('', 10, 10)).toEqual([])
        })
      })

      it('gives back the entry by ordinal and by id, field by field', () => {
        const genesis = commit(store, { author: alice })
        const caps = [idOf('root token'), idOf('leaf token')]
        const entry = commit(store, {
          author: bob,
          deps: [genesis],
          caps,
          path: 'docs/ä',
          body: [setRegister('docs/ä', 1)],
        })
        both(() => {
          expect(store.at(1)).toEqual(entry)
          expect([0, 1].map((ordinal) => store.prevOf(ordinal))).toEqual([genesis.prev, entry.prev])
          expect(store.find(entry.id)).toEqual(entry)
          expect(store.entriesFrom(0, 10)).toEqual([genesis, entry])
        })
      })

      it('gives back exactly the bytes of the header, the signature and every change', () => {
        const { operation, entry } = makeOperation(store, {
          author: alice,
          body: [setRegister('a', 1), new Uint8Array(0), setRegister('b', 'x'.repeat(70_000))],
        })
        write((writer) => writer.append(operation, entry))
        both(() => {
          const stored = store.operation(0)
          expect(stored.headerBytes).toEqual(operation.headerBytes)
          expect(stored.signature).toEqual(operation.signature)
          expect(stored.body).toEqual(operation.body)
        })
      })

      it('tells an empty body from an absent one', () => {
        const genesis = commit(store, { author: alice, body: [] })
        commit(store, { author: alice, prev: genesis, isBodyAbsent: true })
        both(() => {
          expect([0, 1].map((ordinal) => store.prevOf(ordinal))).toEqual([null, 0])
          expect(store.operation(0).body).toEqual([])
          expect(store.operation(1).body).toBeNull()
        })
      })

      it('throws for an ordinal that was never given out', () => {
        commit(store, { author: alice })
        both(() => {
          expect(() => store.at(1)).toThrow(/ordinal 1/)
          expect(() => store.prevOf(1)).toThrow(/ordinal 1/)
          expect(() => store.operation(1)).toThrow(/ordinal 1/)
        })
      })

      it('says what each operation follows, however many there are and however often it is asked', () => {
        const prevs: (number | null)[] = []
        const grow = (operations: number) =>
          write((writer) => {
            for (let i = 0; i < operations; i++)
              prevs.push(append(store, writer, { author: [alice, bob, carol][(i * i) % 3] ?? alice }).prev)
          })
        const expectAll = () => {
          const asked = () => prevs.map((_, ordinal) => store.prevOf(ordinal))
          expect([asked(), asked()]).toEqual([prevs, prevs])
        }
        grow(1_500)
        both(expectAll)
        // What is taken back leaves nothing behind.
        const undo = new Error('undone')
        expect(() =>
          write((writer) => {
            for (let i = 0; i < 1_000; i++) append(store, writer, { author: alice })
            for (let ordinal = 1_500; ordinal < 2_500; ordinal++) store.prevOf(ordinal)
            throw undo
          }),
        ).toThrow(undo)
        grow(700)
        both(expectAll)
        expect(() => store.prevOf(2_200)).toThrow(/ordinal 2200/)
      })

      it('refuses an operation out of order or twice, and changes nothing', () => {
        const genesis = makeOperation(store, { author: alice })
        write((writer) => writer.append(genesis.operation, genesis.entry))
        const { operation, entry } = makeOperation(store, { author: alice })
        expect(() => write((writer) => writer.append(operation, { ...entry, ordinal: 2 }))).toThrow(
          /next is 1/,
        )
        expect(() =>
          write((writer) => writer.append(genesis.operation, { ...genesis.entry, ordinal: 1 })),
        ).toThrow(/twice/)
        expect(store.count()).toBe(1)
      })

      it('keeps one head for an author that does not fork, and all ends of one that does', () => {
        const genesis = commit(store, { author: alice })
        const first = commit(store, { author: mallory, deps: [genesis] })
        const left = commit(store, { author: mallory, prev: first, path: 'left' })
        const right = commit(store, { author: mallory, prev: first, path: 'right' })
        const further = commit(store, { author: mallory, prev: right, path: 'further' })
        const restart = commit(store, { author: mallory, prev: null, deps: [genesis], path: 'restart' })
        both(() => {
          expect(store.heads(alice.publicKey)).toEqual([genesis])
          expect(store.heads(mallory.publicKey)).toEqual([restart, left, further])
          expect([...store.authors()].length).toBe(2)
        })
      })

      it('orders heads of one seq by id', () => {
        const genesis = commit(store, { author: alice })
        const heads = ['a', 'b', 'c', 'd'].map((path) =>
          commit(store, { author: mallory, prev: null, deps: [genesis], path }),
        )
        const sorted = heads.toSorted((a, b) => Buffer.compare(a.id, b.id))
        both(() => expect(store.heads(mallory.publicKey)).toEqual(sorted))
      })

      it('keeps in the frontier what nobody has built on', () => {
        const genesis = commit(store, { author: alice })
        const one = commit(store, { author: bob, deps: [genesis] })
        const two = commit(store, { author: carol, deps: [genesis] })
        both(() => expect(store.frontier()).toEqual([one, two]))
        const join = commit(store, { author: alice, deps: [one, two] })
        both(() => expect(store.frontier()).toEqual([join]))
      })

      it('pages through entries', () => {
        for (let i = 0; i < 7; i++) commit(store, { author: alice })
        both(() => {
          expect(store.entriesFrom(2, 3).map((entry) => entry.ordinal)).toEqual([2, 3, 4])
          expect(store.entriesFrom(5, 10).map((entry) => entry.ordinal)).toEqual([5, 6])
          expect(store.entriesFrom(7, 10)).toEqual([])
        })
      })

      it('lists absent bodies until they arrive', () => {
        const body = [setRegister('a', 1)]
        commit(store, { author: alice })
        const absent = commit(store, { author: alice, body, isBodyAbsent: true })
        const later = commit(store, { author: alice, body, isBodyAbsent: true })
        both(() => {
          expect(store.absentBodies(10)).toEqual([absent, later])
          expect(store.absentBodies(1)).toEqual([absent])
          expect(store.absentBodyCount()).toBe(2)
        })
        write((writer) => writer.putBody(absent.ordinal, body))
        write((writer) => writer.putBody(absent.ordinal, body))
        both(() => {
          expect(store.absentBodies(10)).toEqual([later])
          expect(store.absentBodyCount()).toBe(1)
          expect(store.operation(absent.ordinal).body).toEqual(body)
        })
      })

      it('tells apart ids that begin alike', () => {
        const alike = Array.from({ length: 6 }, (_, last) =>
          Uint8Array.from({ length: 32 }, (_, i) => (i < 31 ? 0xff : last)),
        )
        for (const id of alike) {
          const { operation, entry } = makeOperation(store, { author: alice })
          write((writer) => writer.append(operation, { ...entry, id }))
        }
        both(() => {
          for (const [ordinal, id] of alike.entries()) expect(store.find(id)?.ordinal).toBe(ordinal)
          expect(store.find(new Uint8Array(32).fill(0xff))).toBeUndefined()
          expect(store.find(new Uint8Array(3))).toBeUndefined()
        })
      })

      it('keeps the largest numbers a header may hold', () => {
        const { operation, entry } = makeOperation(store, { author: alice })
        const large = { ...entry, time: Number.MAX_SAFE_INTEGER, lamport: Number.MAX_SAFE_INTEGER - 1 }
        write((writer) => writer.append(operation, large))
        both(() => expect(store.at(0)).toEqual(large))
      })
    })

    describe('masks', () => {
      it('are put on, changed and taken off, and count no body as absent of what is severed', () => {
        const genesis = commit(store, { author: alice })
        const one = commit(store, { author: bob, deps: [genesis], isBodyAbsent: true })
        const two = commit(store, { author: bob, isBodyAbsent: true })
        expect(store.absentBodyCount()).toBe(2)
        write((writer) => {
          writer.putMask(one.ordinal, { isSevered: true })
          writer.putMask(two.ordinal, { isSevered: true })
          writer.putMask(two.ordinal, { isSevered: false })
        })
        both(() => {
          expect(store.mask(genesis.ordinal)).toBeUndefined()
          expect(store.mask(one.ordinal)).toEqual({ isSevered: true })
          expect(store.mask(two.ordinal)).toEqual({ isSevered: false })
          expect([...store.masked()].toSorted((a, b) => a - b)).toEqual([one.ordinal, two.ordinal])
          expect(store.absentBodies(9).map(({ ordinal }) => ordinal)).toEqual([two.ordinal])
          expect(store.absentBodyCount()).toBe(1)
        })
        write((writer) => {
          writer.putBody(two.ordinal, [])
          writer.putMask(one.ordinal, null)
          writer.putMask(two.ordinal, null)
        })
        both(() => {
          expect([...store.masked()]).toEqual([])
          expect(store.absentBodies(9)).toEqual([one])
          expect(store.absentBodyCount()).toBe(1)
        })
      })

      it('leave the history of a cell that is cleared to be folded again', () => {
        const genesis = commit(store, { author: alice })
        const key = register('docs/a')
        write((writer) => {
          writer.putCell(key, cellOf(genesis.id, 1, { removed: true }))
          writer.putRemoval(key, { id: genesis.id, index: 0 })
          writer.putHistory(key, { ordinal: 0, index: 0, kind: 'set' })
          writer.clearCell(key)
        })
        both(() => {
          expect(store.cell(key)).toBeUndefined()
          expect(store.cellsAt('docs/a')).toEqual([])
          expect(store.isRemoved(key, { id: genesis.id, index: 0 })).toBe(false)
          expect(store.history(key)).toEqual([{ ordinal: 0, index: 0, kind: 'set' }])
        })
      })
    })

    describe('what verdicts are found by', () => {
      it('lists what revokes and endorses, and what uses a delegation', () => {
        const genesis = commit(store, { author: alice })
        const used = [idOf('one'), idOf('two')]
        const writes = commit(store, { author: bob, deps: [genesis], caps: used })
        const revokes = commit(store, { author: alice, command: '/cap/revoke', caps: [idOf('one')] })
        const endorses = commit(store, { author: bob, command: '/cap/endorse', caps: used })
        both(() => {
          expect(store.verdicts()).toEqual([revokes, endorses])
          expect([...store.using(idOf('one'))]).toEqual([writes, revokes, endorses])
          expect([...store.using(idOf('two'))]).toEqual([writes, endorses])
          expect([...store.using(idOf('three'))]).toEqual([])
        })
      })

      it('finds the first operation that follows another of its author, or begins the log', () => {
        const genesis = commit(store, { author: alice })
        const begins = commit(store, { author: bob, deps: [genesis] })
        const left = commit(store, { author: bob, prev: begins })
        commit(store, { author: bob, prev: begins, path: 'right' })
        commit(store, { author: bob, prev: null, deps: [genesis], path: 'again' })
        both(() => {
          expect(store.firstAfter(bob.publicKey, null)).toEqual(begins)
          expect(store.firstAfter(bob.publicKey, begins.ordinal)).toEqual(left)
          expect(store.firstAfter(bob.publicKey, left.ordinal)).toBeUndefined()
          expect(store.firstAfter(carol.publicKey, null)).toBeUndefined()
        })
      })
    })

    describe('delegations', () => {
      it('keeps a token with everyone who published it, ascending and once', () => {
        const delegation = delegationOf(alice, bob.publicKey, 'one')
        for (let i = 0; i < 3; i++) commit(store, { author: alice })
        write((writer) => {
          writer.putToken(delegation, 2)
          writer.putToken(delegation, 0)
          writer.putToken(delegation, 2)
        })
        both(() => {
          expect(store.token(delegation.digest)).toEqual({ delegation, publishers: [0, 2] })
          expect(store.token(idOf('other'))).toBeUndefined()
        })
      })

      it('lists every token', () => {
        const tokens = ['one', 'two', 'three'].map((label) => delegationOf(alice, bob.publicKey, label))
        write((writer) => tokens.forEach((token, publisher) => writer.putToken(token, publisher)))
        both(() => {
          const listed = [...store.tokens()]
          expect(listed.length).toBe(3)
          for (const [publisher, delegation] of tokens.entries()) {
            expect(listed).toContainEqual({ delegation, publishers: [publisher] })
          }
        })
      })
    })

    describe('cells', () => {
      it('replaces the winning write of a cell', () => {
        const one = cellOf(idOf('1'), 'first')
        const two = cellOf(idOf('2'), { nested: [1, null] }, { index: 7, lamport: 9, removed: true })
        write((writer) => writer.putCell(register('docs/a'), one))
        both(() => expect(store.cell(register('docs/a'))).toEqual(one))
        write((writer) => writer.putCell(register('docs/a'), two))
        both(() => expect(store.cell(register('docs/a'))).toEqual(two))
        expect(store.cell(register('docs/b'))).toBeUndefined()
      })

      it('shows a cell as it was before a transaction that failed, and nothing once it is cleared', () => {
        const kept = cellOf(idOf('1'), 'kept')
        const large = cellOf(idOf('2'), 'x'.repeat(5_000))
        const check = (key: CellKey, cell: Cell) => {
          write((writer) => writer.putFirst(0, [{ key, cell, kind: 'set' }]))
          expect(store.cell(key)).toEqual(cell)
          const failing = (writer: SpaceWriter) => {
            writer.putCell(key, cellOf(idOf('3'), 'lost'))
            expect(store.cell(key)).toEqual(cellOf(idOf('3'), 'lost'))
            throw new Error('rolled back')
          }
          expect(() => write(failing)).toThrow('rolled back')
          both(() => expect(store.cell(key)).toEqual(cell))
          write((writer) => writer.putCell(key, large))
          both(() => expect(store.cell(key)).toEqual(large))
          write((writer) => writer.putCell(key, kept))
          both(() => expect(store.cell(key)).toEqual(kept))
          write((writer) => writer.clearCell(key))
          both(() => expect(store.cell(key)).toBeUndefined())
        }
        check(register('small'), kept)
        check(register('large'), large)
      })

      it('keeps types and fields at one path apart, and lists them all at it', () => {
        const cell = cellOf(idOf('1'), 1)
        const gone = cellOf(idOf('2'), 2, { removed: true })
        write((writer) => {
          writer.putCell(register('p'), cell)
          writer.putCell(field('p', 'name'), cell)
          writer.putCell(field('p', 'age'), gone)
          writer.putCell(register('p/below'), cell)
        })
        both(() => {
          expect(store.cellsAt('p')).toEqual([
            { key: field('p', 'age'), cell: gone },
            { key: field('p', 'name'), cell },
            { key: register('p'), cell },
          ])
          expect(store.cellsAt('nowhere')).toEqual([])
        })
      })

      it('takes a path with the separator of any encoding for what it is', () => {
        const one = cellOf(idOf('1'), 1)
        const two = cellOf(idOf('2'), 2)
        write((writer) => {
          writer.putCell(field('a\0map\0b', 'c'), one)
          writer.putCell(field('a', 'b\0map\0c'), two)
        })
        both(() => {
          expect(store.cell(field('a\0map\0b', 'c'))).toEqual(one)
          expect(store.cell(field('a', 'b\0map\0c'))).toEqual(two)
          expect(pagesOf(store, 'a', 10)).toEqual([{ key: field('a', 'b\0map\0c'), cell: two }])
        })
      })

      it('lists a prefix by whole segments: docs is not docs2, nor docs-old', () => {
        const cell = cellOf(idOf('1'), 1)
        const paths = [
          'docs',
          'docs-old',
          'docs-old/x',
          'docs/a',
          'docs/a/b',
          'docs0',
          'docs2',
          'docs2/a',
          'doc',
          '0',
        ]
        write((writer) => paths.forEach((path) => writer.putCell(register(path), cell)))
        both(() => {
          for (const limit of [1, 2, 100]) {
            const listed = pagesOf(store, 'docs', limit).map((row) => row.key.path)
            expect(listed).toEqual(['docs', 'docs/a', 'docs/a/b'])
          }
          expect(pagesOf(store, '', 3).length).toBe(paths.length)
          expect(pagesOf(store, 'docs/a/b/c', 3)).toEqual([])
        })
      })

      it('lists in the order of UTF-8 bytes, beyond the characters of one UTF-16 unit too', () => {
        const cell = cellOf(idOf('1'), 1)
        // U+FB01 is one UTF-16 unit above the surrogates of U+1F600, and below it in UTF-8.
        const paths = ['z', 'é', '\uFB01', '\u{1F600}', 'z/b', 'Z', 'z!']
        write((writer) => paths.forEach((path) => writer.putCell(register(path), cell)))
        const expected = paths.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        both(() => expect(pagesOf(store, '', 2).map((row) => row.key.path)).toEqual(expected))
      })

      it('leaves removed cells out of listings, and full pages full', () => {
        for (let i = 0; i < 20; i++) {
          const cell = cellOf(idOf('1'), i, { removed: i % 3 !== 0 })
          write((writer) => writer.putCell(register(`p/${String(i).padStart(2, '0')}`), cell))
        }
        both(() => {
          expect(store.cells({ prefix: 'p', limit: 4 }).map((row) => row.key.path)).toEqual([
            'p/00',
            'p/03',
            'p/06',
            'p/09',
          ])
          expect(pagesOf(store, 'p', 4).length).toBe(7)
        })
      })

      it('calls back with all that shows, whatever it is named and however much it is', () => {
        const long = 'long '.repeat(2_000)
        const named = ['é/\u{1F600}', 'a\0b', 'a', 'a/0'].map((path) => register(path))
        const fields = ['e', 'é', '1,2'].map((name) => field('map', name))
        both(() => expect(shownBy(store)).toEqual([]))
        write((writer) => {
          for (const [i, key] of [...named, ...fields].entries()) writer.putCell(key, cellOf(idOf('1'), i))
          writer.putCell({ path: 'note', type: 'text', field: '' }, cellOf(idOf('2'), long))
          writer.putCell(register('gone'), cellOf(idOf('3'), 1, { removed: true }))
          writer.putRemoval(register('never'), { id: idOf('4'), index: 0 })
        })
        both(() => expect(shownBy(store)).toEqual(pagesOf(store, '', 100).map(toShown)))
        write((writer) => {
          for (let i = 0; i < 700; i++)
            writer.putCell(register(`many/${i}`), cellOf(idOf('5'), i % 9 || long))
        })
        both(() => {
          expect(shownBy(store)).toEqual(pagesOf(store, '', 100).map(toShown))
          expect(shownBy(store).length).toBe(708)
        })
      })

      it('goes on after a cell that is not there any more, and gives nothing after the end', () => {
        const cell = cellOf(idOf('1'), 1)
        write((writer) => ['a', 'c'].forEach((path) => writer.putCell(register(path), cell)))
        both(() => {
          const after = (path: string) =>
            store.cells({ prefix: '', after: register(path), limit: 9 }).map((row) => row.key.path)
          expect(after('b')).toEqual(['c'])
          expect(after('c')).toEqual([])
          expect(store.cells({ prefix: 'a', after: register('b'), limit: 9 })).toEqual([])
          expect(store.cells({ prefix: 'c', after: register('b'), limit: 9 }).length).toBe(1)
        })
      })

      it('remembers removals by cell and element, before any write came', () => {
        const key = register('docs/a')
        write((writer) => {
          writer.putRemoval(key, { id: idOf('1'), index: 3 })
          writer.putRemoval(key, { id: idOf('1'), index: 3 })
        })
        both(() => {
          expect(store.isRemoved(key, { id: idOf('1'), index: 3 })).toBe(true)
          expect(store.isRemoved(key, { id: idOf('1'), index: 2 })).toBe(false)
          expect(store.isRemoved(register('docs/b'), { id: idOf('1'), index: 3 })).toBe(false)
          expect(store.cell(key)).toBeUndefined()
          expect(store.cellsAt('docs/a')).toEqual([])
          expect(pagesOf(store, '', 10)).toEqual([])
          expect(store.removals(key)).toEqual([{ id: idOf('1'), index: 3 }])
          expect(store.removals(register('docs/b'))).toEqual([])
        })
      })

      it('lists the keys of all cells, those without a write and removed ones too', () => {
        write((writer) => {
          writer.putRemoval(register('b'), { id: idOf('1'), index: 0 })
          writer.putCell(register('a'), cellOf(idOf('1'), 1, { removed: true }))
          writer.putCell(field('a', 'x'), cellOf(idOf('2'), 2))
          writer.putHistory(register('c'), { ordinal: 0, index: 0, kind: 'set' })
        })
        both(() => {
          expect(keysOf(store, 3)).toEqual([field('a', 'x'), register('a'), register('b'), register('c')])
          expect(store.cellKeys(register('aa'), 9)).toEqual([register('b'), register('c')])
        })
      })
    })

    describe('the first of a cell', () => {
      const firstOf = (key: CellKey, cell: Cell, kind: 'set' | 'add' = 'set') => ({ key, cell, kind })

      it('is its winning write and its history, where nothing was', () => {
        const cell = cellOf(idOf('1'), { a: [1, 'ü'] }, { index: 1 })
        const { ordinal } = commit(store, { author: alice })
        const key = field('p', 'x')
        write((writer) => expect(writer.putFirst(ordinal, [firstOf(key, cell)])).toEqual([]))
        both(() => {
          expect(store.cell(field('p', 'x'))).toEqual(cell)
          expect(store.history(field('p', 'x'))).toEqual([{ ordinal, index: 1, kind: 'set' }])
          expect(store.changedBelow('p', 10, 10)).toEqual([ordinal])
          expect(store.siblings(field('p', 'x'))).toEqual([])
        })
      })

      const somethings: readonly (readonly [string, (writer: SpaceWriter) => void])[] = [
        ['a write', (writer) => writer.putCell(register('p'), cellOf(idOf('1'), 1))],
        ['a removal', (writer) => writer.putRemoval(register('p'), { id: idOf('1'), index: 0 })],
        ['history', (writer) => writer.putHistory(register('p'), { ordinal: 0, index: 0, kind: 'remove' })],
        ['a first', (writer) => writer.putFirst(3, [firstOf(register('p'), cellOf(idOf('1'), 1))])],
        [
          'something that was cleared',
          (writer) => {
            writer.putCell(register('p'), cellOf(idOf('1'), 1))
            writer.clearCell(register('p'))
          },
        ],
      ]
      it.each(somethings)('is refused where there is %s, and changes nothing', (_, put) => {
        write(put)
        const before = [store.cell(register('p')), store.history(register('p')), keysOf(store, 9)]
        const second = firstOf(register('p'), cellOf(idOf('2'), 2))
        const again = () => write((writer) => expect(writer.putFirst(4, [second])).toEqual([0]))
        again()
        both(() => {
          expect([store.cell(register('p')), store.history(register('p')), keysOf(store, 9)]).toEqual(before)
        })
        again()
      })

      it('is kept of many cells, whatever order they come in and whoever asks in between', () => {
        const places: (readonly [number, number])[] = []
        for (let i = 0; i < 9; i++) places.push([i, 0])
        for (let i = 0; i < 9; i++) places.push([9, i])
        for (let i = 0; i < 9; i++) places.push([20 - 2 * i, 3 * i])
        places.push([3, 1], [3, 2], [8, 0], [8, 0])
        let prev: Entry | null = null
        for (let i = 0; i < 25; i++)
          prev = commit(store, { author: alice, ...(prev === null ? {} : { prev }) })
        write((writer) => {
          for (const [i, [ordinal, index]] of places.entries()) {
            const kind = i % 7 === 6 ? 'add' : 'set'
            writer.putFirst(ordinal, [firstOf(field('p', `f${i}`), cellOf(idOf(`${i}`), i, { index }), kind)])
            if (i === 5) expect(store.history(field('p', 'f5'))).toHaveLength(1)
            if (i === 14) expect(store.changedBelow('p', 30, 30)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
            if (i === 15) writer.putHistory(field('q', 'x'), { ordinal, index, kind })
          }
        })
        both(() => {
          for (const [i, [ordinal, index]] of places.entries()) {
            const kind = i % 7 === 6 ? 'add' : 'set'
            expect(store.history(field('p', `f${i}`))).toEqual([{ ordinal, index, kind }])
          }
        })
      })

      it('is gone with its transaction, and may be written again', () => {
        const put = (writer: SpaceWriter) =>
          writer.putFirst(3, [firstOf(register('p'), cellOf(idOf('1'), 1))])
        expect(() =>
          write((writer) => {
            put(writer)
            throw new Error('rolled back')
          }),
        ).toThrow('rolled back')
        expect(keysOf(store, 9)).toEqual([])
        expect(write(put)).toEqual([])
      })

      it('is kept of many cells of one operation, and of those that were there already nothing', () => {
        const { ordinal } = commit(store, { author: alice })
        const older = [field('p', 'f3'), register('p/5'), field('p', 'f14'), field('p', 'f15')]
        write((writer) => {
          for (const key of older.slice(0, 3)) writer.putCell(key, cellOf(idOf('older'), 'older'))
          writer.putRemoval(older[3] as CellKey, { id: idOf('1'), index: 0 })
        })
        store = harness.reopen(store)
        const keys = Array.from({ length: 64 }, (_, i) =>
          i % 25 < 20 ? field('p', `f${i}`) : register(`p/${i % 25 === 20 ? 5 : i}`),
        )
        keys.push(...Array.from({ length: 12 }, () => field('p', 'again')), field('p', 'f3'))
        const writes = keys.map((key, index) =>
          firstOf(key, cellOf(idOf('1'), `${index} ${'"'.repeat(index)}`, { index })),
        )
        const names = keys.map(({ path, field: name }) => `${path} ${name}`)
        const were = new Set(older.map(({ path, field: name }) => `${path} ${name}`))
        const isFirst = names.map((name, i) => !were.has(name) && names.indexOf(name) === i)
        const others = write((writer) => writer.putFirst(ordinal, writes))
        expect(others).toEqual(isFirst.flatMap((is, i) => (is ? [] : [i])))
        expect(others).toHaveLength(older.length + 13)
        both(() => {
          for (const [i, { key, cell }] of writes.entries()) {
            if (!isFirst[i]) continue
            expect(store.cell(key)).toEqual(cell)
            expect(store.history(key)).toEqual([{ ordinal, index: i, kind: 'set' }])
          }
          for (const key of older) expect(store.history(key)).toEqual([])
          expect(store.cell(field('p', 'f3'))).toEqual(cellOf(idOf('older'), 'older'))
        })
      })
    })

    describe('history', () => {
      it('lists every write and removal of a cell by (ordinal, index)', () => {
        const key = field('p', 'name')
        write((writer) => {
          writer.putHistory(key, { ordinal: 5, index: 0, kind: 'remove' })
          writer.putHistory(key, { ordinal: 2, index: 11, kind: 'set' })
          writer.putHistory(key, { ordinal: 2, index: 3, kind: 'set' })
          writer.putHistory(key, { ordinal: 2, index: 3, kind: 'set' })
        })
        both(() => {
          expect(store.history(key)).toEqual([
            { ordinal: 2, index: 3, kind: 'set' },
            { ordinal: 2, index: 11, kind: 'set' },
            { ordinal: 5, index: 0, kind: 'remove' },
          ])
          expect(store.history(register('p'))).toEqual([])
        })
      })

      it('lists the operations that changed something below a path, newest first, each once', () => {
        const paths = ['docs', 'docs2', 'docs/a', 'other', 'docs/a/b', 'docs-x']
        for (const path of paths) {
          const { ordinal } = commit(store, { author: alice })
          write((writer) => {
            writer.putHistory(register(path), { ordinal, index: 0, kind: 'set' })
            writer.putHistory(field(path, 'x'), { ordinal, index: 1, kind: 'remove' })
          })
        }
        both(() => {
          expect(store.changedBelow('docs', 6, 10)).toEqual([4, 2, 0])
          expect(store.changedBelow('docs', 4, 10)).toEqual([2, 0])
          expect(store.changedBelow('docs', 6, 1)).toEqual([4])
          expect(store.changedBelow('docs/a/b', 6, 10)).toEqual([4])
          expect(store.changedBelow('', 6, 3)).toEqual([5, 4, 3])
          expect(store.changedBelow('nowhere', 6, 10)).toEqual([])
        })
      })
    })

    it('lists changes below a path that has thousands of them as it does below others', () => {
      const count = 1_500
      write((writer) => {
        for (let ordinal = 0; ordinal < count; ordinal++) {
          append(store, writer, { author: alice })
          // Every fiftieth at the path itself.
          const path =
            ordinal % 10 === 0 ? `rare/${ordinal % 70}` : ordinal % 50 === 1 ? 'docs' : `docs/${ordinal % 50}`
          for (let index = 0; index < 4; index++) {
            writer.putHistory(field(path, `f${index}`), { ordinal, index, kind: 'set' })
          }
        }
      })
      const dense = Array.from({ length: count }, (_, ordinal) => ordinal).filter(
        (ordinal) => ordinal % 10 !== 0,
      )
      both(() => {
        expect(store.changedBelow('docs', count, count)).toEqual(dense.toReversed())
        expect(store.changedBelow('docs', 100, 3)).toEqual([99, 98, 97])
        expect(store.changedBelow('rare', 100, 3)).toEqual([90, 80, 70])
        expect(store.changedBelow('', count, 2)).toEqual([count - 1, count - 2])
      })
    })

    describe('what is kept beside', () => {
      it('keeps the smallest fork proof of each author', () => {
        const proof = (author: Uint8Array, seq: number) => ({
          author,
          seq,
          prev: idOf(`before ${seq}`),
          ids: [idOf('a'), idOf('b')] as const,
        })
        write((writer) => {
          writer.putFork(proof(mallory.publicKey, 4))
          writer.putFork(proof(mallory.publicKey, 2))
          writer.putFork(proof(mallory.publicKey, 3))
          writer.putFork(proof(bob.publicKey, 9))
        })
        both(() => {
          expect(store.fork(mallory.publicKey)).toEqual(proof(mallory.publicKey, 2))
          expect(store.fork(carol.publicKey)).toBeUndefined()
          expect(store.forks().length).toBe(2)
          expect(store.forks()).toContainEqual(proof(mallory.publicKey, 2))
          expect(store.forks()).toContainEqual(proof(bob.publicKey, 9))
        })
      })

      it('keeps notes by name, empty ones too', () => {
        write((writer) => {
          writer.putNote('cursor', Uint8Array.of(1))
          writer.putNote('cursor', Uint8Array.of(1, 2))
          writer.putNote('empty', new Uint8Array(0))
        })
        both(() => {
          expect(store.note('cursor')).toEqual(Uint8Array.of(1, 2))
          expect(store.note('empty')).toEqual(new Uint8Array(0))
          expect(store.note('other')).toBeUndefined()
        })
      })

      it('remembers the last refusal of an id and counts all of them', () => {
        const refusal = (code: string): Refusal => ({
          id: idOf('bad'),
          code,
          detail: 'why',
          peer: 'mallory',
          timeMs: 12,
        })
        write((writer) => {
          writer.putRefusal(refusal('LAMPORT'))
          writer.putRefusal(refusal('SEQ'))
          writer.putRefusal(refusal('SEQ'))
        })
        both(() => {
          expect(store.refusal(idOf('bad'))).toEqual(refusal('SEQ'))
          expect(store.refusal(idOf('good'))).toBeUndefined()
          expect(store.refusalCounts()).toEqual(
            new Map([
              ['LAMPORT', 1],
              ['SEQ', 2],
            ]),
          )
        })
      })

      it('forgets the oldest refusals beyond the bound, and still counts them', () => {
        const refuse = (writer: SpaceWriter, name: string) =>
          writer.putRefusal({ id: idOf(name), code: 'SEQ', detail: '', peer: 'mallory', timeMs: 1 })
        write((writer) => {
          refuse(writer, 'again')
          for (let i = 0; i < REFUSALS_REMEMBERED_MAX - 2; i++) refuse(writer, `refused ${i}`)
        })
        // One that was rolled back takes no place.
        const change = new Error('rolled back')
        const rolledBack = () =>
          write((writer) => {
            refuse(writer, 'rolled back')
            throw change
          })
        expect(rolledBack).toThrow(change)
        write((writer) => refuse(writer, 'the last that fits'))
        expect(store.refusal(idOf('refused 0'))).toBeDefined()
        // What is refused again is as good as new.
        write((writer) => refuse(writer, 'again'))
        write((writer) => refuse(writer, 'one more'))
        both(() => {
          expect(store.refusal(idOf('refused 0'))).toBeUndefined()
          expect(store.refusal(idOf('refused 1'))).toBeDefined()
          expect(store.refusal(idOf('again'))).toBeDefined()
          expect(store.refusal(idOf('one more'))).toBeDefined()
          expect(store.refusalCounts()).toEqual(new Map([['SEQ', REFUSALS_REMEMBERED_MAX + 2]]))
        })
      })
    })

    describe('transactions', () => {
      it('gives back what the work gives back, for either durability', () => {
        expect(store.transaction('power', () => 7)).toBe(7)
        expect(store.transaction('process', () => 'x')).toBe('x')
        commit(store, { author: alice })
        store.transaction('power', (writer) => append(store, writer, { author: alice }))
        both(() => expect(store.count()).toBe(2))
      })

      it('reads inside the work what the writer has written', () => {
        const delegation = delegationOf(alice, bob.publicKey, 'one')
        write((writer) => {
          const genesis = append(store, writer, { author: alice, isBodyAbsent: true })
          expect(store.count()).toBe(1)
          expect(store.find(genesis.id)).toEqual(genesis)
          expect(store.at(0)).toEqual(genesis)
          expect(store.heads(alice.publicKey)).toEqual([genesis])
          expect(store.frontier()).toEqual([genesis])
          expect(store.absentBodyCount()).toBe(1)
          writer.putBody(0, [])
          expect(store.operation(0).body).toEqual([])
          writer.putToken(delegation, 0)
          expect(store.token(delegation.digest)?.publishers).toEqual([0])
          const cell = cellOf(genesis.id, 1)
          writer.putCell(register('a'), cell)
          expect(store.cell(register('a'))).toEqual(cell)
          expect(store.cells({ prefix: '', limit: 1 }).length).toBe(1)
          writer.putRemoval(register('a'), cell)
          expect(store.isRemoved(register('a'), cell)).toBe(true)
          writer.putHistory(register('a'), { ordinal: 0, index: 0, kind: 'set' })
          expect(store.changedBelow('a', 1, 1)).toEqual([0])
          writer.putNote('n', Uint8Array.of(1))
          expect(store.note('n')).toEqual(Uint8Array.of(1))
          const next = append(store, writer, { author: alice })
          expect(store.frontier()).toEqual([next])
          expect(equalBytes(store.at(1).id, next.id)).toBe(true)
        })
      })

      it('does nothing of a work that throws, and passes the error on', () => {
        const kept = commit(store, { author: alice })
        const token = delegationOf(alice, bob.publicKey, 'lost')
        const lost: Uint8Array[] = []
        const failure = new Error('the caller changed its mind')
        const work = (writer: SpaceWriter) => {
          const entry = append(store, writer, { author: bob, deps: [kept], isBodyAbsent: true })
          lost.push(entry.id)
          writer.putToken(token, 1)
          expect(store.token(token.digest)).toBeDefined()
          writer.putCell(register('a'), cellOf(entry.id, 1))
          writer.putRemoval(register('a'), { id: entry.id, index: 0 })
          writer.putHistory(register('a'), { ordinal: 1, index: 0, kind: 'set' })
          writer.putFork({ author: bob.publicKey, seq: 0, prev: null, ids: [idOf('a'), idOf('b')] })
          writer.putRefusal({ id: idOf('r'), code: 'SEQ', detail: '', peer: '', timeMs: 0 })
          writer.putNote('n', Uint8Array.of(1))
          throw failure
        }
        expect(() => store.transaction('power', work)).toThrow(failure)
        expect(() => store.transaction('process', work)).toThrow(failure)
        both(() => {
          expect(store.count()).toBe(1)
          expect(() => store.at(1)).toThrow()
          for (const id of lost) expect(store.find(id)).toBeUndefined()
          expect(store.heads(bob.publicKey)).toEqual([])
          expect([...store.authors()].length).toBe(1)
          expect(store.frontier()).toEqual([kept])
          expect(store.absentBodyCount()).toBe(0)
          expect(store.token(token.digest)).toBeUndefined()
          expect(store.cell(register('a'))).toBeUndefined()
          expect(pagesOf(store, '', 10)).toEqual([])
          expect(store.isRemoved(register('a'), { id: lost[0] as Uint8Array, index: 0 })).toBe(false)
          expect(store.history(register('a'))).toEqual([])
          expect(store.changedBelow('', 10, 10)).toEqual([])
          expect(store.forks()).toEqual([])
          expect(store.refusal(idOf('r'))).toBeUndefined()
          expect(store.refusalCounts()).toEqual(new Map())
          expect(store.note('n')).toBeUndefined()
        })
      })

      it('forgets a note that was read inside a transaction that failed', () => {
        write((writer) => writer.putNote('n', Uint8Array.of(1)))
        expect(() =>
          write((writer) => {
            writer.putNote('n', Uint8Array.of(2))
            writer.putNote('new', Uint8Array.of(3))
            expect([store.note('n'), store.note('new')]).toEqual([Uint8Array.of(2), Uint8Array.of(3)])
            throw new Error('rolled back')
          }),
        ).toThrow('rolled back')
        both(() => expect([store.note('n'), store.note('new')]).toEqual([Uint8Array.of(1), undefined]))
      })

      it('finds no operation that was rolled back, though it was found inside', () => {
        for (let i = 0; i < 4; i++) commit(store, { author: alice })
        const lost: Uint8Array[] = []
        const work = (writer: SpaceWriter) => {
          for (let i = 0; i < 8; i++) lost.push(append(store, writer, { author: alice }).id)
          for (const [i, id] of lost.entries()) expect(store.find(id)?.ordinal).toBe(4 + i)
          throw new Error('rolled back')
        }
        expect(() => write(work)).toThrow('rolled back')
        both(() => {
          for (const id of lost) expect(store.find(id)).toBeUndefined()
        })
      })

      it('goes on after a work that threw', () => {
        commit(store, { author: alice })
        expect(() =>
          write((writer) => {
            append(store, writer, { author: alice, path: 'lost' })
            throw new Error('no')
          }),
        ).toThrow('no')
        const entry = commit(store, { author: alice, path: 'kept' })
        both(() => {
          expect(store.at(1)).toEqual(entry)
          expect(store.heads(alice.publicKey)).toEqual([entry])
          expect(store.frontier()).toEqual([entry])
        })
      })

      it('refuses a transaction inside another, a promise, and writing outside', () => {
        let escaped: SpaceWriter | undefined
        write((writer) => {
          escaped = writer
        })
        expect(() => escaped?.putNote('n', Uint8Array.of(1))).toThrow(/outside/)
        expect(() => write(() => write(() => 1))).toThrow(/inside/)
        expect(() =>
          write((writer) => {
            writer.putNote('n', Uint8Array.of(1))
            return Promise.resolve()
          }),
        ).toThrow(/asynchronous/)
        both(() => expect(store.note('n')).toBeUndefined())
      })
    })

    describe('a moment', () => {
      it('shows what was there, while the store goes on', () => {
        const genesis = commit(store, { author: alice })
        const absent = commit(store, { author: bob, deps: [genesis], isBodyAbsent: true })
        const cell = cellOf(genesis.id, 1)
        write((writer) => ['a', 'b', 'b/c', 'bc'].forEach((path) => writer.putCell(register(path), cell)))
        write((writer) => writer.putMask(absent.ordinal, { isSevered: false }))
        const moment = store.freeze()
        write((writer) => {
          writer.putBody(absent.ordinal, [])
          writer.putMask(absent.ordinal, null)
          writer.putCell(register('a'), cellOf(genesis.id, 2))
          writer.putCell(register('b/d'), cell)
          append(store, writer, { author: alice })
        })
        expect(moment.count()).toBe(2)
        expect(moment.entriesFrom(0, 10)).toEqual([genesis, absent])
        expect(moment.entriesFrom(1, 1)).toEqual([absent])
        expect(moment.operation(1).body).toBeNull()
        expect(moment.mask(1)).toEqual({ isSevered: false })
        expect(moment.mask(0)).toBeUndefined()
        const rows = moment.cells({ prefix: '', limit: 10 })
        expect(rows.map(({ key }) => key.path)).toEqual(['a', 'b', 'b/c', 'bc'])
        expect(rows[0]?.cell).toEqual(cell)
        const page = { prefix: 'b', limit: 1 }
        const first = moment.cells(page)
        expect(first.map(({ key }) => key.path)).toEqual(['b'])
        const after = (first[0] as (typeof first)[number]).key
        expect(moment.cells({ ...page, after }).map(({ key }) => key.path)).toEqual(['b/c'])
        expect(moment.cells({ prefix: 'nowhere', limit: 10 })).toEqual([])
        moment.close()
        expect(store.count()).toBe(3)
        expect(store.cells({ prefix: '', limit: 10 })).toHaveLength(5)
      })

      it('does not hold up writing, and may be several', () => {
        commit(store, { author: alice })
        const moments = [store.freeze(), store.freeze()]
        for (let i = 0; i < 20; i++) commit(store, { author: alice })
        expect(moments.map((moment) => moment.count())).toEqual([1, 1])
        moments.forEach((moment) => moment.close())
        both(() => expect(store.count()).toBe(21))
      })
    })

    it('answers as the memory store does, whatever is written, rolled back and reopened', () => {
      store.close()
      expectSameAsModel(createHarness)
      store = harness.open()
    })
  })
}

/** What `eachShown` calls back with, its values copied. */
function shownBy(store: SpaceStore): readonly (readonly [CellKey, Uint8Array])[] {
  const shown: (readonly [CellKey, Uint8Array])[] = []
  store.eachShown((key, value) => shown.push([key, new Uint8Array(value)]))
  return shown
}

const toShown = ({ key, cell }: CellRow) => [key, cell.value] as const
