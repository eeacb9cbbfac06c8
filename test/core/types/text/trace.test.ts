import { add, createDocument } from './random-text.ts'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { nodesOfTrace, type Trace } from './trace.ts'

const CUT = new URL('./traces/', import.meta.url).pathname
/** A folder with the whole recordings, `*.json.gz`: they are 400 KB and not kept here. */
const WHOLE = process.env['HANSE_TEXT_TRACES']

function read(file: string): Trace {
  const bytes = readFileSync(file)
  return JSON.parse((file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()) as Trace
}

function tracesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => /\.json(\.gz)?$/.test(name))
    .map((name) => join(folder, name))
}

const files = [...tracesIn(CUT), ...(WHOLE === undefined ? [] : tracesIn(WHOLE))]

describe('a recording of typing', () => {
  it.each(files)(
    'ends with the recorded text, forwards and where one author comes after the other: %s',
    (file) => {
      const trace = read(file)
      const nodes = nodesOfTrace(trace)
      const document = createDocument()
      const begin = performance.now()
      for (const node of nodes) add(document, { ...node, isMasked: false })
      expect(document.toString()).toBe(trace.endContent)
      // Microseconds, so that a machine busy with other things does not fail it; a quadratic walker would.
      expect((performance.now() - begin) / nodes.length).toBeLessThan(0.1)

      const late = createDocument()
      const numbers = new Map<number, number>()
      const waiting: number[] = []
      nodes.forEach((_, index) => {
        if (trace.txns[index]?.agent === 1 && waiting.length < 400) waiting.push(index)
        else if (canTake(index)) take(index)
        else {
          for (const before of waiting.splice(0)) take(before)
          take(index)
        }
      })
      for (const index of waiting) take(index)
      expect(late.toString()).toBe(trace.endContent)

      function canTake(index: number): boolean {
        return nodes[index]?.parents.every((parent) => numbers.has(parent)) ?? false
      }
      function take(index: number): void {
        const node = nodes[index]
        if (node === undefined) throw new Error(`no node ${index}`)
        const parents = node.parents.map((parent) => numbers.get(parent) ?? -1)
        numbers.set(index, add(late, { ...node, parents, isMasked: false }))
      }
    },
  )
})
