import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { toHex, utf8 } from '../../src/core/bytes.ts'
import { deleteRegister, setRegister } from '../../src/core/types/register/change.ts'
import { editMap } from '../../src/core/types/map/change.ts'
import { revokeDelegation } from '../../src/core/changes/verdict.ts'
import { VERIFY_FINDINGS_MAX, VERIFY_TEXT_CHARACTERS_MAX } from '../../src/core/limits.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { Replica } from '../../src/node/replica/replica.ts'
import { withTemporaryStore } from '../../src/node/verify/temporary-store.ts'
import { verifySpace, type LiveRoots, type VerifyReport } from '../../src/node/verify/verify-space.ts'
import { createMemorySpaceStore } from '../../src/storage/memory-space-store.ts'
import type { SpaceStore } from '../../src/storage/space-store.ts'
import { openSqliteSpaceStore, type SqliteSpaceStoreOptions } from '../../src/storage/sqlite/open.ts'
import {
  alice,
  beginning,
  bob,
  carol,
  forge,
  grants,
  mallory,
  malloryToken,
  NOW_MS,
  spaceId,
  spaceKey,
  verifier,
} from '../cast.ts'
import { createRealmHome, makeOperations, steps } from '../effect/realm.ts'

const identity = { spaceId, spaceKey: spaceKey.publicKey }

/** A space with everything that is derived: values, removals, delegations, a fork, masks, severed operations, an absent body. */
const first = forge({ author: bob, body: [setRegister('notes/a', 'x'.repeat(40))] })
const second = forge({
  author: bob,
  prev: first,
  body: [setRegister('notes/b', 2), editMap('people/ada', { set: { name: 'Ada', born: 1815 } })],
})
const removes = forge({
  author: carol,
  deps: [second],
  body: [deleteRegister('notes/a', [{ id: first.id, index: 0 }])],
})
const left = forge({ author: mallory, body: [setRegister('mallory/x', 'left')], header: { path: 'mallory' } })
const right = forge({
  author: mallory,
  body: [setRegister('mallory/x', 'right')],
  header: { path: 'mallory' },
})
const further = forge({ author: mallory, prev: left, body: [setRegister('mallory/y', 1)] })
const revokes = forge({
  author: alice,
  prev: grants,
  deps: [left, second],
  body: [revokeDelegation({ target: malloryToken.digest, cut: [left.id] })],
  header: { command: '/cap/revoke' },
})
const after = forge({ author: alice, prev: revokes, body: [setRegister('notes/c', 3)], isBodyAbsent: true })
const last = forge({ author: bob, prev: second, deps: [revokes], body: [setRegister('notes/b', 4)] })
const OPERATIONS = [...beginning, first, second, removes, left, right, further, revokes, after, last]
const ordinalOf = (operation: Operation) => OPERATIONS.indexOf(operation)

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hanse-verify-test-'))
  file = join(folder, 'space.sqlite')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function open(more: Partial<SqliteSpaceStoreOptions> = {}): SpaceStore {
  const opened = openSqliteSpaceStore({ file, ...identity, create: true, ...more })
  if (!opened.ok) throw new Error(opened.fault.detail)
  return opened.value
}

async function admitAll(store: SpaceStore, operations: readonly Operation[]): Promise<Replica> {
  const replica = new Replica({ store, verifier, now: () => NOW_MS })
  for (const outcome of await replica.receive(operations, 'the test'))
    if (outcome.kind !== 'admitted') throw new Error(JSON.stringify(outcome))
  return replica
}

/** The file with the space of this test, closed. */
async function fill(operations: readonly Operation[] = OPERATIONS): Promise<void> {
  // Nothing of the ends of the logs is left to be read from the operations, so that each table may be damaged by itself.
  const store = open({ endsTailMax: 1 })
  await admitAll(store, operations)
  store.close()
}

async function verify(
  store: SpaceStore,
  more: { readonly live?: LiveRoots; readonly pause?: () => Promise<void> } = {},
): Promise<VerifyReport> {
  return await withTemporaryStore(store, async (rebuilt) => {
    let ms = 0
    return await verifySpace({
      store,
      rebuilt,
      verifier,
      live: null,
      onProgress: async () => {},
      // Gives way after every step.
      elapsedMs: () => (ms += 100),
      pause: setImmediate,
      signal: new AbortController().signal,
      ...more,
    })
  })
}

async function verifyFile(): Promise<VerifyReport> {
  const store = open()
  try {
    return await verify(store)
  } finally {
    store.close()
  }
}

/** Changes the file behind the store's back. */
function damage(sql: string, ...parameters: readonly SQLInputValue[]): void {
  const database = new DatabaseSync(file)
  try {
    expect(database.prepare(sql).run(...parameters).changes).not.toBe(0)
  } finally {
    database.close()
  }
}

/** One value of the file. */
function read(sql: string, ...parameters: readonly SQLInputValue[]): unknown {
  const database = new DatabaseSync(file)
  try {
    return Object.values(database.prepare(sql).get(...parameters) ?? {})[0]
  } finally {
    database.close()
  }
}

/** Flips one bit of a column of an operation. `at`: which byte, from the end where negative. */
function flip(column: 'header' | 'signature' | 'body' | 'id', operation: Operation, at: number): void {
  const bytes = read(
    `SELECT ${column} FROM operation_log WHERE ordinal = ?`,
    ordinalOf(operation),
  ) as Uint8Array
  const index = at < 0 ? bytes.length + at : at
  bytes[index] = (bytes[index] as number) ^ 1
  damage(`UPDATE operation_log SET ${column} = ? WHERE ordinal = ?`, bytes, ordinalOf(operation))
}

/** What was found, by name and operation. */
const namesOf = ({ findings }: VerifyReport) =>
  findings.map(({ what, ordinal }) => (ordinal === null ? what : `${what} of ${ordinal}`))

describe('verifying a sound space', () => {
  it('finds nothing, and gives the roots that the replica has', async () => {
    const store = open()
    const replica = await admitAll(store, OPERATIONS)
    const report = await verify(store, { live: replica })
    expect(report).toEqual({
      operations: OPERATIONS.length,
      bodies: OPERATIONS.length - 1,
      absentBodies: 1,
      authors: 5,
      clockRoot: toHex(replica.clockRoot()),
      stateRoot: toHex(replica.stateRoot()),
      unjudged: 0,
      findingCount: 0,
      findings: [],
    })
    // The space has what it is meant to have.
    expect([...store.masked()].sort((a, b) => a - b)).toEqual([ordinalOf(right), ordinalOf(further)])
    expect(store.forks().length).toBe(1)
    store.close()
    expect((await verifyFile()).findings).toEqual([])
  })

  it('finds nothing in any history with forks, revocations and endorsements', async () => {
    let masked = 0
    await fc.assert(
      fc.asyncProperty(steps(30), async (planned) => {
        const { replica, store } = (await createRealmHome(makeOperations(planned), 3)).hosted
        const rebuilt = createMemorySpaceStore(store)
        const report = await verifySpace({
          store,
          rebuilt,
          verifier,
          live: replica,
          onProgress: async () => {},
          elapsedMs: () => 0,
          pause: async () => {},
          signal: new AbortController().signal,
        })
        masked += [...store.masked()].length
        expect(report).toMatchObject({ findings: [], unjudged: 0, stateRoot: toHex(replica.stateRoot()) })
      }),
      { numRuns: 40, seed: 7 },
    )
    expect(masked).toBeGreaterThan(20)
  })

  it('takes up what a node admits meanwhile, before it calls anything wrong', async () => {
    const store = open()
    const replica = await admitAll(store, OPERATIONS.slice(0, 6))
    const rest = OPERATIONS.slice(6)
    let pauses = 0
    const report = await verify(store, {
      live: replica,
      pause: async () => {
        await setImmediate()
        // From the middle of reading to the comparison of cells.
        const next = pauses++ % 3 === 2 ? rest.shift() : undefined
        if (next !== undefined) await replica.receive([next], 'the test')
        if (rest.length === 0)
          await replica.receive([{ ...after, body: [setRegister('notes/c', 3)] }], 'the test')
      },
    })
    expect(rest.length).toBe(0)
    expect(report).toMatchObject({ findings: [], operations: OPERATIONS.length, unjudged: 0 })
    expect(report.stateRoot).toBe(toHex(replica.stateRoot()))
    store.close()
  })
})

describe('verifying a damaged space', () => {
  it('names a bit flipped in a header, with its place, and blames nothing else', async () => {
    await fill()
    flip('header', first, 100)
    const report = await verifyFile()
    expect(namesOf(report)).toEqual([`header of ${ordinalOf(first)}`])
    expect(report.findings[0]).toMatchObject({ id: toHex(first.id) })
    const byte = toHex(first.headerBytes.subarray(100, 101))
    expect(report.findings[0]?.expected).toContain(`byte 100 is ${byte}`)
  })

  it('names a bit flipped in a header that does not decode any more', async () => {
    await fill()
    flip('header', removes, 0)
    const report = await verifyFile()
    expect(namesOf(report)).toEqual([`header of ${ordinalOf(removes)}`])
    expect(report.findings[0]?.found).toMatch(/^byte 0 is .*NON_CANONICAL|BAD_FIELD/)
  })

  it('names a bit flipped in a signature', async () => {
    await fill()
    flip('signature', second, 3)
    expect(namesOf(await verifyFile())).toEqual([`signature of ${ordinalOf(second)}`])
  })

  it('names a bit flipped in a body, and does not judge the cells that it wrote', async () => {
    await fill()
    flip('body', first, -2)
    const report = await verifyFile()
    expect(namesOf(report)).toEqual([`body of ${ordinalOf(first)}`])
    expect(report.unjudged).toBe(1)
    expect(report.stateRoot).toBeNull()
  })

  it('names a body that cannot be taken apart', async () => {
    await fill()
    flip('body', first, 1)
    expect(namesOf(await verifyFile())).toEqual([`row of ${ordinalOf(first)}`])
  })

  it('says that nothing can be told of authority where a body with delegations is damaged', async () => {
    await fill()
    flip('body', grants, -1)
    const report = await verifyFile()
    expect(namesOf(report)).toEqual([`body of ${ordinalOf(grants)}`])
    // All but the genesis and what alice did by the genesis' own token.
    expect(report.unjudged).toBe(OPERATIONS.length - 4)
    expect(report.clockRoot).toBeNull()
  })

  it('names an id that is not that of its bytes', async () => {
    await fill()
    flip('id', last, 31)
    expect(namesOf(await verifyFile())).toEqual([`id of ${ordinalOf(last)}`])
  })

  it('names a row that is gone, and counts what cannot be judged after it', async () => {
    await fill()
    damage('DELETE FROM operation_log WHERE ordinal = ?', ordinalOf(right))
    const report = await verifyFile()
    expect(namesOf(report)).toEqual([`row of ${ordinalOf(right)}`])
    expect(report.unjudged).toBe(OPERATIONS.length - 1 - ordinalOf(right))
  })

  it.each([
    ['seq', '7'],
    ['jump', '0'],
    ['lamport', '99'],
    ['time', '1'],
    ['command', "'/op/other'"],
    ['path', "'elsewhere'"],
    ['chain', '1'],
  ])('names a column that does not say what the header says: %s', async (column, value) => {
    await fill()
    damage(`UPDATE operation_log SET ${column} = ${value} WHERE ordinal = ?`, ordinalOf(second))
    expect(namesOf(await verifyFile())).toContain(
      `column ${column === 'chain' ? 'caps' : column} of ${ordinalOf(second)}`,
    )
  })

  it('names an operation that is not found by its id any more', async () => {
    const store = open({ idTailMax: 3 })
    await admitAll(store, OPERATIONS)
    store.close()
    damage('DELETE FROM operation_ids WHERE ordinal = ?', ordinalOf(second))
    expect(namesOf(await verifyFile())).toEqual([`index of ids of ${ordinalOf(second)}`])
  })

  it('names an operation that nobody should have admitted', async () => {
    await fill()
    const forged = forge({
      author: mallory,
      prev: further,
      body: [setRegister('notes/a', 'mine')],
      header: { path: 'notes' },
    })
    // As a node without check 10 would have written it.
    const columns = 'author, chain, epoch'
    damage(
      `INSERT INTO operation_log (ordinal, id, seq, prev, jump, parents, lamport, time, command, path, header, signature, body, ${columns})
       SELECT ${OPERATIONS.length}, ?, 2, ordinal, ordinal, x'${(OPERATIONS.length - ordinalOf(further)).toString(16).padStart(2, '0')}',
         ?, ?, '/op/write', 'notes', ?, ?, NULL, ${columns} FROM operation_log WHERE ordinal = ?`,
      forged.id,
      forged.header.lamport,
      forged.header.time,
      forged.headerBytes,
      forged.signature,
      ordinalOf(further),
    )
    const report = await verifyFile()
    expect(report.findings[0]).toMatchObject({
      ordinal: OPERATIONS.length,
      id: toHex(forged.id),
      what: 'admission',
      expected: 'admitted',
    })
    expect(report.findings[0]?.found).toContain('CAP_POLICY')
  })

  it('names the author of a head that is missing, and of one that is none', async () => {
    await fill()
    damage('DELETE FROM log_heads WHERE ordinal = ?', ordinalOf(last))
    expect(namesOf(await verifyFile())).toEqual([`heads of ${toHex(bob.publicKey)}`])
    damage('INSERT INTO log_heads VALUES (?)', ordinalOf(first))
    const [finding] = (await verifyFile()).findings
    expect(finding).toMatchObject({ expected: toHex(last.id), found: toHex(first.id) })
  })

  it('names a frontier that is not what nobody has built on', async () => {
    await fill()
    damage('INSERT INTO frontier VALUES (?)', ordinalOf(first))
    expect(namesOf(await verifyFile())).toEqual(['frontier'])
  })

  it('names a mask that is missing, one too many, and one that is wrong about being severed', async () => {
    await fill()
    damage('DELETE FROM masks WHERE ordinal = ?', ordinalOf(right))
    damage('INSERT INTO masks VALUES (?, 0)', ordinalOf(second))
    damage('UPDATE masks SET severed = 0 WHERE ordinal = ?', ordinalOf(further))
    const report = await verifyFile()
    expect(new Set(namesOf(report))).toEqual(
      new Set([right, second, further].map((operation) => `mask of ${ordinalOf(operation)}`)),
    )
    expect(report.findings).toContainEqual({
      ordinal: ordinalOf(right),
      id: toHex(right.id),
      what: 'mask',
      expected: 'masked and severed',
      found: 'not masked',
    })
  })

  it('names a fork proof that is missing, one about operations that are no fork, and one of a stranger', async () => {
    await fill()
    damage('UPDATE forks SET high = ?', first.id)
    expect(namesOf(await verifyFile())).toEqual([`fork proof of ${toHex(mallory.publicKey)}`])
    damage('DELETE FROM forks')
    expect((await verifyFile()).findings).toMatchObject([{ found: 'none' }])
    damage('INSERT INTO forks VALUES (?, 0, NULL, ?, ?)', bob.publicKey, first.id, second.id)
    damage('INSERT INTO forks VALUES (?, 0, NULL, ?, ?)', utf8('x'.repeat(32)), first.id, second.id)
    expect(new Set(namesOf(await verifyFile()))).toEqual(
      new Set([
        `fork proof of ${toHex(mallory.publicKey)}`,
        `fork proof of ${toHex(bob.publicKey)}`,
        `fork proof of ${toHex(utf8('x'.repeat(32)))}`,
      ]),
    )
  })

  it.each([
    ['value', "x'02'", 'cell'],
    ['time', '1', 'cell'],
    ['removed', '1', 'cell'],
    ['change', '5', 'cell'],
  ])('names a cell with another %s', async (column, value) => {
    await fill()
    damage(`UPDATE cells SET ${column} = ${value} WHERE path = 'people/ada' AND field = 'name'`)
    expect(namesOf(await verifyFile())).toEqual(['cell map "people/ada" field "name"'])
  })

  it('names a cell that nobody wrote, a removal that nobody made, and a history with a hole', async () => {
    await fill()
    damage("INSERT INTO cells VALUES (99, 'notes/zz', 'register', '', ?, 0, 1, 1, 0, x'01', '1')", first.id)
    damage("INSERT INTO removals SELECT cell, ?, 0 FROM cells WHERE path = 'notes/b'", last.id)
    damage(
      "DELETE FROM history WHERE cell = (SELECT cell FROM cells WHERE path = 'notes/a') AND kind = 'remove'",
    )
    expect(namesOf(await verifyFile())).toEqual([
      'history of register "notes/a"',
      'removals of register "notes/b"',
      'cell register "notes/zz"',
    ])
  })

  it('names a delegation whose row was changed, a publisher too many, and one that nobody published', async () => {
    await fill()
    const digest = toHex(malloryToken.digest)
    damage('INSERT INTO token_publishers SELECT token, 5 FROM tokens WHERE digest = ?', malloryToken.digest)
    expect(namesOf(await verifyFile())).toEqual([`delegation ${digest}`])
    const bytes = new Uint8Array(malloryToken.bytes)
    bytes[90] = (bytes[90] as number) ^ 1
    damage('UPDATE tokens SET bytes = ? WHERE digest = ?', bytes, malloryToken.digest)
    const { findings } = await verifyFile()
    expect(findings[0]).toMatchObject({ what: `delegation ${digest}` })
    expect(findings[0]?.found).toContain('has other bytes')
    damage('DELETE FROM tokens WHERE digest = ?', malloryToken.digest)
    expect((await verifyFile()).findings).toMatchObject([
      { what: `delegation ${digest}`, found: 'not published' },
    ])
  })

  it('lists the first findings and counts the rest, with texts of a bounded length', async () => {
    const many = Array.from({ length: VERIFY_FINDINGS_MAX + 10 }, (_, i) =>
      setRegister(`notes/${i}`, 'x'.repeat(2_000)),
    )
    await fill([...beginning, forge({ author: bob, body: many })])
    damage("UPDATE cells SET value = x'01'")
    const report = await verifyFile()
    expect(report.findingCount).toBe(VERIFY_FINDINGS_MAX + 10)
    expect(report.findings.length).toBe(VERIFY_FINDINGS_MAX)
    expect(report.findings[0]?.expected.length).toBeLessThan(VERIFY_TEXT_CHARACTERS_MAX + 40)
  })

  it('leaves the file as it was', async () => {
    await fill()
    const before = read('SELECT count(*) FROM operation_log')
    flip('signature', second, 3)
    await verifyFile()
    expect(namesOf(await verifyFile())).toEqual([`signature of ${ordinalOf(second)}`])
    expect(read('SELECT count(*) FROM operation_log')).toBe(before)
  })
})
