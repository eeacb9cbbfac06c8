import type { Mutant } from '../mutant.ts'

/** What a store keeps, and what others read in its file. */
export const STORAGE_MUTANTS: readonly Mutant[] = [
  {
    name: 'half-a-transaction',
    rule: 'a transaction that fails leaves behind what it had done',
    file: 'src/storage/memory-space-store.ts',
    edits: [['this.#log.runBackwards()\n', '']],
    tests: ['test/storage/memory.test.ts'],
  },
  {
    name: 'tail-not-read-again',
    rule: 'where the logs end is forgotten since it was written last, when the file is opened again',
    file: 'src/storage/sqlite/log-ends.ts',
    edits: [['of this.#tail.all(mark))', 'of this.#tail.all(mark).slice(0, 0))']],
    tests: ['test/storage/log-ends.test.ts'],
  },
  {
    name: 'views-without-the-tail',
    rule: 'who reads the file sees the heads as they were written last',
    file: 'src/storage/sqlite/views.ts',
    edits: [[' UNION ALL SELECT ordinal FROM ${tail})', ')']],
    tests: ['test/storage/log-ends.test.ts'],
  },
  {
    name: 'told-before-the-disk',
    rule: 'others are told of an operation while the group that it is synced with is not on disk',
    file: 'src/node/replica/transactions.ts',
    edits: [['      group.tell ??= tell\n', '      tell(group.step)\n']],
    tests: ['test/node/write-together.test.ts'],
  },
  {
    name: 'half-a-group',
    rule: 'a group is kept although one of its transactions has failed halfway',
    file: 'src/node/replica/transactions.ts',
    edits: [['      if (open.failure !== null) throw open.failure.error\n', '']],
    tests: ['test/node/write-together.test.ts'],
  },
  {
    name: 'root-of-a-failed-group',
    rule: 'a state root that was asked for within a group stays where the disk then fails',
    file: 'src/node/replica/replica.ts',
    edits: [['      this.state.forget()\n', '']],
    tests: ['test/node/write-together.test.ts'],
  },
  {
    name: 'clock-of-a-failed-group',
    rule: 'a clock root that was asked for within a group stays where the disk then fails',
    file: 'src/node/replica/replica.ts',
    edits: [['    this.clock.lookUp()\n', '']],
    tests: ['test/node/write-together.test.ts'],
  },
  {
    name: 'changed-but-never-looked-up',
    rule: 'the clock answers with the heads that were asked for last, whoever has written since',
    file: 'src/core/clock.ts',
    edits: [
      [
        '    this.#changed.add(author)\n',
        '    if (!this.#heads.has(toHex(author))) this.#changed.add(author)\n',
      ],
    ],
    tests: ['test/core/clock.test.ts'],
  },
]
