import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { Key } from 'interface-datastore'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DATASTORE_PAGE_ROWS } from '../../src/core/limits.ts'
import { openSqliteDatastore, type SqliteDatastore } from '../../src/storage/sqlite-datastore.ts'
import { makeFolder } from './sqlite-harness.ts'

const key = (name: string) => new Key(name)
const value = (...bytes: readonly number[]) => Uint8Array.from(bytes)

describe('the node’s datastore', () => {
  let folder: string
  let file: string
  let datastore: SqliteDatastore
  beforeEach(() => {
    folder = makeFolder()
    file = join(folder, 'node.sqlite')
    datastore = open()
  })
  afterEach(() => {
    datastore.close()
    rmSync(folder, { recursive: true, force: true })
  })

  function open(): SqliteDatastore {
    const opened = openSqliteDatastore(file)
    if (!opened.ok) throw new Error(opened.fault.detail)
    return opened.value
  }

  it('gives back what was put, also after it was closed', () => {
    datastore.put(key('/a'), value(1, 2))
    datastore.put(key('/a'), value(3))
    datastore.put(key('/empty'), value())
    datastore.close()
    datastore = open()
    expect(datastore.get(key('/a'))).toEqual(value(3))
    expect(datastore.get(key('/empty'))).toEqual(value())
    expect(datastore.has(key('/a'))).toBe(true)
  })

  it('says NotFoundError, which libp2p looks for by name', () => {
    datastore.put(key('/a'), value(1))
    datastore.delete(key('/a'))
    datastore.delete(key('/never'))
    expect(datastore.has(key('/a'))).toBe(false)
    expect(() => datastore.get(key('/a'))).toThrow(expect.objectContaining({ name: 'NotFoundError' }))
  })

  it('queries by prefix, filter, order, offset and limit', async () => {
    for (const name of ['/peers/b', '/peers/a', '/peers-old/x', '/other'])
      datastore.put(key(name), value(name.length))
    const names = async (query: Parameters<SqliteDatastore['query']>[0]) =>
      (await Array.fromAsync(datastore.query(query))).map((pair) => pair.key.toString())
    expect(await names({ prefix: '/peers/' })).toEqual(['/peers/a', '/peers/b'])
    expect(await names({ prefix: '/peers/', offset: 1, limit: 5 })).toEqual(['/peers/b'])
    expect(await names({ filters: [({ value }) => value.length > 0 && value[0] === 6] })).toEqual(['/other'])
    expect(
      await names({ prefix: '/peers/', orders: [(a, b) => (a.key.toString() < b.key.toString() ? 1 : -1)] }),
    ).toEqual(['/peers/b', '/peers/a'])
    expect((await Array.fromAsync(datastore.queryKeys({ prefix: '/o' }))).map(String)).toEqual(['/other'])
  })

  it('lists more than a page, while rows are deleted behind it', async () => {
    const batch = datastore.batch()
    const count = DATASTORE_PAGE_ROWS * 2 + 1
    for (let i = 0; i < count; i++) batch.put(key(`/p/${String(i).padStart(5, '0')}`), value(i % 256))
    await batch.commit()
    let seen = 0
    for await (const pair of datastore.query({ prefix: '/p' })) {
      seen++
      datastore.delete(pair.key)
    }
    expect(seen).toBe(count)
    expect(await Array.fromAsync(datastore.query({}))).toEqual([])
  })

  it('does all of a batch or nothing', async () => {
    datastore.put(key('/a'), value(1))
    const batch = datastore.batch()
    batch.delete(key('/a'))
    batch.put(key('/b'), 'no bytes' as unknown as Uint8Array)
    expect(() => batch.commit()).toThrow()
    expect(datastore.has(key('/a'))).toBe(true)
    const again = datastore.batch()
    again.delete(key('/a'))
    again.put(key('/b'), value(2))
    await again.commit()
    expect(datastore.has(key('/a'))).toBe(false)
    expect(datastore.get(key('/b'))).toEqual(value(2))
  })

  it('refuses a file that is not the node’s, and leaves it alone', () => {
    const other = join(folder, 'diary.txt')
    writeFileSync(other, 'dear diary '.repeat(50))
    expect(openSqliteDatastore(other)).toMatchObject({ ok: false, fault: { code: 'STORE_FOREIGN' } })
    expect(readFileSync(other, 'utf8')).toBe('dear diary '.repeat(50))
  })

  it('serves libp2p’s peer store', async () => {
    const { createLibp2p } = await import('libp2p')
    const { peerIdFromPrivateKey } = await import('@libp2p/peer-id')
    const { multiaddr } = await import('@multiformats/multiaddr')
    const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
    const first = await createLibp2p({ start: false, datastore })
    await first.peerStore.patch(peer, { multiaddrs: [multiaddr('/ip4/127.0.0.1/tcp/4001')] })
    datastore.close()
    datastore = open()
    const second = await createLibp2p({ start: false, datastore })
    const known = await second.peerStore.get(peer)
    expect(known.addresses.map(({ multiaddr }) => multiaddr.toString())).toEqual(['/ip4/127.0.0.1/tcp/4001'])
    expect((await second.peerStore.all()).length).toBe(1)
  })
})
