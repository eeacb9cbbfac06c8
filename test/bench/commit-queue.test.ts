import { describe, expect, it } from 'vitest'
import { CommitQueue } from '../../bench/workloads/history/commit-queue.ts'
import { readRecorded } from '../../bench/workloads/history/recorded.ts'
import { nodeOf } from '../../src/demo/people.ts'

const NODES = 3
const { history } = readRecorded('specs')

describe('the replay of a history over peers', () => {
  it('writes each commit once, at the node of its person, after its parents and the one before of its author', () => {
    const queues = Array.from({ length: NODES }, (_, index) => new CommitQueue(history, index, NODES))
    const written: number[] = []
    const here = queues.map(() => new Set<number>())
    // What is written arrives at the others much later, in the order it was written: as late as there is something else to do.
    const arriving: (readonly [node: number, index: number])[] = []
    const writeAll = (node: number) => {
      const queue = queues[node] as CommitQueue
      for (let commit = queue.next(); commit !== undefined; commit = queue.next()) {
        const { index, author, parents, seq } = commit
        expect(nodeOf(author, NODES)).toBe(node)
        expect(parents.filter((parent) => !here[node]?.has(parent))).toEqual([])
        const before = history.commits.find((one) => one.author === author && one.seq === seq - 1)
        expect(before === undefined || here[node]?.has(before.index)).toBe(true)
        written.push(index)
        here[node]?.add(index)
        queue.note(index)
        for (let other = 0; other < NODES; other++) if (other !== node) arriving.push([other, index])
      }
    }
    for (let node = 0; node < NODES; node++) writeAll(node)
    for (let next = arriving.shift(); next !== undefined; next = arriving.shift()) {
      const [node, index] = next
      here[node]?.add(index)
      queues[node]?.note(index)
      // Twice is once.
      queues[node]?.note(index)
      writeAll(node)
    }
    expect(written.toSorted((a, b) => a - b)).toEqual(history.commits.map(({ index }) => index))
    expect(queues.every(({ isComplete }) => isComplete)).toBe(true)
  })
})
