import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { BlobStore } from '../../src/storage/blob-store.ts'
import { createMemoryBlobStore } from '../../src/storage/memory-blob-store.ts'
import { openSqliteBlobStore } from '../../src/storage/sqlite/blobs.ts'
import { blobOf, describeBlobStore } from './blob-conformance.ts'
import { makeFolder } from './sqlite-harness.ts'

function open(file: string, quotaBytes: number): BlobStore {
  const opened = openSqliteBlobStore({ file, quotaBytes })
  if (!opened.ok) throw new Error(opened.fault.detail)
  return opened.value
}

describeBlobStore('memory', () => ({
  open: createMemoryBlobStore,
  reopen: (store) => store,
  dispose: () => undefined,
}))

describeBlobStore('SQLite', () => {
  const folder = makeFolder()
  const file = join(folder, 'blobs.sqlite')
  return {
    open: (quotaBytes) => open(file, quotaBytes),
    reopen: (store, quotaBytes) => {
      store.close()
      return open(file, quotaBytes)
    },
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  }
})

describe('the file of blobs', () => {
  const folders: string[] = []
  const fileOf = () => {
    const folder = makeFolder()
    folders.push(folder)
    return join(folder, 'blobs.sqlite')
  }
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
  })

  it('that is not ours, or damaged, is refused and left as it is', () => {
    const file = fileOf()
    writeFileSync(file, 'x'.repeat(5_000))
    expect(openSqliteBlobStore({ file, quotaBytes: 1 })).toMatchObject({
      ok: false,
      fault: { code: 'STORE_FOREIGN' },
    })
    expect(readFileSync(file, 'utf8')).toBe('x'.repeat(5_000))
    writeFileSync(file, '')
    expect(openSqliteBlobStore({ file, quotaBytes: 1 })).toMatchObject({
      ok: false,
      fault: { code: 'STORE_CORRUPT' },
    })
  })

  it('whose log is there without it is not made anew', () => {
    const file = fileOf()
    writeFileSync(`${file}-wal`, 'the log of another')
    expect(openSqliteBlobStore({ file, quotaBytes: 1 })).toMatchObject({
      ok: false,
      fault: { code: 'STORE_CORRUPT' },
    })
  })

  it('says so when another program has written to it meanwhile', () => {
    const file = fileOf()
    const [first, second] = [open(file, 1_000_000), open(file, 1_000_000)]
    const piece = blobOf(1, 0).pieces[0]
    if (piece === undefined) throw new Error('no piece')
    second.transaction('power', (writer) => writer.putPiece(piece))
    expect(() => first.transaction('process', (writer) => writer.putPiece(piece))).toThrow('another program')
    first.close()
    second.close()
  })
})
