import { fileURLToPath } from 'node:url'
import { type History, readExpected, readHistory } from '../../../src/node/exchange/history-file.ts'

const OF_DEMO = new URL('../../../src/demo/data/', import.meta.url)
const OF_BENCHMARKS = new URL('../../data/history/', import.meta.url)

/** A recorded history and the files that are there at its end: that of the demo, or one of bench/data/history. */
export function readRecorded(name: string): {
  readonly history: History
  /** Path → hash of what it holds. */
  readonly expected: ReadonlyMap<string, string>
} {
  const folder = name === 'specs' ? OF_DEMO : OF_BENCHMARKS
  return {
    history: readHistory(fileURLToPath(new URL(`${name}.jsonl.gz`, folder))),
    expected: readExpected(fileURLToPath(new URL(`${name}.expected.json.gz`, folder))),
  }
}

/** Whether these are exactly the recorded files. */
export function isAsRecorded(
  shown: ReadonlyMap<string, unknown>,
  expected: ReadonlyMap<string, string>,
): boolean {
  return shown.size === expected.size && [...expected].every(([path, hash]) => shown.get(path) === hash)
}
