import type { Mutant } from '../mutant.ts'

const CONVERGENCE = ['test/core/convergence.test.ts']
const ITEMS = ['test/node/item-types.test.ts']

/** Types of items: how their payloads are read, and what the edits of a cell come to. */
export const ITEM_MUTANTS: readonly Mutant[] = [
  {
    name: 'set-of-the-last-writer',
    rule: 'a tag is gone when its latest addition is removed, whoever else has added it',
    file: 'src/core/types/fold.ts',
    edits: [["set: 'kept'", "set: 'latest'"]],
    tests: [...CONVERGENCE, ...ITEMS],
  },
  {
    name: 'last-claim-holds',
    rule: 'of two claims the later one holds',
    file: 'src/core/types/fold.ts',
    edits: [["return fold === 'first' ? order < 0 : order > 0", 'return order > 0']],
    tests: ['test/core/types/fold.test.ts', ...ITEMS],
  },
  {
    name: 'released-claim-holds',
    rule: 'a claim that was released holds on where an open one came later',
    file: 'src/core/types/fold.ts',
    edits: [["if (fold !== 'latest' && a.removed !== b.removed) return b.removed", '']],
    tests: ['test/core/types/fold.test.ts', ...ITEMS],
  },
  {
    name: 'next-in-line-is-lost',
    rule: 'when the claim that holds is released, nobody holds it, whoever else has claimed it',
    file: 'src/core/types/fold.ts',
    edits: [
      [
        "return fold === 'latest' ? { ...current, removed: true } : 'again'",
        'return { ...current, removed: true }',
      ],
    ],
    tests: ['test/core/types/fold.test.ts', ...CONVERGENCE],
  },
  {
    name: 'tally-loses-digits',
    rule: 'a tally beyond 2^53 - 1 is a number that is about right',
    file: 'src/core/types/fold.ts',
    edits: [
      [
        'encodeCanonical(Number.isSafeInteger(number) ? number : String(tally))',
        'encodeCanonical(Number.isSafeInteger(number) ? number : String(number))',
      ],
    ],
    tests: ['test/core/types/counter.test.ts'],
  },
  {
    name: 'clear-takes-concurrent',
    rule: 'deleting a counter takes back what was counted at the same time',
    file: 'src/node/replica/refolds.ts',
    edits: [['if (now.has(entry)) taken', 'if (clearings.length > 0) taken']],
    tests: [...ITEMS, ...CONVERGENCE],
  },
  {
    name: 'counted-twice',
    rule: 'what is taken back of a counter counts twice',
    file: 'src/core/types/fold.ts',
    edits: [
      [
        'const { id, index, time, lamport } = stamp\n  return { id, index, time, lamport, value: encodeTally(decodeTally(current.value) - taken)',
        'const { id, index, time, lamport } = stamp\n  return { id, index, time, lamport, value: encodeTally(decodeTally(current.value) + taken)',
      ],
    ],
    tests: [...ITEMS, ...CONVERGENCE],
  },
  {
    name: 'late-body-as-if-new',
    rule: 'a body that comes late is folded as if its operation had been admitted last',
    file: 'src/node/replica/materialise.ts',
    edits: [
      [
        'const isLate = entry.ordinal !== store.count() - 1',
        'const isLate = entry.ordinal === store.count()',
      ],
    ],
    tests: [...CONVERGENCE, 'test/effect/change-feed.test.ts'],
  },
  {
    name: 'entries-by-lamport',
    rule: 'a log is in the order of lamport numbers, not of time',
    file: 'src/core/types/log/change.ts',
    edits: [
      [
        '${digits(time, NUMBER_DIGITS)}${digits(lamport, NUMBER_DIGITS)}${toHex(id)}',
        '${digits(lamport, NUMBER_DIGITS)}${digits(time, NUMBER_DIGITS)}${toHex(id)}',
      ],
    ],
    tests: ['test/core/types/log.test.ts', ...CONVERGENCE],
  },
  {
    name: 'entries-can-be-named',
    rule: 'a change of a log may have other keys beside append',
    file: 'src/core/types/log/change.ts',
    edits: [["Object.keys(payload).length !== 1 || !('append' in payload)", "!('append' in payload)"]],
    tests: ['test/core/types/log.test.ts'],
  },
  {
    name: 'slash-in-a-label',
    rule: 'two edges of one item may have one cell',
    file: 'src/core/types/edge/change.ts',
    edits: [["label.includes('/') || ", '']],
    tests: ['test/core/types/edge.test.ts'],
  },
  {
    name: 'members-in-any-order',
    rule: 'one addition to a set has many encodings',
    file: 'src/core/types/set/change.ts',
    edits: [
      [
        'if (i > 0 && compareBytes(utf8(members[i - 1] as string), utf8(member)) >= 0) return null',
        'if (i > members.length) return null',
      ],
    ],
    tests: ['test/core/types/set.test.ts'],
  },
  {
    name: 'unremovable-member',
    rule: 'a set may have a member that no removal can name',
    file: 'src/core/types/set/change.ts',
    edits: [[" && text !== '__proto__'", '']],
    tests: ['test/core/types/set.test.ts'],
  },
]
