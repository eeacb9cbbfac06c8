import type { Mutant } from '../mutant.ts'

const SCOPE = ['test/sync/read-scope.test.ts']
const PARTIAL = ['test/sync/partial.test.ts', 'test/sync/secrecy.test.ts']
const LINK = ['test/sync/link.test.ts']

/** Who may read what, and who has signed that it holds what (DESIGN §5, §7). */
export const READING_MUTANTS: readonly Mutant[] = [
  {
    name: 'body-sent-unasked',
    rule: 'a body goes along with its header, whoever the peer is',
    file: 'src/core/sync/sender.ts',
    edits: [['operation.body === null || this.#mayShow(operation.header)', 'operation.header !== null']],
    tests: PARTIAL,
  },
  {
    name: 'wanted-body-sent-unasked',
    rule: 'a body that is asked for by its id is queued, whether or not it may be read',
    file: 'src/core/sync/sender.ts',
    edits: [['entry !== undefined && this.#mayShow(entry) ?', 'entry !== undefined ?']],
    tests: PARTIAL,
  },
  {
    name: 'one-token-of-a-chain-reads',
    rule: 'reading asks for one token of a chain, not for all',
    file: 'src/core/sync/read-scope.ts',
    edits: [['chain.every(({ policy })', 'chain.some(({ policy })']],
    tests: SCOPE,
  },
  {
    name: 'expired-reader-reads-on',
    rule: 'a read chain never expires',
    file: 'src/core/sync/read-scope.ts',
    edits: [['fromMs <= nowMs && nowMs <= untilMs', 'fromMs <= nowMs && untilMs !== 0']],
    tests: SCOPE,
  },
  {
    name: 'revoked-reader-reads-on',
    rule: 'revocations do not reach readers',
    file: 'src/core/sync/read-scope.ts',
    edits: [
      [
        'scope.without((chain) => closedBy(chain) !== null)',
        "scope.without((chain) => closedBy(chain) === '')",
      ],
    ],
    tests: SCOPE,
  },
  {
    name: 'limited-reader-in-the-open',
    rule: 'a reader of one path is let in where gossip takes every body to every member',
    file: 'src/core/sync/read-scope.ts',
    edits: [
      ['if (isOpenReading() && !isEverywhere', 'if (!isOpenReading() && !isOpenReading && !isEverywhere'],
    ],
    tests: SCOPE,
  },
  {
    name: 'half-a-prefix',
    rule: 'a policy that allows a path and not what is below it is taken for a prefix',
    file: 'src/core/ucan/path-prefixes.ts',
    edits: [
      ['exactly.size === below.size && [...exactly].every((path) => below.has(path))', 'exactly.size >= 0'],
    ],
    tests: ['test/core/path-prefixes.test.ts'],
  },
  {
    name: 'link-outlives-its-reader',
    rule: 'the right to read is looked at in the handshake and never again',
    file: 'protocols/sync/link-reading.ts',
    edits: [['      else onEnded(still.fault)\n', '']],
    tests: [...LINK, 'test/sync/secrecy.test.ts'],
  },
  {
    name: 'states-not-compared-where-limited',
    rule: 'in sync is said of partial replicas whatever their states',
    file: 'src/core/state/selection-root.ts',
    edits: [['[prefix, rootAt(prefix)]', '[prefix, null]']],
    tests: ['test/sync/partial.test.ts'],
  },
  {
    name: 'unreadable-bodies-are-missed',
    rule: 'a body that is not for this node to read keeps it from being in sync',
    file: 'src/node/space/absent-bodies.ts',
    edits: [['.filter(({ path }) => scope.mayRead(path, nowMs))', '']],
    tests: ['test/sync/partial.test.ts', 'test/node/reading.test.ts'],
  },
  {
    name: 'closed-bodies-gossiped',
    rule: 'gossip takes bodies to every member where reading is closed',
    file: 'src/node/network/gossip.ts',
    edits: [['carriesBodies || isControl(header.command)', 'header !== null']],
    tests: ['test/sync/secrecy.test.ts'],
  },
  {
    name: 'closed-bodies-passed-on',
    rule: 'gossip of others is passed on with a body where reading is closed',
    file: 'src/node/network/gossip-inbox.ts',
    edits: [['this.#space.description()?.openReading === false', 'this.#space.description() === undefined']],
    tests: ['test/sync/secrecy.test.ts'],
  },
  {
    name: 'receipt-not-checked',
    rule: 'a receipt counts whoever has signed it',
    file: 'src/core/sync/receipt.ts',
    edits: [
      [
        'return verify(signature, receiptBytes(expected.spaceId, clockRoot, timeMs), expected.reader)',
        'return verify !== null',
      ],
    ],
    tests: LINK,
  },
  {
    name: 'receipt-for-any-root',
    rule: 'a receipt counts whatever root it is for',
    file: 'src/core/sync/receipt.ts',
    edits: [
      [
        'if (!equalBytes(clockRoot, expected.clockRoot))',
        'if (clockRoot.length !== expected.clockRoot.length)',
      ],
    ],
    tests: LINK,
  },
  {
    name: 'receipt-of-any-day',
    rule: 'an older receipt acknowledges what was written after it',
    file: 'src/node/space/status.ts',
    edits: [['ownSeq !== null && ownSeq >= localSeq', 'ownSeq !== null']],
    tests: ['test/node/reading.test.ts'],
  },
  {
    name: 'storm-asked-for-at-once',
    rule: 'all heads of a forked author are asked for in one round',
    file: 'src/core/sync/head-wants.ts',
    edits: [['?.length ?? 0) < FORKED_HEADS_WANTED_PER_ROUND_MAX)', '?.length ?? 0) >= 0)']],
    tests: ['test/sync/partial.test.ts'],
  },
  {
    name: 'storm-always-in-small-rounds',
    rule: 'a storm is listed anew for every few of its heads, however many arrive',
    file: 'src/core/sync/listing.ts',
    edits: [['const ALLOWANCE_GROWTH = 4', 'const ALLOWANCE_GROWTH = 1']],
    tests: ['test/sync/partial.test.ts'],
  },
  {
    name: 'same-heads-every-round',
    rule: 'heads that never become operations are asked for first in every round',
    file: 'src/core/sync/head-wants.ts',
    edits: [['!this.#askedBefore.has(key)', "key !== ''"]],
    tests: ['test/sync/partial.test.ts'],
  },
]
