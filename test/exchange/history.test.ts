import { writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { readExpected, readHistory } from '../../src/node/exchange/history-file.ts'
import { importHistory } from '../../src/node/exchange/import-history.ts'
import { createNode, type HanseNode } from '../../src/node/node.ts'
import type { Space } from '../../src/node/space/space.ts'
import { seedNamed } from '../cast.ts'
import { writeSmallHistory } from '../e2e/small-history.ts'
import { temporaryFolder } from './temporary-folder.ts'

const folder = temporaryFolder()
const nodes: HanseNode[] = []
afterAll(async () => {
  await Promise.all(nodes.map(async (node) => await node.stop()))
})

async function someNode(name: string): Promise<HanseNode> {
  const node = await createNode({ online: false, seeds: { author: seedNamed(name) } })
  nodes.push(node)
  return node
}

const registersOf = (space: Space) => new Map([...space.list()].map(({ path, value }) => [path, value]))

describe('an imported history', () => {
  it('ends as it was recorded, with one signed operation for each commit, at its time', async () => {
    const { history: file, expected } = writeSmallHistory(folder.path)
    const history = readHistory(file)
    const node = await someNode('alice')
    const space = node.createSpace({ name: 'history', timeMs: history.commits[0]?.timeMs ?? 0 })
    const told: number[] = []
    const imported = await importHistory(space, history, {
      owner: node.author,
      onProgress: (done) => void told.push(done),
    })
    expect(imported).toEqual({
      people: history.people,
      commits: history.commits.length,
      written: history.commits.length,
    })
    expect(told.at(-1)).toBe(history.commits.length)
    expect(registersOf(space)).toEqual(new Map(readExpected(expected)))
    const writes = space.log('', 100_000).filter(({ command }) => command === '/op/write')
    expect(writes).toHaveLength(history.commits.length)
    expect(new Set(writes.map(({ author }) => author)).size).toBe(history.people)
    expect(writes.every(({ masked }) => !masked)).toBe(true)
  })

  it('goes on where it was, and the keys are those of this node and this history alone', async () => {
    const { history: file } = writeSmallHistory(folder.path)
    const history = readHistory(file)
    const half = { ...history, commits: history.commits.slice(0, Math.floor(history.commits.length / 2)) }
    const node = await someNode('alice')
    const space = node.createSpace({ name: 'history' })
    await importHistory(space, half, { owner: node.author })
    const count = space.hosted.store.count()
    const rest = await importHistory(space, history, { owner: node.author })
    expect(rest.written).toBe(history.commits.length - half.commits.length)
    expect(space.hosted.store.count()).toBe(count + rest.written)
    const other = { ...history, origin: new Uint8Array(32) }
    const twice = await importHistory(space, other, { owner: node.author })
    expect(twice.written).toBe(history.commits.length)
  })

  it('is not written where the node cannot give rights', async () => {
    const history = readHistory(writeSmallHistory(folder.path).history)
    const owner = await someNode('alice')
    const stranger = await someNode('bob')
    const space = owner.createSpace({ name: 'history' })
    const lines = await Array.fromAsync(space.exchange.operations(), ({ text }) => text)
    const file = folder.file('space.jsonl')
    writeFileSync(file, lines.join(''))
    const { importOperationsFile } = await import('../../src/node/exchange/import-file.ts')
    const { space: copy } = await importOperationsFile(stranger, { file, isNew: true })
    await expect(importHistory(copy, history, { owner: stranger.author })).rejects.toMatchObject({
      code: expect.stringMatching(/^CAP_|NOT_ALLOWED/) as unknown,
    })
    expect(copy.hosted.store.count()).toBe(1)
  })

  it.each([
    ['nothing', ''],
    ['no JSON', 'x'],
    ['another index', '{"i":1,"parents":[],"author":0,"time":1,"changes":[]}'],
    ['a later parent', '{"i":0,"parents":[0],"author":0,"time":1,"changes":[]}'],
    ['a change that is none', '{"i":0,"parents":[],"author":0,"time":1,"changes":[["a",1]]}'],
  ])('is refused with %s', (_what, text) => {
    const file = folder.file('bad.jsonl')
    writeFileSync(file, gzipSync(text))
    expect(() => readHistory(file)).toThrow(expect.objectContaining({ code: 'BAD_HISTORY' }) as Error)
  })
})
