import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { casesOf } from '../../fuzz/cases.ts'
import { Fuzzer, runOnce } from '../../fuzz/fuzzer.ts'
import { TARGETS } from '../../fuzz/targets/all.ts'

const root = join(import.meta.dirname, '../..')
/** Inputs of the short run in these tests; `npm run fuzz` takes as many as time allows. */
const SMOKE_INPUTS = 400

describe.each(TARGETS.map((target) => [target.name, target] as const))('the decoder %s', (name, target) => {
  test('keeps its promises for valid inputs and mutations of them', async () => {
    const fuzzer = new Fuzzer(target, { seed: 1, coverage: null })
    await fuzzer.run(() => fuzzer.stats.executions >= SMOKE_INPUTS)
    expect(fuzzer.findings).toEqual([])
    expect(fuzzer.stats.executions).toBe(SMOKE_INPUTS)
  })

  test('keeps its promises for every input that once broke one', async () => {
    for (const { name: file, input } of casesOf(name)) {
      const [, reason] = await runOnce(target, input)
      expect([file, reason]).toEqual([file, null])
    }
    expect(TARGETS.filter((other) => other.name === name)).toHaveLength(1)
  })
})

/** Exported functions that read what comes from outside, by their names. */
const READER = /^export (?:async )?function ((?:decode|parse|read|unpack)[A-Z]\w*)/gm
/** Readers that no peer, file or link feeds, with the reason. */
const NOT_FED: Readonly<Record<string, string>> = {
  parseAddress: 'behind resolveConfig',
  readConfigFile: 'opens a file; its text goes to resolveConfig',
  readHistory: 'opens a file; its text goes to parseHistory',
  readExpected: 'the end of a history that the demo is given',
  readFileBytes: 'gives the bytes as they are',
  readUnpacked: 'opens a file; its bytes go to unpackedStream',
  readRows: 'reads the rows of a statement',
  readVersions: 'reads the history of an item in the store',
  readFileHeader: 'test/storage/sqlite-file.test.ts damages files',
  readOperation: 'test/node/verify.test.ts damages files',
  readKey: 'a key file that this node has written',
  readElementRefs: 'behind readRegister and readMap',
  readPeerLog: 'reads the graph',
  readDerived: 'reads what the store of this node holds',
  unpackClaims: 'what this process has packed for a thread of its own',
  parseOperationId: 'an id that its owner typed',
  parsePeer: 'a peer id that its owner typed',
  readFolder: 'files that were made by our own build',
  readChanges: 'reads what the store of this node holds',
  readResource: 'behind parseResourceUri',
}

test('every function that decodes, parses or reads what comes from outside has a target, or a reason why not', () => {
  const targets = sourcesBelow('fuzz/targets').join('\n')
  const readers = [
    'src/core',
    'src/storage',
    'src/node',
    'src/cli/control',
    'src/http',
    'src/mcp',
    'src/peer',
    'protocols',
    'bootstrap',
  ]
    .flatMap(sourcesBelow)
    .flatMap((source) => [...source.matchAll(READER)].map(([, name]) => name as string))
  expect(readers.length).toBeGreaterThan(20)
  const missing = readers.filter((name) => !new RegExp(`\\b${name}\\b`).test(targets) && !(name in NOT_FED))
  expect(missing).toEqual([])
})

function sourcesBelow(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(root, folder, file), 'utf8'))
}
