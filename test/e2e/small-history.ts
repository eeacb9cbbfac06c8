import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

/** One commit as the history format has it. */
interface Line {
  readonly i: number
  readonly parents: readonly number[]
  readonly author: number
  readonly time: number
  readonly changes: readonly (readonly [string, string | null])[]
}

/** Where a history was written, and its recorded end. */
export interface SmallHistory {
  readonly history: string
  readonly expected: string
  readonly commits: number
  readonly people: number
}

const PEOPLE = 7
const ROUNDS = 30

/**
 * Writes a history of people who branch and merge: in each round two people write on the same base at once, and a third merges. It
 * has what real ones have: commits that change nothing, a clock that runs backwards, deletions, files deleted on one side and
 * changed on the other. The end is computed by walking the rounds, without any operation.
 */
export function writeSmallHistory(directory: string): SmallHistory {
  const lines: Line[] = []
  const files = new Map<string, string>()
  const hash = (text: string) => Buffer.from(text).toString('hex').padEnd(12, '0').slice(0, 12)
  const commit = (author: number, parents: readonly number[], changes: Line['changes']) => {
    const i = lines.length
    lines.push({ i, parents, author, time: 1_500_000_000 + (i % 5 === 4 ? -1_000 : i * 60), changes })
    return i
  }
  let tip = commit(0, [], [['README.md', hash('r0')]])
  files.set('README.md', hash('r0'))
  for (let round = 1; round <= ROUNDS; round++) {
    const [left, right, merger] = [round % PEOPLE, (round + 2) % PEOPLE, (round + 4) % PEOPLE] as const
    const file = `docs/${round % 4}.md`
    const other = `src/${round}/a.ts`
    const doomed = files.has(file)
    const a = commit(left, [tip], [[file, doomed ? null : hash(`a${round}`)]])
    const b = commit(
      right,
      [tip],
      [
        [file, hash(`b${round}`)],
        [other, hash(`o${round}`)],
      ],
    )
    // Both sides touched the file, so the merge lists it, with what the people settled on; and the file only one side has.
    const settled = round % 3 === 0 ? null : hash(`m${round}`)
    tip = commit(
      merger,
      [a, b],
      [
        [file, settled],
        [other, hash(`o${round}`)],
      ],
    )
    if (settled === null) files.delete(file)
    else files.set(file, settled)
    files.set(other, hash(`o${round}`))
    if (round % 10 === 0) tip = commit(left, [tip], [])
  }
  const history = join(directory, 'small.jsonl.gz')
  const expected = join(directory, 'small.expected.json.gz')
  writeFileSync(history, gzipSync(lines.map((line) => JSON.stringify(line)).join('\n')))
  writeFileSync(expected, gzipSync(JSON.stringify(Object.fromEntries(files))))
  return { history, expected, commits: lines.length, people: new Set(lines.map(({ author }) => author)).size }
}
