import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { toHex } from '../../src/core/bytes.ts'
import { STORE_BUSY_TIMEOUT_MS } from '../../src/core/limits.ts'
import { formatDid } from '../../src/core/principal.ts'
import { inspectSpaceFile } from '../../src/storage/sqlite/inspect.ts'
import { openSqliteSpaceStore } from '../../src/storage/sqlite/open.ts'
import { SCHEMA_VERSION } from '../../src/storage/sqlite/schema.ts'
import { StoreError, type StoreFault } from '../../src/storage/store-error.ts'
import { alice, bob, cellOf, commit, idOf, register, setRegister } from './fixtures.ts'
import { makeFolder, openStore, optionsFor } from './sqlite-harness.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = makeFolder()
  file = join(folder, 'space.sqlite')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A closed file with some operations in it. */
function fill(count = 40): void {
  const store = openStore(optionsFor(file))
  for (let i = 0; i < count; i++) {
    const entry = commit(store, { author: alice, body: [setRegister(`docs/${i}`, 'x'.repeat(500))] })
    store.transaction('process', (writer) =>
      writer.putCell(register(`docs/${i}`), cellOf(entry.id, 'x'.repeat(500))),
    )
  }
  store.close()
}

/** Names and bytes of everything in the folder. */
function filesIn(): ReadonlyMap<string, string> {
  return new Map(
    readdirSync(folder)
      .sort()
      .map((name) => [name, toHex(readFileSync(join(folder, name)))]),
  )
}

/** Tries to open, says the fault, and that not a byte has changed and no file appeared. */
function refusalOf(options = optionsFor(file)): StoreFault {
  const before = filesIn()
  const opened = openSqliteSpaceStore(options)
  expect(filesIn()).toEqual(before)
  if (opened.ok) {
    opened.value.close()
    throw new Error('it was opened')
  }
  expect(opened.fault.detail).toContain(options.file)
  return opened.fault
}

/** Runs SQL on the closed file, and leaves no log behind. */
function tamper(sql: string): void {
  const database = new DatabaseSync(file)
  database.exec(sql)
  database.close()
}

describe('a file that is not to be used', () => {
  it('is refused when it is missing and must not be made', () => {
    const fault = refusalOf({ ...optionsFor(file), create: false })
    expect(fault.code).toBe('STORE_IO')
    expect(fault.detail).toMatch(/create or join/)
  })

  it('is refused when its folder is missing', () => {
    const fault = refusalOf(optionsFor(join(folder, 'nowhere', 'space.sqlite')))
    expect(fault.code).toBe('STORE_IO')
  })

  it('is refused when it is a folder', () => {
    expect(refusalOf(optionsFor(folder)).code).toBe('STORE_IO')
  })

  it('is refused when it is no SQLite database', () => {
    writeFileSync(file, 'dear diary, today nothing was federated\n'.repeat(100))
    const fault = refusalOf()
    expect(fault.code).toBe('STORE_FOREIGN')
    expect(fault.detail).toMatch(/not a SQLite database.*move it away/)
  })

  it('is refused when it is the database of another program', () => {
    tamper('CREATE TABLE songs (title TEXT); INSERT INTO songs VALUES (1)')
    expect(refusalOf().code).toBe('STORE_FOREIGN')
  })

  it('is refused when it holds another space', () => {
    fill(1)
    const fault = refusalOf({ ...optionsFor(file), spaceId: idOf('another space') })
    expect(fault.code).toBe('STORE_FOREIGN')
    expect(fault.detail).toContain(toHex(idOf('another space')))
  })

  it('is refused when it names another key', () => {
    fill(1)
    expect(refusalOf({ ...optionsFor(file), spaceKey: bob.publicKey }).code).toBe('STORE_CORRUPT')
  })

  it('is refused when a newer Hanse wrote it', () => {
    fill(1)
    tamper(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`)
    const fault = refusalOf()
    expect(fault.code).toBe('STORE_VERSION')
    expect(fault.detail).toMatch(/update Hanse/)
  })

  it('is refused when an older Hanse wrote it, with what to do about it', () => {
    fill(1)
    tamper('PRAGMA user_version = 1')
    const fault = refusalOf()
    expect(fault.code).toBe('STORE_VERSION')
    expect(fault.detail).toMatch(/join the space again/)
  })

  it('is refused when its version is one that nobody wrote', () => {
    fill(1)
    tamper('PRAGMA user_version = 0')
    expect(refusalOf().code).toBe('STORE_CORRUPT')
  })

  it('is refused when it is empty', () => {
    writeFileSync(file, '')
    expect(refusalOf().code).toBe('STORE_CORRUPT')
  })

  it('is refused at every length it may be cut to', () => {
    fill()
    const whole = readFileSync(file)
    for (const length of [1, 15, 16, 99, 100, 4_095, 4_096, 8_192, whole.length - 4_096, whole.length - 1]) {
      writeFileSync(file, whole)
      truncateSync(file, length)
      expect(['STORE_CORRUPT', 'STORE_FOREIGN']).toContain(refusalOf().code)
    }
  })

  it('is refused when any of its pages is overwritten with noise', () => {
    fill()
    const whole = readFileSync(file)
    const pages = whole.length / 4_096
    for (let page = 0; page < pages; page++) {
      const damaged = Buffer.from(whole)
      damaged.fill(0xa5, page * 4_096, page * 4_096 + 200)
      writeFileSync(file, damaged)
      expect(['STORE_CORRUPT', 'STORE_FOREIGN']).toContain(refusalOf().code)
    }
  })

  it('is refused when a table of ours is missing or was altered', () => {
    fill(1)
    tamper('DROP TABLE frontier')
    const fault = refusalOf()
    expect(fault.code).toBe('STORE_CORRUPT')
    expect(fault.detail).toMatch(/frontier is missing/)
  })

  it('is refused with its log untouched when a killed process left one', () => {
    // A copy made while the file is open is what a kill leaves.
    const source = join(folder, 'source.sqlite')
    const store = openStore({ ...optionsFor(source), spaceId: idOf('another space') })
    commit(store, { author: alice })
    for (const ending of ['', '-wal']) copyFileSync(source + ending, file + ending)
    store.close()
    const before = [readFileSync(file), readFileSync(`${file}-wal`)]
    const opened = openSqliteSpaceStore(optionsFor(file))
    expect(opened).toMatchObject({ ok: false, fault: { code: 'STORE_FOREIGN' } })
    expect([readFileSync(file), readFileSync(`${file}-wal`)]).toEqual(before)
  })

  it('is refused when only its log is left, instead of mixing that into a new one', () => {
    fill(1)
    const log = `${file}-wal`
    writeFileSync(log, 'what is left of something')
    rmSync(file)
    const fault = refusalOf()
    expect(fault.code).toBe('STORE_CORRUPT')
    expect(fault.detail).toContain(log)
    expect(existsSync(file)).toBe(false)
  })
})

describe('a file with a row that does not hold together', () => {
  it('is refused with what to do, where opening already meets the row', () => {
    fill(3)
    const database = new DatabaseSync(file)
    database.exec('DELETE FROM author_keys')
    database.close()
    const opened = openSqliteSpaceStore(optionsFor(file))
    expect(opened).toMatchObject({ ok: false, fault: { code: 'STORE_CORRUPT' } })
    expect(opened.ok ? '' : opened.fault.detail).toMatch(/space\.sqlite: .*damaged row.*hanse verify/)
  })

  it('is refused where ids are not as long as ids are, which would give every later one the ordinal of another', () => {
    fill(3)
    const database = new DatabaseSync(file)
    database.exec('UPDATE operation_log SET id = substr(id, 2) WHERE ordinal = 1')
    database.close()
    const opened = openSqliteSpaceStore(optionsFor(file))
    expect(opened).toMatchObject({ ok: false, fault: { code: 'STORE_CORRUPT' } })
    expect(opened.ok ? '' : opened.fault.detail).toMatch(/space\.sqlite: .*damaged row.*hanse verify/)
  })
})

describe('a file that is in use', () => {
  it('fails a transaction after a bounded wait while another program holds it, and works again after', () => {
    const store = openStore(optionsFor(file))
    const other = new DatabaseSync(file)
    other.exec('BEGIN IMMEDIATE')
    const started = performance.now()
    const failure = failureOf(() => commit(store, { author: alice }))
    expect(performance.now() - started).toBeLessThan(STORE_BUSY_TIMEOUT_MS + 2_000)
    expect(failure.fault.code).toBe('STORE_IO')
    expect(failure.fault.detail).toMatch(/another program has held/)
    other.exec('ROLLBACK')
    commit(store, { author: alice })
    expect(store.count()).toBe(1)
    other.close()
    store.close()
  })

  it('refuses to open while another program holds it alone', () => {
    fill(1)
    const other = new DatabaseSync(file)
    other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    expect(openSqliteSpaceStore(optionsFor(file))).toMatchObject({ ok: false, fault: { code: 'STORE_IO' } })
    other.close()
    openStore(optionsFor(file)).close()
  })

  it('writes nothing more once another process has written to it', () => {
    const store = openStore(optionsFor(file))
    const second = openStore(optionsFor(file))
    commit(second, { author: alice })
    const failure = failureOf(() => commit(store, { author: bob }))
    expect(failure.fault.detail).toMatch(/another program has written/)
    expect(second.count()).toBe(1)
    store.close()
    second.close()
  })

  it('can be read by any SQLite client meanwhile, through views in plain text', () => {
    const store = openStore(optionsFor(file))
    const entry = commit(store, { author: alice, path: 'docs', body: [setRegister('docs/a', 1)] })
    store.transaction('process', (writer) => {
      writer.putCell(register('docs/a'), cellOf(entry.id, 1))
      writer.putCell(register('docs/b'), cellOf(entry.id, 2, { removed: true }))
      writer.putRefusal({ id: idOf('r'), code: 'SEQ', detail: 'd', peer: 'p', timeMs: 0 })
    })
    const client = new DatabaseSync(file, { readOnly: true })
    const rows = (view: string) =>
      client
        .prepare(`SELECT * FROM ${view}`)
        .all()
        .map((row) => ({ ...row }))
    const time = new Date(entry.time).toISOString()
    expect(rows('operations')).toMatchObject([
      {
        ordinal: 0,
        id: toHex(entry.id),
        author: formatDid(alice.publicKey),
        seq: 0,
        time,
        path: 'docs',
        body_absent: 0,
      },
    ])
    expect(rows('items')).toMatchObject([{ path: 'docs/a', type: 'register', value: '1' }])
    expect(rows('heads')).toEqual([
      { author: formatDid(alice.publicKey), seq: 0, operation: toHex(entry.id) },
    ])
    expect(rows('refusals')).toMatchObject([
      { id: toHex(idOf('r')), code: 'SEQ', time: '1970-01-01T00:00:00.000Z' },
    ])
    client.close()
    store.close()
  })
})

describe('the index on ids', () => {
  it('is sealed as soon as the tail reaches its bound, and not before', () => {
    const store = openStore({ ...optionsFor(file), idTailMax: 3 })
    const client = new DatabaseSync(file, { readOnly: true })
    const sealed = () => ({
      ...client
        .prepare('SELECT sealed, (SELECT count(*) FROM operation_ids) AS rows FROM operation_ids_sealed')
        .get(),
    })
    for (const rows of [0, 0, 3, 3, 3, 6, 6]) {
      commit(store, { author: alice })
      expect(sealed()).toEqual({ sealed: rows, rows })
    }
    client.close()
    store.close()
  })
})

describe('inspecting a file', () => {
  it('says which space it holds', () => {
    fill(1)
    const before = filesIn()
    expect(inspectSpaceFile(file)).toEqual({
      ok: true,
      value: { spaceId: idOf('space'), spaceKey: alice.publicKey },
    })
    expect(filesIn()).toEqual(before)
  })

  it('takes an index or a view that a user added as none of its business', () => {
    fill(1)
    tamper('CREATE VIEW mine AS SELECT 1')
    const store = openStore(optionsFor(file))
    expect(store.count()).toBe(1)
    store.close()
  })

  it('makes a new file whole or not at all, over the remains of an attempt that was killed', () => {
    writeFileSync(`${file}.new`, 'half a file')
    openStore(optionsFor(file)).close()
    expect(readdirSync(folder)).toEqual(['space.sqlite'])
  })
})

function failureOf(work: () => unknown): StoreError {
  try {
    work()
  } catch (error) {
    if (error instanceof StoreError) return error
    throw error
  }
  throw new Error('it did not fail')
}
