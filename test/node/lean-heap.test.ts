import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'

const leanHeap = new URL('../../src/node/lean-heap.ts', import.meta.url).href

/** Keeps things alive through the young generation, as a process under load does, and says what that has grown to. */
const PROGRAM = `
import { getHeapSpaceStatistics } from 'node:v8'
const youngMb = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size / 1024 / 1024
if (process.argv[1] === 'lean') (await import('${leanHeap}')).keepHeapLean()
const atFirst = youngMb()
let kept = []
for (let i = 0; i < 2_000_000; i++) {
  kept.push({ i })
  if (kept.length > 400_000) kept = []
}
console.log(JSON.stringify([atFirst, youngMb()]))`

function youngMb(how: string): readonly number[] {
  const options = ['--no-warnings', '--input-type=module', '--eval', PROGRAM, how]
  return JSON.parse(
    execFileSync(process.execPath, options, { encoding: 'utf8', timeout: 30_000 }),
  ) as number[]
}

test('a lean heap has a young generation of two halves of 4 MiB, and keeps it', () => {
  const [, untouched] = youngMb('as it is')
  expect(untouched).toBeGreaterThan(16)
  const [atFirst, afterwards] = youngMb('lean')
  expect(atFirst).toBe(8)
  // A page more where something large is on its way through.
  expect(afterwards).toBeLessThanOrEqual(9)
})
