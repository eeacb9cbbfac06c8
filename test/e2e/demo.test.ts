import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DemoResult } from '../../src/demo/report.ts'
import { type SmallHistory, writeSmallHistory } from './small-history.ts'

const program = fileURLToPath(new URL('../../src/demo/main.ts', import.meta.url))
const DEMO_TIMEOUT_MS = 180_000

let directory: string
let small: SmallHistory

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'hanse-e2e-'))
  small = writeSmallHistory(directory)
})

afterAll(() => {
  rmSync(directory, { recursive: true, force: true })
})

describe('npm run demo', () => {
  test(
    'replays a history over three nodes and a liar, and every promise holds',
    async () => {
      const ended = await runDemo([
        '--history',
        small.history,
        '--expected',
        small.expected,
        '--nodes',
        '3',
        '--json',
      ])
      const result = resultOf(ended)
      expect(result).toMatchObject({
        ok: true,
        converged: true,
        matchesExpected: true,
        nodes: 3,
        authors: small.people,
        commits: small.commits,
        forksDetected: 4,
        malloryEffectiveOutside: 0,
        killedNodeLost: 0,
      })
      expect(ended.code).toBe(0)
      // Genesis, grants, and what the nodes and mallory published come on top of the commits.
      expect(result.operations).toBeGreaterThan(small.commits)
      expect(result.coldSync.operations).toBeGreaterThan(small.commits)
      expect(result.coldSync.bytes).toBeGreaterThan(0)
      expect(Object.keys(result.refused)).toEqual(
        expect.arrayContaining([
          'BAD_SIGNATURE',
          'CAP_MISSING',
          'CAP_POLICY',
          'LAMPORT',
          'FRAME_TOO_LARGE',
          'NON_CANONICAL',
        ]),
      )
      expect(result.held['FUTURE']).toBeGreaterThan(0)
      expect(result.perNode.map(({ name }) => name)).toEqual(['node-1', 'node-2', 'node-3', 'node-4'])
      expect(new Set(result.perNode.map(({ clockRoot }) => clockRoot))).toEqual(new Set([result.clockRoot]))
      expect(new Set(result.perNode.map(({ stateRoot }) => stateRoot))).toEqual(new Set([result.stateRoot]))
      expect(Object.keys(result).toSorted()).toEqual(
        [
          'ok',
          'converged',
          'matchesExpected',
          'nodes',
          'authors',
          'commits',
          'operations',
          'clockRoot',
          'stateRoot',
          'seconds',
          'operationsPerSecond',
          'coldSync',
          'refused',
          'held',
          'forksDetected',
          'malloryEffectiveOutside',
          'killedNodeLost',
          'peakRssMb',
          'perNode',
        ].toSorted(),
      )
    },
    DEMO_TIMEOUT_MS,
  )

  test(
    'says no, with exit code 1, where the files are not the recorded end state',
    async () => {
      const wrong = join(directory, 'wrong.json.gz')
      const files = JSON.parse(gunzipSync(readFileSync(small.expected)).toString()) as Record<string, string>
      writeFileSync(wrong, gzipSync(JSON.stringify({ ...files, 'README.md': 'ffffffffffff' })))
      const ended = await runDemo(['--history', small.history, '--expected', wrong, '--nodes', '3', '--json'])
      const result = resultOf(ended)
      expect(result).toMatchObject({ ok: false, converged: true, matchesExpected: false })
      expect(ended.code).toBe(1)
    },
    DEMO_TIMEOUT_MS,
  )

  test.for([
    [['--nodes', '2'], /nodes/],
    [['--nodes', 'many'], /nodes/],
    [['--history', 'nowhere.jsonl'], /nowhere\.jsonl/],
    [['--colour'], /--colour/],
  ] as const)('refuses %j with one line and exit code 2', async ([args, said]) => {
    const { code, stdout, stderr } = await runDemo([...args])
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(stderr).toMatch(said)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })

  test('names the line of a history that is not one', async () => {
    const broken = join(directory, 'broken.jsonl')
    writeFileSync(broken, '{"i":0,"parents":[],"author":0,"time":1,"changes":[]}\n{"i":1,"parents":[7]}\n')
    const { code, stderr } = await runDemo(['--history', broken])
    expect(stderr).toMatch(/broken\.jsonl: line 2 is not a commit/)
    expect(code).toBe(2)
  })
})

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** What a run found; where it did not come to an end, the error is what it said last. */
function resultOf({ code, stdout, stderr }: Ended): DemoResult {
  const line = stdout.trimEnd().split('\n').at(-1)
  if (line === undefined || line === '')
    throw new Error(`the demo ended with code ${code} and no result: ${stderr.slice(-2_000)}`)
  return JSON.parse(line) as DemoResult
}

async function runDemo(args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const { promise, resolve } = Promise.withResolvers<number | null>()
  child.once('close', resolve)
  return { code: await promise, stdout, stderr }
}
