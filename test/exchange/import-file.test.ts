import { writeFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { formatDid } from '../../src/core/principal.ts'
import { formatOperationLine } from '../../src/core/operation/operation-line.ts'
import { signOperation } from '../../src/core/operation/operation.ts'
import { importOperationsFile, importSnapshotFile } from '../../src/node/exchange/import-file.ts'
import { createNode, type HanseNode } from '../../src/node/node.ts'
import type { Space } from '../../src/node/space/space.ts'
import { forge, NOW_MS, seedNamed, signerNamed, spaceKey } from '../cast.ts'
import { createFederation, untilEqual } from '../node/federation.ts'
import { temporaryFolder } from './temporary-folder.ts'

const folder = temporaryFolder()
const federation = createFederation()
const nodes: HanseNode[] = []
afterAll(async () => {
  await Promise.all(nodes.map(async (node) => await node.stop()))
  await federation.stopAll()
})

async function offline(name: string, dataDirectory?: string): Promise<HanseNode> {
  const seeds = { author: seedNamed(name) }
  const node = await createNode({
    online: false,
    ...(dataDirectory === undefined ? { seeds } : { dataDirectory, seeds }),
  })
  nodes.push(node)
  return node
}

/** A space of so many notes by alice. */
async function notes(count: number): Promise<{ readonly node: HanseNode; readonly space: Space }> {
  const node = await offline('alice')
  const space = node.createSpace({ name: 'notes' })
  for (let i = 0; i < count; i++) space.put(`notes/n${i}`, i)
  return { node, space }
}

async function linesOf(space: Space): Promise<string> {
  const file = folder.file('space.jsonl')
  await space.exchange.exportOperations({ file })
  return file
}

async function snapshotOf(space: Space): Promise<string> {
  const file = folder.file('space.snapshot')
  await space.exchange.exportSnapshot({ file })
  return file
}

const rootsOf = ({ hosted: { replica } }: Space) => [replica.clockRoot(), replica.stateRoot()]

describe('a file into a node that does not hold its space', () => {
  it('is taken up where that is asked for, and then no more', async () => {
    const { space } = await notes(3)
    const file = await linesOf(space)
    const bob = await offline('bob')
    await expect(importOperationsFile(bob, { file })).rejects.toMatchObject({ code: 'NO_SPACE' })
    await expect(importOperationsFile(bob, { file, space: '00'.repeat(32) })).rejects.toMatchObject({
      code: 'WRONG_SPACE',
    })
    expect(bob.spaces()).toEqual([])
    const first = await importOperationsFile(bob, { file, space: space.id.toUpperCase() })
    expect(first).toMatchObject({ created: true, counts: { admitted: 4 } })
    expect(await importOperationsFile(bob, { file, isNew: true })).toMatchObject({ created: false })
    expect(bob.spaces()).toHaveLength(1)
  })

  it('begins with a genesis that a node would admit', async () => {
    const other = signerNamed('another space')
    const fields = {
      space: null,
      author: other.publicKey,
      seq: 0,
      prev: null,
      deps: [],
      lamport: 1,
      time: NOW_MS,
      epoch: 0,
      caps: [],
      command: '/op/write',
      path: '',
    }
    const empty = signOperation(fields, [], other.sign)
    const late = signOperation({ ...fields, time: Number.MAX_SAFE_INTEGER }, [], other.sign)
    const forged = { ...empty, signature: new Uint8Array(64) }
    const later = forge({ author: spaceKey })
    const bob = await offline('bob')
    for (const [operation, code] of [
      [late, 'BAD_FILE'],
      [forged, 'BAD_FILE'],
      [later, 'NO_SPACE'],
    ] as const) {
      const file = folder.file('genesis.jsonl')
      writeFileSync(file, formatOperationLine(operation))
      await expect(importOperationsFile(bob, { file, isNew: true })).rejects.toMatchObject({ code })
    }
    expect(bob.spaces()).toEqual([])
  })

  it('goes on after it was broken off, and after a restart', async () => {
    const { space } = await notes(2_200)
    const file = await linesOf(space)
    const directory = folder.file('data')
    const bob = await offline('bob', directory)
    const cut = new AbortController()
    const onReport = ({ line }: { readonly line: number }) => {
      if (line === 1_000) cut.abort(new Error('pulled out'))
    }
    await expect(
      importOperationsFile(bob, { file, isNew: true, onReport, signal: cut.signal }),
    ).rejects.toThrow('pulled out')
    const [part] = bob.spaces()
    const there = part?.hosted.store.count() ?? 0
    expect(there).toBeGreaterThan(1_000)
    expect(there).toBeLessThan(2_201)
    await bob.stop()
    const again = await offline('bob', directory)
    const { counts, space: whole } = await importOperationsFile(again, { file })
    expect(counts).toMatchObject({ duplicate: there, admitted: 2_201 - there, waiting: 0, refused: 0 })
    expect(rootsOf(whole)).toEqual(rootsOf(space))
    const snapshot = await snapshotOf(space)
    await again.stop()
    const third = await offline('bob', directory)
    expect(await importSnapshotFile(third, { file: snapshot })).toMatchObject({ created: false, admitted: 0 })
  })
})

describe('a snapshot', () => {
  it('lets a guest who has joined publish what they joined with', async () => {
    const { node, space } = await notes(2)
    const link = space.invite({ role: 'writer', addresses: false })
    const bob = await offline('bob')
    const joined = bob.join(link)
    expect(joined.hosted.store.count()).toBe(0)
    const taken = await importSnapshotFile(bob, { file: await snapshotOf(space) })
    expect(taken).toMatchObject({ created: false, admitted: 3 })
    joined.put('notes/bob', 'hello')
    const { counts } = await importOperationsFile(node, { file: await linesOf(joined) })
    expect(counts).toMatchObject({ admitted: 2, duplicate: 3, refused: 0 })
    expect(space.get('notes/bob')).toMatchObject({ value: 'hello' })
  })

  it('of another space than the one that was named is refused', async () => {
    const { space } = await notes(1)
    const file = await snapshotOf(space)
    const bob = await offline('bob')
    const own = bob.createSpace({ name: 'own' })
    await expect(importSnapshotFile(bob, { file, space: 'own' })).rejects.toMatchObject({
      code: 'WRONG_SPACE',
    })
    await expect(importSnapshotFile(bob, { file, space: '11'.repeat(32) })).rejects.toMatchObject({
      code: 'WRONG_SPACE',
    })
    expect(bob.spaces()).toEqual([own])
  })

  it('or a file of operations that a node online takes in reaches its peers', async () => {
    const alice = await federation.start('alice')
    const space = alice.createSpace({ name: 'notes' })
    const bob = await federation.start('bob', { peers: alice.addresses })
    const joined = bob.join(space.invite({ role: 'writer' }))
    await joined.sync()
    const carol = await offline('carol')
    const guest = carol.join(space.invite({ role: 'writer' }))
    await importOperationsFile(carol, { file: await linesOf(space) })
    // Bob learns of both by a file, alice from bob; the second changes nothing about who may read.
    await importOperationsFile(bob, { file: await linesOf(guest) })
    await untilEqual(space, joined)
    await joined.sync()
    guest.put('notes/carol', 'by hand')
    await importOperationsFile(bob, { file: await linesOf(guest) })
    await untilEqual(joined, space)
    expect(space.get('notes/carol')).toMatchObject({ value: 'by hand' })
  })
})

describe('what a purge has severed', () => {
  it('is in no export, and a snapshot is whole without it', async () => {
    const { node: alice, space } = await notes(2)
    const bob = signerNamed('bob')
    const token = space.grant({ to: formatDid(bob.publicKey), role: 'writer' })
    const dave = await offline('dave')
    const { space: daves } = await importOperationsFile(dave, { file: await linesOf(space), isNew: true })
    const bobs = [daves.put('notes/bob', 1, { author: bob }), daves.put('notes/n0', 'bob', { author: bob })]
    expect(daves.get('notes/n0')).toMatchObject({ value: 'bob' })
    space.revoke({ target: token, purge: true })
    // They come to alice when nobody builds on them any more.
    const late = await importOperationsFile(alice, { file: await linesOf(daves) })
    expect(late.counts).toMatchObject({ admitted: 2, refused: 0 })
    expect(space.get('notes/n0')).toMatchObject({ value: 0 })
    const lines = await Array.fromAsync(space.exchange.operations(), ({ text }) => text)
    expect(lines).toHaveLength(space.hosted.store.count() - bobs.length)
    expect(lines.filter((line) => bobs.some((id) => line.startsWith(`{"id":"${id}"`)))).toEqual([])
    const file = await snapshotOf(space)
    const carol = await offline('carol')
    const taken = await importSnapshotFile(carol, { file })
    expect(taken).toMatchObject({ operations: lines.length, admitted: lines.length })
    expect(rootsOf(taken.space)).toEqual(rootsOf(space))
    // Dave still has them, and learns of the revocation from the snapshot.
    expect(await importSnapshotFile(dave, { file })).toMatchObject({ created: false, admitted: 1 })
    expect(daves.get('notes/n0')).toMatchObject({ value: 0 })
    expect(rootsOf(daves)).toEqual(rootsOf(space))
  })
})
